"""Credentials: a token is taken wherever a client can put one, and nowhere where it would be seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tidings.runtime.settings import Settings
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.acceptance.company import beside
from tests.acceptance.entrances import (
    SOCKET_WAYS,
    STREAM_WAYS,
    at,
    ended,
    origin_of,
    socket,
    stream,
    ticket,
    until,
)
from tests.acceptance.entrances import refused as refused_handshake
from tests.acceptance.refused import ONE, refused
from tests.driver import Tidings, event
from tests.webs import web

pytestmark = pytest.mark.usefixtures("calm")

APP = "https://app.example.org"
EVIL = "https://evil.example.org"


@pytest.mark.parametrize("way", SOCKET_WAYS)
async def test_a_websocket_takes_a_token_in_each_place(tidings: Tidings, way: str) -> None:
    async with socket(tidings, way, tidings.token("alice")) as opened:
        hello = await until(opened, "hello")

    assert hello["user"] == "alice"
    assert opened.subprotocol == ("tidings.v1" if way == "subprotocol" else None)
    assert "bearer" not in str(opened.response.headers).lower()


@pytest.mark.parametrize("way", STREAM_WAYS)
async def test_an_event_stream_takes_a_token_in_each_place(tidings: Tidings, way: str) -> None:
    async with stream(tidings, way, tidings.token("alice")) as opened:
        assert (await until(opened, "hello"))["user"] == "alice"


async def test_a_request_takes_a_token_in_its_header_or_in_a_cookie_of_a_known_page(
    tidings: Tidings,
) -> None:
    token = tidings.token()
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Cookie": f"tidings_token={token}", "Origin": origin_of(tidings)},
        {"Cookie": f"tidings_token={token}", "Sec-Fetch-Site": "same-origin"},
    ):
        assert (await tidings.http.get("/v1/counts", headers=headers)).status_code == 200
        body = json.dumps(event("user.joined", user_id="a"))
        assert (
            await tidings.http.post(
                "/v1/events", content=body, headers={**headers, "Content-Type": ONE}
            )
        ).status_code == 200


async def test_the_subprotocol_of_a_client_that_authenticates_by_frame_is_answered_too(
    tidings: Tidings,
) -> None:
    async with at(tidings, subprotocols=["tidings.v1"]) as opened:
        await opened.send(json.dumps({"type": "auth", "token": tidings.token("alice")}))
        await until(opened, "hello")

        assert opened.subprotocol == "tidings.v1"


@pytest.mark.parametrize("way", SOCKET_WAYS[:-1])
async def test_a_bad_token_ends_a_websocket_with_its_code_in_each_place(
    tidings: Tidings, way: str
) -> None:
    for token, code in (
        (tidings.token("alice", seconds=-60), 4002),
        ("forged", 4002),
        (tidings.token("alice", scope="emit"), 4003),
    ):
        async with socket(tidings, way, token) as opened:
            found, words = await ended(opened)
            assert (found, token in words) == (code, False)


@pytest.mark.parametrize("path", ["/v1/counts", "/v1/log", "/v1/stream", "/v1/notifications"])
async def test_a_token_in_the_address_is_refused_with_words_on_where_it_goes(
    tidings: Tidings, path: str
) -> None:
    token = tidings.token("alice")
    for headers in ({}, tidings.headers("alice")):
        problem = refused(
            await tidings.http.get(path, params={"token": token}, headers=headers), 401
        )
        assert "Authorization: Bearer" in problem["detail"] and token not in problem["detail"]

    async with at(tidings, f"?token={token}") as opened:
        code, words = await ended(opened)
        assert code == 4001 and "Authorization" in words and token not in words


async def test_a_ticket_works_once_over_all_edges(tidings: Tidings, other: Tidings) -> None:
    for first, second in ((tidings, other), (other, tidings)):
        issued = await ticket(first, first.token("alice"))
        async with at(first, f"?ticket={issued}") as opened:
            await until(opened, "hello")

            async with at(second, f"?ticket={issued}") as again:
                assert await ended(again) == (
                    4002,
                    "the ticket has been used; POST /v1/tickets for a new one",
                )
            refused(await second.http.get(f"/v1/stream?ticket={issued}"), 401)


async def test_of_a_crowd_that_shows_one_ticket_at_once_one_comes_in(
    tidings: Tidings, other: Tidings
) -> None:
    issued = await ticket(tidings, tidings.token("alice"))

    async def tried(edge: Tidings) -> str:
        async with at(edge, f"?ticket={issued}") as opened:
            return json.loads(await opened.recv())["type"]

    answers = await asyncio.gather(
        *(tried(edge) for edge in (tidings, other) * 10), return_exceptions=True
    )

    assert answers.count("hello") == 1


async def test_a_ticket_is_for_its_origin_and_for_connections_only(tidings: Tidings) -> None:
    response = await tidings.http.post(
        "/v1/tickets", headers={**tidings.headers("alice"), "Origin": APP}
    )
    assert response.json()["expires_in_seconds"] == 30
    assert (response.headers["cache-control"], response.headers["content-type"]) == (
        "no-store",
        "application/json",
    )
    foreign, own = response.json()["ticket"], await ticket(tidings, tidings.token("alice"))

    for headers in ({}, {"Origin": "https://evil.example.org"}, {"Origin": tidings.url}):
        refused(await tidings.http.get(f"/v1/stream?ticket={foreign}", headers=headers), 401)
    for path in ("/v1/counts", "/v1/log"):
        assert (
            "ticket opens" in refused(await tidings.http.get(f"{path}?ticket={own}"), 401)["detail"]
        )
    refused(await tidings.http.post(f"/v1/tickets?ticket={own}"), 401)
    refused(
        await tidings.http.post("/v1/tickets", headers=tidings.headers("alice", scope="emit")), 403
    )
    refused(await tidings.http.post("/v1/tickets"), 401)

    async with at(tidings, f"?ticket={foreign}", Origin=APP) as opened:
        await until(opened, "hello")


async def test_a_connection_by_ticket_ends_when_the_token_behind_it_does(tidings: Tidings) -> None:
    issued = await ticket(tidings, tidings.token("alice", seconds=2))

    async with at(tidings, f"?ticket={issued}") as opened:
        assert await ended(opened) == (4002, "the token has expired")


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", None])
async def test_a_cookie_of_a_foreign_page_opens_nothing(
    tidings: Tidings, origin: str | None
) -> None:
    headers = {
        "Cookie": f"tidings_token={tidings.token('alice')}",
        **({"Origin": origin} if origin else {}),
    }

    for path in ("/v1/stream", "/v1/counts"):
        refused(await tidings.http.get(path, headers=headers), 403)
    refused(await tidings.http.post("/v1/notifications/mark", content=b"{}", headers=headers), 403)
    status, words = await refused_handshake(at(tidings, **headers))
    assert status == 403 and "Origin" in words


@pytest.fixture(scope="module")
async def listing(chosen: Settings) -> AsyncIterator[str]:
    """Where an edge with a list of origins answers."""
    async with web(chosen, allowed_origins=f"{APP}, https://other.example.org") as edge:
        yield edge.url


@pytest.fixture
async def listed(tidings: Tidings, listing: str) -> AsyncIterator[Tidings]:
    """The same tenant there."""
    async with beside(tidings, listing) as driver:
        yield driver


async def test_with_a_list_of_origins_only_their_pages_may_connect(listed: Tidings) -> None:
    authorization = listed.headers("alice")

    for headers in ({"Origin": APP}, {"Origin": listed.url}, {}):
        async with at(listed, **headers, **authorization) as opened:
            await until(opened, "hello")
    async with at(listed, Origin=APP, Cookie=f"tidings_token={listed.token('alice')}") as opened:
        await until(opened, "hello")

    assert (await refused_handshake(at(listed, Origin=EVIL, **authorization)))[0] == 403
    refused(await listed.http.get("/v1/stream", headers={"Origin": EVIL, **authorization}), 403)
    refused(await listed.http.post("/v1/tickets", headers={"Origin": EVIL, **authorization}), 403)


@pytest.mark.parametrize("path", ["/v1/counts", "/v1/stream"])
async def test_only_listed_pages_may_read_answers(listed: Tidings, path: str) -> None:
    cookie = {"Cookie": f"tidings_token={listed.token('alice')}"}
    asked = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, last-event-id",
    }
    counted: set[int] = set()

    for _ in range(3):
        async with listed.http.stream("GET", path, headers={"Origin": APP, **cookie}) as answer:
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == APP
            assert answer.headers["access-control-allow-credentials"] == "true"
            counted.add(len(answer.headers.raw))
    assert len(counted) == 1
    async with listed.http.stream(
        "GET", path, headers={"Origin": EVIL, **listed.headers("alice")}
    ) as answer:
        assert "access-control-allow-origin" not in answer.headers

    preflight = await listed.http.options(path, headers={"Origin": APP, **asked})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, APP)
    preflight = await listed.http.options(path, headers={"Origin": EVIL, **asked})
    assert preflight.status_code == 400 and "access-control-allow-origin" not in preflight.headers


async def test_no_token_and_no_ticket_stands_in_a_log_whatever_became_of_it(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    kinds = ((3600, "inbox emit"), (-60, "inbox"), (3600, "emit"))
    secrets = [tidings.token("alice", seconds=seconds, scope=scope) for seconds, scope in kinds]
    secrets += ["forged." + secrets[0], "x" * 5000]
    log = tmp_path / "log"
    async with (
        web(chosen, log=log, allowed_origins=APP, log_level="DEBUG") as edge,
        beside(tidings, edge.url) as driver,
    ):
        for secret in secrets:
            await used_everywhere(driver, secret)
        secrets += await used_as_ticket(driver, secrets[0])

    told = log.read_text()
    assert '"message":"stopped"' in told and '"level":"error"' not in told
    for secret in secrets:
        assert secret[:40] not in told and secret[-40:] not in told


async def used_everywhere(edge: Tidings, secret: str) -> None:
    """Show a token, good or bad, in every place, those too where none belongs."""
    for way in SOCKET_WAYS[:-1]:
        async with suppressed(), socket(edge, way, secret) as opened:
            await until(opened, "hello")
    async with suppressed(), stream(edge, "header", secret) as events:
        await until(events, "hello")
    await edge.http.get(
        "/v1/counts", params={"token": secret}, headers={"Authorization": f"Bearer {secret}"}
    )
    await edge.http.post(
        "/v1/events",
        content=b"{",
        headers={"Authorization": f"Bearer {secret}", "Content-Type": ONE},
    )
    for strange in (
        at(edge, f"?token={secret}", Origin=EVIL, Cookie=f"tidings_token={secret}"),
        at(edge, f"?token={secret}"),
        at(edge, **{"Sec-WebSocket-Protocol": f"tidings.v1, bearer.{secret} nonsense"}),
    ):
        async with suppressed(), strange as opened:
            await ended(opened)


async def used_as_ticket(edge: Tidings, token: str) -> list[str]:
    """Show tickets, good, used and forged, wherever a ticket might be shown."""
    issued = [await ticket(edge, token) for _ in range(2)]
    for query in (f"?ticket={issued[0]}", f"?ticket={issued[0]}", f"?ticket={issued[1]}x"):
        async with suppressed(), at(edge, query) as opened:
            await until(opened, "hello")
        await edge.http.get(f"/v1/log{query}")
    return issued


@asynccontextmanager
async def suppressed() -> AsyncIterator[None]:
    """Whatever comes of it."""
    with suppress(ConnectionClosed, InvalidHandshake, AssertionError, httpx.HTTPError):
        yield
