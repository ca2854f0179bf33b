"""Credentials: every place in which a token is accepted, and those in which it is refused."""

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

from tests.acceptance.connections import (
    SOCKET_WAYS,
    STREAM_WAYS,
    connect_with,
    fetch_ticket,
    open_socket,
    open_stream,
    origin_of,
    read_close,
    read_until,
)
from tests.acceptance.connections import read_refusal as refused_handshake
from tests.acceptance.problems import ONE, check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_event
from tests.driver import Tidings
from tests.web_processes import run_web

pytestmark = pytest.mark.usefixtures("calm")

APP = "https://app.example.org"
OTHER = "https://other.example.org"
EVIL = "https://evil.example.org"


@pytest.mark.parametrize("way", SOCKET_WAYS)
async def test_a_websocket_accepts_a_token_in_each_place(tidings: Tidings, way: str) -> None:
    async with open_socket(tidings, way, tidings.token("alice")) as connection:
        hello = await read_until(connection, "hello")

    assert hello["user"] == "alice"
    assert connection.subprotocol == ("tidings.v1" if way == "subprotocol" else None)
    assert connection.response and "bearer" not in str(connection.response.headers).lower()


@pytest.mark.parametrize("way", STREAM_WAYS)
async def test_an_event_stream_accepts_a_token_in_each_place(tidings: Tidings, way: str) -> None:
    async with open_stream(tidings, way, tidings.token("alice")) as connection:
        assert (await read_until(connection, "hello"))["user"] == "alice"


async def test_a_request_accepts_a_token_in_its_header_or_in_a_cookie_from_its_own_origin(
    tidings: Tidings,
) -> None:
    token = tidings.token()
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Cookie": f"tidings_token={token}", "Origin": origin_of(tidings)},
        {"Cookie": f"tidings_token={token}", "Sec-Fetch-Site": "same-origin"},
    ):
        assert (await tidings.http.get("/v1/counts", headers=headers)).status_code == 200
        body = json.dumps(make_event("user.joined", user_id="a"))
        assert (
            await tidings.http.post(
                "/v1/events", content=body, headers={**headers, "Content-Type": ONE}
            )
        ).status_code == 200


async def test_the_subprotocol_is_also_confirmed_to_a_client_that_authenticates_by_frame(
    tidings: Tidings,
) -> None:
    async with connect_with(tidings, subprotocols=["tidings.v1"]) as connection:
        await connection.send(json.dumps({"type": "auth", "token": tidings.token("alice")}))
        await read_until(connection, "hello")

        assert connection.subprotocol == "tidings.v1"


@pytest.mark.parametrize("way", SOCKET_WAYS[:-1])
async def test_a_bad_token_in_each_place_closes_a_websocket_with_its_code(
    tidings: Tidings, way: str
) -> None:
    for token, code in (
        (tidings.token("alice", seconds=-60), 4002),
        ("forged", 4002),
        (tidings.token("alice", scope="emit"), 4003),
    ):
        async with open_socket(tidings, way, token) as connection:
            close_code, words = await read_close(connection)
            assert (close_code, token in words) == (code, False)


@pytest.mark.parametrize("path", ["/v1/counts", "/v1/log", "/v1/stream", "/v1/notifications"])
async def test_a_token_in_the_url_is_refused_with_where_to_send_it(
    tidings: Tidings, path: str
) -> None:
    token = tidings.token("alice")
    for headers in ({}, tidings.headers("alice")):
        problem = check_problem(
            await tidings.http.get(path, params={"token": token}, headers=headers), 401
        )
        assert "Authorization: Bearer" in problem["detail"] and token not in problem["detail"]

    async with connect_with(tidings, f"?token={token}") as connection:
        code, words = await read_close(connection)
        assert code == 4001 and "Authorization" in words and token not in words


async def test_a_ticket_works_once_across_all_edges(tidings: Tidings, other: Tidings) -> None:
    for first, second in ((tidings, other), (other, tidings)):
        ticket = await fetch_ticket(first, first.token("alice"))
        async with connect_with(first, f"?ticket={ticket}") as connection:
            await read_until(connection, "hello")

            async with connect_with(second, f"?ticket={ticket}") as again:
                assert await read_close(again) == (
                    4002,
                    "the ticket has been used; POST /v1/tickets for a new one",
                )
            check_problem(await second.http.get(f"/v1/stream?ticket={ticket}"), 401)


async def test_one_ticket_used_many_times_at_once_opens_one_connection(
    tidings: Tidings, other: Tidings
) -> None:
    ticket = await fetch_ticket(tidings, tidings.token("alice"))

    async def first_frame_type(edge: Tidings) -> str:
        async with connect_with(edge, f"?ticket={ticket}") as connection:
            return json.loads(await connection.recv())["type"]

    answers = await asyncio.gather(
        *(first_frame_type(edge) for edge in (tidings, other) * 10), return_exceptions=True
    )

    assert answers.count("hello") == 1


async def test_a_ticket_is_for_its_origin_and_for_connections_only(
    driver_with_origins: Tidings,
) -> None:
    response = await driver_with_origins.http.post(
        "/v1/tickets", headers={**driver_with_origins.headers("alice"), "Origin": APP}
    )
    assert response.json()["expires_in_seconds"] == 30
    assert (response.headers["cache-control"], response.headers["content-type"]) == (
        "no-store",
        "application/json",
    )
    app_ticket, ticket = (
        response.json()["ticket"],
        await fetch_ticket(driver_with_origins, driver_with_origins.token("alice")),
    )

    for headers in ({}, {"Origin": OTHER}, {"Origin": driver_with_origins.url}):
        check_problem(
            await driver_with_origins.http.get(f"/v1/stream?ticket={app_ticket}", headers=headers),
            401,
        )
    for path in ("/v1/counts", "/v1/log"):
        assert (
            "ticket opens"
            in check_problem(await driver_with_origins.http.get(f"{path}?ticket={ticket}"), 401)[
                "detail"
            ]
        )
    check_problem(await driver_with_origins.http.post(f"/v1/tickets?ticket={ticket}"), 401)
    check_problem(
        await driver_with_origins.http.post(
            "/v1/tickets", headers=driver_with_origins.headers("alice", scope="emit")
        ),
        403,
    )
    check_problem(await driver_with_origins.http.post("/v1/tickets"), 401)

    async with connect_with(driver_with_origins, f"?ticket={app_ticket}", Origin=APP) as connection:
        await read_until(connection, "hello")


async def test_a_connection_by_ticket_ends_with_the_token_that_bought_the_ticket(
    tidings: Tidings,
) -> None:
    ticket = await fetch_ticket(tidings, tidings.token("alice", seconds=2))

    async with connect_with(tidings, f"?ticket={ticket}") as connection:
        assert await read_close(connection) == (4002, "the token has expired")


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", None])
async def test_a_cookie_sent_from_a_foreign_origin_is_refused(
    tidings: Tidings, origin: str | None
) -> None:
    headers = {
        "Cookie": f"tidings_token={tidings.token('alice')}",
        **({"Origin": origin} if origin else {}),
    }

    for path in ("/v1/stream", "/v1/counts"):
        check_problem(await tidings.http.get(path, headers=headers), 403)
    check_problem(
        await tidings.http.post("/v1/notifications/mark", content=b"{}", headers=headers), 403
    )
    status, words = await refused_handshake(connect_with(tidings, **headers))
    assert (status, ("TIDINGS_ALLOWED_ORIGINS" if origin else "`Origin`") in words) == (403, True)


@pytest.fixture(scope="module")
async def edge_with_origins(chosen: Settings) -> AsyncIterator[str]:
    """Run an edge with a list of allowed origins, and return its URL."""
    async with run_web(chosen, allowed_origins=f"{APP}, {OTHER}") as edge:
        yield edge.url


@pytest.fixture
async def driver_with_origins(tidings: Tidings, edge_with_origins: str) -> AsyncIterator[Tidings]:
    """Return a driver of the same tenant at that edge."""
    async with make_driver_at(tidings, edge_with_origins) as driver:
        yield driver


async def test_only_pages_of_allowed_origins_may_connect(driver_with_origins: Tidings) -> None:
    authorization = driver_with_origins.headers("alice")

    for headers in ({"Origin": APP}, {"Origin": driver_with_origins.url}, {}):
        async with connect_with(driver_with_origins, **headers, **authorization) as connection:
            await read_until(connection, "hello")
    async with connect_with(
        driver_with_origins,
        Origin=APP,
        Cookie=f"tidings_token={driver_with_origins.token('alice')}",
    ) as connection:
        await read_until(connection, "hello")

    assert (
        await refused_handshake(connect_with(driver_with_origins, Origin=EVIL, **authorization))
    )[0] == 403
    check_problem(
        await driver_with_origins.http.get("/v1/stream", headers={"Origin": EVIL, **authorization}),
        403,
    )
    check_problem(
        await driver_with_origins.http.post(
            "/v1/tickets", headers={"Origin": EVIL, **authorization}
        ),
        403,
    )


async def open_everywhere(driver: Tidings, headers: dict[str, str]) -> list[int]:
    """Return the statuses of a socket, an event stream, a request and an event from one page."""
    all_headers = {**headers, **driver.headers("alice")}
    status, _ = await refused_handshake(connect_with(driver, **all_headers))
    async with driver.http.stream("GET", "/v1/stream", headers=all_headers) as stream:
        statuses = [status, stream.status_code]
    request = await driver.http.get("/v1/counts", headers=all_headers)
    event = await driver.http.post(
        "/v1/events",
        json=make_event("user.joined", user_id="a"),
        headers={**all_headers, "Content-Type": ONE},
    )
    return [*statuses, request.status_code, event.status_code]


@pytest.mark.parametrize(
    "page",
    [{"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=str,
)
async def test_one_rule_refuses_foreign_pages_with_and_without_allowed_origins(
    tidings: Tidings, driver_with_origins: Tidings, page: dict[str, str]
) -> None:
    for driver in (tidings, driver_with_origins):
        assert await open_everywhere(driver, page) == [403] * 4
    assert await open_everywhere(tidings, {"Origin": APP}) == [403] * 4


async def test_one_rule_admits_own_pages_allowed_ones_and_clients_without_pages(
    tidings: Tidings, driver_with_origins: Tidings
) -> None:
    for driver in (tidings, driver_with_origins):
        assert await open_everywhere(driver, {}) == [101, 200, 200, 200]
        assert await open_everywhere(driver, {"Origin": driver.url}) == [101, 200, 200, 200]
    assert await open_everywhere(driver_with_origins, {"Origin": APP}) == [101, 200, 200, 200]


@pytest.mark.parametrize("path", ["/v1/counts", "/v1/stream"])
async def test_only_pages_of_allowed_origins_may_read_answers(
    driver_with_origins: Tidings, path: str
) -> None:
    cookie = {"Cookie": f"tidings_token={driver_with_origins.token('alice')}"}
    preflight_headers = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, last-event-id",
    }
    header_counts: set[int] = set()

    for _ in range(3):
        async with driver_with_origins.http.stream(
            "GET", path, headers={"Origin": APP, **cookie}
        ) as answer:
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == APP
            assert answer.headers["access-control-allow-credentials"] == "true"
            header_counts.add(len(answer.headers.raw))
    assert len(header_counts) == 1
    async with driver_with_origins.http.stream(
        "GET", path, headers={"Origin": EVIL, **driver_with_origins.headers("alice")}
    ) as answer:
        assert "access-control-allow-origin" not in answer.headers

    preflight = await driver_with_origins.http.options(
        path, headers={"Origin": APP, **preflight_headers}
    )
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, APP)
    preflight = await driver_with_origins.http.options(
        path, headers={"Origin": EVIL, **preflight_headers}
    )
    assert preflight.status_code == 400 and "access-control-allow-origin" not in preflight.headers


async def test_no_log_contains_a_token_or_a_ticket(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    kinds = ((3600, "inbox emit"), (-60, "inbox"), (3600, "emit"))
    secrets = [tidings.token("alice", seconds=seconds, scope=scope) for seconds, scope in kinds]
    secrets += ["forged." + secrets[0], "x" * 5000]
    log = tmp_path / "log"
    async with (
        run_web(chosen, log=log, allowed_origins=APP, log_level="DEBUG") as edge,
        make_driver_at(tidings, edge.url) as driver,
    ):
        for secret in secrets:
            await use_token_everywhere(driver, secret)
        secrets += await use_as_ticket(driver, secrets[0])

    lines = log.read_text()
    assert '"message":"stopped"' in lines and '"level":"error"' not in lines
    for secret in secrets:
        assert secret[:40] not in lines and secret[-40:] not in lines


async def use_token_everywhere(edge: Tidings, secret: str) -> None:
    """Send a token in every place, including those in which none is accepted."""
    for way in SOCKET_WAYS[:-1]:
        async with suppress_errors(), open_socket(edge, way, secret) as connection:
            await read_until(connection, "hello")
    async with suppress_errors(), open_stream(edge, "header", secret) as events:
        await read_until(events, "hello")
    await edge.http.get(
        "/v1/counts", params={"token": secret}, headers={"Authorization": f"Bearer {secret}"}
    )
    await edge.http.post(
        "/v1/events",
        content=b"{",
        headers={"Authorization": f"Bearer {secret}", "Content-Type": ONE},
    )
    for strange in (
        connect_with(edge, f"?token={secret}", Origin=EVIL, Cookie=f"tidings_token={secret}"),
        connect_with(edge, f"?token={secret}"),
        connect_with(edge, **{"Sec-WebSocket-Protocol": f"tidings.v1, bearer.{secret} nonsense"}),
    ):
        async with suppress_errors(), strange as connection:
            await read_close(connection)


async def use_as_ticket(edge: Tidings, token: str) -> list[str]:
    """Use valid, used and forged tickets on every route, and return the valid ones."""
    tickets = [await fetch_ticket(edge, token) for _ in range(2)]
    for query in (f"?ticket={tickets[0]}", f"?ticket={tickets[0]}", f"?ticket={tickets[1]}x"):
        async with suppress_errors(), connect_with(edge, query) as connection:
            await read_until(connection, "hello")
        await edge.http.get(f"/v1/log{query}")
    return tickets


@asynccontextmanager
async def suppress_errors() -> AsyncIterator[None]:
    """Ignore refusals: only the log is of interest."""
    with suppress(ConnectionClosed, InvalidHandshake, AssertionError, httpx.HTTPError):
        yield
