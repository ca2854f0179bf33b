"""Rates: whoever does too much in too short a time is told how long to wait, and nobody else is bothered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tidings.runtime.settings import Settings
from websockets.exceptions import ConnectionClosed

from tests.acceptance.company import beside
from tests.acceptance.entrances import at, ended, socket, stream, until
from tests.acceptance.refused import ONE, refused
from tests.driver import WAIT_SECONDS, Tidings, hello_to
from tests.webs import web

pytestmark = pytest.mark.usefixtures("calm")


@pytest.fixture(scope="module")
async def strict_url(chosen: Settings) -> AsyncIterator[str]:
    """An edge with limits that are soon reached."""
    rates = {
        "request_rate": "3/300",
        "ticket_rate": "1/300",
        "event_rate": "1/300",
        "connect_rate": "2/300",
        "frame_rate": "5/300",
    }
    async with web(
        chosen, **rates, trusted_proxies="127.0.0.0/8", connections_per_address=3
    ) as edge:
        yield edge.url


@pytest.fixture
async def edge(tidings: Tidings, strict_url: str) -> AsyncIterator[Tidings]:
    """The same tenant there."""
    async with beside(tidings, strict_url) as driver:
        yield driver


async def test_requests_say_what_is_left_and_beyond_it_how_long_to_wait(edge: Tidings) -> None:
    for left in (2, 1, 0):
        answer = await edge.http.get("/v1/counts", headers=edge.headers("alice"))
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=300'
        assert answer.headers["ratelimit"].startswith(f'"requests";r={left};t=')

    answer = await edge.http.get("/v1/log", headers=edge.headers("alice"))

    assert "at most 3 requests in 300 seconds" in refused(answer, 429)["detail"]
    assert 60 <= int(answer.headers["retry-after"]) <= 100
    assert answer.headers["ratelimit"].startswith('"requests";r=0;t=')
    assert (await edge.http.get("/v1/counts", headers=edge.headers("bob"))).status_code == 200


@pytest.mark.parametrize(("path", "name"), [("/v1/tickets", "tickets"), ("/v1/events", "events")])
async def test_tickets_and_events_have_rates_of_their_own(
    edge: Tidings, path: str, name: str
) -> None:
    headers, body = {**edge.headers("alice"), "Content-Type": ONE}, json.dumps(hello_to("alice"))
    answer = await edge.http.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.headers["ratelimit-policy"]) == (200, f'"{name}";q=1;w=300')

    answer = await edge.http.post(path, content=body, headers=headers)

    refused(answer, 429)
    assert 250 <= int(answer.headers["retry-after"]) <= 300
    assert (await edge.http.get("/v1/counts", headers=edge.headers("alice"))).status_code == 200


async def test_whoever_connects_too_often_is_told_when_to_come_back(edge: Tidings) -> None:
    for way in (socket, stream):
        async with way(edge, "header", edge.token("alice")) as opened:
            await until(opened, "hello")

    async with socket(edge, "frame", edge.token("alice")) as opened:
        code, words = await ended(opened)
    answer = await edge.http.get("/v1/stream", headers=edge.headers("alice"))

    assert (code, "at most 2 connects in 300 seconds; come back in 1" in words) == (4105, True)
    refused(answer, 429)
    assert 100 <= int(answer.headers["retry-after"]) <= 150
    assert answer.headers["ratelimit-policy"] == '"connects";q=2;w=300'
    async with socket(edge, "frame", edge.token("bob")) as opened:
        await until(opened, "hello")


async def test_whoever_sends_too_many_frames_is_ended_and_may_come_back(edge: Tidings) -> None:
    async with socket(edge, "header", edge.token("alice")) as opened:
        await until(opened, "live")
        for _ in range(6):
            await opened.send('{"type":"ping"}')
        code, words = await ended(opened)
    assert (code, "at most 5 frames in 300 seconds" in words) == (4105, True)

    async with socket(edge, "header", edge.token("alice")) as opened:
        await until(opened, "live")


async def test_an_address_may_have_so_many_connections_and_another_its_own(edge: Tidings) -> None:
    here, there = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "198.51.100.9, 192.0.2.2"}
    async with AsyncExitStack() as stack:
        unauthenticated = await stack.enter_async_context(at(edge, **here))
        for user in ("alice", "bob"):
            await until(
                await stack.enter_async_context(at(edge, **here, **edge.headers(user))), "hello"
            )

        async with at(edge, **here, **edge.headers("carol")) as fourth:
            assert await ended(fourth) == (4104, "at most 3 connections from one address")
        refused(await edge.http.get("/v1/stream", headers={**here, **edge.headers("carol")}), 429)
        async with at(edge, **there, **edge.headers("carol")) as elsewhere:
            await until(elsewhere, "hello")

        await unauthenticated.close()
        async with asyncio.timeout(WAIT_SECONDS):
            while not await came_in(edge, here):  # noqa: ASYNC110  the edge says nothing of who left
                await asyncio.sleep(0.05)


async def came_in(edge: Tidings, headers: dict[str, str]) -> bool:
    """Whether a connection gets its first frame."""
    async with at(edge, **headers, **edge.headers("carol")) as opened:
        try:
            return bool(await until(opened, "hello"))
        except ConnectionClosed:
            return False


async def test_the_limits_that_come_with_the_house_bother_nobody_who_behaves(
    tidings: Tidings,
) -> None:
    for _ in range(50):
        async with socket(tidings, "frame", tidings.token("alice")) as opened:
            await until(opened, "hello")
        assert (
            await tidings.http.get("/v1/counts", headers=tidings.headers("alice"))
        ).status_code == 200
