"""A stream of a test's own, which nobody else reads or writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import uuid4

from tidings.contracts.cursor import epoch
from tidings.contracts.streams import Stream
from tidings.runtime.jetstream import JetStream


class OwnStream(NamedTuple):
    """Its name, the first token of all its subjects, and its incarnation."""

    name: str
    prefix: str
    epoch: str

    def subject(self, *tokens: object) -> str:
        """One of its subjects."""
        return ".".join([self.prefix, *map(str, tokens)])


@asynccontextmanager
async def own_stream(jetstream: JetStream, **more: Any) -> AsyncIterator[OwnStream]:
    """A new stream while the block lasts."""
    token = uuid4().hex[:12]
    stream = Stream(f"T_{token}", (f"t{token}.>",), **more)
    yield OwnStream(stream.name, f"t{token}", await create(jetstream, stream))
    await jetstream.call(f"STREAM.DELETE.{stream.name}")


async def create(jetstream: JetStream, stream: Stream) -> str:
    """Make a stream and return its epoch."""
    answer = await jetstream.call(f"STREAM.CREATE.{stream.name}", stream.configuration())
    return epoch(answer["created"])
