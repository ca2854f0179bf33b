"""Entity tags of frames: a client that has the frame already gets 304."""

from __future__ import annotations

from hashlib import blake2s

from litestar import Response
from tidings.edge.delivery.frames import EncodedFrame
from tidings.runtime.http.etag import conditional_response


def frame_response(frame: EncodedFrame, if_none_match: str | None) -> Response[bytes]:
    """Return a frame with its entity tag, or 304 if `If-None-Match` names that tag."""
    return conditional_response(frame.body, etag_of(frame), if_none_match)


def etag_of(frame: EncodedFrame) -> str:
    """Return the entity tag of a frame: the hash of its body without the cursor."""
    # The cursor moves on while nothing happens for the user; an older one resumes just as well.
    body_without_cursor = frame.body.replace(b'"cursor":"%b"' % str(frame.cursor).encode(), b"", 1)
    return f'"{blake2s(body_without_cursor, digest_size=12).hexdigest()}"'
