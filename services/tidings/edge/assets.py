"""Assets: what browsers load from the edge under `/web/`, read once, with an entity tag, and gzip for whoever takes it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from hashlib import blake2s
from pathlib import Path
from typing import Any, NamedTuple

from litestar import HttpMethod, Request, Response, route
from tidings.edge.conditional import known
from tidings.runtime.openapi import UNDESCRIBED
from tidings.runtime.problem import Problem

FOLDER = Path(__file__).parent / "web"
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}
LEFT_OUT = "node_modules"
POLICY = "; ".join(
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
HEADERS = {
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}
PAGE_HEADERS = {"Content-Security-Policy": POLICY}
SCRIPT_HEADERS = {"Service-Worker-Allowed": "/"}


class Asset(NamedTuple):
    """One file: as it is, packed, and what names this very content."""

    media_type: str
    content: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, file: Path) -> Asset:
        """Read a file."""
        content = file.read_bytes()
        return cls(
            MEDIA_TYPES[file.suffix],
            content,
            gzip.compress(content, mtime=0),
            blake2s(content, digest_size=12).hexdigest(),
        )

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it: no script but our own in a page; a service worker may look after the whole site."""
        more = (
            PAGE_HEADERS
            if self.media_type.startswith("text/html")
            else SCRIPT_HEADERS
            if "javascript" in self.media_type
            else {}
        )
        return {**HEADERS, **more}


def handlers() -> list[Any]:
    """The route handler of all files; no other name leads anywhere."""
    assets = dict(_assets(FOLDER))

    @route(
        "/web/{name:path}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        opt=UNDESCRIBED,
        sync_to_thread=False,
    )
    def asset(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        """A file of the browser's client."""
        found = assets.get(name.lstrip("/"))
        if found is None:
            raise Problem(404, "not found", "there is no such file; the client is /web/client.js")
        return answer(request, found)

    return [asset]


def answer(request: Request[Any, Any, Any], found: Asset) -> Response[bytes]:
    """A file, or 304 if the browser has it already (RFC 9110, section 13.1.2)."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{found.tag}{"-gzip" if packed else ""}"'
    headers = {**found.headers, "ETag": tag, **({"Content-Encoding": "gzip"} if packed else {})}
    if known(tag, request.headers.get("if-none-match")):
        return Response(b"", status_code=304, headers=headers)
    return Response(
        found.packed if packed else found.content, media_type=found.media_type, headers=headers
    )


def _assets(folder: Path) -> Iterator[tuple[str, Asset]]:
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.suffix in MEDIA_TYPES and LEFT_OUT not in name.parts:
            yield name.as_posix(), Asset.of(file)
