"""A stream that only one test reads and writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import uuid4

from tidings.client.appender import Appender
from tidings.client.jetstream import JetStream
from tidings.contracts.cursor import epoch_of
from tidings.contracts.messages import NewMessage
from tidings.contracts.streams import Stream
from tidings.runtime.log.follow import StreamMessage


class OwnStream(NamedTuple):
    """The name of the stream, the first token of all its subjects, and its epoch."""

    name: str
    prefix: str
    epoch: str

    def subject(self, *tokens: object) -> str:
        """Return a subject of the stream."""
        return ".".join([self.prefix, *map(str, tokens)])


@asynccontextmanager
async def make_own_stream(jetstream: JetStream, **more: Any) -> AsyncIterator[OwnStream]:
    """Create a stream, and delete it at the end of the block."""
    token = uuid4().hex[:12]
    stream = Stream(f"T_{token}", (f"t{token}.>",), **more)
    yield OwnStream(stream.name, f"t{token}", await create_stream(jetstream, stream))
    await jetstream.call_api(f"STREAM.DELETE.{stream.name}")


async def create_stream(jetstream: JetStream, stream: Stream) -> str:
    """Create a stream, and return its epoch."""
    answer = await jetstream.call_api(f"STREAM.CREATE.{stream.name}", stream.configuration())
    return epoch_of(answer["created"])


def decode_bodies(messages: Iterable[StreamMessage]) -> list[str]:
    """Return the bodies of messages as text."""
    return [message.data.decode() for message in messages]


async def append_bodies(
    appender: Appender, stream: OwnStream, *bodies: str, subject: str = "x"
) -> list[int]:
    """Append messages with these bodies, and return their sequences."""
    appended = await appender.append_batch(
        [NewMessage(stream.subject(subject), body.encode()) for body in bodies]
    )
    return [each.sequence for each in appended]
