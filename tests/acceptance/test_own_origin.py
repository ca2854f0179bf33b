"""Our own origin: its scheme counts too, and a name that is not ours is refused (DNS rebinding)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from tidings.runtime.settings import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.acceptance.problems import check_problem
from tests.driver import Tidings
from tests.web_processes import WebProcess, run_web


@pytest.fixture(scope="module")
async def edge(chosen: Settings, url: str) -> AsyncIterator[WebProcess]:
    """Run an edge with the demonstration page that admits hosts and trusts a proxy."""
    assert url
    async with run_web(
        chosen,
        demo=True,
        allowed_hosts="push.example.org, *.internal.example",
        trusted_proxies="127.0.0.2",
    ) as running:
        yield running


def authority(url: str) -> str:
    return url.removeprefix("http://")


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://{}", 200), ("https://{}", 403), ("http://{}1", 403), ("http://localhost", 403)],
)
async def test_the_scheme_and_the_port_are_part_of_our_own_origin(
    tidings: Tidings, origin: str, status: int
) -> None:
    page = origin.format(authority(tidings.url))

    by_header = await tidings.http.get(
        "/v1/counts", headers={**tidings.headers("alice"), "Origin": page}
    )
    cookie = {"Cookie": f"tidings_token={tidings.token('alice')}", "Origin": page}
    by_cookie = await tidings.http.get("/v1/counts", headers=cookie)

    assert (by_header.status_code, by_cookie.status_code) == (status, status)


@pytest.mark.parametrize("path", ["/", "/v1/counts", "/schema", "/web/client.js"])
async def test_on_a_loopback_address_only_its_names_are_admitted(
    tidings: Tidings, path: str
) -> None:
    port = authority(tidings.url).partition(":")[2]
    for host in ("localhost", "127.0.0.1", "a.localhost", "[::1]", "LOCALHOST."):
        answer = await tidings.http.get(path, headers={"Host": f"{host}:{port}"})
        assert answer.status_code != 421, host
    for host in ("evil.example.org", "127.0.0.1.evil.example.org", "localhost.evil", "10.0.0.1"):
        answer = await tidings.http.get(path, headers={"Host": f"{host}:{port}"})
        assert "TIDINGS_ALLOWED_HOSTS" in check_problem(answer, 421)["detail"]
    probe = await tidings.http.get("/health/ready", headers={"Host": "10.0.0.1"})
    assert probe.status_code == 200


async def test_a_websocket_that_names_another_host_is_refused(tidings: Tidings) -> None:
    address = tidings.url.replace("http", "ws") + "/v1/socket"

    with pytest.raises(InvalidStatus) as refusal:
        async with connect(address, additional_headers={"Host": "evil.example.org"}):
            pass

    assert refusal.value.response.status_code in (400, 421)


async def test_dns_rebinding_does_not_reach_the_sign_in_of_the_demonstration(
    edge: WebProcess,
) -> None:
    rebound = f"evil.example.org:{authority(edge.url).partition(':')[2]}"
    async with httpx.AsyncClient(base_url=edge.url) as http:

        async def sign_in(host: str, **headers: str) -> httpx.Response:
            return await http.post(
                "/demo/sign-in",
                json={"story": "volunteers", "user": "amira"},
                headers={"Host": host, "Origin": f"http://{host}", **headers},
            )

        check_problem(await sign_in(rebound), 421)
        check_problem(await sign_in(rebound, **{"X-Forwarded-Host": "localhost"}), 421)
        assert (await sign_in(authority(edge.url))).status_code == 200


@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("push.example.org", True),
        ("PUSH.example.org.:8000", True),
        ("a.b.internal.example", True),
        ("internal.example", False),
        ("xinternal.example", False),
        ("push.example.org.evil.org", False),
    ],
)
async def test_a_setting_admits_hosts_and_what_lies_below_them(
    edge: WebProcess, host: str, admitted: bool
) -> None:
    async with httpx.AsyncClient(base_url=edge.url) as http:
        answer = await http.get("/", headers={"Host": host})

    assert (answer.status_code == 200) == admitted


async def test_the_host_that_a_trusted_proxy_states_is_the_one_that_counts(
    edge: WebProcess,
) -> None:
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(base_url=edge.url, transport=transport) as http:
        stated = {"Host": "inner", "X-Forwarded-Host": "push.example.org"}
        assert (await http.get("/", headers=stated)).status_code == 200
        stated["X-Forwarded-Host"] = "evil.example.org"
        assert (await http.get("/", headers=stated)).status_code == 421
