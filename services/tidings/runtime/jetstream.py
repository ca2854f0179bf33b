"""The connection to NATS, as services use it; a domain service's client has the same (`tidings.client.jetstream`)."""

from __future__ import annotations

from tidings.client.jetstream import ApiError, Delivery, JetStream, connect, failure, headers

__all__ = ["ApiError", "Delivery", "JetStream", "connect", "failure", "headers"]
