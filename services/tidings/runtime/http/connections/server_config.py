"""The configuration of a uvicorn server whose connections are bounded."""

from __future__ import annotations

from typing import Any

import uvicorn
from tidings.runtime.http.connections.peers import Peers


class BoundedConfig(uvicorn.Config):
    """A configuration with the peers that all connections of the server share."""

    def __init__(self, app: Any, peers: Peers, **options: Any) -> None:
        super().__init__(app, **options)
        self.peers = peers
