"""Read receipts: a sender who asked learns of each reader once, and no other user does."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE, MEDIA_TYPE
from tidings.contracts.codec import decode_entry
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import NOTIFICATIONS, position_subject
from tidings.notifier.read_receipts import PARTITION, SERVICE
from tidings.runtime.log.read import last_message

from tests.acceptance.problems import check_problem
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_entries, read_stored_events

WAIT_SECONDS = 20
FORGED = {
    "notification_id": "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10",
    "user_id": "alice",
    "title": "-",
    "sender": "carol",
}


def make_receipt_request(*users: str, **options: Any) -> dict[str, Any]:
    """Return an announcement of carol that asks for read receipts."""
    return {**make_announcement(*users, receipt=True, **options), "actor": "carol"}


async def mark_read(tidings: Tidings, user: str, **selection: Any) -> int:
    """Mark as read, all by default, and return the sequence of the mark."""
    ids = [notification["id"] for notification in await tidings.list_all(user)]
    response = await tidings.http.post(
        "/v1/notifications/mark",
        json={"state": "read", **(selection or {"ids": ids})},
        headers=tidings.headers(user),
    )
    assert response.status_code == 200, response.text
    return int(response.json()["cursor"].split("-")[1])


async def wait_until_stated(tidings: Tidings) -> None:
    """Wait until every mark so far has its events, and their receipts are sent.

    A clock user reads an announcement with a receipt; marks are stated in the order of the log.
    """
    clock, watch = f"clock {uuid4().hex}", f"watch {uuid4().hex}"
    await tidings.emit({**make_receipt_request(clock, title="tick"), "actor": watch})
    await tidings.wait_for_counts(clock, total=1)
    mark = await mark_read(tidings, clock)
    async with asyncio.timeout(WAIT_SECONDS):
        # Another process states it; nothing signals it.
        while await read_stated_sequence(tidings) < mark:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await tidings.emit(make_announcement(watch, title="tock"))
    await tidings.wait_for_counts(watch, total=2)


async def read_stated_sequence(tidings: Tidings) -> int:
    """Return the sequence up to which reads are stated as events."""
    message = await last_message(
        tidings.runtime.jetstream, NOTIFICATIONS, position_subject(SERVICE, PARTITION)
    )
    return json.loads(message.data)["sequence"] if message else 0


async def read_receipts(tidings: Tidings, user: str = "carol") -> list[Notification]:
    """Return the receipts in the log of a sender."""
    entries = [decode_entry(message.data) for message in await read_entries(tidings, user)]
    return [
        entry
        for entry in entries
        if isinstance(entry, Notification) and entry.category == "receipt"
    ]


async def read_readers(tidings: Tidings) -> list[str | None]:
    """Return the readers that the events state, sorted, with repetitions."""
    bodies = [json.loads(message.data) for message in await read_stored_events(tidings)]
    return sorted(
        body["actor"]
        for body in bodies
        if body["type"] == "notification.read" and not body["actor"].startswith("clock")
    )


async def test_a_sender_who_asked_gets_a_receipt_for_any_kind_of_mark(
    tidings: Tidings,
) -> None:
    carol = await (await tidings.connect("carol")).live()
    await tidings.emit(
        make_receipt_request("alice", "bob", "dave", "eve", title="Harvest"),
        make_receipt_request("alice", title="Picnic"),
    )
    await tidings.wait_for_counts("eve", total=1)
    alice = await (await tidings.connect("alice")).live()
    bob = await (await tidings.connect("bob")).live()

    await mark_read(tidings, "alice")
    await mark_read(tidings, "bob", up_to=bob.cursor)
    await mark_read(tidings, "dave", filter={"category": "system_announcement"})

    messages = sorted(entry["message"] for entry in await carol.until(4))
    assert messages == [
        "alice has read: Harvest",
        "alice has read: Picnic",
        "bob has read: Harvest",
        "dave has read: Harvest",
    ]
    assert all(notification["receipt"] for notification in alice.notifications.values())
    receipt = carol.entries[0]
    assert (receipt["title"], receipt["type"], receipt["entity"]["type"]) == (
        "Read",
        "notification.read",
        "announcement",
    )
    assert receipt["actor"] in ("alice", "bob", "dave") and "receipt" not in receipt


async def test_repeated_reads_give_one_receipt(tidings: Tidings) -> None:
    await tidings.emit(make_receipt_request("alice"))
    desk, phone = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.connect("alice")).live(),
    )
    await desk.until_counts(total=1)
    await phone.until_counts(total=1)

    for client, state in (
        (desk, "read"),
        (phone, "read"),
        (desk, "unread"),
        (phone, "read"),
        (desk, "unread"),
    ):
        await client.mark(state, *client.visible_ids)
    await wait_until_stated(tidings)
    await phone.mark("read", *phone.visible_ids)
    await wait_until_stated(tidings)

    assert await read_readers(tidings) == ["alice"]
    assert len(await read_receipts(tidings)) == 1


async def test_a_sender_who_did_not_ask_or_reads_their_own_gets_no_receipt(
    tidings: Tidings,
) -> None:
    without_receipt = {**make_announcement("alice"), "actor": "carol"}
    without_sender = make_announcement("alice", receipt=True)
    await tidings.emit(
        without_receipt, without_sender, make_receipt_request("carol", title="to myself")
    )
    await tidings.wait_for_counts("carol", total=1)
    await tidings.wait_for_counts("alice", total=2)

    await mark_read(tidings, "alice")
    await mark_read(tidings, "carol")
    await wait_until_stated(tidings)

    assert await read_receipts(tidings) == []
    assert await read_readers(tidings) == ["carol"]


async def test_seeing_archiving_and_deleting_give_no_receipt(tidings: Tidings) -> None:
    await tidings.emit(
        *(make_receipt_request("alice", title=state) for state in ("seen", "archived", "deleted"))
    )
    alice = await (await tidings.connect("alice")).live()
    await alice.until_counts(total=3)

    for state, notification in zip(("seen", "archived", "deleted"), alice.visible_ids, strict=True):
        await alice.mark(state, notification)
    await wait_until_stated(tidings)

    assert await read_readers(tidings) == []


async def test_a_receipt_gives_no_receipt_and_stays_with_its_sender_and_tenant(
    tidings: Tidings,
) -> None:
    async with Tidings(tidings.url, tidings.runtime) as other_tenant:
        announcement = make_receipt_request("alice")
        for notification in (tidings, other_tenant):
            await notification.emit(announcement)
            await notification.wait_for_counts("alice", total=1)
        await mark_read(tidings, "alice")
        await tidings.wait_for_counts("carol", total=1)

        await mark_read(tidings, "carol")
        await wait_until_stated(tidings)

        assert await read_readers(tidings) == ["alice"]
        assert [receipt.tenant for receipt in await read_receipts(tidings)] == [tidings.tenant]
        assert await read_receipts(other_tenant) == await read_receipts(tidings, "alice") == []
        assert await other_tenant.list_all("carol") == []


async def test_a_read_that_is_stated_twice_gives_one_receipt(
    tidings: Tidings,
) -> None:
    await tidings.emit(make_receipt_request("alice"))
    await tidings.wait_for_counts("alice", total=1)
    await mark_read(tidings, "alice")
    await tidings.wait_for_counts("carol", total=1)
    (reading,) = [
        message
        for message in await read_stored_events(tidings)
        if b"notification.read" in message.data
    ]

    await tidings.runtime.jetstream.request(reading.subject, reading.data)
    await tidings.emit(make_announcement("carol", title="the end"))
    await tidings.wait_for_counts("carol", total=2)

    assert await read_readers(tidings) == ["alice", "alice"]
    assert len(await read_receipts(tidings)) == 1


@pytest.mark.parametrize("media_type", [MEDIA_TYPE, BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE])
async def test_a_read_stated_by_a_producer_is_refused_with_its_whole_batch(
    tidings: Tidings, media_type: str
) -> None:
    forged, good = (
        make_event("notification.read", actor="alice", **FORGED),
        make_announcement("carol"),
    )
    body = {
        MEDIA_TYPE: json.dumps(forged),
        BATCH_MEDIA_TYPE: json.dumps([good, forged]),
        LINES_MEDIA_TYPE: f"{json.dumps(good)}\n{json.dumps(forged)}",
    }

    response = await tidings.http.post(
        "/v1/events",
        content=body[media_type],
        headers={**tidings.headers(), "Content-Type": media_type},
    )

    problem = check_problem(response, 403)
    assert (problem["field"], problem["line"]) == ("type", 1 if media_type == MEDIA_TYPE else 2)
    assert "only Tidings emits" in problem["detail"]
    assert await read_stored_events(tidings) == []


async def test_an_admin_who_restores_a_log_may_state_reads(tidings: Tidings) -> None:
    headers = {**tidings.headers(scope="emit admin"), "Content-Type": MEDIA_TYPE}
    restored = make_event("notification.read", actor="alice", **FORGED)

    response = await tidings.http.post(
        "/v1/events", params={"restore": "true"}, content=json.dumps(restored), headers=headers
    )

    assert response.status_code == 200
    await tidings.wait_for_counts("carol", total=1)
