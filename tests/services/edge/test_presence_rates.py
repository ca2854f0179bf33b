"""Rates of presence: a person's new connections do not get new allowances."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from tidings.contracts.frames import Signal, Watch
from tidings.contracts.subjects import Person
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.presence.rates import SIGNAL_RATE, WATCH_RATE, PresenceRates
from tidings.edge.presence.session import PresenceSession

ANN, BOB = Person("acme", "ann"), Person("acme", "bob")
SIGNAL = Signal(to="room:9#member", name="typing")
WATCH = Watch(op="1", users=("bob",))


class FakeHub:
    """A hub that counts the signals and watches that reach it."""

    def __init__(self) -> None:
        self.rates = PresenceRates()
        self.signals = self.watches = self
        self.count = 0

    async def send_signal(self, *_: object) -> None:
        self.count += 1

    def watch_users(self, *_: object) -> None:
        self.count += 1


class FakeConnection:
    """A connection of a user that keeps the frames it is sent."""

    id = "c"

    def __init__(self, person: Person) -> None:
        self.identity = SimpleNamespace(person=person, scopes=frozenset[str]())
        self.frames: list[EncodedFrame] = []

    def send_now(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)


async def send_on_new_connections(
    hub: FakeHub, person: Person, frame: Signal | Watch, count: int
) -> FakeConnection:
    """Send each frame on a connection of its own, and return the last one."""
    connection = FakeConnection(person)
    for _ in range(count):
        connection = FakeConnection(person)
        await PresenceSession(cast(Any, hub), cast(Any, connection)).handle_frame(frame)
    return connection


async def test_the_signals_of_all_connections_of_a_person_have_one_rate() -> None:
    hub = FakeHub()

    last = await send_on_new_connections(hub, ANN, SIGNAL, SIGNAL_RATE.quota + 5)

    assert hub.count == SIGNAL_RATE.quota
    assert b"rate_limited" in last.frames[0].body
    await send_on_new_connections(hub, BOB, SIGNAL, 1)
    assert hub.count == SIGNAL_RATE.quota + 1


async def test_the_watches_of_all_connections_of_a_person_have_one_rate() -> None:
    hub = FakeHub()

    last = await send_on_new_connections(hub, ANN, WATCH, WATCH_RATE.quota + 5)

    assert hub.count == WATCH_RATE.quota
    assert b"watches in" in last.frames[0].body
