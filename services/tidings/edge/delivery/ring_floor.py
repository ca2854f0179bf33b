"""Where the ring begins: how far back in the log its bytes reach, estimated from samples."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import random

from tidings.client.jetstream import JetStream
from tidings.edge.delivery.ring import OVERHEAD_BYTES
from tidings.runtime.log.read import next_message

ENTRY_PREFIXES = ("inbox.", "member.")
NEWEST_SPAN = 512
SAMPLES_PER_SPAN = 16
RESERVE = 1.25
"""The ring drops what is too much; what is too little it would lack until the log has grown."""


async def find_ring_floor(
    jetstream: JetStream, stream: str, prefixes: tuple[str, ...], head: int, limit_bytes: int
) -> int:
    """Return the sequence after which the newest entries fill a ring; raises Unavailable.

    Only messages whose subject has one of the prefixes are entries of the ring.

    The log is sampled from its head backward, in spans that double. So the time to fill the ring is
    bounded by its bytes, however large and however uneven the entries are.
    """
    floor, missing_bytes, span = head, limit_bytes * RESERVE, NEWEST_SPAN
    while floor > 0:
        for first, entry_bytes in await _samples(jetstream, stream, prefixes, floor, span):
            fitting = int(missing_bytes // max(1, entry_bytes))
            if fitting < floor - first:
                return floor - fitting
            missing_bytes -= entry_bytes * (floor - first)
            floor = first
        span *= 2
    return floor


async def _samples(
    jetstream: JetStream, stream: str, prefixes: tuple[str, ...], until: int, span: int
) -> list[tuple[int, int]]:
    """Return parts of a span that ends at a sequence, the newest first.

    Each is the sequence after which it begins, and the memory that one of its messages takes.
    """
    after = max(0, until - span)
    count = min(SAMPLES_PER_SPAN, until - after)
    bounds = [after + (until - after) * part // count for part in range(count + 1)]
    messages = await asyncio.gather(
        *(
            # At random within its part, so that no pattern of the log evades the samples.
            next_message(jetstream, stream, ">", after=first + int(random() * (end - first)))
            for first, end in pairwise(bounds)
        )
    )
    sizes = [
        len(message.data) + OVERHEAD_BYTES
        if message and message.subject.startswith(prefixes)
        else 0
        for message in messages
    ]
    return [*zip(bounds, sizes, strict=False)][::-1]
