"""The files that browsers load under `/web/`: read once at start, with entity tags and gzip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.static_file import PAGE_POLICY, StaticFile

WEB_FOLDER = Path(__file__).parent.parent / "web"
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}
EXCLUDED_FOLDER = "node_modules"
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}
PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY}
SCRIPT_HEADERS = {"Service-Worker-Allowed": "/"}


def handlers() -> list[Any]:
    """Return the route handler of all files; any other path answers 404."""
    assets = dict(_assets(WEB_FOLDER))

    @get("/web/{name:path}", opt=UNDOCUMENTED_OPT, sync_to_thread=False)
    def asset(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        """Return a file of the browser client."""
        asset_file = assets.get(name.lstrip("/"))
        if asset_file is None:
            raise Problem(404, "not found", "there is no such file; the client is /web/client.js")
        return asset_response(request, asset_file)

    return [asset]


def read_asset(file: Path) -> StaticFile:
    """Read a file."""
    return StaticFile.from_content(MEDIA_TYPES[file.suffix], file.read_bytes())


def asset_response(request: Request[Any, Any, Any], asset_file: StaticFile) -> Response[bytes]:
    """Return a file, or 304 if the browser has it already.

    Pages run only scripts of this origin; a service worker may control the whole origin.
    """
    more = (
        PAGE_HEADERS
        if asset_file.media_type.startswith("text/html")
        else SCRIPT_HEADERS
        if "javascript" in asset_file.media_type
        else {}
    )
    return asset_file.response(request, {**HEADERS, **more})


def _assets(folder: Path) -> Iterator[tuple[str, StaticFile]]:
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.suffix in MEDIA_TYPES and EXCLUDED_FOLDER not in name.parts:
            yield name.as_posix(), read_asset(file)
