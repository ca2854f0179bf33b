"""Credentials: a token is taken wherever a client can put one, and nowhere where it would be seen."""

from __future__ import annotations

import asyncio
import json

import pytest

from services.runtime.process import Runtime
from services.runtime.settings import Settings
from tests.acceptance.entrances import SOCKET_WAYS, STREAM_WAYS, at, ended, origin_of, socket, stream, ticket, until
from tests.acceptance.entrances import refused as refused_handshake
from tests.acceptance.refused import ONE, refused
from tests.driver import Tidings, event
from tests.web import web

pytestmark = pytest.mark.usefixtures("calm")

APP = "https://app.example.org"


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


async def test_a_request_takes_a_token_in_its_header_or_in_a_cookie_of_a_known_page(tidings: Tidings) -> None:
    token = tidings.token()
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Cookie": f"tidings_token={token}", "Origin": origin_of(tidings)},
        {"Cookie": f"tidings_token={token}", "Sec-Fetch-Site": "same-origin"},
    ):
        assert (await tidings.http.get("/v1/counts", headers=headers)).status_code == 200
        body = json.dumps(event("user.joined", user_id="a"))
        assert (await tidings.http.post("/v1/events", content=body, headers={**headers, "Content-Type": ONE})).status_code == 200


async def test_the_subprotocol_of_a_client_that_authenticates_by_frame_is_answered_too(tidings: Tidings) -> None:
    async with at(tidings, subprotocols=["tidings.v1"]) as opened:
        await opened.send(json.dumps({"type": "auth", "token": tidings.token("alice")}))
        await until(opened, "hello")

        assert opened.subprotocol == "tidings.v1"


@pytest.mark.parametrize("way", SOCKET_WAYS[:-1])
async def test_a_bad_token_ends_a_websocket_with_its_code_in_each_place(tidings: Tidings, way: str) -> None:
    for token, code in (
        (tidings.token("alice", seconds=-60), 4002),
        ("forged", 4002),
        (tidings.token("alice", scope="emit"), 4003),
    ):
        async with socket(tidings, way, token) as opened:
            found, words = await ended(opened)
            assert (found, token in words) == (code, False)


@pytest.mark.parametrize("path", ["/v1/counts", "/v1/log", "/v1/stream", "/v1/notifications"])
async def test_a_token_in_the_address_is_refused_with_words_on_where_it_goes(tidings: Tidings, path: str) -> None:
    token = tidings.token("alice")
    for headers in ({}, tidings.headers("alice")):
        problem = refused(await tidings.http.get(path, params={"token": token}, headers=headers), 401)
        assert "Authorization: Bearer" in problem["detail"] and token not in problem["detail"]

    async with at(tidings, f"?token={token}") as opened:
        code, words = await ended(opened)
        assert code == 4001 and "Authorization" in words and token not in words


async def test_a_ticket_works_once_over_all_edges(tidings: Tidings, chosen: Settings, runtime: Runtime) -> None:
    async with web(chosen) as other_edge, Tidings(other_edge.url, runtime, tidings.tenant) as other:
        for first, second in ((tidings, other), (other, tidings)):
            issued = await ticket(first, first.token("alice"))
            async with at(first, f"?ticket={issued}") as opened:
                await until(opened, "hello")

                async with at(second, f"?ticket={issued}") as again:
                    assert await ended(again) == (4002, "the ticket has been used; POST /v1/tickets for a new one")
                refused(await second.http.get(f"/v1/stream?ticket={issued}"), 401)


async def test_of_a_crowd_that_shows_one_ticket_at_once_one_comes_in(tidings: Tidings, chosen: Settings, runtime: Runtime) -> None:
    async with web(chosen) as other_edge, Tidings(other_edge.url, runtime, tidings.tenant) as other:
        issued = await ticket(tidings, tidings.token("alice"))

        async def tried(edge: Tidings) -> str:
            async with at(edge, f"?ticket={issued}") as opened:
                return json.loads(await opened.recv())["type"]

        answers = await asyncio.gather(*(tried(edge) for edge in (tidings, other) * 10), return_exceptions=True)

    assert answers.count("hello") == 1


async def test_a_ticket_is_for_its_origin_its_seconds_and_connections_only(tidings: Tidings, chosen: Settings, runtime: Runtime) -> None:
    async with web(chosen, ticket_seconds=1) as edge, Tidings(edge.url, runtime, tidings.tenant) as quick:
        response = await quick.http.post("/v1/tickets", headers={**quick.headers("alice"), "Origin": APP})
        assert response.json()["expires_in_seconds"] == 1
        assert (response.headers["cache-control"], response.headers["content-type"]) == ("no-store", "application/json")
        foreign = response.json()["ticket"]
        for headers in ({}, {"Origin": "https://evil.example.org"}, {"Origin": quick.url}):
            refused(await quick.http.get(f"/v1/stream?ticket={foreign}", headers=headers), 401)
        late = await ticket(quick, quick.token("alice"))
        for path in ("/v1/counts", "/v1/log"):
            assert "ticket opens" in refused(await quick.http.get(f"{path}?ticket={late}"), 401)["detail"]
        refused(await quick.http.post(f"/v1/tickets?ticket={late}"), 401)
        refused(await quick.http.post("/v1/tickets", headers=quick.headers("alice", scope="emit")), 403)
        refused(await quick.http.post("/v1/tickets"), 401)
        async with at(quick, f"?ticket={foreign}", Origin=APP) as opened:
            await until(opened, "hello")

        await asyncio.sleep(2.1)
        refused(await quick.http.get(f"/v1/stream?ticket={late}"), 401)


async def test_a_connection_by_ticket_ends_when_the_token_behind_it_does(tidings: Tidings) -> None:
    issued = await ticket(tidings, tidings.token("alice", seconds=2))

    async with at(tidings, f"?ticket={issued}") as opened:
        assert await ended(opened) == (4002, "the token has expired")


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", None])
async def test_a_cookie_of_a_foreign_page_opens_nothing(tidings: Tidings, origin: str | None) -> None:
    headers = {"Cookie": f"tidings_token={tidings.token('alice')}", **({"Origin": origin} if origin else {})}

    for path in ("/v1/stream", "/v1/counts"):
        refused(await tidings.http.get(path, headers=headers), 403)
    refused(await tidings.http.post("/v1/notifications/mark", content=b"{}", headers=headers), 403)
    status, words = await refused_handshake(at(tidings, **headers))
    assert status == 403 and "Origin" in words


async def test_with_a_list_of_origins_only_their_pages_may_connect_and_read_answers(
    tidings: Tidings, chosen: Settings, runtime: Runtime
) -> None:
    async with (
        web(chosen, allowed_origins=f"{APP}, https://other.example.org") as edge,
        Tidings(edge.url, runtime, tidings.tenant) as listed,
    ):
        token = listed.token("alice")
        for headers in ({"Origin": APP}, {"Origin": edge.url}, {}):
            async with at(listed, **headers, Authorization=f"Bearer {token}") as opened:
                await until(opened, "hello")
        assert (await refused_handshake(at(listed, Origin="https://evil.example.org", Authorization=f"Bearer {token}")))[0] == 403
        refused(await listed.http.get("/v1/stream", headers={**listed.headers("alice"), "Origin": "https://evil.example.org"}), 403)

        async with at(listed, Origin=APP, Cookie=f"tidings_token={token}") as opened:
            await until(opened, "hello")
        for path in ("/v1/counts", "/v1/stream"):
            async with listed.http.stream("GET", path, headers={"Origin": APP, "Cookie": f"tidings_token={token}"}) as answer:
                assert answer.status_code == 200
                assert answer.headers["access-control-allow-origin"] == APP
                assert answer.headers["access-control-allow-credentials"] == "true"
            foreign = {**listed.headers("alice"), "Origin": "https://evil.example.org"}
            async with listed.http.stream("GET", path, headers=foreign) as answer:
                assert "access-control-allow-origin" not in answer.headers
            asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization, last-event-id"}
            preflight = await listed.http.options(path, headers={"Origin": APP, **asked})
            assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, APP)
            preflight = await listed.http.options(path, headers={"Origin": "https://evil.example.org", **asked})
            assert preflight.status_code == 400 and "access-control-allow-origin" not in preflight.headers


async def test_many_answers_to_other_origins_do_not_grow_one_another(tidings: Tidings, chosen: Settings, runtime: Runtime) -> None:
    async with web(chosen, allowed_origins=APP) as edge, Tidings(edge.url, runtime, tidings.tenant) as listed:
        counted: set[int] = set()
        for _ in range(3):
            async with listed.http.stream("GET", "/v1/stream", headers={**listed.headers("alice"), "Origin": APP}) as answer:
                counted.add(len(answer.headers.raw))

    assert len(counted) == 1
