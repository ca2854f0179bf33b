"""Encode events as CloudEvents in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from msgspec import Struct, to_builtins
from tidings.contracts.codec import encode
from tidings.contracts.event import Event


class Envelope(Struct, frozen=True, kw_only=True):
    """The attributes that all events of a service share: its `source` (`/task-service`) and its
    tenant.
    """

    source: str
    tenant: str | None = None

    def encode(
        self,
        event: Event,
        *,
        id: str | None = None,
        more: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> EncodedEvent:
        """Encode an event as a CloudEvent.

        It gets a random id unless one is given. `more` is added to its data, without overriding its
        fields; `attributes` are attributes such as `actor`.
        """
        event_id = id or str(uuid4())
        optional = {
            "tenant": self.tenant,
            **{
                name: value
                for name, value in attributes.items()
                if isinstance(value, str | datetime)
            },
        }
        body = {
            "specversion": "1.0",
            "id": event_id,
            "source": self.source,
            "type": event.type,
            **{name: value for name, value in optional.items() if value is not None},
            # A field of the event wins over one of the same name in `more`.
            "data": {
                **(more or {}),
                **{name: value for name, value in to_builtins(event).items() if value is not None},
            },
        }
        return EncodedEvent(id=event_id, body=encode(body))


class EncodedEvent(Struct, frozen=True, kw_only=True):
    """An encoded CloudEvent and its id."""

    id: str
    body: bytes
