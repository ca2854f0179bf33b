"""Rate limits: a client over its limit learns how long to wait; others are not affected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tidings.runtime.settings import Settings
from websockets.exceptions import ConnectionClosed

from tests.acceptance.connections import (
    connect_with,
    open_socket,
    open_stream,
    read_close,
    read_close_reason,
    read_until,
)
from tests.acceptance.problems import ONE, check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import WAIT_SECONDS, Tidings
from tests.web_processes import run_web

pytestmark = pytest.mark.usefixtures("calm")


@pytest.fixture(scope="module")
async def strict_url(chosen: Settings) -> AsyncIterator[str]:
    """Run an edge with low limits, and return its URL."""
    rates: dict[str, Any] = {
        "request_rate": "3/300",
        "ticket_rate": "1/300",
        "event_rate": "1/300",
        "connect_rate": "2/300",
        "frame_rate": "5/300",
    }
    async with run_web(
        chosen, **rates, trusted_proxies="127.0.0.0/8", connections_per_address=3
    ) as edge:
        yield edge.url


@pytest.fixture
async def edge(tidings: Tidings, strict_url: str) -> AsyncIterator[Tidings]:
    """Return a driver of the same tenant at that edge."""
    async with make_driver_at(tidings, strict_url) as driver:
        yield driver


async def test_answers_state_the_remaining_requests_and_then_how_long_to_wait(
    edge: Tidings,
) -> None:
    for remaining in (2, 1, 0):
        answer = await edge.http.get("/v1/counts", headers=edge.headers("alice"))
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=300'
        assert answer.headers["ratelimit"].startswith(f'"requests";r={remaining};t=')

    answer = await edge.http.get("/v1/log", headers=edge.headers("alice"))

    assert "at most 3 requests in 300 seconds" in check_problem(answer, 429)["detail"]
    assert 60 <= int(answer.headers["retry-after"]) <= 100
    assert answer.headers["ratelimit"].startswith('"requests";r=0;t=')
    assert (await edge.http.get("/v1/counts", headers=edge.headers("bob"))).status_code == 200


ROUTES_OF_ALL_GUARDS = (
    "/v1/counts",
    "/v1/activity",
    "/v1/metrics/hours",
    "/notifications",
    "/api/v1/notifications/unread-count",
)


@pytest.mark.parametrize("first", range(len(ROUTES_OF_ALL_GUARDS)))
async def test_one_person_has_one_allowance_over_all_routes(edge: Tidings, first: int) -> None:
    paths = ROUTES_OF_ALL_GUARDS[first:] + ROUTES_OF_ALL_GUARDS[:first]

    headers = edge.headers("alice", scope="inbox admin")

    answers = [await edge.http.get(path, headers=headers) for path in paths]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    remaining = [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers]
    assert remaining == [f'"requests";r={left}' for left in (2, 1, 0, 0, 0)]


@pytest.mark.parametrize(("path", "name"), [("/v1/tickets", "tickets"), ("/v1/events", "events")])
async def test_tickets_and_events_have_their_own_rates(edge: Tidings, path: str, name: str) -> None:
    headers, body = (
        {**edge.headers("alice"), "Content-Type": ONE},
        json.dumps(make_announcement("alice")),
    )
    answer = await edge.http.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.headers["ratelimit-policy"]) == (200, f'"{name}";q=1;w=300')

    answer = await edge.http.post(path, content=body, headers=headers)

    check_problem(answer, 429)
    assert 250 <= int(answer.headers["retry-after"]) <= 300
    assert (await edge.http.get("/v1/counts", headers=edge.headers("alice"))).status_code == 200


async def test_a_client_that_connects_too_often_is_told_when_to_reconnect(edge: Tidings) -> None:
    for way in (open_socket, open_stream):
        async with way(edge, "header", edge.token("alice")) as connection:
            await read_until(connection, "hello")

    async with open_socket(edge, "frame", edge.token("alice")) as connection:
        code, reason = await read_close_reason(connection)
    answer = await edge.http.get("/v1/stream", headers=edge.headers("alice"))

    assert (code, "at most 2 connects in 300 seconds" in reason.message) == (4105, True)
    assert 100 <= (reason.retry_after_seconds or 0) <= 150
    body = check_problem(answer, 429)
    assert body["retry_after_seconds"] == int(answer.headers["retry-after"])
    assert 100 <= int(answer.headers["retry-after"]) <= 150
    assert answer.headers["ratelimit-policy"] == '"connects";q=2;w=300'
    async with open_socket(edge, "frame", edge.token("bob")) as connection:
        await read_until(connection, "hello")


async def test_a_client_that_sends_too_many_frames_is_closed_and_may_reconnect(
    edge: Tidings,
) -> None:
    async with open_socket(edge, "header", edge.token("alice")) as connection:
        await read_until(connection, "live")
        for _ in range(6):
            await connection.send('{"type":"ping"}')
        code, words = await read_close(connection)
    assert (code, "at most 5 frames in 300 seconds" in words) == (4105, True)

    async with open_socket(edge, "header", edge.token("alice")) as connection:
        await read_until(connection, "live")


async def test_each_address_has_its_own_connection_limit(edge: Tidings) -> None:
    here, there = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "198.51.100.9, 192.0.2.2"}
    async with AsyncExitStack() as stack:
        unauthenticated = await stack.enter_async_context(connect_with(edge, **here))
        for user in ("alice", "bob"):
            await read_until(
                await stack.enter_async_context(connect_with(edge, **here, **edge.headers(user))),
                "hello",
            )

        async with connect_with(edge, **here, **edge.headers("carol")) as fourth:
            assert await read_close(fourth) == (4104, "at most 3 connections from one address")
        check_problem(
            await edge.http.get("/v1/stream", headers={**here, **edge.headers("carol")}), 429
        )
        async with connect_with(edge, **there, **edge.headers("carol")) as elsewhere:
            await read_until(elsewhere, "hello")

        await unauthenticated.close()
        async with asyncio.timeout(WAIT_SECONDS):
            # The edge does not signal that a connection has ended.
            while not await is_admitted(edge, here):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def is_admitted(edge: Tidings, headers: dict[str, str]) -> bool:
    """Return whether a connection gets its first frame."""
    async with connect_with(edge, **headers, **edge.headers("carol")) as connection:
        try:
            return bool(await read_until(connection, "hello"))
        except ConnectionClosed:
            return False


async def test_the_default_limits_allow_normal_use(
    tidings: Tidings,
) -> None:
    for _ in range(50):
        async with open_socket(tidings, "frame", tidings.token("alice")) as connection:
            await read_until(connection, "hello")
        assert (
            await tidings.http.get("/v1/counts", headers=tidings.headers("alice"))
        ).status_code == 200
