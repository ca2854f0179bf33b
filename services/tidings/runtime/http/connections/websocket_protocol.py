"""WebSockets of uvicorn, within bounds; failed connections cause no error in our log.

What arrives is parsed in small slices: at most a few frames a turn of the event loop, and none
while the application has a message to take or the peer has pongs to read.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tidings.contracts.close_codes import CloseCode, CloseReason, encode_reason
from tidings.runtime.http.connections.client_connection import CONNECTION
from tidings.runtime.http.connections.refusal import BAD_UPGRADE, encode_refusal
from tidings.runtime.http.connections.server_config import BoundedConfig
from tidings.runtime.http.connections.transport import BoundedTransport
from tidings.runtime.http.connections.waiting import ListEvent, MessageQueue
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

INVALID_PAYLOAD = 1007
MESSAGE_TOO_BIG = 1009
UNANSWERED_PING = 1011
SLICE_BYTES = 1024
UNAUTHENTICATED_SLICE_BYTES = 128
"""A slice may be full of the smallest frames, of 6 bytes; the rest of a flood is not parsed."""
FRAMES_PER_TURN = 64


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection; after a failure, `disconnected` makes sends raise ClientDisconnected."""

    # With more than 30 attributes in its dict, an instance has keys of its own, of 1 KiB. The last
    # ones are of the base, which alone has more.
    __slots__ = (
        *("_bounds", "_frames_full_at", "_frames_left", "_is_authenticated", "_is_held"),
        *("_late_bytes", "_peers", "_unparsed", "_write_timer", "unread_seconds"),
        *("app_state", "asgi_version", "client", "close_timeout", "close_timer"),
        *("curr_msg_data_type", "initial_response", "last_ping_rtt", "pending_ping_payload"),
        *("ping_sent_at", "root_path", "scheme", "server"),
    )

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        messages: Any = MessageQueue()
        self.queue = messages
        self.writable = ListEvent(is_set=True)
        self._peers = config.peers
        self._bounds = config.peers.bounds
        self._unparsed = memoryview(b"")
        self._is_held = self._is_authenticated = False
        self._frames_left = self._bounds.unauthenticated_frames
        self._frames_full_at = 0.0
        self._late_bytes = 0
        self._write_timer: asyncio.TimerHandle | None = None
        self.unread_seconds = self._bounds.unread_seconds

    # Called by the transport.

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection, and free its place."""
        if self._write_timer:
            self._write_timer.cancel()
        self._unparsed = memoryview(b"")
        super().connection_lost(exc)
        self._transport.release()

    def data_received(self, data: bytes) -> None:
        """Parse what arrives, or keep it for another turn."""
        if not self._unparsed and len(data) <= self._slice_bytes and self._may_parse:
            self._parse(data)
        else:
            self._unparsed = memoryview(bytes(self._unparsed) + data if self._unparsed else data)
            self._parse_turn()

    def pause_writing(self) -> None:
        """Give the peer a time to read."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.unread_seconds, self.abort, "unread")

    def resume_writing(self) -> None:
        """Continue to write, and to parse."""
        if self._write_timer:
            self._write_timer.cancel()
        super().resume_writing()
        self._parse_turn()

    # Called by applications.

    async def receive(self) -> Any:
        """Return the next message of the client."""
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            if self._unparsed:
                self._hold()
                self.loop.call_soon(self._parse_turn)
            else:
                self.transport.resume_reading()
        return message

    def set_authenticated(self) -> None:
        """Count the connection, and its frames, as those of a known client."""
        self._is_authenticated = True
        self._transport.set_authenticated()

    def write_prepared(self, data: bytes) -> bool:
        """Write whole frames, unless `send` would wait or fail."""
        if (
            self.close_sent
            or self.disconnected
            or not self.handshake_complete
            or not self.writable.is_set()
            or self.conn.state is not State.OPEN
        ):
            return False
        self.transport.write(data)
        return True

    def gather_writes(self, turns: int) -> None:
        """Join what is written in this turn of the event loop and the next ones into one write."""
        self._transport.gather_writes(turns)

    def abort(self, reason: str) -> None:
        """Reset the connection, for a reason that is counted."""
        self._unparsed = memoryview(b"")
        if not self.disconnected:
            self._transport.abort(reason)

    def seconds_without_ack(self) -> float:
        """Return how long the peer has left sent bytes unacknowledged."""
        return self._transport.seconds_without_ack()

    # Called by the parser.

    def handle_connect(self, event: Request) -> None:
        """Start the application, which finds the connection in `extensions` of its scope."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions: Any = self.scope["extensions"]  # type: ignore[typeddict-item]
            extensions[CONNECTION] = self

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment of a message."""
        if len(self.frames) >= self._bounds.fragments:
            self._fail(MESSAGE_TOO_BIG, "too many fragments")
        else:
            super().handle_cont(event)

    def start_keepalive(self) -> None:
        """Begin to ping, and free the opening request and its answer, which is sent."""
        super().start_keepalive()
        self.request.headers.clear()  # the parser keeps the request
        del self.request, self.response

    def send_receive_event_to_app(self) -> None:
        """Pass a message on; fail the connection on text that is not UTF-8 (RFC 6455, 8.1)."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames):
            self.frames = []
            self._fail(INVALID_PAYLOAD, "text must be UTF-8")
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Mark a client that broke the protocol as disconnected."""
        if self.conn.close_sent is None:  # its handshake is not accepted yet
            self.abort("malformed")
        else:
            super().handle_parser_exception()
        self.disconnected = True

    def keepalive_timeout(self) -> None:
        """Mark a client that answers no pings as disconnected."""
        if not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": UNANSWERED_PING})
        super().keepalive_timeout()
        self.disconnected = True

    # Bounds.

    @property
    def _transport(self) -> BoundedTransport:
        transport: Any = self.transport
        return transport

    @property
    def _may_parse(self) -> bool:
        """Whether the application took every message and the peer reads what is written."""
        return not self.read_paused and self.writable.is_set() and not self.transport.is_closing()

    @property
    def _slice_bytes(self) -> int:
        return (
            SLICE_BYTES
            if self._is_authenticated
            else UNAUTHENTICATED_SLICE_BYTES
            if self.handshake_initiated
            else self._bounds.head_bytes
        )

    def _parse_turn(self) -> None:
        """Parse up to `FRAMES_PER_TURN` frames of what is kept, and go on in the next turn."""
        frames = 0
        while self._unparsed and frames < FRAMES_PER_TURN and self._may_parse:
            end = self._slice_bytes
            data, self._unparsed = self._unparsed[:end], self._unparsed[end:]
            frames += self._parse(bytes(data))
        if self._unparsed:
            self._hold()
            if self._may_parse:
                self.loop.call_soon(self._parse_turn)
        elif self._is_held and not self.transport.is_closing():
            self._is_held = False
            if not self.read_paused:
                self.transport.resume_reading()

    def _hold(self) -> None:
        """Read no more until everything is parsed."""
        if not self._is_held:
            self._is_held = True
            self.transport.pause_reading()

    def _parse(self, data: bytes) -> int:
        """Parse a slice; return the number of frames in it."""
        if self.close_sent:
            self._late_bytes += len(data)
            if self._late_bytes > self._bounds.bytes_after_close:
                self.abort("flood")
                return 0
        self.conn.receive_data(data)
        if self.conn.parser_exc is not None:
            self.handle_parser_exception()
            return 0
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self._refuse_handshake()
            return 0
        frames = len(self.conn.events) if self.handshake_initiated else 0
        if frames and not self._take_frames(frames):
            return frames
        self.handle_events()
        return frames

    def _take_frames(self, count: int) -> bool:
        """Count frames; end the connection and return False if there were too many."""
        if self._is_authenticated:
            wait_seconds = self._take_frame_tokens(count)
            if not wait_seconds:
                return True
            self._peers.record_abort("frames")
            reason = CloseReason("too many frames", int(wait_seconds) + 1)
            self._fail(CloseCode.TOO_FAST, encode_reason(reason))
            return False
        self._frames_left -= count
        if self._frames_left >= 0:
            return True
        self.abort("frames")
        return False

    def _take_frame_tokens(self, count: int) -> float:
        """Take tokens of the connection's bucket; return how long it lacks one, 0 if it does not.

        The bucket is that of `tidings.runtime.http.rate`: one time, at which it is full again.
        """
        rate = self._bounds.frame_rate
        if rate is None:
            return 0.0
        quota, window_seconds = rate
        now = time.monotonic()
        self._frames_full_at = max(self._frames_full_at, now) + count * window_seconds / quota
        return max(0.0, self._frames_full_at - now - window_seconds)

    def _fail(self, code: int, reason: str) -> None:
        """Close the connection, and take nothing that follows."""
        self._unparsed = memoryview(b"")
        if self.close_sent:
            self.abort("flood")
        else:
            self.conn.fail(code, reason)
            self.handle_parser_exception()

    def _refuse_handshake(self) -> None:
        """Answer an opening request that the parser of WebSockets does not understand."""
        self._unparsed = memoryview(b"")
        answer = b"".join(self.conn.data_to_send()) or encode_refusal(BAD_UPGRADE)
        self.handshake_complete = self.close_sent = True
        self.transport.write(answer)
        self.transport.close()


def _is_text(fragments: list[bytes]) -> bool:
    try:
        b"".join(fragments).decode()
    except UnicodeDecodeError:
        return False
    return True
