"""Frames: what an edge and its clients say to each other, the same on WebSocket, SSE and `GET /v1/log`.

`entries` frames form a chain: each states after which cursor and up to which cursor it is complete. A client takes one
only if `after` equals its own cursor, else it comes back with its cursor: so it can prove that it missed nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field
from tidings.contracts.events.announcements import RelationName
from tidings.contracts.ids import Id
from tidings.contracts.notifications import (
    MARK_LIMIT_IDS,
    Counts,
    CursorText,
    Entry,
    Filter,
    Mark,
    Moment,
    Notification,
    NotificationId,
    Wish,
)

PROTOCOL = 1
SNOOZE_LIMIT = timedelta(days=365)
WATCH_LIMIT_USERS = 200
SIGNAL_LIMIT_BYTES = 1024

SignalName = Annotated[str, Meta(max_length=32, pattern=r"^[a-z][a-z0-9_]*\Z")]


class InvalidMark(ValueError):
    """A mark that makes no sense at this moment."""


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One message between an edge and a client."""


class Hello(Frame, frozen=True, kw_only=True, tag="hello"):
    """The first frame; `cursor` is where the client stands: at the beginning, if a snapshot follows.

    `now` is the time here: clocks of browsers are wrong by days, and what is snoozed or expires is a matter of minutes.
    """

    connection: str
    user: str
    cursor: CursorText
    heartbeat_seconds: float
    lifetime_seconds: float
    protocol: Literal[1]
    now: datetime | None = None


class Snapshot(Frame, frozen=True, kw_only=True, tag="snapshot"):
    """The newest notifications as they stand at `cursor`, newest first, for a client without a usable cursor."""

    cursor: CursorText
    counts: Counts
    notifications: tuple[Notification, ...]


class Entries(Frame, frozen=True, kw_only=True, tag="entries"):
    """All that happened after one cursor up to another; `counts` as at `cursor`, absent while there is `more`."""

    after: CursorText
    cursor: CursorText
    entries: tuple[Entry, ...]
    counts: Counts | None = None
    more: bool = False


class Live(Frame, frozen=True, kw_only=True, tag="live"):
    """Caught up: from here on it is live."""

    cursor: CursorText


class Heartbeat(Frame, frozen=True, kw_only=True, tag="heartbeat"):
    """Where the client should stand by now; if it does not, it lost something and comes back with its own cursor."""

    cursor: CursorText


class Reset(Frame, frozen=True, kw_only=True, tag="reset"):
    """The client's cursor cannot be replayed: it stands at the beginning, until the snapshot that follows."""

    reason: Literal["expired", "epoch", "ahead"]
    cursor: CursorText


class Move(Frame, frozen=True, kw_only=True, tag="move"):
    """This edge stops: come back in this many milliseconds, a time of your own; until then it goes on."""

    after_milliseconds: int


class Result(Frame, frozen=True, kw_only=True, tag="result"):
    """The answer to an operation of the client's; `cursor` is where its entry stands in the log."""

    op: str
    ok: bool
    cursor: CursorText | None = None
    error: str | None = None


class Error(Frame, frozen=True, kw_only=True, tag="error"):
    """Something went wrong; `retry` says whether coming back helps."""

    code: str
    message: str
    retry: bool


class TokenExpiring(Frame, frozen=True, kw_only=True, tag="token_expiring"):
    """The connection's token ends soon, and the connection with it, unless a WebSocket sends a newer one of the same person."""

    expires_in_seconds: float


class Presence(Frame, frozen=True, kw_only=True, tag="presence"):
    """Who is connected of those watched: all of them if `whole`, else what changed; `relation` is absent for a list of users.

    Like a signal, it stands outside the chain: it has no cursor, is not replayed, and may be left out when a client lags.
    """

    online: tuple[str, ...]
    offline: tuple[str, ...] = ()
    relation: str | None = None
    whole: bool = False


class Signalled(Frame, frozen=True, kw_only=True, tag="signal"):
    """Somebody connected says something of the moment to those who stand in a relation, such as that they are typing."""

    sender: str = field(name="from")
    to: str
    name: str
    data: dict[str, Any] | None = None
    at: datetime


class Auth(Frame, frozen=True, kw_only=True, tag="auth"):
    """Who the client is, as the first frame unless the handshake said so; later a newer token of the same person.

    `device` is its name in receipts; without it, that is the `connection` of the hello.
    """

    token: str
    cursor: str | None = None
    device: Id | None = None


class MarkOperation(Frame, frozen=True, kw_only=True, tag="mark"):
    """Mark notifications by ids, all up to a cursor, or all that fit a filter; sent again with the same `op`, it happens once."""

    op: Id
    state: Wish
    ids: Annotated[tuple[NotificationId, ...], Meta(max_length=MARK_LIMIT_IDS)] = ()
    up_to: CursorText | None = None
    filter: Filter | None = None
    until: Moment | None = None

    def __post_init__(self) -> None:
        if sum(map(bool, (self.ids, self.up_to, self.filter))) != 1:
            raise ValueError("A mark needs exactly one of `ids`, `up_to` and `filter`")
        if (self.state == "snoozed") != (self.until is not None):
            raise ValueError("`until` goes with `snoozed`: neither without the other")

    def mark(self, at: datetime) -> Mark:
        """The entry that it becomes at a moment; raises InvalidMark if `until` does not lie ahead of it, or too far."""
        if self.until and not at < self.until <= at + SNOOZE_LIMIT:
            raise InvalidMark(f"until: must lie ahead, by {SNOOZE_LIMIT.days} days at most")
        return Mark(
            state=self.state,
            at=at,
            ids=self.ids,
            up_to=self.up_to,
            filter=self.filter,
            until=self.until,
            op=self.op,
        )


class Ack(Frame, frozen=True, kw_only=True, tag="ack"):
    """The client has everything up to this cursor."""

    cursor: CursorText


class Ping(Frame, frozen=True, kw_only=True, tag="ping"):
    """Asks for a heartbeat."""


class Watch(Frame, frozen=True, kw_only=True, tag="watch"):
    """Be told who is connected: of a relation one stands in, or of some users; another list of users takes the place of the last."""

    op: Id
    relation: RelationName | None = None
    users: Annotated[tuple[Id, ...], Meta(max_length=WATCH_LIMIT_USERS)] = ()

    def __post_init__(self) -> None:
        if bool(self.users) == bool(self.relation):
            raise ValueError("A watch needs either `relation` or `users`")


class Unwatch(Frame, frozen=True, kw_only=True, tag="unwatch"):
    """No longer be told: of a relation, or without one, of the users."""

    op: Id
    relation: RelationName | None = None


class Signal(Frame, frozen=True, kw_only=True, tag="signal"):
    """Say something of the moment to everybody connected who stands in a relation that one stands in; it is never stored."""

    to: RelationName
    name: SignalName
    data: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.data and len(msgspec.json.encode(self.data)) > SIGNAL_LIMIT_BYTES:
            raise ValueError(f"The data of a signal has at most {SIGNAL_LIMIT_BYTES} bytes")


ServerFrame = (
    Hello
    | Snapshot
    | Entries
    | Live
    | Heartbeat
    | Reset
    | Move
    | Result
    | Error
    | TokenExpiring
    | Presence
    | Signalled
)
ClientFrame = Auth | MarkOperation | Ack | Ping | Watch | Unwatch | Signal
