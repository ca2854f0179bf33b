"""The limit of strangers in front of an application: answers 429 before any work is done."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.identity import InvalidToken, NoToken
from tidings.runtime.client_address import peer_of
from tidings.runtime.http import problem
from tidings.runtime.http.connections.strangers import STRANGER_REQUEST, StrangerRequest
from tidings.runtime.http.rate import RateExceeded, RateStatus

STRANGERS = "strangers"
"""Key in a request's state: what counts a wrong token."""

log = logging.getLogger("tidings.connections")


class StrangerLimit:
    """Refuses the requests of an address that has had too many without a valid token.

    Requests with a valid token go on: clients may share an address with one that sends wrong ones.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._has_warned = False

    # This is no coroutine function, whose frame would live as long as a connection.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on, or answer 429."""
        request: Any = scope
        self._warn_of_proxy(request)
        status = None
        if self._access.strangers.is_limited:
            request["state"][STRANGERS] = self
            status = self._exceeded_status(request)
        if status is None:
            return self._app(scope, receive, send)
        return self._refuse_stranger(status, scope, receive, send)

    async def _refuse_stranger(
        self, status: RateStatus, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass the request of a known client on; refuse every other one."""
        request: Any = scope
        if await self._access.is_of_known_client(request):
            await self._app(scope, receive, send)
            return
        refusal = problem.rate_problem(RateExceeded(status))
        await problem.send_problem(
            send,
            refusal.status,
            refusal.title,
            refusal.detail,
            {**refusal.headers, "Connection": "close"},
            kind="websocket.http" if request["type"] == "websocket" else "http",
            fields=refusal.more,
        )

    def record_fault(self, scope: Any) -> None:
        """Count a wrong token."""
        stranger: StrangerRequest = scope["state"][STRANGER_REQUEST]
        self._access.strangers.record_fault(stranger.address)

    def _exceeded_status(self, scope: Any) -> RateStatus | None:
        """Count a request; return the status of the rate that refuses a stranger, None if none."""
        access = self._access
        stranger = StrangerRequest(access.strangers, access.address_of_scope(scope))
        scope["state"][STRANGER_REQUEST] = stranger
        status = stranger.take_token()
        if status is None:
            status = access.strangers.fault_status(stranger.address)
            if status is None or not access.states_credential(scope):
                return None
        return status

    def _warn_of_proxy(self, scope: Any) -> None:
        """Say once that the clients of a proxy share one address, unless it is named."""
        if not self._has_warned and self._access.is_forwarded_by_unknown_proxy(scope):
            self._has_warned = True
            log.warning(
                "%s sends X-Forwarded-For and is not one of TIDINGS_TRUSTED_PROXIES: the header is"
                " ignored, and all clients behind this address share the limits of one",
                peer_of(scope),
            )

    def is_fault(self, scope: Any, refusal: Exception) -> bool:
        """Return whether a token was wrong, or the request has a credential that is not a token."""
        return isinstance(refusal, InvalidToken) or (
            isinstance(refusal, NoToken) and self._access.states_credential(scope)
        )


def record_refusal(scope: Any, refusal: Exception) -> None:
    """Count a refusal against the client's address if a token was wrong."""
    limit: StrangerLimit | None = scope.get("state", {}).get(STRANGERS)
    if limit and limit.is_fault(scope, refusal):
        limit.record_fault(scope)
