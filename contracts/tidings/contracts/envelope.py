"""Envelope: an event with its id, its source and who did it, as one CloudEvent in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from msgspec import Struct, to_builtins
from tidings.contracts.codec import encode
from tidings.contracts.events.base import Event


class Envelope(Struct, frozen=True, kw_only=True):
    """What a service says of all its events: where they come from (`/task-service`), and whose they are."""

    source: str
    tenant: str | None = None

    def sealed(
        self,
        event: Event,
        *,
        id: str | None = None,
        more: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> Sealed:
        """An event in its envelope: with an id of its own unless one is given, `more` data, and attributes such as `actor`."""
        chosen = id or str(uuid4())
        given = {
            "tenant": self.tenant,
            **{
                name: value
                for name, value in attributes.items()
                if isinstance(value, str | datetime)
            },
        }
        body = {
            "specversion": "1.0",
            "id": chosen,
            "source": self.source,
            "type": event.type,
            **{name: value for name, value in given.items() if value is not None},
            "data": {
                **(more or {}),
                **{name: value for name, value in to_builtins(event).items() if value is not None},
            },
        }
        return Sealed(id=chosen, body=encode(body))


class Sealed(Struct, frozen=True, kw_only=True):
    """An event in its envelope: its id, and its bytes."""

    id: str
    body: bytes
