"""A uvicorn server with bounded connections that leaves signals to its process.

This module loads no web framework.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

import uvicorn
from tidings.runtime.http.connections.http_protocol import HttpProtocol
from tidings.runtime.http.connections.peers import Peers
from tidings.runtime.http.connections.server_config import BoundedConfig
from tidings.runtime.http.connections.websocket_protocol import WebSocketProtocol


def server_config(app: Any, peers: Peers, **options: Any) -> BoundedConfig:
    """Return the configuration that all servers of HTTP share; `options` are uvicorn's."""
    return BoundedConfig(
        app,
        peers,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        **options,
    )


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves signals to its process."""

    def stop_listening(self) -> None:
        """Close the listening sockets; open connections stay."""
        for server in self.servers:
            server.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Install no signal handlers."""
        yield
