"""Conditional requests (RFC 9110, section 13): answer 304 if the client has the frame already."""

from __future__ import annotations

from hashlib import blake2s

from litestar import Response
from tidings.edge.delivery.frames import EncodedFrame
from tidings.runtime.http.static_file import matches_etag
from tidings.runtime.http.web import json_response

CACHE_CONTROL = "private, no-cache"


def frame_response(frame: EncodedFrame, if_none_match: str | None) -> Response[bytes]:
    """Return a frame with its entity tag, or 304 if `If-None-Match` names that tag."""
    tag = etag_of(frame)
    headers = {"ETag": tag, "Cache-Control": CACHE_CONTROL}
    if matches_etag(tag, if_none_match):
        return Response(b"", status_code=304, headers=headers)
    return json_response(frame.body, headers=headers)


def etag_of(frame: EncodedFrame) -> str:
    """Return the entity tag of a frame: the hash of its body without the cursor."""
    # The cursor moves on while nothing happens for the user; an older one resumes just as well.
    body_without_cursor = frame.body.replace(b'"cursor":"%b"' % str(frame.cursor).encode(), b"", 1)
    return f'"{blake2s(body_without_cursor, digest_size=12).hexdigest()}"'
