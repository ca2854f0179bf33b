"""Where the ring begins: as far back as its bytes reach, whatever the sizes of the entries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import pytest
from tidings.contracts.messages import NewMessage
from tidings.edge.delivery.ring import OVERHEAD_BYTES
from tidings.edge.delivery.ring_floor import find_ring_floor
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream, make_own_stream

RING_BYTES = 2_000_000
SMALL, LARGE = 300, 10_000


@pytest.fixture
async def stream(runtime: Runtime) -> AsyncIterator[OwnStream]:
    async with make_own_stream(runtime.jetstream) as made:
        yield made


async def append_sizes(runtime: Runtime, stream: OwnStream, sizes: Iterable[int]) -> None:
    await runtime.appender().append_batch(
        [NewMessage(stream.subject("x"), b"x" * size) for size in sizes]
    )


async def floor_of(runtime: Runtime, stream: OwnStream, head: int) -> int:
    return await find_ring_floor(runtime.jetstream, stream.name, (stream.prefix,), head, RING_BYTES)


async def test_a_log_that_fits_is_read_from_its_beginning(
    runtime: Runtime, stream: OwnStream
) -> None:
    assert await floor_of(runtime, stream, 0) == 0

    await append_sizes(runtime, stream, [SMALL] * 900)

    assert await floor_of(runtime, stream, 900) == 0


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([LARGE] * 400, id="large"),
        pytest.param([LARGE] * 400 + [SMALL] * 600, id="large behind small"),
        pytest.param([SMALL] * 600 + [LARGE] * 400, id="small behind large"),
    ],
)
async def test_the_bytes_that_a_start_reads_are_bounded_by_the_ring(
    runtime: Runtime, stream: OwnStream, sizes: list[int]
) -> None:
    await append_sizes(runtime, stream, sizes)

    floor = await floor_of(runtime, stream, len(sizes))

    read_bytes = sum(size + OVERHEAD_BYTES for size in sizes[floor:])
    assert RING_BYTES < read_bytes < 2 * RING_BYTES
