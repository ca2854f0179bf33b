"""A guest: one connection in the company of others; what it watches and says, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta
from tidings.contracts.codec import encode
from tidings.contracts.events.announcements import RelationName
from tidings.contracts.frames import Result, Signal, Unwatch, Watch
from tidings.contracts.ids import ID_LIMIT_CHARACTERS
from tidings.edge import wire
from tidings.edge.company import Company
from tidings.edge.here import Tab
from tidings.edge.members import NoMember, TooLarge
from tidings.edge.watches import WATCHES_LIMIT, TooMany
from tidings.edge.wire import Page
from tidings.runtime.auth import Identity
from tidings.runtime.errors import Unavailable
from tidings.runtime.rate import Bucket, Rate, Throttled

SIGNAL_RATE = Rate("signals", 10, 2)
WATCH_RATE = Rate("watches", 40, 8)
ADMIN = "admin"


Relations = Annotated[tuple[RelationName, ...], Meta(max_length=WATCHES_LIMIT)]


class Speaker(Tab, Protocol):
    """A connection that may watch and say something."""

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        ...

    def say(self, page: Page) -> None:
        """Send a frame that stands outside the chain."""
        ...


class Guest:
    """What it is refused, it is told by a frame."""

    __slots__ = ("_company", "_signals", "_tab", "_watches")

    def __init__(self, company: Company, tab: Speaker) -> None:
        self._company = company
        self._tab = tab
        self._signals = Bucket(SIGNAL_RATE)
        self._watches = Bucket(WATCH_RATE)

    async def ask(self, asked: Signal | Watch | Unwatch) -> None:
        """Do what a frame asks for."""
        match asked:
            case Signal():
                await self.signal(asked)
            case Watch():
                await self.watch(asked)
            case Unwatch():
                self.unwatch(asked)

    async def signal(self, said: Signal) -> None:
        """Pass a signal on."""
        if refusal := await self._signal(said):
            self._tab.say(refusal)

    async def watch(self, asked: Watch) -> None:
        """Begin a watch, whose first frame says who is connected now; then its result."""
        self._tab.say(_result(asked.op, await self._watch(asked)))

    def unwatch(self, asked: Unwatch) -> None:
        """End a watch."""
        self._company.watches.unwatch(self._tab, asked.relation)
        self._tab.say(_result(asked.op))

    async def _signal(self, said: Signal) -> Page | None:
        try:
            self._signals.take(asyncio.get_running_loop().time()).check()
            await self._company.signals.send(
                self._tab.identity.person, self._tab.id, said, datetime.now(UTC)
            )
        except Throttled as throttled:
            return wire.error("rate_limited", str(throttled), retry=True)
        except (NoMember, TooLarge) as refusal:
            return wire.error("forbidden", str(refusal), retry=False)
        except Unavailable:
            return wire.error("unavailable", "signals cannot be passed on now", retry=True)
        return None

    async def _watch(self, asked: Watch) -> str | None:
        watches, identity = self._company.watches, self._tab.identity
        try:
            self._watches.take(asyncio.get_running_loop().time()).check()
            if asked.relation:
                await watches.watch(
                    identity.person, self._tab, asked.relation, admin=ADMIN in identity.scopes
                )
            else:
                watches.watch_users(identity.person, self._tab, frozenset(asked.users))
        except (NoMember, TooLarge, TooMany, Throttled) as refusal:
            return str(refusal)
        except Unavailable:
            return "unavailable; send it again"
        return None


def watches_of(query: Mapping[str, Sequence[str]]) -> Iterator[Watch]:
    """What a query asks to watch, `watch=<relation>` and `user=<id>` any number of times each; raises ValidationError."""
    for relation in msgspec.convert(query.get("watch", ()), Relations):
        yield msgspec.convert(
            {"op": relation[:ID_LIMIT_CHARACTERS], "relation": relation, "type": "watch"}, Watch
        )
    if users := query.get("user"):
        yield msgspec.convert({"op": "users", "users": users, "type": "watch"}, Watch)


def _result(op: str, error: str | None = None) -> Page:
    return Page("result", encode(Result(op=op, ok=error is None, error=error)))
