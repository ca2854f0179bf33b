"""The limit of strangers: what it refuses, and what it must not, at one address."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest
from tidings.contracts.subjects import Person
from tidings.edge.connection.peer import PeerControl
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import Unauthorised, issue_token
from tidings.runtime.http.connections.strangers import (
    STRANGER_REQUEST,
    StrangerRequest,
    Strangers,
)
from tidings.runtime.http.stranger_limit import StrangerLimit, record_refusal
from tidings.runtime.process import Runtime

from tests.driver import SECRET

QUOTA = 20
FAULTS = 2
NAT = "192.0.2.1"


class Site:
    """An open route at `/open` and guarded ones elsewhere, behind the limit."""

    def __init__(self, runtime: Runtime) -> None:
        self.access = Access(runtime)
        self.access.strangers = Strangers((QUOTA, 600))
        self.cookie = runtime.settings.token_cookie
        self._limit: Any = StrangerLimit(self._answer, self.access)

    async def status(
        self, path: str, headers: Mapping[str, str] = {}, query: str = "", peer: str = NAT
    ) -> int:
        """Return the status of the answer to a request."""
        statuses: list[int] = []

        async def send(message: Any) -> None:
            if "status" in message:
                statuses.append(message["status"])

        fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "path": path,
            "headers": fields,
            "query_string": query.encode(),
            "client": (peer, 1),
            "state": {},
        }
        await self._limit(scope, None, send)
        return statuses[0]

    async def _answer(self, scope: Any, _: Any, send: Any) -> None:
        status = 200
        if scope["path"] != "/open":
            try:
                await self.access.identify_sender(scope)
                await self.access.identify_sender(scope)  # as for a POST that is idempotent
            except Unauthorised as refusal:
                record_refusal(scope, refusal)
                status = refusal.status
        await send({"type": "http.response.start", "status": status})


@pytest.fixture
def site(runtime: Runtime) -> Site:
    return Site(runtime)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def valid_token() -> dict[str, str]:
    return bearer(issue_token(Person("acme", "alice"), "inbox", SECRET, time.time(), 60))


def expired_token() -> dict[str, str]:
    return bearer(issue_token(Person("acme", "bob"), "inbox", SECRET, time.time() - 600, 60))


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, ""),
        ({"Cookie": "a=b"}, ""),
        ({"Authorization": "x"}, ""),
        (bearer("x"), ""),
        ({}, "token=x"),
        ({}, "ticket=x"),
    ],
)
async def test_open_routes_count_requests_whatever_credential_they_state(
    site: Site, headers: dict[str, str], query: str
) -> None:
    for _ in range(QUOTA):
        assert await site.status("/open", headers, query) == 200

    assert await site.status("/open", headers, query) == 429
    assert await site.status("/open", headers, query, peer="192.0.2.2") == 200


async def test_requests_with_a_valid_token_do_not_count(site: Site) -> None:
    for _ in range(QUOTA * 2):
        assert await site.status("/guarded", valid_token()) == 200

    for _ in range(QUOTA):
        assert await site.status("/open") == 200
    assert await site.status("/open") == 429


async def test_a_connection_that_is_authenticated_after_its_handshake_does_not_count(
    runtime: Runtime,
) -> None:
    strangers = Strangers((1, 600))
    for _ in range(3):
        request = StrangerRequest(strangers, NAT)
        assert request.take_token() is None
        peer = PeerControl({"state": {STRANGER_REQUEST: request}}, runtime.settings)
        peer.set_authenticated()
        peer.set_authenticated()

    assert StrangerRequest(strangers, NAT).take_token() is None
    assert StrangerRequest(strangers, NAT).take_token()


async def test_an_address_without_requests_left_goes_on_for_valid_tokens(site: Site) -> None:
    for _ in range(QUOTA):
        await site.status("/open")

    assert await site.status("/guarded", valid_token()) == 200
    assert await site.status("/guarded", bearer("x")) == 429


async def test_wrong_tokens_refuse_wrong_tokens_only(site: Site) -> None:
    for _ in range(FAULTS):
        assert await site.status("/guarded", expired_token()) == 401

    assert await site.status("/guarded", expired_token()) == 429
    assert await site.status("/guarded", valid_token()) == 200
    assert await site.status("/open") == 200


async def test_a_genuine_ticket_is_no_wrong_token(site: Site) -> None:
    site.access.is_genuine_ticket = lambda ticket: ticket == "genuine"
    for _ in range(FAULTS):
        await site.status("/guarded", expired_token())

    assert await site.status("/open", query="ticket=genuine") == 200
    assert await site.status("/open", query="ticket=forged") == 429


async def test_a_request_without_a_credential_of_ours_is_no_fault(site: Site) -> None:
    for _ in range(FAULTS * 2):
        assert await site.status("/guarded", {"Cookie": "theme=dark"}) == 401

    assert await site.status("/guarded", expired_token()) == 401


async def test_a_credential_of_ours_that_is_no_token_is_a_fault(site: Site) -> None:
    assert await site.status("/guarded", {"Authorization": "x"}) == 401
    assert await site.status("/guarded", query="ticket=x") == 401

    assert await site.status("/guarded", expired_token()) == 429


async def test_a_proxy_that_is_not_named_is_logged_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "tidings.connections"):
        await site.status("/open")
        assert not caplog.messages
        for _ in range(2):
            await site.status("/open", {"X-Forwarded-For": "203.0.113.1"})

    assert [NAT in message for message in caplog.messages] == [True]
