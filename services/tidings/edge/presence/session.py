"""A presence session: what one connection watches and signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta
from tidings.contracts.frames import Result, Signal, Unwatch, Watch
from tidings.contracts.ids import ID_LIMIT_CHARACTERS
from tidings.contracts.relations import RelationText
from tidings.edge.delivery import frames
from tidings.edge.delivery.frames import EncodedFrame
from tidings.edge.presence.hub import PresenceHub
from tidings.edge.presence.local import LocalConnection
from tidings.edge.presence.members import NotAMember, RelationTooLarge
from tidings.edge.presence.watches import WATCHES_LIMIT, TooManyWatches
from tidings.runtime.auth.identity import Identity
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.rate import RateExceeded

ADMIN = "admin"


Relations = Annotated[tuple[RelationText, ...], Meta(max_length=WATCHES_LIMIT)]


class SessionConnection(LocalConnection, Protocol):
    """A connection that may watch and send signals."""

    @property
    def identity(self) -> Identity:
        """Return the connected user and their scopes."""
        ...

    def send_now(self, frame: EncodedFrame) -> None:
        """Send a frame that stands outside the chain."""
        ...


class PresenceSession:
    """The watches and signals of one connection; refusals are answered with a frame."""

    __slots__ = ("_connection", "_hub")

    def __init__(self, hub: PresenceHub, connection: SessionConnection) -> None:
        self._hub = hub
        self._connection = connection

    async def handle_frame(self, frame: Signal | Watch | Unwatch) -> None:
        """Handle a client's frame about presence."""
        match frame:
            case Signal():
                await self.send_signal(frame)
            case Watch():
                await self.start_watch(frame)
            case Unwatch():
                self.end_watch(frame)

    async def send_signal(self, signal: Signal) -> None:
        """Publish a signal, or answer with an error frame."""
        if refusal := await self._try_signal(signal):
            self._connection.send_now(refusal)

    async def start_watch(self, watch: Watch) -> None:
        """Start a watch: sends a presence frame with all who are online, then the result."""
        self._connection.send_now(_result_frame(watch.op, await self._try_watch(watch)))

    def end_watch(self, unwatch: Unwatch) -> None:
        """End a watch and send the result."""
        self._hub.watches.end_watch(self._connection, unwatch.relation)
        self._connection.send_now(_result_frame(unwatch.op))

    async def _try_signal(self, signal: Signal) -> EncodedFrame | None:
        try:
            self._hub.rates.check_signal(self._connection.identity.person)
            await self._hub.signals.send_signal(
                self._connection.identity.person, self._connection.id, signal, datetime.now(UTC)
            )
        except RateExceeded as throttled:
            return frames.error(
                "rate_limited",
                str(throttled),
                retry=True,
                retry_after_seconds=throttled.status.retry_after_seconds,
            )
        except (NotAMember, RelationTooLarge) as refusal:
            return frames.error("forbidden", str(refusal), retry=False)
        except Unavailable:
            return frames.error("unavailable", "signals cannot be sent now", retry=True)
        return None

    async def _try_watch(self, watch: Watch) -> str | None:
        watches, identity = self._hub.watches, self._connection.identity
        try:
            self._hub.rates.check_watch(identity.person)
            if watch.relation:
                await watches.watch_relation(
                    identity.person,
                    self._connection,
                    watch.relation,
                    admin=ADMIN in identity.scopes,
                )
            else:
                watches.watch_users(identity.person, self._connection, frozenset(watch.users))
        except (NotAMember, RelationTooLarge, TooManyWatches, RateExceeded) as refusal:
            return str(refusal)
        except Unavailable:
            return "unavailable; send it again"
        return None


def watches_in(query: Mapping[str, Sequence[str]]) -> Iterator[Watch]:
    """Return the watches of a query: `watch=<relation>`, `user=<id>`; raises ValidationError."""
    for relation in msgspec.convert(query.get("watch", ()), Relations):
        yield msgspec.convert(
            {"op": relation[:ID_LIMIT_CHARACTERS], "relation": relation, "type": "watch"}, Watch
        )
    if users := query.get("user"):
        yield msgspec.convert({"op": "users", "users": users, "type": "watch"}, Watch)


def _result_frame(op: str, error: str | None = None) -> EncodedFrame:
    return frames.encode_frame(Result(op=op, ok=error is None, error=error))
