"""The client's interface: `Tidings`, which emits events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self

from tidings.client.emit_queue import EmitQueue
from tidings.client.errors import Overloaded, Permanent, Unreachable
from tidings.client.transport import Transport
from tidings.client.validation import encode_event, validate_body
from tidings.contracts.envelope import EncodedEvent, Envelope, TextId, id_text
from tidings.contracts.event import Event

OVER_NATS = ("nats://", "tls://")
PATIENCE_LIMIT_SECONDS = 90.0
"""The log deduplicates ids for two minutes; an event retried for longer might be stored twice."""

Token = str | Callable[[], str]
"""A token of scope `emit`, or a function that returns one, called for each request."""


class EmittedEvent(NamedTuple):
    """A stored event: its id, its sequence in the log, and whether the log had it already."""

    id: str
    sequence: int
    duplicate: bool


class Tidings:
    """Emits events over HTTP (`http://…`, to the gateway) or NATS (`nats://…`, to the log).

    Use it with `async with`. Concurrent events are gathered into batches of up to 1000 and stored
    in the order of the calls, each once: an event keeps its id while it is retried, for
    `patience_seconds`, at most 90. When `waiting_limit` events wait, further calls of `emit` wait
    too.

    Over HTTP the token has the scope `emit`, and its tenant is that of the events. Over NATS the
    token is the one that NATS requires, if any, and `tenant` is the tenant of the events.

    `restores`, over HTTP only: the events are those of an exported log, so what is required of new
    events is not, and those that Tidings itself states are accepted. The token needs the scopes
    `emit` and `admin`.

    >>> async with Tidings("http://127.0.0.1:8000", token, source="/people") as tidings:
    ...     await tidings.emit(UserJoined(user_id="amira"), actor="dina")
    """

    def __init__(
        self,
        url: str,
        token: Token | None = None,
        *,
        source: str,
        tenant: TextId | None = None,
        waiting_limit: int = 10_000,
        patience_seconds: float = 60.0,
        restores: bool = False,
    ) -> None:
        if not 0 < patience_seconds <= PATIENCE_LIMIT_SECONDS:
            raise ValueError(
                f"patience_seconds is {patience_seconds:g}; it must be above 0"
                f" and at most {PATIENCE_LIMIT_SECONDS:g}"
            )
        tenant_text = None if tenant is None else id_text("tenant", tenant)
        self._envelope = Envelope(source=source, tenant=tenant_text)
        self._patience_seconds = patience_seconds
        self._slots = asyncio.Semaphore(waiting_limit)
        self._queue = EmitQueue(
            _transport_for(
                url, token if callable(token) else lambda: token, tenant_text, restores=restores
            ),
            patience_seconds,
        )

    async def __aenter__(self) -> Self:
        await self._queue.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        await self._queue.close(at_once=kind is not None)

    async def emit(
        self,
        event: Event,
        *,
        actor: TextId | None = None,
        id: TextId | None = None,
        subject: TextId | None = None,
        time: datetime | None = None,
        correlation: TextId | None = None,
        causation: TextId | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> EmittedEvent:
        """Store an event, and return when it is on disk.

        `actor` is the user who caused it, who is not notified of it. `id` identifies the event if
        it is emitted again, by default a UUID. `subject` is the entity (`task/456`). `time` is when
        it happened, with a time zone, by default now. `more` are fields of data that the type does
        not name. Ids may be integers or UUIDs, which mean their text.

        Raises EventRefused or TooLarge if the event is invalid, Unauthorised, Overloaded if too
        many events wait for too long, Unreachable if no answer comes in time, and ClientClosed
        outside `async with`.
        """
        attributes = {
            "actor": actor,
            "subject": subject,
            "time": time,
            "correlationid": correlation,
            "causationid": causation,
        }
        return await self.emit_encoded(
            encode_event(self._envelope, event, id=id, more=more, **attributes)
        )

    async def emit_body(self, body: bytes) -> EmittedEvent:
        """Store an encoded event: a CloudEvent in JSON, such as a line of an exported log.

        It keeps its own source, tenant and bytes. Raises as `emit` does.
        """
        return await self.emit_encoded(validate_body(body))

    async def emit_encoded(self, event: EncodedEvent) -> EmittedEvent:
        """Store an event that `validate_body` returned. Raises as `emit` does."""
        stored = await self._store(event.id, event.body)
        return EmittedEvent(event.id, *stored)

    async def _store(self, identifier: str, body: bytes) -> tuple[int, bool]:
        has_slot = False
        try:
            async with asyncio.timeout(self._patience_seconds):
                async with self._slots:
                    has_slot = True
                    return await self._queue.store(identifier, body)
        except TimeoutError:
            # With a slot the event may have been sent, and stored without an answer.
            if not has_slot:
                raise Overloaded(
                    f"event `{identifier}` was not sent: too many events waited"
                    f" for {self._patience_seconds:g} seconds"
                ) from None
            raise Unreachable(
                identifier,
                self._queue.last_problem or f"no answer within {self._patience_seconds:g} seconds",
            ) from None


def _transport_for(
    url: str, token: Callable[[], str | None], tenant: str | None, *, restores: bool
) -> Transport:
    """Return the transport of an address.

    It is imported here, so that HTTP does not need nats-py, and NATS does not need httpx.
    """
    if url.startswith(OVER_NATS):
        try:
            from tidings.client.nats_transport import NatsTransport
        except ModuleNotFoundError:
            raise Permanent("NATS requires nats-py: install tidings[nats]") from None
        return NatsTransport(url, token, tenant)
    from tidings.client.http_transport import HttpTransport

    return HttpTransport(url, token, restores=restores)
