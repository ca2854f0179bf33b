"""A stream at its limit in bytes refuses what is appended, at once, and drops nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from tidings.client.errors import StreamFull
from tidings.contracts.messages import NewMessage
from tidings.contracts.streams import PARTITIONS_KEY, Stream
from tidings.runtime.http.failures import failure_problem
from tidings.runtime.log.install import ensure_stream, expected_streams
from tidings.runtime.process import Runtime

LIMIT_BYTES = 50_000
BODY = b"x" * 1_000


@pytest.fixture
async def stream(runtime: Runtime) -> AsyncIterator[Stream]:
    name = f"T_{uuid4().hex[:12]}"
    stream = Stream(name, (f"{name}.>",), limit_bytes=LIMIT_BYTES, metadata={PARTITIONS_KEY: "16"})
    await ensure_stream(runtime.jetstream, stream)
    yield stream
    await runtime.jetstream.call_api(f"STREAM.DELETE.{name}")


async def state_of(runtime: Runtime, stream: Stream) -> dict[str, Any]:
    return (await runtime.jetstream.call_api(f"STREAM.INFO.{stream.name}"))["state"]


def messages(stream: Stream, count: int) -> list[NewMessage]:
    return [NewMessage(f"{stream.name}.x", BODY, id=uuid4().hex) for _ in range(count)]


async def test_a_full_stream_refuses_and_keeps_everything_until_its_limit_is_raised(
    runtime: Runtime, stream: Stream
) -> None:
    appender, began = runtime.appender(), time.monotonic()
    with pytest.raises(StreamFull):
        for message in messages(stream, 100):
            await appender.append(message)
    full = await state_of(runtime, stream)
    with pytest.raises(StreamFull):
        await appender.append_batch(messages(stream, 20))

    await runtime.appends.probe()  # a full stream makes no process unready
    assert time.monotonic() - began < 10, "it tried again what cannot succeed"
    assert await state_of(runtime, stream) == full
    assert (full["first_seq"], full["messages"]) == (1, full["last_seq"])

    await ensure_stream(runtime.jetstream, replace(stream, limit_bytes=2 * LIMIT_BYTES))
    await appender.append_batch(messages(stream, 20))

    state = await state_of(runtime, stream)
    assert (state["first_seq"], state["messages"]) == (1, full["messages"] + 20)


def test_the_limits_are_settings_and_the_answer_names_them(runtime: Runtime) -> None:
    settings = msgspec.structs.replace(
        runtime.settings, events_limit_bytes=1_000, notifications_limit_bytes=2_000
    )
    limits = {stream.name: stream.limit_bytes for stream in expected_streams(settings)}
    problem = failure_problem(StreamFull("maximum bytes exceeded"))

    assert limits == {"EVENTS": 1_000, "NOTIFICATIONS": 2_000, "TICKETS": None, "DEAD": None}
    assert problem.status == 503
    assert "TIDINGS_EVENTS_LIMIT_BYTES" in problem.detail
    assert all(
        stream.configuration()["discard"] == "old" for stream in expected_streams(runtime.settings)
    )
