"""The transport over NATS: it appends to the log itself, for services that NATS admits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Self

from tidings.client.appender import Appender
from tidings.client.errors import Permanent, RequestRefused
from tidings.client.jetstream import JetStream, connect
from tidings.client.transport import RejectedEvent
from tidings.contracts.codec import InvalidEvent
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import NewMessage, OversizedEvent, event_message
from tidings.contracts.streams import PARTITIONS_KEY
from tidings.contracts.subjects import EVENTS, Subjects


class NatsTransport:
    """Appends events to the log, whose number of partitions it reads from the stream."""

    def __init__(self, url: str, token: Callable[[], str | None], tenant: str | None) -> None:
        self._url = url
        self._token = token
        self._tenant = tenant
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        jetstream = await self._stack.enter_async_context(
            connect(self._url, "tidings-client", self._token())
        )
        try:
            self._subjects = Subjects(await _read_partition_count(jetstream))
        except BaseException:
            await self._stack.aclose()
            raise
        self._appender = Appender(jetstream)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def send(self, bodies: Sequence[bytes]) -> list[AppendResult]:
        """Append up to 1000 events, all or none.

        Raises RejectedEvent for one of them, Unavailable or RequestRefused.
        """
        return await self._appender.append_batch(
            [self._draft(body, index) for index, body in enumerate(bodies)]
        )

    def _draft(self, body: bytes, index: int) -> NewMessage:
        try:
            return event_message(body, self._tenant, self._subjects)
        except InvalidEvent as error:
            raise RejectedEvent(
                index, error.field, error.reason, too_large=isinstance(error, OversizedEvent)
            ) from None


async def _read_partition_count(jetstream: JetStream) -> int:
    try:
        info = await jetstream.call_api(f"STREAM.INFO.{EVENTS}")
        return int(info["config"]["metadata"][PARTITIONS_KEY])
    except (RequestRefused, KeyError):
        raise Permanent(
            "this NATS has no log of Tidings;"
            " is it the one of the services, and have they been started once?"
        ) from None
