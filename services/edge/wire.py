"""Wire: frames as bytes; bodies of the log go through as they are, encoded once for every tab that wants them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from contracts.codec import encode
from contracts.cursor import Cursor
from contracts.notifications import Counts, Mark
from contracts.subjects import Person
from projections.standing import Standing
from services.edge.rows import Row
from services.runtime.follow import Message


class Page(NamedTuple):
    """An encoded frame and the sequence that a reader stands at after it; `more` is to be had at once."""

    type: str
    body: bytes
    cursor: int
    more: bool = False

    @property
    def text(self) -> str:
        """For a WebSocket."""
        return self.body.decode()

    def event(self, epoch: str) -> bytes:
        """For an event stream (WHATWG HTML, section 9.2), its id the cursor."""
        return b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (epoch.encode(), self.cursor, self.type.encode(), self.body)


def entry(epoch: str, message: Message) -> bytes:
    """An entry of the log, with its cursor."""
    return b'{"cursor":"%b-%d",%b' % (epoch.encode(), message.sequence, message.data[1:])


def row(epoch: str, found: Row) -> bytes:
    """A notification as its row has it, with its cursor and state."""
    return _stated(epoch, found.sequence, found.body.encode(), found.seen, found.read, found.archived, found.snoozed)


def standing(epoch: str, found: Standing, body: bytes) -> bytes:
    """The same from memory."""
    return _stated(epoch, found.sequence, body, found.seen, found.read, found.archived, found.snoozed)


def deleted(epoch: str, cursor: int, identifiers: Iterable[str], at: datetime) -> bytes:
    """A mark that stands for notifications deleted in the meantime."""
    return encode(Mark(cursor=f"{epoch}-{cursor}", state="deleted", at=at, ids=tuple(identifiers)))


def entries(epoch: str, after: int, cursor: int, found: list[bytes], counts: Counts | None, *, more: bool = False) -> Page:
    """A link of the chain."""
    ends = f',"counts":{encode(counts).decode()}' if counts and not more else ""
    ends += ',"more":true}' if more else "}"
    head = f'{{"type":"entries","after":"{epoch}-{after}","cursor":"{epoch}-{cursor}","entries":['
    return Page("entries", b"%b%b]%b" % (head.encode(), b",".join(found), ends.encode()), cursor, more)


def snapshot(epoch: str, cursor: int, found: list[bytes], counts: Counts) -> Page:
    """The newest notifications at a cursor."""
    head = f'{{"type":"snapshot","cursor":"{epoch}-{cursor}","counts":{encode(counts).decode()},"notifications":['
    return Page("snapshot", b"%b%b]}" % (head.encode(), b",".join(found)), cursor)


def hello(epoch: str, cursor: int, person: Person, connection: str, heartbeat_seconds: float, lifetime_seconds: float) -> Page:
    """The first frame."""
    body = {
        "type": "hello",
        "connection": connection,
        "user": person.user,
        "cursor": str(Cursor(epoch, cursor)),
        "heartbeat_seconds": heartbeat_seconds,
        "lifetime_seconds": round(lifetime_seconds, 3),
        "protocol": 1,
    }
    return Page("hello", encode(body), cursor)


def at(type_: str, epoch: str, cursor: int) -> Page:
    """A frame that says nothing but a cursor: `live`, `heartbeat`."""
    return Page(type_, f'{{"type":"{type_}","cursor":"{epoch}-{cursor}"}}'.encode(), cursor)


def reset(reason: str, epoch: str, cursor: int) -> Page:
    """The reader's cursor cannot be replayed."""
    return Page("reset", f'{{"type":"reset","reason":"{reason}","cursor":"{epoch}-{cursor}"}}'.encode(), cursor)


def error(code: str, message: str, cursor: int, *, retry: bool) -> Page:
    """Something went wrong."""
    return Page("error", encode({"type": "error", "code": code, "message": message, "retry": retry}), cursor)


def _stated(epoch: str, sequence: int, body: bytes, *states: datetime | None) -> bytes:
    given = zip(("seen", "read", "archived", "snoozed"), states, strict=True)
    told = "".join([f'"{name}":{encode(when).decode()},' for name, when in given if when])
    return b'{"cursor":"%b-%d",%b%b' % (epoch.encode(), sequence, told.encode(), body[1:])
