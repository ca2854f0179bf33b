"""Statements: events about settings that a person or an administrator makes over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

from litestar import Request
from litestar.params import Parameter
from tidings.contracts.codec import encode
from tidings.contracts.event import Event
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, ID_PATTERN
from tidings.contracts.messages import OwnEventSubject, own_event_message
from tidings.contracts.subjects import Person
from tidings.runtime.http.idempotency import middleware
from tidings.runtime.http.problem import Problem
from tidings.runtime.process import Runtime

OP = "op"
OperationId = Annotated[
    str | None,
    Parameter(
        query=OP,
        min_length=1,
        max_length=ID_LIMIT_CHARACTERS,
        pattern=ID_PATTERN.replace(r"\Z", "$"),
        description="Names this request: sent again, it changes nothing more.",
    ),
]


class Statements:
    """Appends events to `EVENTS`, each once for the name of the request that makes it."""

    def __init__(self, runtime: Runtime) -> None:
        self._appender = runtime.appender()
        self._own_ids = runtime.own_ids
        self._subjects = runtime.settings.subjects

    async def append(self, person: Person, events: Sequence[Event], request_name: str) -> int:
        """Append events by a person, all or none, and return the sequence of the last one.

        Raises Problem if one cannot be used, or Unavailable.
        """
        for event in events:
            check_event(event)
        messages = [
            own_event_message(
                event,
                person.tenant,
                OwnEventSubject("user", getattr(event, "user_id", None) or person.user),
                actor=person.user,
                id=self._event_id(person, request_name, place, event),
                at=datetime.now(UTC),
                subjects=self._subjects,
            )
            for place, event in enumerate(events)
        ]
        results = await self._appender.append_batch(messages)
        return max(result.sequence for result in results)

    async def append_with_id(self, person: Person, event: Event, identifier: str) -> int:
        """Append one event by a person that has an id of its own, and return its sequence."""
        check_event(event)
        message = own_event_message(
            event,
            person.tenant,
            OwnEventSubject("user", person.user),
            actor=person.user,
            id=identifier,
            at=datetime.now(UTC),
            subjects=self._subjects,
        )
        return (await self._appender.append(message)).sequence

    def _event_id(self, person: Person, request_name: str, place: int, event: Event) -> str:
        digest = sha256(encode(event)).hexdigest()
        sender = f"{person.tenant}\0{person.user}"
        return self._own_ids.request_event_id(
            sender, request_name, f"{place} {event.type} {digest}"
        )


def request_name(request: Request[Any, Any, Any], op: str | None) -> str:
    """Return what names a request: its `op`, its idempotency key, else a new name."""
    return op or middleware.request_name(request)


def check_event(event: Event, prefix: str = "") -> None:
    """Raise Problem (422) if a field of an event cannot be used; `prefix`: where it is stated."""
    for faults in (event.faults(), event.unknown_values()):
        for field, reason in faults:
            raise Problem(422, "not usable", reason, field=f"{prefix}{field}")
