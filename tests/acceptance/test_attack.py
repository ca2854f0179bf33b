"""Attacks of strangers: a user of the same edge does not notice, and nothing is opened or lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import pytest
from tidings.runtime.settings import Settings
from websockets.asyncio.client import connect

from tests.acceptance.attack import MEMORY_LIMIT_BYTES, measure
from tests.acceptance.attacker import Target
from tests.acceptance.connections import read_close
from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Tidings
from tests.metrics_page import read_metrics
from tests.waiting import wait_until
from tests.web_processes import WebProcess, run_web

ATTACK_SECONDS = 6.0
NOTICEABLE_SECONDS = 1.0
DESCRIPTORS = 120
WAYS = ("request", "stream", "header", "frame")


async def test_a_user_does_not_notice_an_attack(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    async with run_web(chosen, log=log) as process, make_driver_at(tidings, process.url) as user:
        experience = await measure(user, process, ATTACK_SECONDS)
        await user.emit(make_announcement("alice"))
        await user.wait_for_counts("alice", total=1)
        page = await read_metrics(process.url)

    assert experience.p99_seconds < NOTICEABLE_SECONDS
    assert experience.added_bytes < MEMORY_LIMIT_BYTES
    assert page.value("tidings_connections_aborted_total", reason="frames") > 0
    assert page.value("tidings_connections_refused_total", reason="head_size") > 0
    text = log.read_text()
    assert "Traceback" not in text and len(text.splitlines()) < 50, text[-3000:]


async def test_an_edge_without_descriptors_says_so_and_serves_those_who_are_there(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    async with (
        run_web(
            chosen,
            log=log,
            descriptors=DESCRIPTORS,
            log_level="INFO",
            unauthenticated_per_address=0,
        ) as process,
        make_driver_at(tidings, process.url) as user,
        AsyncExitStack() as strangers,
    ):
        client = await (await user.connect("alice")).live()
        target = Target.of_url(process.url)
        for _ in range(2 * DESCRIPTORS):
            with suppress(ConnectionError):
                await strangers.enter_async_context(target.connection())

        await tidings.emit(make_announcement("alice"))
        await client.until(1)

        async def is_logged() -> bool:
            return "refused: descriptors" in await asyncio.to_thread(log.read_text)

        await wait_until(is_logged)


@pytest.fixture(scope="module")
async def strict_edge(url: str, chosen: Settings) -> AsyncIterator[WebProcess]:
    """Run an edge that admits few requests of strangers."""
    async with run_web(
        chosen, stranger_rate="100/600000", trusted_proxies="127.0.0.0/8"
    ) as process:
        yield process


async def test_requests_without_a_token_are_limited_by_address_and_others_are_not(
    tidings: Tidings, strict_edge: WebProcess
) -> None:
    async with httpx.AsyncClient(
        base_url=strict_edge.url, headers={"X-Forwarded-For": "192.0.2.1"}
    ) as http:
        for _ in range(100):
            assert (await http.get("/health/live")).status_code == 200
        refused = await http.get("/health/live")

        check_problem(refused, 429)
        assert int(refused.headers["retry-after"]) > 0 and refused.headers["connection"] == "close"
        answer = await http.get("/v1/counts", headers=tidings.headers("alice"))
        assert answer.status_code == 200
        other = await http.get("/health/live", headers={"X-Forwarded-For": "192.0.2.2"})
        assert other.status_code == 200


@pytest.mark.parametrize("way", WAYS)
async def test_wrong_tokens_are_limited_by_address(
    tidings: Tidings, strict_edge: WebProcess, way: str
) -> None:
    address = {"X-Forwarded-For": f"198.51.100.{WAYS.index(way)}"}
    wrong = {**address, "Authorization": f"Bearer forged{tidings.token('alice')}"}
    right = {**address, **tidings.headers("alice")}
    async with httpx.AsyncClient(base_url=strict_edge.url) as http:
        for _ in range(10):
            assert (await http.get("/v1/counts", headers=right)).status_code == 200
            await send_wrong_token(tidings, strict_edge, http, way, wrong, address)

        check_problem(await http.get("/v1/counts", headers=wrong), 429)
        assert (await http.get("/v1/counts", headers=right)).status_code == 200
        other = {**wrong, "X-Forwarded-For": "203.0.113.1"}
        check_problem(await http.get("/v1/counts", headers=other), 401)


async def send_wrong_token(
    tidings: Tidings,
    edge: WebProcess,
    http: httpx.AsyncClient,
    way: str,
    wrong: dict[str, str],
    address: dict[str, str],
) -> None:
    """Send a wrong token in this way, and check that it is refused."""
    socket = edge.url.replace("http", "ws") + "/v1/socket"
    match way:
        case "request" | "stream":
            path = "/v1/counts" if way == "request" else "/v1/stream"
            check_problem(await http.get(path, headers=wrong), 401)
        case "header":
            async with connect(socket, additional_headers=wrong) as client:
                assert (await read_close(client))[0] == 4002
        case _:
            async with connect(socket, additional_headers=address) as client:
                await client.send(json.dumps({"type": "auth", "token": "x"}))
                assert (await read_close(client))[0] == 4002
