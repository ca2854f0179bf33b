"""Messages: a dialect's frames as ASGI sends them on a WebSocket or an event stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.edge.dialects.engine.dialect import DialectFrame

Message = dict[str, Any]


def frame_json(frame: DialectFrame, cursor: Cursor | None) -> bytes:
    """Return a frame as JSON, with the cursor as its last field if there is one."""
    encoded = encode(frame.body)
    return b'%b,"cursor":"%b"}' % (encoded[:-1], str(cursor).encode()) if cursor else encoded


def websocket_messages(frames: Iterable[DialectFrame], cursor: Cursor | None) -> list[Message]:
    """Return frames as WebSocket messages; only the last one carries the cursor."""
    listed = [*frames]
    return [
        {
            "type": "websocket.send",
            "text": frame_json(frame, cursor if frame is listed[-1] else None).decode(),
        }
        for frame in listed
    ]


def stream_messages(frames: Iterable[DialectFrame], cursor: Cursor | None) -> list[Message]:
    """Return frames as events (WHATWG HTML, section 9.2); only the last one has an id."""
    listed = [*frames]
    return [_stream_message(frame, cursor if frame is listed[-1] else None) for frame in listed]


def _stream_message(frame: DialectFrame, cursor: Cursor | None) -> Message:
    identifier = f"id: {cursor}\n" if cursor else ""
    event = b"event: %b\n%bdata: %b\n\n" % (
        frame.event.encode(),
        identifier.encode(),
        encode(frame.body),
    )
    return {"type": "http.response.body", "body": event, "more_body": True}
