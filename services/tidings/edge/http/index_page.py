"""The route of the index page, which a browser gets at `/`."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from tidings.edge.http.assets import WEB_FOLDER, asset_response, read_asset
from tidings.runtime.http.openapi import UNDOCUMENTED_OPT


def handler(page: str) -> Any:
    """Return the route handler of `/`, which serves a page of `/web/`."""
    page_file = read_asset(WEB_FOLDER / page)

    @get("/", sync_to_thread=False, opt=UNDOCUMENTED_OPT)
    def front(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Return the index page."""
        return asset_response(request, page_file)

    return front
