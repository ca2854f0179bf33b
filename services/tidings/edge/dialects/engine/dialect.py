"""A dialect: the frames that a product's front end receives, and the requests that it sends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
from msgspec import Meta, Struct
from tidings.contracts.close_codes import CloseCode
from tidings.contracts.notifications import Counts, Notification
from tidings.projections.inbox.inbox_state import InboxState

EVENT_TYPE_LENGTH_LIMIT = 100


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
    """Ask for events of a type. All of them are sent anyway, so this is only acknowledged."""

    event_type: Annotated[str, Meta(max_length=EVENT_TYPE_LENGTH_LIMIT)]


AnyDialectRequest = PingRequest | CountRequest | MarkReadRequest | SubscribeRequest

_request_decoder: msgspec.json.Decoder[AnyDialectRequest] = msgspec.json.Decoder(AnyDialectRequest)


class Dialect:
    """The frames of one product. Methods are pure; by default an occasion has no frame."""

    name: ClassVar[str]
    accepted_requests: ClassVar[tuple[type[DialectRequest], ...]] = (PingRequest,)
    documented_close_codes: ClassVar[frozenset[CloseCode]] = frozenset()
    """The close codes that the document states for a token's faults: the handshake is accepted and
    the connection closed with them. All other refusals answer the handshake with a status."""

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
        """Yield the frames of a notification that is unread and in the list."""
        yield from ()

    def mark_frames(self, state: str, identifier: str) -> Iterator[DialectFrame]:
        """Yield the frames of a mark made on any device.

        `state` is `read`, `unread`, `archived` or `deleted`.
        """
        yield from ()

    def count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield the frames of the counts after a change."""
        yield from ()

    def state_frames(self, counts: Counts, inbox: InboxState) -> Iterator[DialectFrame]:
        """Yield the frames of an inbox after a change; by default, those of the counts alone."""
        yield from self.count_frames(counts)

    def with_counts(self, frame: DialectFrame, counts: Counts) -> DialectFrame:
        """Return a frame of a notification, with the counts if the product sends both in one."""
        return frame

    def heartbeat_frames(self) -> Iterator[DialectFrame]:
        """Yield the frames of a heartbeat."""
        yield from ()

    def unread_count_frames(self, counts: Counts) -> Iterator[DialectFrame]:
        """Yield the response to `get_unread_count`."""
        yield from ()

    def subscribed_frame(self, event_type: str) -> DialectFrame:
        """Return the acknowledgement of `subscribe`."""
        return DialectFrame(
            {"type": "subscribed", "event_type": event_type, "timestamp": datetime.now(UTC)}
        )

    def pong_frame(self) -> DialectFrame:
        """Return the response to a ping."""
        return DialectFrame({"type": "pong"})

    def error_frame(self, reason: str) -> DialectFrame:
        """Return the frame that reports a malformed or failed request."""
        return DialectFrame({"type": "error", "data": {"message": reason}})
