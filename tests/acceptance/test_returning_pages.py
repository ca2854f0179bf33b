"""Pages of dialects that come back: nothing lost, doubled or stale, and counts that are true."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tidings.edge.connection.websocket import FRAME_LIMIT_BYTES

from tests.acceptance.frontends import (
    BARBERSHOP,
    CHAT,
    FIELD_SERVICE,
    INCIDENTS,
    SOCKETS,
    FrontEnd,
    open_event_source,
    open_front_end,
    texts_on,
)
from tests.builders import make_announcement
from tests.driver import Tidings

COUNT_FRAMES = ("dashboard.notification.update", "unread_count", "stats:updated")


def announce(*texts: str) -> list[dict[str, Any]]:
    """Return events that announce these texts to Alice."""
    return [make_announcement("alice", message=text) for text in texts]


async def mark(tidings: Tidings, state: str, *texts: str) -> None:
    """Mark the notifications with these texts on another device of Alice."""
    listed = await tidings.list_all("alice")
    body = {"state": state, "ids": [each["id"] for each in listed if each["message"] in texts]}
    if state == "snoozed":
        body["until"] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    answer = await tidings.http.post(
        "/v1/notifications/mark", json=body, headers=tidings.headers("alice")
    )
    assert answer.status_code == 200, answer.text


async def read_replay(page: FrontEnd) -> None:
    """Read until the counts, which end a replay."""
    while True:
        frame = await page.next(*COUNT_FRAMES)
        if "notification" not in frame["data"]:
            return


async def leave(page: FrontEnd) -> None:
    """Make the edge close the connection, and read all that it sent before."""
    await page.send("x" * (FRAME_LIMIT_BYTES + 1))
    await page.read_close_code()


async def read_until_badge(page: FrontEnd, count: int) -> None:
    """Read until the badge shows `count`; it must stay so once nothing is pending."""
    while page.badge != count:
        await page.next()
    await page.read_pending()
    assert page.badge == count


@pytest.mark.parametrize(
    "event_type", ["performance_updates", "appointment_cancelled", "no such word", "x" * 100]
)
async def test_a_subscription_is_acknowledged_and_takes_nothing_away(
    tidings: Tidings, event_type: str
) -> None:
    async with open_front_end(tidings, BARBERSHOP) as page:
        await page.send({"type": "subscribe", "event_type": event_type})
        acknowledgement = await page.next("subscribed")
        await tidings.emit(*announce("1", "2"))
        await page.read_until("notification", count=2)

    assert acknowledgement["event_type"] == event_type and acknowledgement["timestamp"]
    assert texts_on(page) == ["1", "2"]


async def test_a_subscription_to_an_overlong_word_is_refused(tidings: Tidings) -> None:
    async with open_front_end(tidings, BARBERSHOP) as page:
        await page.send({"type": "subscribe", "event_type": "x" * 101})

        assert (await page.next("error"))["data"]["message"].startswith("bad frame: ")


async def test_a_page_that_requests_the_count_at_once_does_not_count_its_replay_twice(
    tidings: Tidings,
) -> None:
    await tidings.emit(*announce("1", "2", "3"))
    await tidings.wait_for_counts("alice", total=3)

    async with open_front_end(tidings, CHAT) as page:
        await page.send({"type": "get_unread_count"})
        await page.send({"type": "get_unread_count"})
        await read_until_badge(page, 3)
        await tidings.emit(*announce("4"))
        await read_until_badge(page, 4)
    async with open_front_end(tidings, CHAT) as again:
        await again.send({"type": "get_unread_count"})
        await read_until_badge(again, 4)

    assert (texts_on(page), texts_on(again)) == (["1", "2", "3", "4"], [])


async def test_the_count_is_sent_to_every_page_after_every_change(tidings: Tidings) -> None:
    async with open_front_end(tidings, CHAT) as desk, open_front_end(tidings, CHAT) as phone:
        await tidings.emit(*announce("1", "2"))
        for page in (desk, phone):
            await read_until_badge(page, 2)
        await mark(tidings, "read", "1")
        for page in (desk, phone):
            await page.next("notification_update")
            await read_until_badge(page, 1)
        await mark(tidings, "unread", "1")
        for page in (desk, phone):
            await read_until_badge(page, 2)
        await mark(tidings, "deleted", "1", "2")
        for page in (desk, phone):
            await read_until_badge(page, 0)


@pytest.mark.parametrize("path", [FIELD_SERVICE, CHAT, INCIDENTS])
async def test_the_count_is_the_last_frame_of_a_replay_even_if_that_brings_nothing(
    tidings: Tidings, path: str
) -> None:
    async with open_front_end(tidings, path) as page:
        await read_replay(page)
    await tidings.emit(*announce("1", "2"))
    await tidings.wait_for_counts("alice", total=2)
    async with open_front_end(tidings, path) as again:
        await read_replay(again)

    for frames, unread in ((page.heard, 0), (again.heard, 2)):
        count = frames[-1]["data"]
        assert unread in (count.get("count"), count.get("unread"), count.get("unread_count"))
    assert texts_on(again) == ["1", "2"]


@pytest.mark.parametrize("state", ["read", "archived", "deleted", "snoozed"])
async def test_notifications_handled_elsewhere_are_not_sent_as_new(
    tidings: Tidings, state: str
) -> None:
    async with (
        open_event_source(tidings) as stream,
        open_front_end(tidings, INCIDENTS, cursor="") as page,
    ):
        await stream.next("connected")
        await page.next("stats:updated")
        await tidings.emit(*announce("first"))
        await stream.next("notification")
        cursor = (await page.next("notification:new"), await page.next("stats:updated"))[1]
    await tidings.emit(*announce("handled", "pending"))
    await tidings.wait_for_counts("alice", total=3)
    await mark(tidings, state, "handled")

    for path, query in ((CHAT, {}), (INCIDENTS, {"cursor": cursor["cursor"]})):
        async with open_front_end(tidings, path, **query) as returned:
            await read_replay(returned)
            assert texts_on(returned) == ["pending"]
    async with open_event_source(tidings, stream.last) as stream_again:
        assert (await stream_again.next("notification"))["message"] == "pending"


async def test_a_returning_page_receives_what_was_read_and_deleted_while_it_was_away(
    tidings: Tidings,
) -> None:
    await tidings.emit(*announce("read", "deleted", "kept"))
    async with open_front_end(tidings, INCIDENTS) as page:
        new = await page.read_until("notification:new", count=3)
        await read_replay(page)
    ids = [frame["data"]["id"] for frame in new]
    await mark(tidings, "read", "read")
    await mark(tidings, "deleted", "deleted")

    async with open_front_end(tidings, INCIDENTS) as again:
        await read_replay(again)

    assert {
        (frame["event"], frame["data"]["id"])
        for frame in again.heard
        if frame.get("event") in ("notification:read", "notification:deleted", "notification:new")
    } == {("notification:read", ids[0]), ("notification:deleted", ids[1])}


async def test_a_stream_that_drops_right_after_connecting_gets_the_rest_once(
    tidings: Tidings,
) -> None:
    async with open_event_source(tidings) as stream:
        await stream.next("connected")
        assert stream.last is None
    await tidings.emit(*announce("1", "2"))
    await tidings.wait_for_counts("alice", total=2)
    await mark(tidings, "read", "1")

    async with open_event_source(tidings, stream.last) as again:
        assert (await again.next("notification"))["message"] == "2"
    async with open_event_source(tidings, again.last) as third:
        await third.next("connected")
        await tidings.emit(*announce("3"))
        assert (await third.next("notification"))["message"] == "3"
    async with open_event_source(tidings, third.last) as fourth:
        await fourth.next("ping")
        assert [name for name, _ in fourth.heard] == ["connected", "ping"]


@pytest.mark.parametrize("path", SOCKETS)
async def test_notifications_that_arrive_while_pages_come_and_go_are_sent_once(
    tidings: Tidings, path: str
) -> None:
    texts = [str(number) for number in range(60)]
    seen = list[str]()

    async def emit() -> None:
        for text in texts:
            await tidings.emit(*announce(text))

    emitting = asyncio.create_task(emit())
    while len(seen) < len(texts):
        async with open_front_end(tidings, path) as page:
            while len(seen) + len(texts_on(page)) < len(texts) and len(texts_on(page)) < 7:
                await page.next()
            await leave(page)
        seen += texts_on(page)
    await emitting

    assert seen == texts
