"""Metered sends: count the ASGI messages that the edge sends on one connection."""

from __future__ import annotations

from typing import Any

from litestar.types import Send
from tidings.edge.monitoring.connection_meter import ConnectionMeter


class MeteredSend:
    """Counts the frames, the close code, and a refusal, of one connection.

    A WebSocket that is closed before its first frame was refused too.
    """

    __slots__ = ("_meter", "_send", "_sent")

    def __init__(self, meter: ConnectionMeter, send: Send) -> None:
        self._meter = meter
        self._send = send
        self._sent = False

    # These return the coroutine of the transport as it is: an own one would cost every frame more
    # than the count.
    def send_websocket(self, message: Any) -> Any:
        """Send a message of a WebSocket."""
        match message["type"]:
            case "websocket.send":
                self._sent = True
                self._meter.messages_sent += 1
            case "websocket.close":
                code = str(int(message["code"]))
                self._meter.closes[code] += 1
                if not self._sent:
                    self._meter.rejections[code] += 1
            case "websocket.http.response.start":
                self._meter.rejections[str(message["status"])] += 1
            case _:
                pass
        return self._send(message)

    def send_event_stream(self, message: Any) -> Any:
        """Send a message of an event stream."""
        match message["type"]:
            case "http.response.body" if message["more_body"]:
                self._meter.messages_sent += 1
            case "http.response.start" if message["status"] != 200:
                self._meter.rejections[str(message["status"])] += 1
            case _:
                pass
        return self._send(message)
