"""No process lowers a limit of the streams by its start alone: lowering one deletes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tidings.client.appender import Appender
from tidings.client.jetstream import JetStream, connect
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.log.install import find_lowered_limits, install_streams
from tidings.runtime.log.limits import lowered_limits
from tidings.runtime.settings import Settings

from tests.ports import find_free_port

KEPT = Settings(notifications_per_user=10, retention_days=7, events_limit_bytes=1_000_000)
SUBJECT = "inbox.0.acme.ann"
ENTRIES = 40


@pytest.fixture
async def jetstream(tmp_path: Path) -> AsyncIterator[JetStream]:
    """Run a NATS server with a full log of one user."""
    nats = NatsServer(tmp_path, find_free_port())
    await nats.start()
    async with connect(nats.url, "tests") as jetstream:
        await install_streams(jetstream, KEPT)
        appender = Appender(jetstream)
        for number in range(ENTRIES):
            await appender.append(NewMessage(SUBJECT, b"{}", id=str(number)))
        yield jetstream
    nats.kill()
    await nats.wait()


def changed(**fields: Any) -> Settings:
    return msgspec.structs.replace(KEPT, **fields)


async def read_info(jetstream: JetStream, stream: str = NOTIFICATIONS) -> dict[str, Any]:
    info = await jetstream.call_api(f"STREAM.INFO.{stream}")
    return {**info["config"], "messages": info["state"]["messages"]}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"notifications_per_user": 5},
            r"TIDINGS_NOTIFICATIONS_PER_USER is 5, but NOTIFICATIONS has 10; .*run once:"
            r" TIDINGS_NOTIFICATIONS_PER_USER=5 tidings limits --lower",
        ),
        ({"retention_days": 6}, "TIDINGS_RETENTION_DAYS is 6, but NOTIFICATIONS has 7"),
        (
            {"retention_days": 6, "notifications_per_user": 9},
            "TIDINGS_NOTIFICATIONS_PER_USER=9 TIDINGS_RETENTION_DAYS=6 tidings limits --lower",
        ),
    ],
)
async def test_a_process_with_a_lower_limit_is_refused_and_nothing_is_deleted(
    jetstream: JetStream, fields: dict[str, int], reason: str
) -> None:
    before = await read_info(jetstream)

    with pytest.raises(InvalidSettings, match=reason):
        await install_streams(jetstream, changed(**fields))

    assert await read_info(jetstream) == before
    assert before["messages"] == ENTRIES


async def test_a_limit_is_raised_at_once_and_then_its_former_value_is_refused(
    jetstream: JetStream,
) -> None:
    await install_streams(jetstream, changed(notifications_per_user=20))

    assert (await read_info(jetstream))["max_msgs_per_subject"] == 80
    with pytest.raises(InvalidSettings, match="is 10, but NOTIFICATIONS has 20"):
        await install_streams(jetstream, KEPT)


async def test_a_limit_is_lowered_when_that_is_told(jetstream: JetStream) -> None:
    lower = changed(notifications_per_user=5)
    assert [each.chosen for each in await find_lowered_limits(jetstream, lower)] == [5]

    await install_streams(jetstream, lower, "set")

    assert (await read_info(jetstream))["messages"] == 20
    assert await find_lowered_limits(jetstream, lower) == []
    await install_streams(jetstream, lower)


@pytest.mark.parametrize("notifications", [1, 1000])
async def test_a_process_that_only_reads_or_emits_leaves_every_limit(
    jetstream: JetStream, notifications: int
) -> None:
    before = [await read_info(jetstream, stream) for stream in (EVENTS, NOTIFICATIONS)]
    stranger = Settings(
        notifications_per_user=notifications, retention_days=1, duplicate_window_seconds=7
    )

    await install_streams(jetstream, stranger, "keep")

    assert [await read_info(jetstream, stream) for stream in (EVENTS, NOTIFICATIONS)] == before


async def test_what_a_version_needs_is_brought_up_to_date_though_limits_are_kept(
    jetstream: JetStream,
) -> None:
    info = await jetstream.call_api(f"STREAM.INFO.{EVENTS}")
    await jetstream.call_api(f"STREAM.UPDATE.{EVENTS}", {**info["config"], "allow_atomic": False})

    await install_streams(jetstream, Settings(), "keep")

    assert (await read_info(jetstream, EVENTS))["allow_atomic"]
    assert (await read_info(jetstream, EVENTS))["max_bytes"] == KEPT.events_limit_bytes


async def test_a_lower_limit_in_bytes_drops_nothing(jetstream: JetStream) -> None:
    await install_streams(jetstream, changed(notifications_limit_bytes=100))

    after = await read_info(jetstream)
    assert (after["max_bytes"], after["messages"]) == (100, ENTRIES)


def test_fewer_replicas_and_an_end_of_unlimited_are_lower() -> None:
    installed = {"num_replicas": 3, "max_age": 0, "max_msgs_per_subject": -1}

    lowered = lowered_limits(
        EVENTS, installed, {"num_replicas": 1, "max_msgs_per_subject": 4, "max_age": 0}
    )

    assert [str(each) for each in lowered] == [
        "TIDINGS_NOTIFICATIONS_PER_USER is 1, but EVENTS has unlimited",
        "TIDINGS_REPLICAS is 1, but EVENTS has 3",
    ]
