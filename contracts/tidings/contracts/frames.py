"""The frames between an edge and its clients: the same on WebSocket, SSE and `GET /v1/log`.

`entries` frames form a chain: each one is complete from its `after` to its `cursor`. A client
accepts one only if `after` equals its own cursor, else it reconnects with its cursor. So a client
can prove that it missed nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field
from tidings.contracts.ids import Id
from tidings.contracts.notifications import (
    MARK_LIMIT_IDS,
    Counts,
    CountsDelta,
    CursorText,
    Entry,
    Filter,
    Mark,
    MarkableState,
    Moment,
    Notification,
    NotificationId,
)
from tidings.contracts.relations import RelationText

PROTOCOL: Literal[1] = 1
SNOOZE_LIMIT = timedelta(days=365)
WATCH_LIMIT_USERS = 200
SIGNAL_LIMIT_BYTES = 1024

ResetReason = Literal["expired", "epoch", "ahead"]
CountsMode = Literal["delta"]
"""How a client takes counts; without it, every frame with counts has them as numbers of their own.
"""
SignalName = Annotated[str, Meta(max_length=32, pattern=r"^[a-z][a-z0-9_]*\Z")]


class InvalidMark(ValueError):
    """A mark that is not possible at this time."""


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One message between an edge and a client."""


class Hello(Frame, frozen=True, kw_only=True, tag="hello"):
    """The first frame; `cursor` is the client's position: the beginning, if a snapshot follows.

    `tenant` and `user` are those of the token, which a page that sends a cookie cannot know.

    `now` is the server's time. A browser's clock can be wrong by days, while snoozing and expiry
    are a matter of minutes.
    """

    connection: str
    tenant: str | None = None
    user: str
    cursor: CursorText
    heartbeat_seconds: float
    lifetime_seconds: float
    protocol: Literal[1]
    now: datetime | None = None


class Snapshot(Frame, frozen=True, kw_only=True, tag="snapshot"):
    """The newest notifications as of `cursor`, newest first, for clients without a usable one."""

    cursor: CursorText
    counts: Counts
    notifications: tuple[Notification, ...]


class Entries(Frame, frozen=True, kw_only=True, tag="entries"):
    """All entries after one cursor up to another; `counts` as of `cursor`, absent if `more`
    follows.

    A client that announced `"counts":"delta"` may receive `counts_delta` instead: what this frame
    adds to the counts that it has.
    """

    after: CursorText
    cursor: CursorText
    entries: tuple[Entry, ...]
    counts: Counts | None = None
    counts_delta: CountsDelta | None = None
    more: bool = False


class Live(Frame, frozen=True, kw_only=True, tag="live"):
    """The replay is complete; all further entries are live."""

    cursor: CursorText


class Heartbeat(Frame, frozen=True, kw_only=True, tag="heartbeat"):
    """The cursor that the client should have; a client with another one must reconnect.

    `counts` are for clients that announced `"counts":"delta"`: they replace those that it has.
    """

    cursor: CursorText
    counts: Counts | None = None


class Reset(Frame, frozen=True, kw_only=True, tag="reset"):
    """The client's cursor cannot be replayed: its position is the beginning until the snapshot
    comes.
    """

    reason: ResetReason
    cursor: CursorText


class Move(Frame, frozen=True, kw_only=True, tag="move"):
    """This edge stops: reconnect after this time, which differs for each client; until then it
    serves.
    """

    after_milliseconds: int


class Result(Frame, frozen=True, kw_only=True, tag="result"):
    """The answer to an operation of the client; `cursor` is the position of its entry."""

    op: str
    ok: bool
    cursor: CursorText | None = None
    error: str | None = None


class Error(Frame, frozen=True, kw_only=True, tag="error"):
    """A failure; `retry`: whether reconnecting helps; `retry_after_seconds`: the earliest time."""

    code: str
    message: str
    retry: bool
    retry_after_seconds: int | None = None


class TokenExpiring(Frame, frozen=True, kw_only=True, tag="token_expiring"):
    """The connection's token expires soon, and the connection ends with it.

    A WebSocket can send a newer token of the same user before.
    """

    expires_in_seconds: float


class Presence(Frame, frozen=True, kw_only=True, tag="presence"):
    """The connected users among those watched: all of them if `whole`, else the changes.

    `relation` is absent for a list of users. Like a signal, this frame is not in the chain: it has
    no cursor, is not replayed, and may be dropped for a slow client.
    """

    online: tuple[str, ...]
    offline: tuple[str, ...] = ()
    relation: str | None = None
    whole: bool = False


class RelayedSignal(Frame, frozen=True, kw_only=True, tag="signal"):
    """A transient message from a connected user to the users of a relation, such as "is typing"."""

    schema_name: ClassVar[str] = "Signalled"
    sender: str = field(name="from")
    to: str
    name: str
    data: dict[str, Any] | None = None
    at: datetime


class Auth(Frame, frozen=True, kw_only=True, tag="auth"):
    """The client's token: in the first frame unless the handshake had one; later, a newer token.

    `device` is the client's name in receipts, by default the `connection` of the hello. `counts`
    of the first frame: the client adds `counts_delta` to the counts that it has.
    """

    token: str
    cursor: str | None = None
    device: Id | None = None
    counts: CountsMode | None = None


class MarkOperation(Frame, frozen=True, kw_only=True, tag="mark"):
    """Mark notifications by ids, all up to a cursor, or all that match a filter.

    A frame that is sent again with the same `op` has one effect.
    """

    op: Id
    state: MarkableState
    ids: Annotated[tuple[NotificationId, ...], Meta(max_length=MARK_LIMIT_IDS)] = ()
    up_to: CursorText | None = None
    filter: Filter | None = None
    until: Moment | None = None

    def __post_init__(self) -> None:
        if sum(map(bool, (self.ids, self.up_to, self.filter))) != 1:
            raise ValueError("A mark needs exactly one of `ids`, `up_to` and `filter`")
        if (self.state == "snoozed") != (self.until is not None):
            raise ValueError("`until` goes with `snoozed`: neither without the other")

    def to_mark(self, at: datetime) -> Mark:
        """Return the entry of this mark at a time; raises InvalidMark if `until` is past or too
        far.
        """
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
    """Request a heartbeat."""


class Watch(Frame, frozen=True, kw_only=True, tag="watch"):
    """Request the presence of a relation's users, or of some users.

    The relation must be one that the client's user stands in. Another list of users replaces the
    last.
    """

    op: Id
    relation: RelationText | None = None
    users: Annotated[tuple[Id, ...], Meta(max_length=WATCH_LIMIT_USERS)] = ()

    def __post_init__(self) -> None:
        if bool(self.users) == bool(self.relation):
            raise ValueError("A watch needs either `relation` or `users`")


class Unwatch(Frame, frozen=True, kw_only=True, tag="unwatch"):
    """End the watch of a relation, or of the users if none is given."""

    op: Id
    relation: RelationText | None = None


class Signal(Frame, frozen=True, kw_only=True, tag="signal"):
    """Send a transient message to all connected users of a relation; it is never stored.

    The sender must stand in that relation.
    """

    to: RelationText
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
    | RelayedSignal
)
ClientFrame = Auth | MarkOperation | Ack | Ping | Watch | Unwatch | Signal
