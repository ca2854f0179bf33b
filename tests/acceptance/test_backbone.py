"""The whole path through the real processes: from an appended event to a live notification."""

from __future__ import annotations

from tests.builders import make_announcement, make_event
from tests.driver import Tidings


async def test_an_event_reaches_its_recipient_live(tidings: Tidings) -> None:
    alice = await (await tidings.connect("alice")).live()

    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="Water the seedlings", user_id="alice")
    )

    (entry,) = await alice.until(1)
    assert entry["title"] == "Task Assigned"
    assert entry["message"] == 'You have been assigned to task: "Water the seedlings"'
    assert entry["data"]["task_id"] == "1"
    assert alice.counts == {"unread": 1, "unseen": 1, "total": 1}


async def test_a_returning_client_gets_exactly_what_it_missed_on_either_transport(
    tidings: Tidings,
) -> None:
    async with tidings.socket("alice") as before:
        await before.live()
        await tidings.emit(make_announcement("alice", title="seen"))
        await before.until(1)
    await tidings.emit(*(make_announcement("alice", title=f"missed {n}") for n in range(5)))

    socket = await tidings.connect("alice", before.cursor)
    stream = await tidings.stream("alice", before.cursor)

    for client in (socket, stream):
        entries = await client.until(5)
        assert [notification["title"] for notification in entries] == [
            f"missed {n}" for n in range(5)
        ]
        await client.live()
        assert client.counts["unread"] == 6


async def test_a_mark_made_on_one_device_shows_on_another(tidings: Tidings) -> None:
    desk, phone = await tidings.connect("alice"), await tidings.connect("alice")
    await desk.live()
    await phone.live()
    await tidings.emit(make_announcement("alice"))
    (note,) = await desk.until(1)
    await phone.until(1)

    result = await phone.mark("read", note["id"])

    assert result["ok"], result
    (_, mark) = await desk.until(2)
    assert mark["ids"] == [note["id"]]
    assert desk.counts == {"unread": 0, "unseen": 0, "total": 1}


async def test_list_counts_replay_and_client_agree(tidings: Tidings) -> None:
    alice = await (await tidings.connect("alice")).live()
    start = str(alice.cursor)
    await tidings.emit(*(make_announcement("alice", title=str(n)) for n in range(150)))
    await alice.until(150)
    ids = list(alice.notifications)

    await alice.mark("read", *ids[:10])
    await alice.mark("archived", *ids[10:13])
    await alice.mark("deleted", *ids[13:15])
    await alice.until_counts(total=145)

    notifications = await tidings.list_all("alice")
    assert [notification["id"] for notification in notifications] == [
        i for i in reversed(ids) if i not in ids[10:15]
    ]
    assert len(await tidings.list_all("alice", "unread")) == alice.counts["unread"] == 135
    assert await tidings.get("/v1/counts", "alice") == alice.counts
    replay = await tidings.replay("alice", start)
    assert replay.notifications.keys() == alice.notifications.keys()
    assert {i: "read" in n for i, n in replay.notifications.items()} == {
        i: "read" in n for i, n in alice.notifications.items()
    }
    assert replay.counts == alice.counts
