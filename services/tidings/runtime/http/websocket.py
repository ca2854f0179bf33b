"""WebSockets of uvicorn whose failed connections cause no error in our log."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

INVALID_PAYLOAD = 1007


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection; after a failure, `disconnected` makes sends raise ClientDisconnected."""

    def send_receive_event_to_app(self) -> None:
        """Pass a message on; fail the connection on text that is not UTF-8 (RFC 6455, 8.1)."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames):
            self.frames = []
            self.conn.fail(INVALID_PAYLOAD, "text must be UTF-8")
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Mark a client that broke the protocol as disconnected."""
        super().handle_parser_exception()
        self.disconnected = True

    def keepalive_timeout(self) -> None:
        """Mark a client that answers no pings as disconnected."""
        super().keepalive_timeout()
        self.disconnected = True


def _is_text(fragments: list[bytes]) -> bool:
    try:
        b"".join(fragments).decode()
    except UnicodeDecodeError:
        return False
    return True
