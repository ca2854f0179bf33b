"""Shared frames: a topic's new notification for each reader, of parts that are encoded once.

A test proves that they equal those of `frames.new_entries`.
"""

from __future__ import annotations

from tidings.contracts.cursor import Cursor
from tidings.edge.delivery.frames import EncodedFrame, encode_delta, websocket_head

BODY_HEAD = b'{"type":"entries","after":"'
EVENT_HEAD = b"event: entries\nid: "
EVENT_END = b"\n\n\r\n"
CHUNK_END_BYTES = 2
"""The line break after a chunk, which its size does not count (RFC 9112, 7.1)."""


class SharedFrameParts:
    """What the frames of all readers have alike, between epoch, cursor before and user's name."""

    __slots__ = ("after_name", "before_cursor", "before_name", "body_bytes", "event_bytes", "id")

    def __init__(self, sequence: int, entry_before_name: bytes, entry_after_name: bytes) -> None:
        self.before_cursor = b'","cursor":"'
        self.before_name = b'-%d","entries":[%b' % (sequence, entry_before_name)
        self.after_name = b'%b],"counts_delta":%b}' % (entry_after_name, encode_delta(1))
        self.id = b"-%d\ndata: " % sequence
        self.body_bytes = sum(
            map(len, (BODY_HEAD, self.before_cursor, self.before_name, self.after_name))
        )
        self.event_bytes = (
            sum(map(len, (EVENT_HEAD, self.id, EVENT_END))) + self.body_bytes - CHUNK_END_BYTES
        )


class SharedFrame(EncodedFrame):
    """The frame of a topic's new notification for one reader; `name` is the user's name as JSON."""

    __slots__ = ("_after", "_epoch", "_name", "_parts")

    def __init__(self, parts: SharedFrameParts, after: Cursor, cursor: Cursor, name: bytes) -> None:
        super().__init__("entries", b"", cursor)
        self._parts = parts
        self._epoch = cursor.epoch.encode()
        self._after = b"-%d" % after.sequence
        self._name = name

    @property
    def body(self) -> bytes:
        """Return the frame as JSON."""
        if not self._body:
            self._body = b"".join(self._body_parts())
        return self._body

    @property
    def websocket_frame(self) -> bytes:
        """Return the frame as a server sends it, in one unmasked text frame (RFC 6455, 5.2)."""
        if not self._websocket_frame:
            size = self._parts.body_bytes + self._own_bytes()
            self._websocket_frame = b"".join((websocket_head(size), *self._body_parts()))
        return self._websocket_frame

    @property
    def http_chunk(self) -> bytes:
        """Return the event as one chunk of an HTTP/1.1 answer (RFC 9112, 7.1)."""
        if not self._http_chunk:
            parts, epoch = self._parts, self._epoch
            size = parts.event_bytes + self._own_bytes() + len(epoch)
            head = (b"%x\r\n" % size, EVENT_HEAD, epoch, parts.id)
            self._http_chunk = b"".join((*head, *self._body_parts(), EVENT_END))
        return self._http_chunk

    def _body_parts(self) -> tuple[bytes, ...]:
        parts, epoch = self._parts, self._epoch
        return (
            *(BODY_HEAD, epoch, self._after, parts.before_cursor, epoch),
            *(parts.before_name, self._name, parts.after_name),
        )

    def _own_bytes(self) -> int:
        return 2 * len(self._epoch) + len(self._after) + len(self._name)
