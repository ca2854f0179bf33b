"""The throughput of each stage as rows, beside raw limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from tests.benchmarks import backbone
from tests.benchmarks.event_kinds import DOMAIN_KINDS
from tests.benchmarks.measure import Row

NOTIFIER_EVENTS = 60_000
NOTIFIER_LIMITS = {1: 15_000.0, 50: 56_000.0}
COPY_LIMIT = 0.45


async def pipeline() -> AsyncIterator[Row]:
    """Measure each stage at full load."""
    async for row in notifier():
        yield row
    async for row in projector():
        yield row
    gateway = await backbone.gateway_rate()
    yield Row(
        figure="gateway, JSON lines",
        value=gateway.per_second,
        unit="events/s",
        limit=15_000,
        at_least=True,
    )


async def notifier() -> AsyncIterator[Row]:
    """Measure the notifier with ready texts, then with domain events and their templates."""
    single = 0.0
    for recipients, limit in NOTIFIER_LIMITS.items():
        events = NOTIFIER_EVENTS if recipients == 1 else 2000
        rate = await backbone.notifier_rate(events=events, recipients=recipients)
        single = single or rate.per_second
        yield Row(
            figure=f"notifier, {recipients} recipients an event, ready text",
            value=rate.per_second,
            unit="/s",
            limit=limit,
            at_least=True,
        )
    for kind in DOMAIN_KINDS:
        rate = await backbone.notifier_rate_of(kind, NOTIFIER_EVENTS // 2 // kind.recipients)
        yield Row(
            figure=f"notifier, {kind.name}",
            value=rate.per_second / kind.recipients,
            unit="events/s",
        )
        yield Row(
            figure="… its processor an event",
            value=rate.cpu_microseconds * kind.recipients,
            unit="µs",
        )
        yield Row(
            figure="… notifications ÷ those of 1 recipient with ready text",
            value=rate.per_second / single,
            unit="×",
        )


async def projector() -> AsyncIterator[Row]:
    """Measure the projector over a stored log, beside COPY into the same table."""
    rate, copy = await backbone.projector_rate()
    for row in rows_beside_copy("projector", rate.per_second, copy):
        yield row


def rows_beside_copy(figure: str, projected: float, copied: float) -> Iterator[Row]:
    """Return the rows of a projection and of COPY into the same table, both in rows a second."""
    yield Row(figure=figure, value=projected, unit="rows/s")
    yield Row(figure="raw COPY into the same table", value=copied, unit="rows/s")
    yield Row(
        figure="… projector ÷ COPY",
        value=projected / copied,
        unit="×",
        limit=COPY_LIMIT,
        at_least=True,
    )
