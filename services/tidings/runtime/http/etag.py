"""Conditional requests (RFC 9110, section 13): answer 304 if the client has the body already."""

from __future__ import annotations

from litestar import Response
from tidings.runtime.http.static_file import matches_etag
from tidings.runtime.http.web import json_response

CACHE_CONTROL = "private, no-cache"


def conditional_response(body: bytes, tag: str, if_none_match: str | None) -> Response[bytes]:
    """Return JSON with its entity tag, or 304 if `If-None-Match` names that tag."""
    headers = {"ETag": tag, "Cache-Control": CACHE_CONTROL}
    if matches_etag(tag, if_none_match):
        return Response(b"", status_code=304, headers=headers)
    return json_response(body, headers=headers)
