"""The budget of a tenant: how many events and bytes its services may emit through one process."""

from __future__ import annotations

import time
from typing import NamedTuple

from tidings.runtime.http.rate import Buckets, RateStatus


class TenantBudget(NamedTuple):
    """The rates of events and of bytes, by tenant; None without a limit.

    A charge is admitted while a token is left, and may exceed what is left: so the size of a
    request need not be known before it is read, and the next one waits longer.
    """

    events: Buckets[str] | None
    bytes: Buckets[str] | None

    def charge(self, tenant: str, *, events: int = 0, size: int = 0) -> RateStatus | None:
        """Charge events and bytes; return the status of the rate that is exceeded, if one is."""
        now = time.monotonic()
        if events and self.events is not None:
            status = self.events.take_token(tenant, now, events)
            if status.wait_seconds:
                return status
        if size and self.bytes is not None:
            status = self.bytes.take_token(tenant, now, size)
            if status.wait_seconds:
                return status
        return None
