"""Hosts: bound the attempts that are under way at each one, and pause those that fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from tidings.channels.breaker import Breaker
from tidings.channels.decider.places import Place
from tidings.channels.results import Deferred, Doubtful, Failed, SendResult, Sent

ATTEMPTS_LIMIT = 2
"""As many attempts may be under way at a host, those of all tenants and partitions together."""
WAITING_LIMIT = 100
"""As many more may wait for one of them; what comes on top is put off."""
CROWDED_SECONDS = 30.0
HOSTS_LIMIT = 10_000
SLOW_DOWN = 429
REQUEST_TIMEOUT = 408
SERVER_ERROR = 500


class Hosts:
    """The hosts that a process sends to, shared by all of its partitions.

    A host is tried for each tenant as if it had no others: none can pause one for another.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        attempts_limit: int = ATTEMPTS_LIMIT,
    ) -> None:
        self._clock = clock
        self._attempts_limit = attempts_limit
        self._hosts: dict[str, _Host] = {}

    def host(self, name: str, tenant: str) -> TenantHost:
        """Return a host as a tenant's attempts see it; `name`: a host, or a provider."""
        host = self._hosts.get(name)
        if host is None:
            self._forget_idle_hosts()
            host = self._hosts[name] = _Host(self._attempts_limit)
        return TenantHost(host, host.breaker(tenant), self._clock)

    def paused_count(self) -> int:
        """Return how many hosts are paused for some tenant."""
        now = self._clock()
        return sum(
            any(each.pause_seconds(now) for each in host.breakers.values())
            for host in self._hosts.values()
        )

    def _forget_idle_hosts(self) -> None:
        if len(self._hosts) >= HOSTS_LIMIT:
            now = self._clock()
            idle = [name for name, host in self._hosts.items() if host.is_idle(now)]
            for name in idle:
                del self._hosts[name]


class HostsOfPlaces(NamedTuple):
    """The hosts that a channel sends to; `name_of`: that of a place's host, or its provider."""

    hosts: Hosts
    name_of: Callable[[Place], str]

    def host_of(self, tenant: str, place: Place) -> TenantHost:
        """Return the host of a place of a tenant's user."""
        return self.hosts.host(self.name_of(place), tenant)


class TenantHost:
    """A host as a tenant's attempts see it."""

    def __init__(self, host: _Host, breaker: Breaker, clock: Callable[[], float]) -> None:
        self._host = host
        self._breaker = breaker
        self._clock = clock

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Wait until an attempt may begin, and hold its place."""
        self._host.waiting += 1
        try:
            await self._host.slots.acquire()
        finally:
            self._host.waiting -= 1
        try:
            yield
        finally:
            self._host.slots.release()

    def pause_seconds(self) -> float:
        """Return for how long nothing may be sent there; 0 if it may."""
        return self._breaker.pause_seconds(self._clock())

    def crowded_seconds(self) -> float:
        """Return for how long to put off what need not wait here: it is paused, or crowded."""
        crowded = self._host.waiting >= WAITING_LIMIT
        return self.pause_seconds() or (CROWDED_SECONDS if crowded else 0.0)

    def record(self, result: SendResult) -> None:
        """Note what an attempt came to."""
        match result:
            case Deferred(after_seconds=float() | int() as seconds):
                self._breaker.demand_pause(self._clock(), seconds)
            case Deferred(code=code) | Doubtful(code=code) if not _is_answer(code):
                self._breaker.record_failure(self._clock())
            case Sent() | Deferred() | Doubtful() | Failed(reason="gone" | "refused"):
                self._breaker.record_success()
            case _:
                pass


class _OpenHost(TenantHost):
    """No bound and no pause: the channel has bounds of its own."""

    def __init__(self) -> None:
        super().__init__(_Host(), Breaker(), time.monotonic)

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        yield

    def record(self, result: SendResult) -> None:
        del result


class _Host:
    """The places of a host, and how it does for each tenant."""

    def __init__(self, attempts_limit: int = ATTEMPTS_LIMIT) -> None:
        self.slots = asyncio.Semaphore(attempts_limit)
        self.waiting = 0
        self.breakers: dict[str, Breaker] = {}

    def breaker(self, tenant: str) -> Breaker:
        return self.breakers.setdefault(tenant, Breaker())

    def is_idle(self, now: float) -> bool:
        return (
            not self.waiting
            and not self.slots.locked()
            and all(
                each.is_closed and not each.pause_seconds(now) for each in self.breakers.values()
            )
        )


def _is_answer(code: str) -> bool:
    """Return whether a code is a host's answer to one request, which says nothing of others.

    That a path does not exist is no fault of the host, which has others.
    """
    if not code.isdecimal():
        return False
    status = int(code)
    return status < SERVER_ERROR and status not in (SLOW_DOWN, REQUEST_TIMEOUT)


OPEN_HOST: TenantHost = _OpenHost()
