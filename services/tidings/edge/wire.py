"""Wire: frames as bytes; bodies of the log go through as they are, encoded once for every tab that wants them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts, Entry, Mark
from tidings.contracts.subjects import Person
from tidings.edge.rows import Row
from tidings.projections.standing import Standing


class Page:
    """An encoded frame and the cursor that a reader stands at after it: None if it moves nobody; `more` is to be had at once.

    `told` is what it says of the log, and the counts, where that was at hand when it was made.
    """

    __slots__ = ("_chunk", "_message", "_renderings", "body", "cursor", "more", "told", "type")

    def __init__(
        self, type_: str, body: bytes, cursor: Cursor | None = None, *, more: bool = False
    ) -> None:
        self.type = type_
        self.body = body
        self.cursor = cursor
        self.more = more
        self.told: tuple[list[Entry], Counts] | None = None
        self._message: Any = None
        self._chunk: Any = None
        self._renderings: dict[str, Any] | None = None

    @property
    def message(self) -> Any:
        """For a WebSocket, as ASGI has it; made once for all tabs."""
        if self._message is None:
            self._message = {"type": "websocket.send", "text": self.body.decode()}
        return self._message

    @property
    def chunk(self) -> Any:
        """For an event stream (WHATWG HTML, section 9.2), its id the cursor; made once for all tabs."""
        if self._chunk is None:
            place = b"id: %b\n" % str(self.cursor).encode() if self.cursor else b""
            event = b"%bevent: %b\ndata: %b\n\n" % (place, self.type.encode(), self.body)
            self._chunk = {"type": "http.response.body", "body": event, "more_body": True}
        return self._chunk

    @property
    def renderings(self) -> dict[str, Any]:
        """The same in other forms, each by a name of its own; made once for all tabs that want it."""
        if self._renderings is None:
            self._renderings = {}
        return self._renderings


def entry(epoch: str, sequence: int, body: bytes) -> bytes:
    """An entry of the log, with its cursor."""
    return b'{"cursor":"%b-%d",%b' % (epoch.encode(), sequence, body[1:])


def row(epoch: str, found: Row) -> bytes:
    """A notification as its row has it, with its cursor and state."""
    return _stated(
        epoch,
        found.sequence,
        found.body.encode(),
        found.seen,
        found.read,
        found.archived,
        found.snoozed,
        found.acted,
    )


def standing(epoch: str, found: Standing, body: bytes) -> bytes:
    """The same from memory."""
    return _stated(
        epoch,
        found.sequence,
        body,
        found.seen,
        found.read,
        found.archived,
        found.snoozed,
        found.acted,
    )


def deleted(epoch: str, cursor: int, identifiers: Iterable[str], at: datetime) -> bytes:
    """A mark that stands for notifications deleted in the meantime."""
    return encode(Mark(cursor=f"{epoch}-{cursor}", state="deleted", at=at, ids=tuple(identifiers)))


def entries(after: Cursor, cursor: Cursor, found: list[bytes], counts: Counts | None) -> Page:
    """A link of the chain; without counts, more of it follows."""
    ends = b',"counts":%b}' % encode(counts) if counts else b',"more":true}'
    return Page(
        "entries",
        b"%b%b]%b" % (_head(after, cursor), b",".join(found), ends),
        cursor,
        more=counts is None,
    )


@lru_cache(maxsize=1024)
def _head(after: Cursor, cursor: Cursor) -> bytes:
    """How a link begins; the readers of a topic mostly stand at the same cursor."""
    return f'{{"type":"entries","after":"{after}","cursor":"{cursor}","entries":['.encode()


def snapshot(cursor: Cursor, found: list[bytes], counts: Counts) -> Page:
    """The newest notifications at a cursor."""
    head = b'{"type":"snapshot","cursor":"%b","counts":%b,"notifications":[' % (
        str(cursor).encode(),
        encode(counts),
    )
    return Page("snapshot", b"%b%b]}" % (head, b",".join(found)), cursor)


def hello(
    cursor: Cursor,
    person: Person,
    connection: str,
    heartbeat_seconds: float,
    lifetime_seconds: float,
) -> Page:
    """The first frame."""
    body = {
        "type": "hello",
        "connection": connection,
        "user": person.user,
        "cursor": str(cursor),
        "heartbeat_seconds": heartbeat_seconds,
        "lifetime_seconds": round(lifetime_seconds, 3),
        "protocol": 1,
        "now": datetime.now(UTC),
    }
    return Page("hello", encode(body), cursor)


def at(type_: str, cursor: Cursor) -> Page:
    """A frame that says nothing but a cursor: `live`, `heartbeat`."""
    return Page(type_, f'{{"type":"{type_}","cursor":"{cursor}"}}'.encode(), cursor)


def reset(reason: str, cursor: Cursor) -> Page:
    """The reader's cursor cannot be replayed."""
    return Page(
        "reset", f'{{"type":"reset","reason":"{reason}","cursor":"{cursor}"}}'.encode(), cursor
    )


def move(after_milliseconds: int) -> Page:
    """The edge stops; when to come back."""
    return Page("move", b'{"type":"move","after_milliseconds":%d}' % after_milliseconds)


def token_expiring(seconds: float) -> Page:
    """The connection's token ends soon."""
    return Page(
        "token_expiring",
        encode({"type": "token_expiring", "expires_in_seconds": round(max(0.0, seconds), 3)}),
    )


def error(code: str, message: str, *, retry: bool) -> Page:
    """Something went wrong."""
    return Page(
        "error", encode({"type": "error", "code": code, "message": message, "retry": retry})
    )


def _stated(epoch: str, sequence: int, body: bytes, *states: datetime | str | None) -> bytes:
    given = zip(("seen", "read", "archived", "snoozed", "acted"), states, strict=True)
    told = "".join([f'"{name}":{encode(when).decode()},' for name, when in given if when])
    return b'{"cursor":"%b-%d",%b%b' % (epoch.encode(), sequence, told.encode(), body[1:])
