"""`tidings limits` lowers what the streams keep; no other command does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tidings.client.jetstream import connect
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.log.install import install_streams
from tidings.runtime.settings import Settings

from tests.acceptance.command import Command
from tests.ports import find_free_port

INSTALLED = Settings(notifications_per_user=10)


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """Run a NATS server whose streams keep ten notifications of each user."""
    server = NatsServer(tmp_path, find_free_port())
    await server.start()
    async with connect(server.url, "tests") as jetstream:
        await install_streams(jetstream, INSTALLED)
    yield server
    server.kill()
    await server.wait()


async def entries_limit(nats: NatsServer) -> int:
    async with connect(nats.url, "tests") as jetstream:
        info = await jetstream.call_api(f"STREAM.INFO.{NOTIFICATIONS}")
    return info["config"]["max_msgs_per_subject"]


async def test_it_prints_what_is_above_the_settings_and_lowers_it_on_request(
    cli: Command, nats: NatsServer
) -> None:
    settings = {"nats_url": nats.url, "notifications_per_user": "5"}

    shown = await cli.read_output("limits", **settings)
    assert shown == "TIDINGS_NOTIFICATIONS_PER_USER is 5, but NOTIFICATIONS has 10\n"
    assert await entries_limit(nats) == 40

    assert await cli.read_output("limits", "--lower", **settings) == shown[:-1] + "; lowered\n"
    assert await entries_limit(nats) == 20
    shown = await cli.read_output("limits", **settings)
    assert shown == "no limit in force is above the settings\n"


async def test_a_service_with_a_lower_limit_ends_and_says_the_way_out(
    cli: Command, nats: NatsServer
) -> None:
    ended = await cli("notifier", nats_url=nats.url, notifications_per_user="5")

    assert ended.code == 1
    assert ended.out.startswith("failed TIDINGS_NOTIFICATIONS_PER_USER is 5, but")
    assert "TIDINGS_NOTIFICATIONS_PER_USER=5 tidings limits --lower" in ended.out
    assert await entries_limit(nats) == 40


async def test_a_command_that_reads_events_changes_no_limit(cli: Command, nats: NatsServer) -> None:
    await cli("events", "export", nats_url=nats.url, notifications_per_user="5")
    await cli("events", "export", nats_url=nats.url, notifications_per_user="50")

    assert await entries_limit(nats) == 40
