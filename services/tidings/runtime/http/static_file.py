"""Static files: constant bytes with an entity tag and a gzipped copy, and their answers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from hashlib import blake2s
from typing import Any, NamedTuple

from litestar import Request, Response

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy of pages: they load only files of this origin, nothing inline."""


class StaticFile(NamedTuple):
    """Constant content, the same gzipped, and the hash of the content as `tag`."""

    media_type: str
    content: bytes
    gzipped: bytes
    tag: str

    @classmethod
    def from_content(cls, media_type: str, content: bytes) -> StaticFile:
        """Return a file with this content."""
        return cls(
            media_type,
            content,
            gzip.compress(content, mtime=0),
            blake2s(content, digest_size=12).hexdigest(),
        )

    def response(
        self, request: Request[Any, Any, Any], headers: Mapping[str, str]
    ) -> Response[bytes]:
        """Return the file, or 304 if the client has it already (RFC 9110, section 13.1.2)."""
        packed = accepts_gzip(",".join(request.headers.getall("accept-encoding", [])))
        tag = f'"{self.tag}{"-gzip" if packed else ""}"'
        all_headers = {
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            **headers,
            "ETag": tag,
        }
        if matches_etag(tag, request.headers.get("if-none-match")):
            return Response(b"", status_code=304, headers=all_headers)
        return Response(
            self.gzipped if packed else self.content,
            media_type=self.media_type,
            headers={**all_headers, **({"Content-Encoding": "gzip"} if packed else {})},
        )


def accepts_gzip(header: str) -> bool:
    """Return whether `Accept-Encoding` admits gzip (RFC 9110, section 12.5.3).

    `*` stands for each coding that is not named; a weight of 0 refuses one.
    """
    weights = dict(_weights(header))
    weight = max((weights[name] for name in ("gzip", "x-gzip") if name in weights), default=None)
    return (weights.get("*", 0.0) if weight is None else weight) > 0


def matches_etag(tag: str, if_none_match: str | None) -> bool:
    """Return whether `If-None-Match` names an entity tag; `*` names any."""
    tags = {each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")}
    return tag in tags or "*" in tags


def _weights(header: str) -> Iterator[tuple[str, float]]:
    """Yield the codings of `Accept-Encoding` with their weights; one that is malformed counts 0."""
    for choice in header.lower().split(","):
        coding, *parameters = (part.strip() for part in choice.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            yield coding, float(weight)
        except ValueError:
            yield coding, 0.0
