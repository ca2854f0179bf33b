"""A dialect: the frames that a product's front end receives, and the requests that it sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Struct
from tidings.contracts.notifications import Counts, Notification


class DialectFrame(NamedTuple):
    """A frame of a dialect.

    `event` is the event's name on an event stream; `notification` is the one in the body, if any.
    """

    body: dict[str, Any]
    event: str = ""
    notification: Notification | None = None


class DialectRequest(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A frame from a client; unknown fields are ignored, as by the products' own servers."""


class PingRequest(DialectRequest, frozen=True, kw_only=True, tag="ping"):
    """Ask for a `pong`."""


class CountRequest(DialectRequest, frozen=True, kw_only=True, tag="get_unread_count"):
    """Ask for the number of unread notifications."""


class MarkReadRequest(DialectRequest, frozen=True, kw_only=True, tag="mark_read"):
    """Mark a notification as read."""

    notification_id: str


class SubscribeRequest(DialectRequest, frozen=True, kw_only=True, tag="subscribe"):
    """Receive only notifications of this type and of those subscribed to before."""

    event_type: str


AnyDialectRequest = PingRequest | CountRequest | MarkReadRequest | SubscribeRequest

_request_decoder: msgspec.json.Decoder[AnyDialectRequest] = msgspec.json.Decoder(AnyDialectRequest)


class Dialect:
    """The frames of one product. Methods are pure; by default an occasion has no frame."""

    name: ClassVar[str]
    accepted_requests: ClassVar[tuple[type[DialectRequest], ...]] = (PingRequest,)

    def decode_request(self, text: str | bytes) -> AnyDialectRequest:
        """Decode a frame from a client; raises ValueError or msgspec.DecodeError."""
        request = _request_decoder.decode(text)
        if not isinstance(request, self.accepted_requests):
            accepted = [str(kind.__struct_config__.tag) for kind in self.accepted_requests]
            raise ValueError(f"`type` must be one of: {', '.join(accepted)}")
        return request

    def hello_frames(self, user: str, connection: str) -> Iterator[DialectFrame]:
        """Yield the frames at the start of a connection."""
        yield from ()

    def notification_frames(self, notification: Notification) -> Iterator[DialectFrame]:
        """Yield the frames of a notification, which may have been read already."""
        yield from ()

    def mark_frames(self, state: str, identifier: str) -> Iterator[DialectFrame]:
        """Yield the frames of a mark made on any device.

        `state` is `read`, `unread`, `archived` or `deleted`.
        """
        yield from ()

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield the frames of the counts after a change."""
        yield from ()

    def heartbeat_frames(self) -> Iterator[DialectFrame]:
        """Yield the frames of a heartbeat."""
        yield from ()

    def unread_count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield the response to `get_unread_count`."""
        yield from ()

    def subscription_names(self, notification: Notification) -> frozenset[str]:
        """Return the names that a client may subscribe to in order to receive a notification."""
        return frozenset()

    def pong_frame(self) -> DialectFrame:
        """Return the response to a ping."""
        return DialectFrame({"type": "pong"})

    def error_frame(self, reason: str) -> DialectFrame:
        """Return the frame that reports a malformed or failed request."""
        return DialectFrame({"type": "error", "data": {"message": reason}})
