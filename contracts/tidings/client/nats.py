"""NATS: how a client's events get to the log itself, without a gateway; for services that NATS lets in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Self

from tidings.client.append import Appender
from tidings.client.carrier import Wrong
from tidings.client.errors import Permanent, Refused
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.codec import InvalidEvent
from tidings.contracts.draft import Draft, OversizedEvent, draft
from tidings.contracts.http import Appended
from tidings.contracts.streams import PARTITIONS
from tidings.contracts.subjects import EVENTS


class Log:
    """The log of an installation; how many partitions it has, it says itself."""

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
            self._partitions = await _partitions(jetstream)
        except BaseException:
            await self._stack.aclose()
            raise
        self._appender = Appender(jetstream)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def carry(self, bodies: Sequence[bytes]) -> list[Appended]:
        """Append up to 1000 events, all or none; raises Wrong of one of them, Unavailable or Refused."""
        return await self._appender.append_batch(
            [self._draft(body, place) for place, body in enumerate(bodies)]
        )

    def _draft(self, body: bytes, place: int) -> Draft:
        try:
            return draft(body, self._tenant, self._partitions)
        except InvalidEvent as error:
            raise Wrong(
                place, error.field, error.reason, too_large=isinstance(error, OversizedEvent)
            ) from None


async def _partitions(jetstream: JetStream) -> int:
    try:
        info = await jetstream.call(f"STREAM.INFO.{EVENTS}")
        return int(info["config"]["metadata"][PARTITIONS])
    except (Refused, KeyError):
        raise Permanent(
            "this NATS has no log of Tidings; is it the one that the services use, and have they run once?"
        ) from None
