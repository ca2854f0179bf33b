"""The route of the index page, which a browser gets at `/`."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from tidings.edge.http.assets import WEB_FOLDER, asset_response, read_asset
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT
from tidings.runtime.http.static_file import PAGE_POLICY


def handler(page: str, *, has_frames: bool = False) -> Any:
    """Return the route handler of `/`, which serves a page of `/web/`.

    `has_frames`: it may show documents of its own origin in frames.
    """
    page_file = read_asset(WEB_FOLDER / page)

    @get("/", sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def front(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Return the index page."""
        response = asset_response(request, page_file)
        if has_frames:
            response.headers["Content-Security-Policy"] = f"{PAGE_POLICY}; frame-src 'self'"
        return response

    return front
