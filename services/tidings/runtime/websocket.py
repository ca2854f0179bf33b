"""WebSockets as uvicorn speaks them, but for connections that fail: those end without an error of ours in the log."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

NO_TEXT = 1007


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection; whoever sends on one that has failed is told that the client is gone."""

    def send_receive_event_to_app(self) -> None:
        """Pass a message on; text that is not UTF-8 fails the connection (RFC 6455, section 8.1)."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames):
            self.frames = []
            self.conn.fail(NO_TEXT, "text must be UTF-8")
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """The client broke the protocol."""
        super().handle_parser_exception()
        self.disconnected = True

    def keepalive_timeout(self) -> None:
        """The client answers no pings."""
        super().keepalive_timeout()
        self.disconnected = True


def _is_text(fragments: list[bytes]) -> bool:
    try:
        b"".join(fragments).decode()
    except UnicodeDecodeError:
        return False
    return True
