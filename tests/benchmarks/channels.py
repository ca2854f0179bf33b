"""Measure the channels: planning, the clock, mails, and what the bell pays for them.

`CHANNELS_SHARE=0.1` measures a tenth of everything, to try it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from tidings.contracts.deliveries import Decided, DeliveryEntry, Planned
from tidings.contracts.subjects import Person

from tests.benchmarks.delivery_log import (
    MAIL_SETTINGS,
    append_notifications,
    read_entries,
    set_up_people,
)
from tests.benchmarks.entries import deliver
from tests.benchmarks.mail_rows import mail_rows
from tests.benchmarks.mail_sink import mail_sink
from tests.benchmarks.measure import CpuTime, Row, memory, percentile
from tests.benchmarks.system import System, person, system
from tests.benchmarks.webhook_rows import webhook_rows

SHARE = float(os.environ.get("CHANNELS_SHARE", "1"))
USERS = 1000
PENDING = int(100_000 * SHARE)
DUE_AT_ONCE = int(10_000 * SHARE)
SINGLE_DUES = int(300 * SHARE)
SINGLE_DUES_SECONDS = 30.0
AFTER = timedelta(hours=1)
"""How long a notification must be unread; what is due sooner was created earlier."""
SETTLE_SECONDS = 5.0
REST_SECONDS = 20.0
APPENDS_PER_SECOND = 100
STRANGERS = 50_000
"""Users from this number on have no address."""


async def channels() -> AsyncIterator[Row]:
    """Measure plans, rest, dues one by one and at once; then mails, and the bell beside them."""
    async with mail_sink(silent=True) as relay, system("projector") as running:
        settings = {**MAIL_SETTINGS, "smtp_port": relay.port}
        await set_up_people(running, range(USERS), "unread", after_seconds=AFTER.seconds)
        async with running.service("channels", **settings):
            pass  # its first start plans from the log's end on
        before = await append_notifications(running, PENDING, _user, lambda _: _now())
        async with running.service("channels", **settings) as pid:
            yield await _plans(running, before)
            for row in await _rest(pid):
                yield row
            for row in await _single_dues(running):
                yield row
            for row in await _dues_at_once(running):
                yield row
    async for row in mail_rows(SHARE):
        yield row
    async for row in webhook_rows(SHARE):
        yield row


async def _plans(running: System, before: int) -> Row:
    entries = await read_entries(running, before, _is_plan, PENDING)
    seconds = max(each.at for each in entries) - min(each.at for each in entries)
    return Row(
        figure=f"plans of {PENDING} notifications, one process, all partitions",
        value=PENDING / seconds,
        unit="/s",
        limit=5000,
        at_least=True,
    )


async def _rest(pid: int) -> list[Row]:
    await asyncio.sleep(SETTLE_SECONDS)
    cpu_time = CpuTime(pid)
    await asyncio.sleep(REST_SECONDS)
    return [
        Row(
            figure=f"… {PENDING} pending, nothing due: processor",
            value=100 * cpu_time.seconds() / REST_SECONDS,
            unit="% of a core",
            limit=0.5,
        ),
        Row(figure="… memory", value=memory(pid).resident / 2**20, unit="MiB"),
    ]


async def _single_dues(running: System) -> list[Row]:
    """Measure how late decisions are appended that are due at random moments."""
    first = _now() + timedelta(seconds=SETTLE_SECONDS) - AFTER
    moments = [
        first + timedelta(seconds=random.uniform(0, SINGLE_DUES_SECONDS))
        for _ in range(SINGLE_DUES)
    ]
    late = await _lateness(running, moments)
    return [
        Row(
            figure="a due, one by one: decided after it, p50",
            value=percentile(late, 0.5),
            unit="ms",
        ),
        Row(figure="… p99", value=percentile(late, 0.99), unit="ms", limit=100),
        Row(figure="… decided before it", value=sum(each < 0 for each in late), unit="", limit=0),
    ]


async def _dues_at_once(running: System) -> list[Row]:
    """Measure many dues of one moment, and the appends of others meanwhile and before."""
    entry = running.entries(USERS, first=STRANGERS)
    appender = running.runtime.appender()
    idle = await deliver(appender, entry, int(5 * APPENDS_PER_SECOND), APPENDS_PER_SECOND)
    due_in = SETTLE_SECONDS + DUE_AT_ONCE / 1000
    created = _now() + timedelta(seconds=due_in) - AFTER
    async with asyncio.TaskGroup() as group:
        dues = group.create_task(_lateness(running, [created] * DUE_AT_ONCE))
        remaining = (created + AFTER - _now()).total_seconds()
        await asyncio.sleep(max(0.0, remaining - 1))
        busy: list[float] = []
        while not dues.done():
            busy += await deliver(appender, entry, APPENDS_PER_SECOND, APPENDS_PER_SECOND)
    late = dues.result()
    return [
        Row(
            figure=f"{DUE_AT_ONCE} due at once: until all are ordered",
            value=max(late) / 1000,
            unit="s",
            limit=3,
        ),
        Row(figure="… decided before it", value=sum(each < 0 for each in late), unit="", limit=0),
        Row(
            figure=f"… appends of others meanwhile, {APPENDS_PER_SECOND}/s, p99",
            value=percentile(busy, 0.99),
            unit="ms",
            limit=60,
        ),
        Row(figure="… and before", value=percentile(idle, 0.99), unit="ms"),
    ]


async def _lateness(running: System, created: list[datetime]) -> list[float]:
    """Return the milliseconds from each due to its decision in the log."""
    before = await append_notifications(running, len(created), _user, created.__getitem__)
    plans = await read_entries(running, before, _is_plan, len(created))
    dues = {
        step.delivery: step.until.timestamp()
        for each in plans
        if isinstance(each.entry, Planned)
        for step in each.entry.steps
        if step.until
    }
    decisions = await read_entries(
        running,
        before,
        lambda entry: isinstance(entry, Decided) and entry.delivery in dues,
        len(created),
    )
    return [
        1000 * (each.at - dues[each.entry.delivery])
        for each in decisions
        if isinstance(each.entry, Decided)
    ]


def _is_plan(entry: DeliveryEntry) -> bool:
    return isinstance(entry, Planned)


def _user(number: int) -> Person:
    return person(number % USERS)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
