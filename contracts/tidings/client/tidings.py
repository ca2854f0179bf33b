"""Tidings: what a domain service emits its events with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self

from tidings.client.carrier import Carrier
from tidings.client.check import check
from tidings.client.errors import Overloaded, Permanent, Unreachable
from tidings.client.queue import Queue
from tidings.contracts.envelope import Envelope
from tidings.contracts.events.base import Event

OVER_NATS = ("nats://", "tls://")
PATIENCE_LIMIT_SECONDS = 90.0
"""The log knows an id for two minutes; what is tried for longer might be stored twice."""

Token = str | Callable[[], str]
"""A token of scope `emit`, or what gives one whenever one is needed."""


class Emitted(NamedTuple):
    """An event is on disk: its id, its sequence in the log, and whether it stood there already."""

    id: str
    sequence: int
    duplicate: bool


class Tidings:
    """Emits events, over HTTP (`http://…`, to the gateway) or NATS (`nats://…`, to the log itself), while the block lasts.

    What is emitted meanwhile is gathered into batches of up to 1000, and stored in the order of the calls, each event once:
    an event keeps its id while it is tried again, for `patience_seconds`, 90 at most.
    Over HTTP the token has the scope `emit` and says whose events they are; over NATS it is one that NATS knows, if it asks for
    one, and `tenant` says whose events they are.

    Up to `waiting_limit` events wait; then `emit` does.

    >>> async with Tidings("http://127.0.0.1:8000", token, source="/task-service") as tidings:
    ...     await tidings.emit(TaskAssigned(task_id="1", task_title="Say hello", user_id="amira"), actor="dina")
    """

    def __init__(
        self,
        url: str,
        token: Token | None = None,
        *,
        source: str,
        tenant: str | None = None,
        waiting_limit: int = 10_000,
        patience_seconds: float = 60.0,
    ) -> None:
        if not 0 < patience_seconds <= PATIENCE_LIMIT_SECONDS:
            raise ValueError(
                f"patience_seconds is {patience_seconds:g}; it must be above 0 and at most {PATIENCE_LIMIT_SECONDS:g}"
            )
        self._envelope = Envelope(source=source, tenant=tenant)
        self._patience_seconds = patience_seconds
        self._places = asyncio.Semaphore(waiting_limit)
        self._queue = Queue(
            _carrier(url, token if callable(token) else lambda: token, tenant), patience_seconds
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
        actor: str | None = None,
        id: str | None = None,
        subject: str | None = None,
        time: datetime | None = None,
        correlation: str | None = None,
        causation: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Emitted:
        """Have an event stored, and wait until it is on disk.

        `actor` did it, and is not told of it; `id` makes it the same event whenever it is emitted (a UUID if none is given);
        `subject` is what it is about (`task/456`); `time` says when, with a zone, if not now; `more` are fields of data that
        the type does not name.

        Raises EventRefused (TooLarge) if it is wrong, Unauthorised, Overloaded if too many wait for too long, Unreachable if
        nobody answers for too long, Closed outside the block.
        """
        attributes = {
            "actor": actor,
            "subject": subject,
            "time": time,
            "correlationid": correlation,
            "causationid": causation,
        }
        sealed = check(self._envelope.sealed(event, id=id, more=more, **attributes))
        placed = await self._stored(sealed.id, sealed.body)
        return Emitted(sealed.id, *placed)

    async def _stored(self, identifier: str, body: bytes) -> tuple[int, bool]:
        taken = False
        try:
            async with asyncio.timeout(self._patience_seconds):
                async with self._places:
                    taken = True
                    return await self._queue.put(identifier, body)
        except TimeoutError:
            if not taken:
                raise Overloaded(
                    f"event `{identifier}` was not sent: too many waited for {self._patience_seconds:g} seconds"
                ) from None
            raise Unreachable(
                identifier,
                self._queue.trouble or f"no answer within {self._patience_seconds:g} seconds",
            ) from None


def _carrier(url: str, token: Callable[[], str | None], tenant: str | None) -> Carrier:
    """Loaded when it is needed, so that neither needs what the other stands on."""
    if url.startswith(OVER_NATS):
        try:
            from tidings.client.nats import Log
        except ModuleNotFoundError:
            raise Permanent("over NATS, nats-py is needed: install tidings[nats]") from None
        return Log(url, token, tenant)
    from tidings.client.http import Gateway

    return Gateway(url, token)
