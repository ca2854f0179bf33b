"""The command line for operators of channels: what left, why, once more, and not at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.command import Command
from tests.driver import Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.test_delivery_requests import wait_for_state
from tests.services.channels.test_mails import announce, join

WIDE = {"FORCE_COLOR": "1", "COLUMNS": "200"}
NARROW = {"FORCE_COLOR": "1", "COLUMNS": "80"}


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def listed(cli: Command, *words: str) -> list[dict[str, Any]]:
    """Return the deliveries of the test's tenant, as a pipe gets them."""
    out = await cli.read_output("deliveries", "--tenant", cli.tidings.tenant, *words)
    return [json.loads(line) for line in out.splitlines()]


async def test_a_failed_delivery_is_found_explained_and_retried(
    tidings: Tidings, mailbox: Mailbox, cli: Command
) -> None:
    address = await join(tidings)
    mailbox.refusals[address] = "550 5.7.1 not today"
    await announce(tidings, "Hello")
    failed = await wait_for_state(tidings, "failed")
    del mailbox.refusals[address]

    (found,) = await listed(cli, "--failed", "--user", "alice", "--channel", "email")
    assert await listed(cli, "--doubtful") == []
    retried = await cli.read_output("deliveries", "retry", failed["id"])
    await wait_for_state(tidings, "sent")
    explained = await cli.read_output("deliveries", "explain", failed["id"])

    assert (found["id"], found["tenant"]) == (failed["id"], tidings.tenant)
    assert retried == f"{failed['id']} is decided about anew\n"
    entries = [json.loads(line) for line in explained.splitlines()]
    steps = [each["entry"].get("state", each["entry"]["entry"]) for each in entries]
    assert steps == ["planned", "claimed", "failed", "requested", "ordered", "claimed", "sent"]
    assert not any(each["differs"] or each["problem"] for each in entries)
    again = await cli.read_error("deliveries", "retry", failed["id"])
    assert again.endswith("cannot be retried: it was sent\n")


async def test_a_terminal_shows_why_a_delivery_waits(
    tidings: Tidings, mailbox: Mailbox, cli: Command
) -> None:
    address = await join(tidings, "unread", after_seconds=3600)
    await announce(tidings, "Later")
    held = await wait_for_state(tidings, "held")
    cli.environment |= {**NARROW, "NO_COLOR": "1"}

    narrow = await cli.read_output("deliveries", "--tenant", tidings.tenant)
    cli.environment |= WIDE
    wide = await cli.read_output("deliveries", "--tenant", tidings.tenant)
    explained = await cli.read_output("deliveries", "explain", held["id"])

    for out in (narrow, wide, explained):
        assert "unread_delay: user all email unread, event" in out
        assert address not in out
    assert held["id"] in narrow
    assert held["id"] in wide
    assert "follows from that" in explained


async def test_a_delivery_is_cancelled_and_an_unknown_one_is_told(
    tidings: Tidings, mailbox: Mailbox, cli: Command
) -> None:
    await join(tidings, "unread", after_seconds=3600)
    await announce(tidings, "Later")
    held = await wait_for_state(tidings, "held")
    unknown = str(uuid4())

    ended = await cli("deliveries", "cancel", unknown, held["id"])
    dropped = await wait_for_state(tidings, "dropped")

    assert (ended.code, ended.out) == (1, f"{held['id']} is cancelled\n")
    assert ended.err == f"error: there is no delivery {unknown}\n"
    assert dropped["why"]["code"] == "cancelled"
    assert mailbox.mails == []
