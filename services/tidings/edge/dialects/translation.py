"""Translation: from a link of the canonical chain to what a dialect says of it; pure but for the clock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import msgspec
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.frames import Entries
from tidings.contracts.notifications import Counts, Entry, Mark, Notification
from tidings.edge.dialects.dialect import Dialect, Said
from tidings.projections.standing import Inbox

entries = msgspec.json.Decoder(Entries).decode

_TOLD = ("read", "unread", "archived", "deleted")


def said(dialect: Dialect, frame: Entries, inbox: Inbox, known: int) -> Iterator[Said]:
    """All that it says of a link, to a client that has what came up to the sequence `known`."""
    for entry in frame.entries:
        yield from _entry(dialect, entry, inbox, known)
    if frame.counts and (frame.entries or frame.after == frame.cursor):
        yield from dialect.counted(frame.counts)


def live(
    dialect: Dialect, told: tuple[list[Entry], Counts], inbox: Inbox, user: str
) -> Iterator[Said]:
    """The same of what has just come, to a client that has all that came before."""
    found, counts = told
    for entry in found:
        if isinstance(entry, Notification):
            yield from dialect.notified(
                entry if entry.user else msgspec.structs.replace(entry, user=user)
            )
        else:
            yield from _marked(dialect, entry, inbox)
    if found:
        yield from dialect.counted(counts)


def unsent(frame: Entries, inbox: Inbox) -> Entries:
    """The same without notifications that need not be brought any more: they are read, archived or snoozed by now."""
    now = time.time()
    wanted = {each.id for each in inbox.listed(now) if each.read is None}
    left = tuple(entry for entry in frame.entries if isinstance(entry, Mark) or entry.id in wanted)
    return msgspec.structs.replace(frame, entries=left)


def _entry(dialect: Dialect, entry: Entry, inbox: Inbox, known: int) -> Iterator[Said]:
    match entry:
        case Notification():
            yield from (
                dialect.notified(entry)
                if _sequence(entry) > known
                else dialect.marked(_state(entry), entry.id)
            )
        case Mark():
            yield from _marked(dialect, entry, inbox)


def _marked(dialect: Dialect, mark: Mark, inbox: Inbox) -> Iterator[Said]:
    if mark.state in _TOLD:
        for identifier in inbox.touched(mark):
            yield from dialect.marked(mark.state, identifier)


def _sequence(entry: Notification) -> int:
    return int((entry.cursor or "-0").rpartition("-")[2])


def _state(entry: Notification) -> str:
    """How one that the client has stands now."""
    return "archived" if entry.archived else "read" if entry.read else "unread"


def body(said: Said, cursor: Cursor | None) -> bytes:
    """A frame as JSON, with the cursor behind it for a client that asked to be told."""
    encoded = encode(said.body)
    return b'%b,"cursor":"%b"}' % (encoded[:-1], str(cursor).encode()) if cursor else encoded


def texts(told: Iterable[Said], cursor: Cursor | None) -> list[dict[str, object]]:
    """Frames of a WebSocket, as ASGI has them; only the last one moves the cursor."""
    frames = [*told]
    return [
        {
            "type": "websocket.send",
            "text": body(each, cursor if each is frames[-1] else None).decode(),
        }
        for each in frames
    ]


def chunks(told: Iterable[Said], cursor: Cursor | None) -> list[dict[str, object]]:
    """Events of a stream (WHATWG HTML, section 9.2), as ASGI has them; only the last one moves the cursor."""
    frames = [*told]
    return [_chunk(each, cursor if each is frames[-1] else None) for each in frames]


def _chunk(said: Said, cursor: Cursor | None) -> dict[str, object]:
    place = f"id: {cursor}\n" if cursor else ""
    event = b"%bevent: %b\ndata: %b\n\n" % (place.encode(), said.event.encode(), encode(said.body))
    return {"type": "http.response.body", "body": event, "more_body": True}
