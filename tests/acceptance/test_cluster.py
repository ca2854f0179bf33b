"""A cluster of three NATS servers: streams of three replicas keep their promises."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from tidings.client.appender import Appender, ExpectedSequence
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS
from tidings.notifier.partition.position import Position, take_over_partition
from tidings.notifier.partition.writer import Output, Writer
from tidings.runtime.embedded.data_directory import HOST, remembered_port
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.errors import RequestRefused, Unavailable, WrongSequence
from tidings.runtime.log.install import install_streams
from tidings.runtime.log.read import read
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import load_settings

from tests.streams import read_all
from tests.waiting import wait_until

NODES = 3
PARTITION = 1
TEST_SECONDS = 25
USER, PASSWORD = "tidings", "cluster"
LAGGING_ROUNDS = 3
OUTPUTS_PER_ROUND = 60


class ClusterServer(NatsServer):
    """One server of a cluster on this machine."""

    def __init__(self, data_dir: Path, number: int, routes: Sequence[int]) -> None:
        """Describe a server; `routes` are the cluster ports of all servers, its own included."""
        data_dir.mkdir()
        super().__init__(data_dir, remembered_port(data_dir))
        self._number = number
        self._routes = routes
        self.node = f"node-{number}"
        self._server_name = self.node

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"nats://{USER}:{PASSWORD}@{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """What the server has logged."""
        return (self.directory / "server.log").read_text()

    def _configuration(self) -> dict[str, object]:
        return {
            **super()._configuration(),
            "authorization": {"user": USER, "password": PASSWORD},
            "cluster": {
                "name": "tests",
                "listen": f"{HOST}:{self._routes[self._number]}",
                "routes": [f"nats://{HOST}:{port}" for port in self._routes],
            },
        }


class Cluster(NamedTuple):
    """The running servers, a connection to all of them, and the epochs of the streams."""

    servers: list[ClusterServer]
    jetstream: JetStream
    epochs: dict[str, str]

    async def leader(self, stream: str) -> str:
        """Return the name of a stream's leader; raises Unavailable without one."""
        info = await self.jetstream.call_api(f"STREAM.INFO.{stream}")
        return info["cluster"].get("leader", "")

    async def follower(self, stream: str) -> ClusterServer:
        """Return a server that leads neither the stream nor `EVENTS`."""
        leaders = {await self.leader(stream), await self.leader(EVENTS)}
        return next(server for server in self.servers if server.node not in leaders)


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Start three servers, and create the streams of an installation with three replicas."""
    directory = tmp_path_factory.mktemp("cluster")
    route_directories = [directory / f"route-{number}" for number in range(NODES)]
    for each in route_directories:
        each.mkdir()
    routes = [*map(remembered_port, route_directories)]
    servers = [
        ClusterServer(directory / f"server-{number}", number, routes) for number in range(NODES)
    ]
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_callback(server.stop)
        await asyncio.gather(*(server.start() for server in servers))
        urls = ",".join(server.url for server in servers)
        jetstream = await stack.enter_async_context(connect(urls, "tests-cluster"))
        settings = load_settings({}, include_running=False, nats_url=urls, replicas=NODES)
        yield Cluster(servers, jetstream, await install(jetstream, settings))


async def install(jetstream: JetStream, settings: Settings) -> dict[str, str]:
    """Create the streams as soon as the cluster has a leader."""

    async def attempt() -> dict[str, str] | None:
        try:
            return await install_streams(jetstream, settings)
        except (Unavailable, RequestRefused):
            return None

    return await wait_until(attempt) or {}


def make_events(*names: str) -> list[NewMessage]:
    """Return messages of `EVENTS` whose bodies and ids begin with these names."""
    return [
        NewMessage(f"events.{PARTITION}.t.task.{name}.assigned", name.encode(), id=name)
        for name in names
    ]


def unique_names(count: int) -> list[str]:
    token = uuid4().hex[:8]
    return [f"{token}-{number}" for number in range(count)]


async def stored_bodies(cluster: Cluster, names: Sequence[str]) -> list[str]:
    """Return the bodies with these names in the order of the log."""
    messages = await read_all(cluster.jetstream, EVENTS, "events.>")
    return [body for message in messages if (body := message.data.decode()) in names]


async def check_healthy(cluster: Cluster) -> None:
    """Fail unless `EVENTS` has a leader, takes an append, and no server reports a fault."""
    assert await cluster.leader(EVENTS)
    (event,) = make_events(*unique_names(1))
    assert not (await Appender(cluster.jetstream).append(event)).duplicate
    assert await cluster.leader(EVENTS)
    assert not [server.node for server in cluster.servers if "critical" in server.log]


@pytest.mark.parametrize(
    ("before", "batch"),
    [
        ([0], [0, 1]),
        ([0], [1, 0]),
        ([1, 3], [0, 1, 2, 3, 4]),
        ([0, 1], [0, 1]),
        ([0], [0, 0, 1, 1, 2]),
        ([1], [0, 1, *range(2, 300)]),
    ],
    ids=["first", "last", "between", "all", "twice in the batch", "one of many"],
)
async def test_a_batch_with_stored_events_leaves_the_log_a_leader(
    cluster: Cluster, before: list[int], batch: list[int]
) -> None:
    names = unique_names(max(batch) + 1)
    appender = Appender(cluster.jetstream)
    async with asyncio.timeout(TEST_SECONDS):
        stored = [
            await appender.append(event) for event in make_events(*(names[i] for i in before))
        ]
        results = await appender.append_batch(make_events(*(names[i] for i in batch)))

        new = [i for i in dict.fromkeys(batch) if i not in before]
        assert await stored_bodies(cluster, names) == [names[i] for i in (*before, *new)]
        sequences = {i: result.sequence for i, result in zip(before, stored, strict=True)}
        for i, result in zip(batch, results, strict=True):
            assert result == AppendResult(sequences.get(i, result.sequence), i in sequences)
            sequences[i] = result.sequence
        assert [*sequences.values()] == sorted(set(sequences.values()))
        await check_healthy(cluster)


async def test_every_expectation_is_refused_before_the_replicas(cluster: Cluster) -> None:
    appender = Appender(cluster.jetstream)
    known, new = make_events(*unique_names(2))
    async with asyncio.timeout(TEST_SECONDS):
        sequence = (await appender.append(known)).sequence

        for wrong in (ExpectedSequence(new.subject, 7), ExpectedSequence(known.subject, 0)):
            with pytest.raises(WrongSequence):
                await appender.append_expecting(new, wrong)
        for expected in (ExpectedSequence(known.subject, 0), ExpectedSequence(new.subject, 7)):
            assert await appender.append_expecting(known, expected) == sequence
        await check_healthy(cluster)


async def test_a_takeover_beside_a_lagging_replica_finds_the_latest_position(
    cluster: Cluster,
) -> None:
    """The takeover reads through a replica that was stopped while its predecessor wrote."""
    async with asyncio.timeout(TEST_SECONDS), AsyncExitStack() as stack:
        lagging = await cluster.follower(NOTIFICATIONS)
        others = ",".join(each.url for each in cluster.servers if each is not lagging)
        ahead = await stack.enter_async_context(connect(others, "tests-ahead"))
        behind = await stack.enter_async_context(connect(lagging.url, "tests-behind"))
        appender, epoch = Appender(ahead), cluster.epochs[EVENTS]
        for _ in range(LAGGING_ROUNDS):
            fence = await take_over_partition(ahead, appender, PARTITION, epoch)
            writer = Writer(ahead, appender, PARTITION, epoch, fence)
            os.kill(lagging.pid, signal.SIGSTOP)
            try:
                (event,) = make_events(*unique_names(1))
                last = (await appender.append(event)).sequence
                for offset in range(1, OUTPUTS_PER_ROUND):
                    output = NewMessage("inbox.t.u", b"{}")
                    at = Position(last, offset)
                    await writer.write_outputs([Output(output, at)], at)
            finally:
                os.kill(lagging.pid, signal.SIGCONT)

            taken = await take_over_partition(behind, appender, PARTITION, epoch)

            assert taken.position == Position(last, OUTPUTS_PER_ROUND - 1)


async def test_pages_that_the_leader_ends_have_every_acknowledged_message(
    cluster: Cluster,
) -> None:
    async with asyncio.timeout(TEST_SECONDS), AsyncExitStack() as stack:
        lagging = await cluster.follower(EVENTS)
        behind = await stack.enter_async_context(connect(lagging.url, "tests-behind"))
        appender = Appender(cluster.jetstream)
        for event in make_events(*unique_names(200)):
            sequence = (await appender.append(event)).sequence
            page: list[Any] = await read(
                behind, EVENTS, "events.>", after=sequence - 1, leader_ends=True
            )
            assert [message.sequence for message in page] == [sequence]
