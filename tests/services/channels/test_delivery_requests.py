"""Operators have deliveries tried again, or dropped; what cannot be is refused with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.problems import check_problem
from tests.driver import Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.test_mails import announce, join
from tests.waiting import wait_until


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def wait_for_state(tidings: Tidings, state: str) -> dict[str, Any]:
    """Return the tenant's one delivery once it is in a state."""

    async def find() -> dict[str, Any] | None:
        answer = await tidings.http.get("/v1/deliveries", headers=_admin(tidings))
        found = answer.json()["deliveries"]
        return found[0] if [each["state"] for each in found] == [state] else None

    return await wait_until(find)


async def ask(tidings: Tidings, delivery: str, request: str) -> httpx.Response:
    """Ask for a retry or a cancellation as an operator."""
    path = f"/v1/deliveries/{delivery}/{request}"
    return await tidings.http.post(path, headers=_admin(tidings))


async def test_a_failed_delivery_is_tried_again(tidings: Tidings, mailbox: Mailbox) -> None:
    address = await join(tidings)
    mailbox.refusals[address] = "550 5.7.1 not today"
    await announce(tidings, "Hello")
    failed = await wait_for_state(tidings, "failed")
    del mailbox.refusals[address]

    answer = await ask(tidings, failed["id"], "retry")
    (mail,) = await mailbox.wait_for(address)
    sent = await wait_for_state(tidings, "sent")

    assert answer.status_code == 200, answer.text
    assert mail.subject == "Hello"
    assert sent["attempts"] == 2
    refused = await ask(tidings, failed["id"], "retry")
    check_problem(refused, 409)
    assert refused.json()["detail"].endswith("cannot be retried: it was sent")


async def test_a_cancelled_delivery_is_dropped_once(tidings: Tidings, mailbox: Mailbox) -> None:
    await join(tidings, "unread", after_seconds=3600)
    await announce(tidings, "Later")
    held = await wait_for_state(tidings, "held")

    first = await ask(tidings, held["id"], "cancel")
    dropped = await wait_for_state(tidings, "dropped")
    again = await ask(tidings, held["id"], "cancel")

    assert first.json()["cancelled"]
    assert dropped["why"]["code"] == "cancelled"
    assert again.json()["entry"] == dropped["entry"]
    assert mailbox.mails == []


async def test_what_is_being_sent_is_dropped_if_that_fails(
    tidings: Tidings, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = asyncio.Event()

    async def refuse_late(*_: Any) -> str:
        await refused.wait()
        return "451 4.7.1 come back later"

    monkeypatch.setattr(mailbox, "handle_RCPT", refuse_late)
    await join(tidings)
    await announce(tidings, "Hello")
    claimed = await wait_for_state(tidings, "claimed")

    answer = await ask(tidings, claimed["id"], "cancel")
    refused.set()
    dropped = await wait_for_state(tidings, "dropped")

    assert (answer.json()["state"], answer.json()["cancelled"]) == ("claimed", True)
    assert (dropped["why"]["code"], dropped["code"]) == ("cancelled", "451 4.7.1")


async def test_only_operators_of_the_tenant_ask(tidings: Tidings, mailbox: Mailbox) -> None:
    await join(tidings, "unread", after_seconds=3600)
    await announce(tidings, "Later")
    held = await wait_for_state(tidings, "held")
    path = f"/v1/deliveries/{held['id']}/cancel"

    own = await tidings.http.post(path, headers=tidings.headers("alice"))
    elsewhere = await tidings.http.post(
        path, headers=tidings.headers("root", scope="admin", tenant="other")
    )
    unknown = await ask(tidings, str(uuid4()), "cancel")

    check_problem(own, 403)
    check_problem(elsewhere, 404)
    check_problem(unknown, 404)
    assert (await wait_for_state(tidings, "held"))["cancelled"] is False
    check_problem(await ask(tidings, held["id"], "retry"), 409)


def _admin(tidings: Tidings) -> dict[str, str]:
    return tidings.headers("root", scope="admin")
