"""How a connection ends: the edge closes it with a code and a reason, or the client disconnects."""

from __future__ import annotations

from tidings.contracts.close_codes import CloseCode


class ConnectionClosed(Exception):
    """The edge closes the connection, with a close code and a reason.

    `retry_after_seconds` goes with `CloseCode.TOO_FAST`.
    """

    def __init__(
        self, code: CloseCode, reason: str, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class ClientDisconnected(Exception):
    """The client has closed the connection."""
