"""HTTP/1.1 connections of uvicorn, within bounds: its parser sees nothing beyond them."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from tidings.runtime.http.connections import refusal
from tidings.runtime.http.connections.client_connection import CONNECTION
from tidings.runtime.http.connections.read_timer import Reading, ReadTimer
from tidings.runtime.http.connections.refusal import Refusal, RefusedRequest, encode_refusal
from tidings.runtime.http.connections.server_config import BoundedConfig
from tidings.runtime.http.connections.transport import BoundedTransport
from tidings.runtime.http.connections.waiting import ListEvent, WaitingList
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState


class HttpProtocol(HttpToolsProtocol):
    """One connection, until it ends or becomes a WebSocket."""

    # With more than 30 attributes in its dict, an instance has keys of its own, of 1 KiB.
    __slots__ = (
        *("_bounds", "_cycles", "_fed_bytes", "_head_bytes", "_head_lines", "_in_body", "_in_head"),
        *("_input_ended", "_late_bytes", "_peers", "_read_timer", "_refusal", "_window_bytes"),
        *("_write_timer", "unread_seconds"),
    )

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._peers = config.peers
        self._bounds = config.peers.bounds
        waiting: Any = WaitingList()
        self.pipeline = waiting
        self._cycles: list[RequestResponseCycle] = []
        self._refusal: Refusal | None = None
        self._input_ended = False
        self._in_head = self._in_body = False
        self._head_lines = self._head_bytes = self._fed_bytes = self._late_bytes = 0
        self._window_bytes = 0
        self._read_timer = ReadTimer(self.loop, self._bounds, self._end_reading)
        self._write_timer: asyncio.TimerHandle | None = None
        self.unread_seconds = config.peers.bounds.unread_seconds

    # Called by the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection, or reset it if there are too many."""
        peer = transport.get_extra_info("peername") or ("",)
        slot = self._peers.admit(peer[0])
        bounded: Any = BoundedTransport(transport, self._peers, slot)
        super().connection_made(bounded)
        self.flow._is_writable_event = ListEvent(is_set=True)  # pyright: ignore[reportPrivateUsage]
        if slot is None:
            self._input_ended = True
            bounded.abort()
        else:
            self._read_timer.start(Reading.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request of the connection that the client has left."""
        self._read_timer.stop()
        self._stop_write_timer()
        self._disconnect_cycles()
        self.pipeline.clear()
        super().connection_lost(exc)
        self._transport.release()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse what exceeds a bound."""
        if self._input_ended:
            self._discard(len(data))
            return
        self._unset_keepalive_if_required()
        self._fed_bytes += len(data)
        if self._in_body and not self._in_head:
            self._count_body(len(data))
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._end_input(self._refusal or refusal.BAD_REQUEST)
            return
        if self._in_body and self._fed_bytes > self._bounds.head_bytes:
            self._end_input(refusal.LARGE_HEAD if self.url else refusal.LONG_TARGET)
        else:
            self._update_read_timer()

    def pause_writing(self) -> None:
        """Give the peer a time to read."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.unread_seconds, self.abort, "unread")

    def resume_writing(self) -> None:
        """Continue to write."""
        self._stop_write_timer()
        super().resume_writing()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {CONNECTION: self}
        self._in_head = self._in_body = True
        self._head_lines = self._head_bytes = self._fed_bytes = 0
        self._late_bytes = self._window_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take the target, or a part of it."""
        super().on_url(url)
        if len(self.url) > self._bounds.line_bytes:
            self._refuse(refusal.LONG_TARGET)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; a trailer is ignored, since no application checks it."""
        size = len(name) + len(value)
        self._head_lines += 1
        self._head_bytes += size
        if (
            size > self._bounds.line_bytes
            or self._head_lines > self._bounds.head_lines
            or self._head_bytes + len(self.url) > self._bounds.head_bytes
        ):
            self._refuse(refusal.LARGE_HEAD)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, or let it wait for those before it."""
        self._in_head = False
        self._fed_bytes = 0
        if self._parser.should_upgrade() and self._should_upgrade():
            if self._cycles:
                self._refuse(refusal.BAD_UPGRADE)
            return super().on_headers_complete()
        if len(self.pipeline) >= self._bounds.waiting_requests:
            self._refuse(refusal.PIPELINE_FULL)
        super().on_headers_complete()
        self.cycle.message_event = ListEvent()
        self._cycles.append(self.cycle)
        return None

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, which permits some bytes of framing."""
        permitted = len(body) * (1 + self._bounds.framing_share)
        self._fed_bytes = max(0, self._fed_bytes - permitted)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._in_body = False
        super().on_message_complete()

    # Called by the cycle of a request.

    def on_response_complete(self) -> None:
        """Start the next request; after the last one of a full pipeline, the connection ends."""
        while self._cycles and self._cycles[0].response_complete:
            del self._cycles[0]
        super().on_response_complete()
        if self._is_answered and not self._input_ended:
            self._read_timer.start(Reading.ANSWERED_BODY)

    # Called by applications, which find the connection in `extensions` of their scope.

    def set_authenticated(self) -> None:
        """Count the connection as that of a known client."""
        self._transport.set_authenticated()

    def write_prepared(self, data: bytes) -> bool:
        """Write whole chunks of the answer that is being sent, unless `send` would wait or fail."""
        cycle = self._cycles[0] if self._cycles else None
        if (
            cycle is None
            or cycle.disconnected
            or cycle.response_complete
            or not cycle.response_started
            or not cycle.chunked_encoding
            or self.flow.write_paused
        ):
            return False
        self.transport.write(data)
        return True

    def gather_writes(self, turns: int) -> None:
        """Join what is written in this turn of the event loop and the next ones into one write."""
        self._transport.gather_writes(turns)

    def abort(self, reason: str) -> None:
        """Reset the connection, for a reason that is counted."""
        self._disconnect_cycles()
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self._transport.abort(reason)

    def seconds_without_ack(self) -> float:
        """Return how long the peer has left sent bytes unacknowledged."""
        return self._transport.seconds_without_ack()

    # Bounds.

    @property
    def _parser(self) -> Any:
        return self.parser

    @property
    def _transport(self) -> BoundedTransport:
        transport: Any = self.transport
        return transport

    @property
    def _is_answered(self) -> bool:
        """Whether the request whose body is being read has its answer."""
        cycle = self.cycle if self._in_body else None
        return cycle is not None and cycle.scope is self.scope and cycle.response_complete

    def _refuse(self, reason: Refusal) -> None:
        """End the parser from within."""
        self._refusal = reason
        raise RefusedRequest(reason.reason)

    def _end_input(self, reason: Refusal) -> None:
        """Parse no more; answer why, unless answers are due that the refusal cannot follow."""
        self._input_ended = True
        self._late_bytes = 0
        self._read_timer.stop()
        self._peers.record_refusal(reason.reason, self._transport.address)
        if reason is refusal.PIPELINE_FULL:
            self._cycles[-1].keep_alive = False
            return
        if (
            self._is_answered
            or len(self._cycles) > 1
            or (self._cycles and self._cycles[0].response_started)
        ):
            self.abort(reason.reason)
            return
        self._disconnect_cycles()
        if self.transport.is_closing():
            return
        self.transport.write(encode_refusal(reason))
        self.transport.write_eof()
        self._read_timer.start(Reading.REFUSED)

    def _discard(self, count: int) -> None:
        """Count what arrives after the input has ended."""
        self._late_bytes += count
        if self._late_bytes > self._bounds.refusal_bytes and not self.transport.is_closing():
            self.abort("flood")

    def _count_body(self, count: int) -> None:
        """Count a body's bytes, and those that are discarded because the request is answered."""
        self._window_bytes += count
        if self._is_answered:
            self._late_bytes += count
            if self._late_bytes > self._bounds.discarded_bytes:
                self._input_ended = True
                self.abort("flood")

    def _disconnect_cycles(self) -> None:
        for cycle in self._cycles:
            cycle.disconnected = True
            cycle.message_event.set()

    def _upgrade(self, rest: bytes) -> None:
        """Hand the connection, and what was sent early, to a WebSocket; others are not spoken."""
        if self._should_upgrade():
            self._read_timer.stop()
            self._stop_write_timer()
            self.handle_websocket_upgrade()
            protocol: Any = self.transport.get_protocol()
            if self.flow.write_paused:  # by answers to the requests before
                protocol.pause_writing()
            if rest:
                protocol.data_received(rest)
        elif self._cycles:
            # The parser takes what follows for the other protocol.
            self._cycles[-1].keep_alive = False
            self._input_ended = True
            self._read_timer.stop()
        else:
            self._input_ended = True
            self.transport.close()

    # Timers.

    def _update_read_timer(self) -> None:
        """Time the head or the body that is being read; both have no timer if they came whole."""
        if self._in_head or (not self._in_body and not self._cycles):
            self._read_timer.start(Reading.HEAD)
        elif self._in_body:
            self._read_timer.start(Reading.ANSWERED_BODY if self._is_answered else Reading.BODY)
        else:
            self._read_timer.stop()

    def _end_reading(self, reading: Reading) -> None:
        """End the connection of a client that takes too long."""
        if reading is Reading.REFUSED:
            self._transport.abort()
        elif self.transport.is_closing():
            return
        elif reading is Reading.ANSWERED_BODY:
            self.abort("body_time")
        elif reading is Reading.HEAD:
            self._end_head()
        elif self.flow.read_paused or self._window_bytes >= self._bounds.body_window_bytes:
            self._window_bytes = 0
            self._read_timer.start(Reading.BODY)
        else:
            self._end_input(refusal.BODY_TIMEOUT)

    def _end_head(self) -> None:
        if self._in_head:
            self._end_input(refusal.HEAD_TIMEOUT)
        else:
            self._peers.record_silence()
            self.transport.close()

    def _stop_write_timer(self) -> None:
        if self._write_timer:
            self._write_timer.cancel()
            self._write_timer = None
