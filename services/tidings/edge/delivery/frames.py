"""Frames as bytes; the bodies of log entries are spliced in as they are, not encoded again.

Frames without entries are encoded from their Structs. A property test proves that spliced frames
equal encoded ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import (
    PROTOCOL,
    Error,
    Heartbeat,
    Hello,
    Move,
    Reset,
    ResetReason,
    ServerFrame,
    TokenExpiring,
)
from tidings.contracts.notifications import Counts, CountsDelta, Entry, Mark, Notification
from tidings.contracts.subjects import Person
from tidings.edge.delivery.inbox_queries import NotificationRow
from tidings.projections.inbox.inbox_state import NotificationState

WHOLE_TEXT = 0x81
"""The first byte of a message that is one text frame."""
NEW_ENTRIES = (
    b'{"type":"entries","after":"%b-%d","cursor":"%b-%d","entries":[%b],"counts_delta":%b}'
)


class EncodedFrame:
    """An encoded frame; a reader is at `cursor` after it, unless that is None.

    `logged_nanoseconds`: when the event of its first notification was logged, 0 without one.
    `more`: the next frame can be read at once. `content`: its entries and counts, if they were at
    hand when it was made.
    """

    __slots__ = (
        *("_body", "_chunk", "_http_chunk", "_message", "_renderings", "_websocket_frame"),
        *("content", "cursor", "logged_nanoseconds", "more", "type"),
    )

    def __init__(
        self, type_: str, body: bytes, cursor: Cursor | None = None, *, more: bool = False
    ) -> None:
        self.type = type_
        self._body = body
        self.cursor = cursor
        self.more = more
        self.logged_nanoseconds = 0
        self.content: tuple[list[Entry], Counts] | None = None
        self._message: Any = None
        self._chunk: Any = None
        self._websocket_frame = self._http_chunk = b""
        self._renderings: dict[str, Any] | None = None

    @property
    def body(self) -> bytes:
        """Return the frame as JSON."""
        return self._body

    @property
    def websocket_message(self) -> Any:
        """Return the ASGI message for a WebSocket; made once for all connections."""
        if self._message is None:
            self._message = {"type": "websocket.send", "text": self.body.decode()}
        return self._message

    @property
    def event_stream_chunk(self) -> Any:
        """Return the ASGI message for an event stream; its id is the cursor (WHATWG HTML, 9.2)."""
        if self._chunk is None:
            id_line = b"id: %b\n" % str(self.cursor).encode() if self.cursor else b""
            event = b"event: %b\n%bdata: %b\n\n" % (self.type.encode(), id_line, self.body)
            self._chunk = {"type": "http.response.body", "body": event, "more_body": True}
        return self._chunk

    @property
    def websocket_frame(self) -> bytes:
        """Return the frame as a server sends it, in one unmasked text frame (RFC 6455, 5.2)."""
        if not self._websocket_frame:
            self._websocket_frame = b"%b%b" % (websocket_head(len(self.body)), self.body)
        return self._websocket_frame

    @property
    def http_chunk(self) -> bytes:
        """Return the event as one chunk of an HTTP/1.1 answer (RFC 9112, 7.1)."""
        if not self._http_chunk:
            event = self.event_stream_chunk["body"]
            self._http_chunk = b"%x\r\n%b\r\n" % (len(event), event)
        return self._http_chunk

    @property
    def renderings(self) -> dict[str, Any]:
        """Return the dialects' renderings by name; each is made once for all connections."""
        if self._renderings is None:
            self._renderings = {}
        return self._renderings


@lru_cache(maxsize=1024)
def websocket_head(size: int) -> bytes:
    """Return the head of a text frame of so many bytes (RFC 6455, 5.2)."""
    if size < 126:
        return bytes((WHOLE_TEXT, size))
    if size < 1 << 16:
        return bytes((WHOLE_TEXT, 126, size >> 8, size & 255))
    return bytes((WHOLE_TEXT, 127)) + size.to_bytes(8, "big")


def logged_nanoseconds(entry: Entry) -> int:
    """Return when the event of a notification was logged, in nanoseconds; 0 for a mark."""
    return int(entry.created.timestamp() * 1e9) if isinstance(entry, Notification) else 0


def encode_entry(epoch: str, sequence: int, body: bytes) -> bytes:
    """Return an entry of the log with its cursor."""
    return b'{"cursor":"%b-%d",%b' % (epoch.encode(), sequence, body[1:])


def encode_row(epoch: str, row: NotificationRow) -> bytes:
    """Return the notification of a row with its cursor and state."""
    return _with_state(
        epoch,
        row.sequence,
        row.body.encode(),
        row.seen,
        row.read,
        row.archived,
        row.snoozed,
        row.acted,
    )


def encode_state(epoch: str, state: NotificationState, body: bytes) -> bytes:
    """Return a notification with its cursor and the state kept in memory."""
    return _with_state(
        epoch,
        state.sequence,
        body,
        state.seen,
        state.read,
        state.archived,
        state.snoozed,
        state.acted,
    )


def encode_deletions(epoch: str, cursor: int, identifiers: Iterable[str], at: datetime) -> bytes:
    """Return a mark for notifications that were deleted meanwhile."""
    return encode(Mark(cursor=f"{epoch}-{cursor}", state="deleted", at=at, ids=tuple(identifiers)))


def entries(
    after: Cursor, cursor: Cursor, bodies: list[bytes], counts: Counts | None
) -> EncodedFrame:
    """Return a frame of entries; without counts, more of the replay follows."""
    ends = b',"counts":%b}' % encode(counts) if counts else b',"more":true}'
    return EncodedFrame(
        "entries",
        b"%b%b]%b" % (_entries_head(after, cursor), b",".join(bodies), ends),
        cursor,
        more=counts is None,
    )


def new_entries(after: Cursor, cursor: Cursor, bodies: list[bytes]) -> EncodedFrame:
    """Return a frame of new notifications that adds as many to each of the client's counts.

    Neither cursor lies in the middle of a replay.
    """
    epoch = cursor.epoch.encode()
    delta = encode_delta(len(bodies))
    entries = bodies[0] if len(bodies) == 1 else b",".join(bodies)
    body = NEW_ENTRIES % (epoch, after.sequence, epoch, cursor.sequence, entries, delta)
    return EncodedFrame("entries", body, cursor)


@lru_cache(maxsize=64)
def encode_delta(added: int) -> bytes:
    """Return what so many new notifications add to the counts, as JSON."""
    return encode(CountsDelta(unread=added, unseen=added, total=added))


def _entries_head(after: Cursor, cursor: Cursor) -> bytes:
    return f'{{"type":"entries","after":"{after}","cursor":"{cursor}","entries":['.encode()


def snapshot(cursor: Cursor, notifications: list[bytes], counts: Counts) -> EncodedFrame:
    """Return a snapshot frame of notifications, newest first."""
    head = b'{"type":"snapshot","cursor":"%b","counts":%b,"notifications":[' % (
        str(cursor).encode(),
        encode(counts),
    )
    return EncodedFrame("snapshot", b"%b%b]}" % (head, b",".join(notifications)), cursor)


def cursor_frame(type_: Literal["live", "heartbeat"], cursor: Cursor) -> EncodedFrame:
    """Return a frame that has nothing but a cursor."""
    return EncodedFrame(type_, f'{{"type":"{type_}","cursor":"{cursor}"}}'.encode(), cursor)


def heartbeat_with_counts(cursor: Cursor, counts: Counts) -> EncodedFrame:
    """Return a heartbeat that replaces the client's counts."""
    return encode_frame(Heartbeat(cursor=str(cursor), counts=counts), cursor)


def hello(
    cursor: Cursor,
    person: Person,
    connection: str,
    heartbeat_seconds: float,
    lifetime_seconds: float,
) -> EncodedFrame:
    """Return the first frame, with the time of now."""
    frame = Hello(
        connection=connection,
        tenant=person.tenant,
        user=person.user,
        cursor=str(cursor),
        heartbeat_seconds=heartbeat_seconds,
        lifetime_seconds=round(lifetime_seconds, 3),
        protocol=PROTOCOL,
        now=datetime.now(UTC),
    )
    return encode_frame(frame, cursor)


def reset(reason: ResetReason, cursor: Cursor) -> EncodedFrame:
    """Return the frame that says why a cursor cannot be replayed."""
    return encode_frame(Reset(reason=reason, cursor=str(cursor)), cursor)


def move(after_milliseconds: int) -> EncodedFrame:
    """Return the frame that asks a client to reconnect, because this edge stops."""
    return encode_frame(Move(after_milliseconds=after_milliseconds))


def token_expiring(seconds: float) -> EncodedFrame:
    """Return the warning that the connection's token ends soon."""
    return encode_frame(TokenExpiring(expires_in_seconds=round(max(0.0, seconds), 3)))


def error(
    code: str, message: str, *, retry: bool, retry_after_seconds: int | None = None
) -> EncodedFrame:
    """Return the frame of an error; `retry` says whether reconnecting helps."""
    return encode_frame(
        Error(code=code, message=message, retry=retry, retry_after_seconds=retry_after_seconds)
    )


def encode_frame(frame: ServerFrame, cursor: Cursor | None = None) -> EncodedFrame:
    """Encode a frame from its Struct; a reader is at `cursor` after it, unless that is None."""
    return EncodedFrame(str(frame.__struct_config__.tag), encode(frame), cursor)


def _with_state(epoch: str, sequence: int, body: bytes, *states: datetime | str | None) -> bytes:
    values = zip(("seen", "read", "archived", "snoozed", "acted"), states, strict=True)
    fields = "".join([f'"{name}":{encode(value).decode()},' for name, value in values if value])
    return b'{"cursor":"%b-%d",%b%b' % (epoch.encode(), sequence, fields.encode(), body[1:])
