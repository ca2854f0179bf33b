"""Read receipts: a sender who asks is told who read it, once each; nobody else is told anything."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from tidings.contracts.cloudevents import BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE, MEDIA_TYPE
from tidings.contracts.codec import decode_entry
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import NOTIFICATIONS, position
from tidings.notifier.read_receipts import NUMBER, SERVICE
from tidings.runtime.read import last

from tests.acceptance.refused import refused
from tests.driver import Tidings, event, hello_to
from tests.streams import entries, stored

WAIT_SECONDS = 20
FORGED = {
    "notification_id": "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10",
    "user_id": "alice",
    "title": "-",
    "sender": "carol",
}


def asked(*users: str, **more: Any) -> dict[str, Any]:
    """An announcement of carol's, who wants to know who reads it."""
    return {**hello_to(*users, receipt=True, **more), "actor": "carol"}


async def read(tidings: Tidings, user: str, **which: Any) -> int:
    """Mark as read, all that they have by default; returns the sequence of the mark."""
    ids = [each["id"] for each in await tidings.listing(user)]
    response = await tidings.http.post(
        "/v1/notifications/mark",
        json={"state": "read", **(which or {"ids": ids})},
        headers=tidings.headers(user),
    )
    assert response.status_code == 200, response.text
    return int(response.json()["cursor"].split("-")[1])


async def looked_through(tidings: Tidings) -> None:
    """Wait until all that was marked so far is stated and told: somebody reads what another sender asked for, and that is."""
    clock, watch = f"clock {uuid4().hex}", f"watch {uuid4().hex}"
    await tidings.emit({**asked(clock, title="tick"), "actor": watch})
    await tidings.eventually(clock, total=1)
    mark = await read(tidings, clock)
    async with asyncio.timeout(WAIT_SECONDS):
        while await reached(tidings) < mark:  # noqa: ASYNC110  another process reaches it
            await asyncio.sleep(0.05)
    await tidings.emit(hello_to(watch, title="tock"))
    await tidings.eventually(watch, total=2)


async def reached(tidings: Tidings) -> int:
    """Up to which mark all is stated."""
    found = await last(tidings.runtime.jetstream, NOTIFICATIONS, position(SERVICE, NUMBER))
    return json.loads(found.data)["sequence"] if found else 0


async def receipts(tidings: Tidings, user: str = "carol") -> list[Notification]:
    """The receipts that lie in a sender's log."""
    told = [decode_entry(message.data) for message in await entries(tidings, user)]
    return [each for each in told if isinstance(each, Notification) and each.category == "receipt"]


async def stated(tidings: Tidings) -> list[str | None]:
    """Who is stated to have read something, as often as it lies in the log of events."""
    bodies = [json.loads(message.data) for message in await stored(tidings)]
    return sorted(
        body["actor"]
        for body in bodies
        if body["type"] == "notification.read" and not body["actor"].startswith("clock")
    )


async def test_a_sender_who_asked_is_told_who_read_it_however_it_was_marked(
    tidings: Tidings,
) -> None:
    carol = await (await tidings.connect("carol")).live()
    await tidings.emit(
        asked("alice", "bob", "dave", "eve", title="Harvest"), asked("alice", title="Picnic")
    )
    await tidings.eventually("eve", total=1)
    alice = await (await tidings.connect("alice")).live()

    await read(tidings, "alice")
    await read(tidings, "bob", up_to=alice.cursor)
    await read(tidings, "dave", filter={"category": "system_announcement"})

    told = sorted(entry["message"] for entry in await carol.until(4))
    assert told == [
        "alice has read: Harvest",
        "alice has read: Picnic",
        "bob has read: Harvest",
        "dave has read: Harvest",
    ]
    assert all(each["receipt"] for each in alice.notifications.values())
    one = carol.entries[0]
    assert (one["title"], one["type"], one["entity"]["type"]) == (
        "Read",
        "notification.read",
        "announcement",
    )
    assert one["actor"] in ("alice", "bob", "dave") and "receipt" not in one


async def test_it_is_told_once_though_marked_twice_unread_and_read_again(tidings: Tidings) -> None:
    await tidings.emit(asked("alice"))
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
        await client.mark(state, *client.shown)
    await looked_through(tidings)
    await phone.mark("read", *phone.shown)
    await looked_through(tidings)

    assert await stated(tidings) == ["alice"]
    assert len(await receipts(tidings)) == 1


async def test_whoever_did_not_ask_and_whoever_reads_their_own_is_told_nothing(
    tidings: Tidings,
) -> None:
    unasked = {**hello_to("alice"), "actor": "carol"}
    of_nobody = hello_to("alice", receipt=True)
    await tidings.emit(unasked, of_nobody, asked("carol", title="to myself"))
    await tidings.eventually("carol", total=1)
    await tidings.eventually("alice", total=2)

    await read(tidings, "alice")
    await read(tidings, "carol")
    await looked_through(tidings)

    assert await receipts(tidings) == []
    assert await stated(tidings) == ["carol"]


async def test_what_is_only_seen_or_archived_or_deleted_is_not_read(tidings: Tidings) -> None:
    await tidings.emit(*(asked("alice", title=state) for state in ("seen", "archived", "deleted")))
    alice = await (await tidings.connect("alice")).live()
    await alice.until_counts(total=3)

    for state, each in zip(("seen", "archived", "deleted"), alice.shown, strict=True):
        await alice.mark(state, each)
    await looked_through(tidings)

    assert await stated(tidings) == []


async def test_a_receipt_asks_for_none_and_stays_with_its_sender_and_tenant(
    tidings: Tidings,
) -> None:
    async with Tidings(tidings.url, tidings.runtime) as other:
        same = asked("alice")
        for each in (tidings, other):
            await each.emit(same)
            await each.eventually("alice", total=1)
        await read(tidings, "alice")
        await tidings.eventually("carol", total=1)

        await read(tidings, "carol")
        await looked_through(tidings)

        assert await stated(tidings) == ["alice"]
        assert [each.tenant for each in await receipts(tidings)] == [tidings.tenant]
        assert await receipts(other) == await receipts(tidings, "alice") == []
        assert await other.listing("carol") == []


async def test_a_receipt_is_told_once_though_the_reading_is_stated_again_after_any_time(
    tidings: Tidings,
) -> None:
    await tidings.emit(asked("alice"))
    await tidings.eventually("alice", total=1)
    await read(tidings, "alice")
    await tidings.eventually("carol", total=1)
    (reading,) = [
        message for message in await stored(tidings) if b"notification.read" in message.data
    ]

    await tidings.runtime.jetstream.request(reading.subject, reading.data)
    await tidings.emit(hello_to("carol", title="the end"))
    await tidings.eventually("carol", total=2)

    assert await stated(tidings) == ["alice", "alice"]
    assert len(await receipts(tidings)) == 1


@pytest.mark.parametrize("media_type", [MEDIA_TYPE, BATCH_MEDIA_TYPE, LINES_MEDIA_TYPE])
async def test_a_reading_that_a_producer_states_is_refused_with_all_beside_it(
    tidings: Tidings, media_type: str
) -> None:
    forged, good = event("notification.read", actor="alice", **FORGED), hello_to("carol")
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

    problem = refused(response, 403)
    assert (problem["field"], problem["line"]) == ("type", 1 if media_type == MEDIA_TYPE else 2)
    assert "stated by Tidings alone" in problem["detail"]
    assert await stored(tidings) == []


async def test_whoever_brings_back_a_log_may_state_what_was_read(tidings: Tidings) -> None:
    headers = {**tidings.headers(scope="emit admin"), "Content-Type": MEDIA_TYPE}
    kept = event("notification.read", actor="alice", **FORGED)

    response = await tidings.http.post("/v1/events", content=json.dumps(kept), headers=headers)

    assert response.status_code == 200
    await tidings.eventually("carol", total=1)
