"""Strangers: limit, by address, what clients without a valid token may cost."""

from __future__ import annotations

import time
from typing import Any

from tidings.runtime.http.rate import Buckets, Rate, RateStatus

FAULTS_SHARE = 0.1
"""Wrong tokens and broken bounds are a tenth as many as requests without a token."""
STRANGER_REQUEST = "stranger_request"
"""Key in a request's state: the `StrangerRequest` that it is until its client is known."""


class Strangers:
    """The rates of one process: requests without a token, and faults, of each address."""

    def __init__(self, rate: tuple[int, int] | None) -> None:
        self._requests: Buckets[str] | None = None
        self._faults: Buckets[str] | None = None
        if rate:
            quota, window_seconds = rate
            faults = max(1, int(quota * FAULTS_SHARE))
            self._requests = Buckets(Rate("strangers", quota, window_seconds))
            self._faults = Buckets(Rate("faults", faults, window_seconds))

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self._requests is not None

    def take_request(self, address: str) -> RateStatus | None:
        """Count a request without a token; return the status of its rate, None without a limit."""
        if self._requests is None:
            return None
        return self._requests.take_token(address, time.monotonic())

    def return_request(self, address: str) -> None:
        """Count a request less: a valid token came with it."""
        if self._requests is not None:
            self._requests.return_token(address)

    def record_fault(self, address: str) -> None:
        """Count a wrong token or a broken bound."""
        if self._faults is not None:
            self._faults.take_token(address, time.monotonic())

    def fault_status(self, address: str) -> RateStatus | None:
        """Return the status of an address with too many faults, None of any other one."""
        if not self._faults:
            return None
        status = self._faults.peek(address, time.monotonic())
        return status if status.wait_seconds else None


class StrangerRequest:
    """A request that counts against its address until a valid token or ticket is seen."""

    __slots__ = ("_is_counted", "_strangers", "address")

    def __init__(self, strangers: Strangers, address: str) -> None:
        self._strangers = strangers
        self._is_counted = False
        self.address = address

    def take_token(self) -> RateStatus | None:
        """Count the request; return the status of the rate if it is exceeded, else None."""
        status = self._strangers.take_request(self.address)
        if status and status.wait_seconds:
            return status
        self._is_counted = status is not None
        return None

    def set_known(self) -> None:
        """Count the request no longer; does nothing the second time."""
        if self._is_counted:
            self._is_counted = False
            self._strangers.return_request(self.address)


def set_known(scope: Any) -> None:
    """Count the request of a scope no longer as a stranger's."""
    request: StrangerRequest | None = scope.get("state", {}).get(STRANGER_REQUEST)
    if request:
        request.set_known()
