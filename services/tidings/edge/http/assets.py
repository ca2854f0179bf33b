"""The files that browsers load under `/web/`: read once at start, with entity tags and gzip."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from hashlib import blake2s
from pathlib import Path
from typing import Any, NamedTuple

from litestar import HttpMethod, Request, Response, route
from tidings.edge.http.etag import matches_etag
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.problem import Problem

WEB_FOLDER = Path(__file__).parent.parent / "web"
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}
EXCLUDED_FOLDER = "node_modules"
CONTENT_SECURITY_POLICY = "; ".join(
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
PAGE_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
SCRIPT_HEADERS = {"Service-Worker-Allowed": "/"}


class Asset(NamedTuple):
    """A file: its content, the same gzipped, and the hash of its content as `tag`."""

    media_type: str
    content: bytes
    gzipped: bytes
    tag: str

    @classmethod
    def read_file(cls, file: Path) -> Asset:
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
        """Return the response headers of the file.

        Pages run only scripts of this origin; a service worker may control the whole origin.
        """
        more = (
            PAGE_HEADERS
            if self.media_type.startswith("text/html")
            else SCRIPT_HEADERS
            if "javascript" in self.media_type
            else {}
        )
        return {**HEADERS, **more}


def handlers() -> list[Any]:
    """Return the route handler of all files; any other path answers 404."""
    assets = dict(_assets(WEB_FOLDER))

    @route(
        "/web/{name:path}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        opt=UNDOCUMENTED_OPT,
        sync_to_thread=False,
    )
    def asset(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        """Return a file of the browser client."""
        asset_file = assets.get(name.lstrip("/"))
        if asset_file is None:
            raise Problem(404, "not found", "there is no such file; the client is /web/client.js")
        return asset_response(request, asset_file)

    return [asset]


def asset_response(request: Request[Any, Any, Any], asset_file: Asset) -> Response[bytes]:
    """Return a file, or 304 if the browser has it already (RFC 9110, section 13.1.2)."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{asset_file.tag}{"-gzip" if packed else ""}"'
    headers = {
        **asset_file.headers,
        "ETag": tag,
        **({"Content-Encoding": "gzip"} if packed else {}),
    }
    if matches_etag(tag, request.headers.get("if-none-match")):
        return Response(b"", status_code=304, headers=headers)
    return Response(
        asset_file.gzipped if packed else asset_file.content,
        media_type=asset_file.media_type,
        headers=headers,
    )


def _assets(folder: Path) -> Iterator[tuple[str, Asset]]:
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.suffix in MEDIA_TYPES and EXCLUDED_FOLDER not in name.parts:
            yield name.as_posix(), Asset.read_file(file)
