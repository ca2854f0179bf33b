"""Bounds of one connection; the README of this folder has their table."""

from __future__ import annotations

from typing import NamedTuple


class ConnectionBounds(NamedTuple):
    """What a client may send on one connection, and the time that it has."""

    head_bytes: int = 32 * 1024
    head_lines: int = 100
    line_bytes: int = 8 * 1024
    head_seconds: float = 10.0
    body_window_seconds: float = 10.0
    """Each time span of this length brings `body_window_bytes` of a body, or its end."""
    body_window_bytes: int = 1024
    framing_share: int = 8
    """Bytes around each byte of a body, in its chunks; trailers may have `head_bytes`."""
    discarded_bytes: int = 64 * 1024 * 1024
    """What a client may go on sending, for `close_seconds`, of a body whose request is answered."""
    waiting_requests: int = 10
    unread_seconds: float = 30.0
    """Time to read so much of a full write buffer that more can be written."""
    close_seconds: float = 10.0
    """Time to read what was written before the connection was closed."""
    refusal_seconds: float = 2.0
    """Time to read a refusal; what arrives meanwhile is discarded, up to `refusal_bytes`."""
    refusal_bytes: int = 256 * 1024
    unauthenticated_frames: int = 20
    frame_rate: tuple[int, float] | None = (6000, 60.0)
    """Frames of every kind on an authenticated connection, and the seconds that they may take."""
    fragments: int = 1024
    bytes_after_close: int = 64 * 1024
