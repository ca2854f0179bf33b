"""People see what became of what was sent to them, and why; administrators see all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.problems import check_problem
from tests.builders import make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.test_mails import announce, deliveries, join
from tests.services.channels.test_preferences_api import send
from tests.waiting import wait_until


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def listed(tidings: Tidings, user: str = "alice", **query: Any) -> dict[str, Any]:
    """Return a page of deliveries."""
    answer = await send(tidings, "GET", "/v1/deliveries", user=user, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_failed_mail_is_shown_with_its_reason(tidings: Tidings, mailbox: Mailbox) -> None:
    address = await join(tidings)
    await join(tidings, user="bob")
    await announce(tidings, "Arrives")
    await mailbox.wait_for(address)
    mailbox.refusals[address] = f"550 5.1.1 <{address}> no such user"
    await announce(tidings, "Bounces")
    await wait_until(lambda: _has(tidings, "failed"))
    bounced = await _notification(tidings, "Bounces")

    (failed,) = (await listed(tidings, state="failed"))["deliveries"]
    (of_notification,) = (await listed(tidings, notification=bounced))["deliveries"]
    everything = await listed(tidings)
    of_bob = await listed(tidings, "bob")

    assert failed == of_notification
    assert failed["notifications"] == [bounced]
    assert (failed["channel"], failed["attempts"], failed["code"]) == ("email", 1, "550 5.1.1")
    assert failed["address"] == f"a…@{address.partition('@')[2]}"
    assert address not in str(everything)
    assert {each["state"] for each in everything["deliveries"]} == {"failed", "sent"}
    assert of_bob["deliveries"] == []


async def test_pages_follow_each_other(tidings: Tidings, mailbox: Mailbox) -> None:
    address = await join(tidings)
    for number in range(3):
        await announce(tidings, f"Number {number}")
    await mailbox.wait_for(address, 3)
    await wait_until(lambda: _are_sent(tidings, 3))

    first = await listed(tidings, limit=2)
    second = await listed(tidings, limit=2, before=first["next"])

    entries = [each["entry"] for page in (first, second) for each in page["deliveries"]]
    assert len(entries) == 3
    assert entries == sorted(entries, reverse=True)
    assert second["next"] is None


async def test_what_waits_says_until_when_and_whose_word_it_is(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    await join(tidings, "unread", after_seconds=3600)
    await announce(tidings, "Later")
    await wait_until(lambda: _has(tidings, "held"))

    (held,) = (await listed(tidings))["deliveries"]

    assert held["until"]
    assert held["why"]["code"] == "unread_delay"
    assert held["why"]["row"] == "user all email unread"


async def test_only_an_administrator_sees_those_of_others(
    tidings: Tidings, mailbox: Mailbox
) -> None:
    address = await join(tidings)
    await announce(tidings, "Hello")
    await mailbox.wait_for(address)
    await wait_until(lambda: _are_sent(tidings, 1))

    refused = await tidings.http.get(
        "/v1/deliveries", params={"user": "alice"}, headers=tidings.headers("bob")
    )

    check_problem(refused, 403)
    for query in ({}, {"user": "alice"}):
        found = await tidings.http.get(
            "/v1/deliveries", params=query, headers=tidings.headers("root", scope="admin")
        )
        (delivery,) = found.json()["deliveries"]
        assert (delivery["user"], delivery["state"]) == ("alice", "sent")
    elsewhere = await tidings.http.get(
        "/v1/deliveries", headers=tidings.headers("root", scope="admin", tenant="other")
    )
    assert elsewhere.json()["deliveries"] == []


async def test_activity_has_no_address_of_anybody(tidings: Tidings) -> None:
    secret = f"{tidings.tenant}-secret"
    await tidings.emit(
        make_event("user.joined", user_id="alice", email=f"{secret}@example.org", name="Alice"),
        make_event(
            "address.given",
            user_id="alice",
            address_id="a-1",
            channel="email",
            address=f"{secret}@example.org",
            confirmed=True,
        ),
        make_event("device.registered", user_id="alice", device_id="d-1", kind="fcm", token=secret),
        make_event(
            "endpoint.registered",
            endpoint_id="e-1",
            url=f"https://{secret}.example.org/hook",
            types=["task.assigned"],
        ),
    )

    async def entries() -> list[dict[str, Any]] | None:
        found = await tidings.http.get(
            "/v1/activity", headers=tidings.headers("root", scope="admin")
        )
        return found.json()["activity"] if len(found.json()["activity"]) == 4 else None

    found = await wait_until(entries)

    assert secret not in str(found)
    given, joined = found[2], found[3]
    assert (given["data"]["address_id"], given["data"]["channel"]) == ("a-1", "email")
    assert joined["data"]["name"] == "Alice"


async def _notification(tidings: Tidings, title: str) -> str:
    found = await tidings.list_all("alice")
    return next(each["id"] for each in found if each["title"] == title)


async def _has(tidings: Tidings, state: str) -> bool:
    return state in {each for each, _ in await deliveries(tidings)}


async def _are_sent(tidings: Tidings, count: int) -> bool:
    return await deliveries(tidings) == [("sent", None)] * count
