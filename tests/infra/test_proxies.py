"""Behind each proxy, with our configuration: sockets, streams, cookies, bodies, partitions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import pytest
from tidings.contracts.subjects import Person, Subjects
from tidings.runtime.settings import Settings

from tests.acceptance.connections import connect_with, read_refusal
from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import Client, Tidings
from tests.proxies import CONFIGURATIONS, run_proxy
from tests.web_processes import run_web

HALVES = {"edge-lower": range(8), "edge-upper": range(8, 16)}


@pytest.fixture(scope="module")
async def upstreams(chosen: Settings) -> AsyncIterator[Mapping[str, str]]:
    """Run an edge for each half of the partitions; both are gateways too."""
    async with AsyncExitStack() as stack:
        urls = {
            name: (
                await stack.enter_async_context(
                    run_web(
                        chosen,
                        edge_partitions=",".join(map(str, numbers)),
                        trusted_proxies="127.0.0.1",
                        # Caddy notices only when it writes that the client of a stream has gone.
                        heartbeat_seconds=1,
                    )
                )
            ).url.partition("//")[2]
            for name, numbers in HALVES.items()
        }
        yield {**urls, "gateway": urls["edge-lower"]}


@pytest.fixture(scope="module", params=CONFIGURATIONS)
async def proxy_url(
    request: pytest.FixtureRequest,
    upstreams: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[str]:
    """Run a proxy before the edges; yield its address."""
    async with run_proxy(request.param, tmp_path_factory.mktemp("proxy"), upstreams) as url:
        yield url


@pytest.fixture
async def driver(tidings: Tidings, proxy_url: str) -> AsyncIterator[Tidings]:
    """Return a driver that reaches the edges through a proxy."""
    async with make_driver_at(tidings, proxy_url) as own_driver:
        yield own_driver


def find_user(tenant: str, half: str) -> str:
    """Return a user of the half of the partitions that an edge serves."""
    subjects = Subjects(16)
    names = (f"user-{number}" for number in range(1000))
    return next(
        name for name in names if subjects.partition_of(Person(tenant, name)) in HALVES[half]
    )


async def test_a_page_of_the_proxy_is_an_own_page_at_any_port(driver: Tidings) -> None:
    user = find_user(driver.tenant, "edge-lower")
    statuses = list[int]()
    for origin in (driver.url, "http://127.0.0.1", "https://" + driver.url.partition("//")[2]):
        headers = {"Origin": origin, "Cookie": f"tidings_token={driver.token(user)}"}
        statuses.append((await read_refusal(connect_with(driver, **headers)))[0])
        statuses.append((await driver.http.get("/v1/counts", headers=headers)).status_code)

    assert statuses == [101, 200, 403, 403, 403, 403]


async def test_sockets_and_streams_are_live(driver: Tidings) -> None:
    user = find_user(driver.tenant, "edge-lower")
    stream = await (await driver.stream(user)).live()
    socket = await (await driver.connect(user)).live()

    await driver.emit(make_announcement(user, title="now"))

    for client in (stream, socket):
        assert [entry["title"] for entry in await client.until(1)] == ["now"]


async def test_a_client_is_sent_to_the_edge_of_its_partition(driver: Tidings) -> None:
    user = find_user(driver.tenant, "edge-upper")
    wrong = await driver.http.get("/v1/counts", headers=driver.headers(user))
    partition = check_problem(wrong, 421)["partition"]

    right = await driver.http.get(
        "/v1/counts", params={"partition": partition}, headers=driver.headers(user)
    )

    assert right.status_code == 200
    async with connect_with(
        driver, f"?partition={partition}", Authorization=f"Bearer {driver.token(user)}"
    ) as socket:
        assert json.loads(await socket.recv())["type"] == "hello"


async def test_a_chunked_body_is_passed_on_while_it_is_sent(driver: Tidings) -> None:
    user = find_user(driver.tenant, "edge-lower")
    client: Client = await (await driver.connect(user)).live()
    rest = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        # A thousand lines are stored at once, before the request has ended.
        lines = [make_announcement(user, title=f"{number}") for number in range(1000)]
        yield b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        await rest.wait()

    async with asyncio.TaskGroup() as group:
        request = group.create_task(
            driver.http.post(
                "/v1/events",
                content=body(),
                headers={**driver.headers(), "Content-Type": "application/x-ndjson"},
            )
        )
        await client.until(1)
        is_done = request.done()
        rest.set()

    assert (is_done, request.result().status_code) == (False, 200)
