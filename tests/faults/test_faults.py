"""An installation on a cluster: no fault loses, doubles or reorders a notification."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.faults.actions import (
    events_leader,
    kill_server,
    notifications_leader,
    plain_follower,
    suspend_notifiers,
    suspend_server,
)
from tests.faults.installation import ClusterInstallation, run_installation
from tests.faults.run import run_faults

PARTITIONS = 2
SUSPENDED_SECONDS = 6.0
PAUSE_SECONDS = 0.15
"""`just faults` runs longer ones, with more load; see infra/README.md."""


@pytest.fixture(scope="module")
async def installation(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ClusterInstallation]:
    async with run_installation(
        tmp_path_factory.mktemp("faults"), projectors=1, partitions=PARTITIONS
    ) as running:
        yield running


async def test_every_log_is_complete_after_servers_and_a_notifier_failed(
    installation: ClusterInstallation,
) -> None:
    report = await run_faults(
        installation,
        {
            "the leader of EVENTS is killed": kill_server(events_leader, away_seconds=0),
            "the leader of NOTIFICATIONS is suspended": suspend_server(
                notifications_leader, SUSPENDED_SECONDS
            ),
            "a follower is suspended": suspend_server(plain_follower, SUSPENDED_SECONDS / 2),
            "each notifier is suspended": suspend_notifiers(SUSPENDED_SECONDS),
        },
        partitions=PARTITIONS,
        pause_seconds=PAUSE_SECONDS,
    )

    assert report.differences == {}
    assert report.wrong_positions == []
    assert report.statuses.keys() <= {200, 503}
    assert report.resets == 0
    assert report.stopped == []
    assert [
        server.node for server in installation.cluster.servers if "critical" in server.log
    ] == []
    assert report.events > 50
