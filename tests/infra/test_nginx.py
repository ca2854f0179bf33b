"""Behind nginx at a port of its own: which pages are the edge's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.connections import connect_with, fetch_ticket, read_refusal
from tests.acceptance.rooms import make_driver_at
from tests.driver import Tidings
from tests.nginx import run_nginx
from tests.web_processes import run_web

INFRA = Path(__file__).parents[2] / "infra"
LOCATION = """
location / {
    proxy_pass http://backend;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-Proto $scheme;
    HOST
}
"""
SAYS_HOST = "proxy_set_header X-Forwarded-Host $http_host;"


class Edges(NamedTuple):
    """The URLs of an edge that trusts nginx and of one that does not."""

    trusting: str
    other: str


@pytest.fixture(scope="module")
async def edges(chosen: Settings) -> AsyncIterator[Edges]:
    """Run two edges, and return their URLs."""
    async with run_web(chosen, trusted_proxies="127.0.0.1") as edge, run_web(chosen) as other:
        yield Edges(edge.url, other.url)


def location(configuration: str) -> str:
    """Return the first `location /` block of nginx's configuration."""
    start = configuration.index("location / {")
    return configuration[start : configuration.index("}", start) + 1]


async def open_own_page(tidings: Tidings, edge: str, block: str, folder: Path) -> list[int]:
    """Return the statuses of a socket and a request from nginx's own page, and from another one."""
    upstream = edge.partition("//")[2]
    async with (
        run_nginx(folder, {"backend": upstream}, block) as url,
        make_driver_at(tidings, url) as driver,
    ):
        statuses = list[int]()
        for origin in (url, "http://127.0.0.1"):
            headers = {"Origin": origin, "Cookie": f"tidings_token={driver.token('alice')}"}
            statuses.append((await read_refusal(connect_with(driver, **headers)))[0])
            statuses.append((await driver.http.get("/v1/counts", headers=headers)).status_code)
        ticket = await fetch_ticket(driver, driver.token("alice"), None)
        assert (await read_refusal(connect_with(driver, f"?ticket={ticket}")))[0] == 101
        return statuses


async def test_the_own_page_is_admitted_if_a_trusted_nginx_states_its_host(
    tidings: Tidings, edges: Edges, tmp_path: Path
) -> None:
    block = LOCATION.replace("HOST", SAYS_HOST)

    assert await open_own_page(tidings, edges.trusting, block, tmp_path) == [101, 200, 403, 403]


async def test_the_headers_of_an_untrusted_nginx_are_ignored(
    tidings: Tidings, edges: Edges, tmp_path: Path
) -> None:
    block = LOCATION.replace("HOST", SAYS_HOST)

    assert await open_own_page(tidings, edges.other, block, tmp_path) == [403, 403, 101, 200]


async def test_the_own_page_is_admitted_with_the_configuration_of_infra(
    tidings: Tidings, edges: Edges, tmp_path: Path
) -> None:
    configuration = (INFRA / "nginx" / "nginx.conf").read_text()
    block = (
        location(configuration)
        .replace("http://$edge", "http://backend")
        .replace("$connection_upgrade", "upgrade")
    )

    assert SAYS_HOST in block
    assert await open_own_page(tidings, edges.trusting, block, tmp_path) == [101, 200, 403, 403]
