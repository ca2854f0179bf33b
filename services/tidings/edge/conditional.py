"""Conditional requests (RFC 9110, section 13): a page that the client has already is not sent again."""

from __future__ import annotations

from hashlib import blake2s

from litestar import Response
from tidings.edge.wire import Page
from tidings.runtime.web import json

CACHE_CONTROL = "private, no-cache"


def answer(page: Page, if_none_match: str | None) -> Response[bytes]:
    """A page with its entity tag, or 304 if that is one of those in `If-None-Match`."""
    tag = etag(page)
    headers = {"ETag": tag, "Cache-Control": CACHE_CONTROL}
    if known(tag, if_none_match):
        return Response(b"", status_code=304, headers=headers)
    return json(page.body, headers=headers)


def known(tag: str, if_none_match: str | None) -> bool:
    """Whether an entity tag is one of those in `If-None-Match`."""
    return tag in {each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")}


def etag(page: Page) -> str:
    """Stands for all that a page says but its cursor, which moves on while nothing happens; an older one will do as well."""
    told = page.body.replace(b'"cursor":"%b"' % str(page.cursor).encode(), b"", 1)
    return f'"{blake2s(told, digest_size=12).hexdigest()}"'
