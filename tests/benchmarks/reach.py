"""The figures that Tidings wants to reach, in one run of at most twelve minutes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from tests.benchmarks import edge_rows
from tests.benchmarks.catchup import catchup
from tests.benchmarks.domains import domains
from tests.benchmarks.latency import latency
from tests.benchmarks.measure import Row
from tests.benchmarks.pipeline import notifier, projector


async def edge_beside_bare() -> AsyncIterator[Row]:
    """Measure five tabs a user beside bare ASGI, without the other peers."""
    async for row in edge_rows.edge(peers=False):
        yield row


async def memory_one_a_user() -> AsyncIterator[Row]:
    """Measure idle connections of one tab a user, without the peers."""
    async for row in edge_rows.memory(peers=False):
        yield row


REACH: dict[str, Callable[[], AsyncIterator[Row]]] = {
    "latency": latency,
    "projector": projector,
    "catchup": catchup,
    "notifier": notifier,
    "domains": domains,
    "topic": edge_rows.topic,
    "edge": edge_beside_bare,
    "storm": edge_rows.storm,
    "memory": memory_one_a_user,
}
"""In this order: the latency first, while the machine is as quiet as it will be."""
