"""Breakers and hosts: what fails is paused for the tenant that it fails for; no other waits."""

from __future__ import annotations

import asyncio

import pytest
from tidings.channels.breaker import FAILURES_LIMIT, Breaker
from tidings.channels.hosts import ATTEMPTS_LIMIT, CROWDED_SECONDS, WAITING_LIMIT, Hosts
from tidings.channels.results import Deferred, Doubtful, Failed, SendResult, Sent

TIMEOUT = Deferred(code="timeout")


class FakeClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the moment."""
        return self.now


def fail(breaker: Breaker, now: float, times: int = FAILURES_LIMIT) -> None:
    """Let attempts fail at a moment."""
    for _ in range(times):
        breaker.record_failure(now)


def test_five_failures_pause_for_half_a_minute_and_longer_each_time() -> None:
    breaker, now, pauses = Breaker(), 0.0, list[float]()
    fail(breaker, now, FAILURES_LIMIT - 1)
    assert breaker.pause_seconds(now) == 0

    for _ in range(9):
        breaker.record_failure(now)
        pauses.append(breaker.pause_seconds(now))
        now += pauses[-1]

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_failures_of_attempts_that_began_before_a_pause_do_not_lengthen_it() -> None:
    breaker = Breaker()
    fail(breaker, 0, 50)

    assert breaker.pause_seconds(0) == 30


def test_a_success_ends_all_that() -> None:
    breaker = Breaker()
    fail(breaker, 0)
    breaker.record_success()
    fail(breaker, 30, FAILURES_LIMIT - 1)
    assert breaker.pause_seconds(30) == 0

    breaker.record_failure(30)

    assert breaker.pause_seconds(30) == 30


def test_a_host_may_ask_for_a_longer_pause() -> None:
    breaker = Breaker()
    breaker.demand_pause(0, 300)
    breaker.demand_pause(10, 5)
    breaker.record_success()

    assert breaker.pause_seconds(100) == 200 and breaker.pause_seconds(300) == 0


@pytest.mark.parametrize(
    ("result", "pauses"),
    [
        (TIMEOUT, True),
        (Deferred(code="503"), True),
        (Deferred(code="429"), True),
        (Doubtful(code="disconnected"), True),
        (Deferred(code="404"), False),
        (Deferred(code="301"), False),
        (Failed(reason="gone", code="410"), False),
        (Failed(reason="invalid", code="too_large"), False),
        (Sent(code="200"), False),
    ],
)
def test_only_what_concerns_the_whole_host_pauses_it(result: SendResult, pauses: bool) -> None:
    hosts = Hosts(FakeClock())
    for _ in range(FAILURES_LIMIT):
        hosts.host("example.org", "acme").record(result)

    assert bool(hosts.host("example.org", "acme").pause_seconds()) == pauses
    assert hosts.paused_count() == int(pauses)
    assert not hosts.host("example.org", "other").pause_seconds()


async def test_two_attempts_at_a_time_and_no_other_host_waits() -> None:
    hosts, entered = Hosts(FakeClock()), list[str]()
    end, other = asyncio.Event(), asyncio.Event()

    async def attempt(name: str) -> None:
        async with hosts.host(name, "acme").slot():
            entered.append(name)
            if name == "other.example":
                other.set()
            await end.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(ATTEMPTS_LIMIT + WAITING_LIMIT):
            group.create_task(attempt("slow.example"))
        group.create_task(attempt("other.example"))
        async with asyncio.timeout(10):
            await other.wait()

        assert sorted(entered) == ["other.example", "slow.example", "slow.example"]
        assert hosts.host("slow.example", "acme").crowded_seconds() == CROWDED_SECONDS
        assert hosts.host("other.example", "acme").crowded_seconds() == 0
        end.set()

    assert len(entered) == ATTEMPTS_LIMIT + WAITING_LIMIT + 1
