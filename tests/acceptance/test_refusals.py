"""Refusals of the dialects: at the handshake, unless the product documents a close code."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from tidings.runtime.settings import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response

from tests.acceptance.connections import connect_with, read_close, read_until
from tests.acceptance.frontends import (
    CHAT,
    FIELD_SERVICE,
    INCIDENTS,
    SOCKETS,
    FrontEnd,
    open_front_end,
)
from tests.acceptance.problems import check_problem
from tests.acceptance.rooms import make_driver_at
from tests.builders import make_announcement
from tests.driver import WAIT_SECONDS, Tidings
from tests.tokens import sign_token
from tests.web_processes import run_web

pytestmark = pytest.mark.usefixtures("calm")

EVIL = "https://evil.example.org"
FAULTS = {
    "no token": ("", 401, 4001),
    "forged": ("forged", 401, 4002),
    "expired": ({"seconds": -60}, 401, 4002),
    "without the scope": ({"scope": "emit"}, 403, 4003),
}


async def refusal_of(
    tidings: Tidings, path: str, token: str, headers: dict[str, str] | None = None
) -> Response:
    """Return the response that refuses a handshake."""
    address = f"{tidings.url.replace('http', 'ws')}{path}?token={token}"
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(address, additional_headers=headers):
            pass
    return refusal.value.response


def check_refusal(response: Response, status: int) -> dict[str, Any]:
    """Check that a handshake was refused with a problem document, and return the document."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in response.headers) == (status in (429, 503))
    assert ("www-authenticate" in response.headers) == (status == 401)
    body = json.loads(response.body or b"")
    assert body["status"] == status and body["detail"]
    return body


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("path", SOCKETS)
async def test_a_faulty_token_is_refused_as_the_product_documents(
    tidings: Tidings, path: str, fault: str
) -> None:
    made, status, code = FAULTS[fault]
    token = made if isinstance(made, str) else tidings.token("alice", **made)

    if path == INCIDENTS:
        async with open_front_end(tidings, path, token=token) as page:
            assert await page.read_close_code() == code
            assert page.heard == []
    else:
        check_refusal(await refusal_of(tidings, path, token), status)


@pytest.mark.parametrize("path", SOCKETS)
async def test_one_tab_too_many_is_refused_at_the_handshake_until_another_one_closes(
    tidings: Tidings, path: str
) -> None:
    limit = tidings.runtime.settings.connections_per_user
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(open_front_end(tidings, path)) for _ in range(limit)
        ]

        body = check_refusal(await refusal_of(tidings, path, tidings.token("alice")), 429)
        assert body["detail"] == f"at most {limit} connections for one user"
        async with open_front_end(tidings, path, "bob") as page_of_another_user:
            await page_of_another_user.read_pending()

        await pages[0].socket.close()
        async with asyncio.timeout(WAIT_SECONDS):
            # The edge does not signal that a connection has ended.
            while not await is_admitted(tidings, path):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for page in pages[1:]:
            await page.read_pending()


async def is_admitted(tidings: Tidings, path: str) -> bool:
    """Return whether a page of alice passes its handshake."""
    try:
        async with open_front_end(tidings, path) as page:
            await page.read_pending()
            return True
    except InvalidStatus:
        return False


async def test_exactly_as_many_tabs_as_allowed_are_admitted_at_once(
    tidings: Tidings,
) -> None:
    limit = tidings.runtime.settings.connections_per_user
    release = asyncio.Event()

    async def open_page() -> bool:
        try:
            async with open_front_end(tidings, CHAT) as page:
                await page.read_pending()
                await release.wait()
                return True
        except InvalidStatus as refusal:
            assert refusal.response.status_code == 429
            return False

    attempts = [asyncio.create_task(open_page()) for _ in range(4 * limit)]
    async with asyncio.timeout(WAIT_SECONDS):
        while sum(attempt.done() for attempt in attempts) < 3 * limit:
            await asyncio.wait(attempts, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
    release.set()

    assert (await asyncio.gather(*attempts)).count(True) == limit


async def test_all_protocols_count_against_one_limit_and_each_refuses_in_its_own_way(
    tidings: Tidings,
) -> None:
    limit = tidings.runtime.settings.connections_per_user
    authorization = tidings.headers("alice")
    async with AsyncExitStack() as stack:
        for number in range(limit):
            if number % 2:
                page = await stack.enter_async_context(open_front_end(tidings, CHAT))
                await page.read_pending()
            else:
                canonical = await stack.enter_async_context(connect_with(tidings, **authorization))
                await read_until(canonical, "hello")

        check_refusal(await refusal_of(tidings, FIELD_SERVICE, tidings.token("alice")), 429)
        async with connect_with(tidings, **authorization) as one_more:
            assert await read_close(one_more) == (
                4104,
                f"at most {limit} connections for one user",
            )


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_foreign_page_is_refused_at_the_handshake(tidings: Tidings, path: str) -> None:
    token = tidings.token("alice")

    check_refusal(await refusal_of(tidings, path, token, {"Origin": EVIL}), 403)
    async with connect(
        f"{tidings.url.replace('http', 'ws')}{path}?token={token}",
        additional_headers={"Origin": tidings.url},
    ) as own:
        await FrontEnd(own).read_pending()


@pytest.fixture(scope="module")
async def strict_url(chosen: Settings) -> AsyncIterator[str]:
    """Run an edge with low limits, and return its URL."""
    async with run_web(
        chosen, connect_rate="2/300", trusted_proxies="127.0.0.0/8", connections_per_address=1
    ) as edge:
        yield edge.url


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_page_that_connects_too_fast_is_refused_with_when_to_return(
    tidings: Tidings, strict_url: str, path: str
) -> None:
    async with make_driver_at(tidings, strict_url) as edge:
        token = edge.token("alice")
        responses = [await attempt(edge, path, token, number) for number in range(3)]

    assert responses[:2] == [None, None] and responses[2]
    body = check_refusal(responses[2], 429)
    assert body["retry_after_seconds"] == int(responses[2].headers["retry-after"])
    assert 100 <= body["retry_after_seconds"] <= 150


async def attempt(edge: Tidings, path: str, token: str, number: int) -> Response | None:
    """Open a page from one address, with a port of its own; return the refusal, if any."""
    address = f"{edge.url.replace('http', 'ws')}{path}?token={token}"
    headers = {"X-Forwarded-For": f"192.0.2.1:{4000 + number}"}
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                async with connect(address, additional_headers=headers) as socket:
                    await FrontEnd(socket).read_pending()
                    return None
            except InvalidStatus as refusal:
                # The slot of the connection before is freed when the edge notices its end.
                if b"from one address" not in (refusal.response.body or b""):
                    return refusal.response
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("path", SOCKETS)
async def test_an_address_with_too_many_connections_is_refused_at_the_handshake(
    tidings: Tidings, strict_url: str, path: str
) -> None:
    headers = {"X-Forwarded-For": f"10.0.0.{SOCKETS.index(path)}"}
    async with make_driver_at(tidings, strict_url) as edge:
        url = f"{edge.url.replace('http', 'ws')}{path}?token={edge.token('bob')}"
        async with connect(url, additional_headers=headers) as socket:
            await FrontEnd(socket).read_pending()

            refusal = await refusal_of(edge, path, edge.token("carol"), headers)

    assert check_refusal(refusal, 429)["detail"] == "at most 1 connections from one address"


TENANTS = {path: f"product-{uuid4().hex[:8]}" for path in SOCKETS}
NAMES = ("field_service", "barbershop", "chat", "incidents")


@pytest.fixture(scope="module")
async def products_url(chosen: Settings) -> AsyncIterator[str]:
    """Run an edge that takes the tokens of the products, and return its URL."""
    pairs = zip(NAMES, TENANTS.values(), strict=True)
    async with run_web(
        chosen,
        default_tenant=",".join(f"{name}={tenant}" for name, tenant in pairs),
        default_scope=",".join(f"{name}=inbox" for name in NAMES),
        token_claims="user=user_id",
    ) as edge:
        yield edge.url


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_token_without_tenant_and_scope_is_of_the_tenant_of_its_path(
    tidings: Tidings, products_url: str, path: str
) -> None:
    token = sign_token(user_id=123, exp=time.time() + 60)
    async with (
        make_driver_at(tidings, products_url, TENANTS[path]) as product,
        open_front_end(product, path, token=token) as page,
    ):
        await page.read_pending()
        signed = sign_token(user_id="s", tenant=TENANTS[path], scope="emit", exp=time.time() + 60)
        answer = await product.http.post(
            "/v1/events",
            json=make_announcement("123", title="hello 123", message="hello 123"),
            headers={
                "Authorization": f"Bearer {signed}",
                "Content-Type": "application/cloudevents+json",
            },
        )
        assert answer.status_code == 200, answer.text
        while "hello 123" not in json.dumps(page.heard):
            await page.next()

        refused = await product.http.get("/v1/counts", headers={"Authorization": f"Bearer {token}"})
        assert "no claim `tenant`" in check_problem(refused, 403)["detail"]


async def test_a_default_overrides_no_claim_and_a_wrong_one_is_named(
    tidings: Tidings, products_url: str
) -> None:
    expiry = time.time() + 60
    async with make_driver_at(tidings, products_url) as product:
        faults: tuple[tuple[dict[str, Any], str], ...] = (
            ({"user_id": "a", "scope": "emit"}, "the token needs the scope `inbox`"),
            ({"sub": "a"}, "the token has no claim `user_id`: add it"),
            ({"user_id": True}, "found a boolean"),
        )
        for claims, words in faults:
            token = sign_token(exp=expiry, **claims)
            assert words in check_refusal(await refusal_of(product, CHAT, token), 403)["detail"]

            async with open_front_end(product, INCIDENTS, token=token) as page:
                with pytest.raises(ConnectionClosed) as closed:
                    await page.next()
                assert closed.value.rcvd and closed.value.rcvd.code == 4003
                assert words in closed.value.rcvd.reason
