"""A fault run: load, followers and faults on an installation, then the comparison of all logs."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import NamedTuple

from tidings.client.jetstream import JetStream
from tidings.contracts.subjects import EVENTS, Subjects

from tests.delivered_titles import DeliveredTitles, read_tenant_log
from tests.driver import Tidings
from tests.faults.actions import Fault
from tests.faults.clients import Follower, Producer
from tests.faults.installation import ClusterInstallation
from tests.faults.model import (
    Differences,
    differences,
    expected_titles,
    wrong_positions,
)
from tests.streams import read_all
from tests.waiting import wait_until

USERS = ("ann", "ben")
SETTLE_SECONDS = 90.0
QUIET_SECONDS = 1.0


class Report(NamedTuple):
    """The outcome of a run."""

    events: int
    notifications: int
    differences: dict[str, Differences]
    wrong_positions: list[str]
    statuses: Counter[int]
    resets: int
    stopped: list[str]
    append_seconds: list[float]
    delivery_seconds: list[float]

    def count(self, kind: str) -> int:
        """Return the number of differences of a kind, over all logs."""
        return sum(len(getattr(each, kind)) for each in self.differences.values())


class Load:
    """Producers and followers of several tenants, whose events are in different partitions."""

    def __init__(self, installation: ClusterInstallation, partitions: int) -> None:
        self._installation = installation
        self._subjects = Subjects(partitions)
        self.tenants = [
            [Tidings(url, None, name) for url in installation.urls]
            for name in _tenants(self._subjects, partitions)
        ]
        self.producers = [
            Producer(number, each[0], installation.urls, USERS)
            for number, each in enumerate([*self.tenants, *self.tenants])
        ]
        self.followers = {
            each[0].tenant: [
                Follower(user, order, by_stream=by_stream)
                for user in USERS
                for by_stream, order in ((False, each), (True, each[::-1]))
            ]
            for each in self.tenants
        }

    async def compare(self, jetstream: JetStream) -> Report:
        """Wait until all logs are complete, and compare each with what it must contain."""
        expectations: list[tuple[Tidings, str, Sequence[str]]] = []
        wrong: list[str] = []
        acknowledged = [each for producer in self.producers for each in producer.acknowledged]
        for number, (tenant, *_) in enumerate(self.tenants):
            mine = [
                each
                for producer in self.producers[number :: len(self.tenants)]
                for each in producer.acknowledged
            ]
            positions = await self._positions(jetstream, tenant.tenant)
            wrong += wrong_positions(mine, positions)
            expectations += [
                (tenant, user, expected_titles(mine, positions, user)) for user in USERS
            ]
        for tenant, user, expected in expectations:
            await self._wait_until_complete(tenant, user, expected)
        await asyncio.sleep(QUIET_SECONDS)  # something doubled would come now
        found = {
            f"{tenant.tenant} {name}": differences(expected, titles)
            for tenant, user, expected in expectations
            for name, titles in (await self._read_logs(jetstream, tenant, user)).items()
        }
        return Report(
            len(acknowledged),
            sum(len(expected) for _, _, expected in expectations),
            {name: each for name, each in found.items() if each},
            wrong,
            sum((producer.statuses for producer in self.producers), Counter[int]()),
            sum(each.resets for group in self.followers.values() for each in group),
            self._installation.stopped(),
            sorted(each for producer in self.producers for each in producer.seconds),
            sorted(self._delivery_seconds()),
        )

    def _delivery_seconds(self) -> list[float]:
        sent_at = {
            title: at for producer in self.producers for title, at in producer.sent_at.items()
        }
        return [
            at - sent_at[title]
            for group in self.followers.values()
            for follower in group
            for title, at in follower.received_at.items()
        ]

    async def _positions(self, jetstream: JetStream, tenant: str) -> dict[str, int]:
        messages = await read_all(jetstream, EVENTS, f"{self._subjects.event_prefix(tenant)}.>")
        return {
            json.loads(message.data)["data"]["title"]: message.sequence
            for message in reversed(messages)
        }

    def _followers_of(self, tenant: Tidings, user: str) -> list[Follower]:
        return [each for each in self.followers[tenant.tenant] if each.user == user]

    async def _wait_until_complete(
        self, tenant: Tidings, user: str, expected: Sequence[str]
    ) -> None:
        followers = self._followers_of(tenant, user)

        async def complete() -> bool:
            listed = await tenant.get("/v1/counts", user)
            return listed["total"] >= len(expected) and all(
                len(each.titles) >= len(expected) for each in followers
            )

        with suppress(TimeoutError):
            await wait_until(complete, SETTLE_SECONDS)

    async def _read_logs(
        self, jetstream: JetStream, tenant: Tidings, user: str
    ) -> Mapping[str, Sequence[str]]:
        messages = await read_tenant_log(jetstream, tenant.tenant)
        listed = await tenant.list_all(user)
        return {
            f"{user} in the stream": DeliveredTitles().add_messages(messages).titles[user],
            f"{user} in Postgres": [each["title"] for each in reversed(listed)],
            **{each.name: each.titles for each in self._followers_of(tenant, user)},
        }


async def run_faults(
    installation: ClusterInstallation,
    faults: Mapping[str, Fault],
    *,
    partitions: int,
    pause_seconds: float = 0.05,
) -> Report:
    """Run the faults one after another under load, and compare all logs at the end."""
    load = Load(installation, partitions)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        for each in load.tenants:
            for tenant in each:
                await stack.enter_async_context(tenant)
        async with asyncio.TaskGroup() as group:
            followers = [
                group.create_task(follower.run())
                for each in load.followers.values()
                for follower in each
            ]
            for each in load.followers.values():
                for follower in each:
                    await follower.live.wait()
            producers = [
                group.create_task(producer.run(stop, pause_seconds)) for producer in load.producers
            ]
            await asyncio.sleep(1)
            for name, fault in faults.items():
                began_at = time.monotonic()
                await fault(installation)
                print(f"  {name}: {time.monotonic() - began_at:.1f} s", flush=True)
            stop.set()
            await asyncio.wait(producers)
            report = await load.compare(installation.cluster.jetstream)
            for task in followers:
                task.cancel()
        return report


def _tenants(subjects: Subjects, partitions: int) -> list[str]:
    """Return the names of tenants, one for each partition."""
    found: dict[str, str] = {}
    number = 0
    while len(found) < partitions:
        name = f"tenant-{number}"
        found.setdefault(subjects.event_prefix(name).split(".")[1], name)
        number += 1
    return [*found.values()]
