"""The front page: what whoever comes to the edge with a browser is shown first."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from tidings.edge.assets import FOLDER, Asset, answer
from tidings.runtime.openapi import UNDESCRIBED


def handler(page: str) -> Any:
    """The route handler of `/`, which is this page of those under `/web/`."""
    found = Asset.of(FOLDER / page)

    @get("/", sync_to_thread=False, opt=UNDESCRIBED)
    def front(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The front page."""
        return answer(request, found)

    return front
