"""Known inboxes: who returns to a ring that has their entries gets true counts without a query."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tidings.contracts.notifications import TopicJoined
from tidings.contracts.streams import MARKS_PER_NOTIFICATION
from tidings.contracts.subjects import NOTIFICATIONS, Person, Topic
from tidings.edge.delivery import log_reader
from tidings.edge.delivery.hub import Hub
from tidings.edge.delivery.known_inboxes import KnownInboxes
from tidings.edge.delivery.tenants_with_topics import TenantsWithTopics
from tidings.edge.delivery.user_stream import UserStream
from tidings.projections.inbox.inbox_state import InboxState
from tidings.runtime.log.state import has_every_message

from tests.services.edge.fake_log import (
    ANN,
    BOB,
    LIMIT_NOTIFICATIONS,
    FakeLog,
    cursor_at,
    join,
    make_notification,
    make_page,
    make_row,
    mark,
    notify,
    notify_topic,
)
from tests.services.edge.test_hub import Subscriber
from tests.services.edge.test_log_reader import bare_state, load_tenants

NOW = 0.0
LOG_LIMIT_ENTRIES = LIMIT_NOTIFICATIONS * MARKS_PER_NOTIFICATION


async def make_whole_log(*tenants: str) -> FakeLog:
    """Return a log whose ring has everything since its creation."""
    log = FakeLog()
    log.ring.is_whole = True
    await load_tenants(log, *tenants)
    return log


def counts_of(state: InboxState | None) -> Any:
    assert state
    return state.counts(NOW)


def subscribe(hub: Hub, person: Person = ANN) -> tuple[UserStream, Subscriber]:
    subscriber = Subscriber()
    return hub.subscribe(person, subscriber), subscriber


async def test_of_a_ring_that_has_the_whole_log_no_counts_take_a_query() -> None:
    log = await make_whole_log()
    log.append(*(notify(ANN, number) for number in range(1, 8)), notify(BOB, 8))
    log.append(mark(ANN, 9, "read", 3, 4))

    known = log.reader.known_inbox(ANN)

    assert log.queries.queries == []
    assert counts_of(known) == counts_of(await log.reader.read_inbox(ANN))
    assert known and known.notification_count == LIMIT_NOTIFICATIONS
    assert counts_of(log.reader.known_inbox(BOB)).total == 1


async def test_a_ring_that_lacks_something_knows_nobody() -> None:
    log = await make_whole_log()
    log.append(notify(ANN, 1))
    log.ring.is_whole = False

    assert log.reader.known_inbox(ANN) is None


async def test_a_ring_that_drops_its_first_entry_is_whole_no_longer() -> None:
    log = FakeLog(ring_bytes=1000)
    log.ring.is_whole = True
    await load_tenants(log)
    log.append(*(notify(ANN, number) for number in range(1, 8)))

    assert log.ring.floor
    assert log.reader.known_inbox(ANN) is None


async def test_a_log_that_may_have_lost_entries_is_not_known() -> None:
    log = await make_whole_log()
    log.append(notify(ANN, 1))
    log.append(*(mark(ANN, number, "read", 1) for number in range(2, LOG_LIMIT_ENTRIES)))
    assert log.reader.known_inbox(ANN)

    log.append(mark(ANN, LOG_LIMIT_ENTRIES, "unread", 1))

    assert log.reader.known_inbox(ANN) is None


async def test_users_of_a_tenant_with_topics_are_not_known() -> None:
    log = await make_whole_log("acme")
    log.append(notify(ANN, 1))

    assert log.reader.known_inbox(ANN) is None


async def test_nobody_is_known_until_the_tenants_with_topics_are() -> None:
    log = FakeLog()
    log.ring.is_whole = True
    log.append(notify(ANN, 1))

    assert log.reader.known_inbox(ANN) is None


async def test_a_user_who_returns_to_this_edge_needs_no_query() -> None:
    log = FakeLog()
    log.queries.page = make_page(2, make_row(1), make_row(2))
    hub = Hub(log.reader)
    stream, subscriber = subscribe(hub)
    hub.deliver(log.append(notify(ANN, 3)))
    await stream.wait_until_open()
    hub.deliver(log.append(notify(ANN, 4)))
    hub.unsubscribe(stream, subscriber)
    log.queries.queries.clear()
    hub.deliver(log.append(notify(ANN, 5), mark(ANN, 6, "read", 1, 5)))

    returning, _ = subscribe(hub)
    returning.open_if_known()

    assert returning.is_open
    assert log.queries.queries == []
    assert returning.cursor.sequence == 6
    expected = await log.reader.read_inbox(ANN)
    assert counts_of(returning.inbox) == counts_of(expected)
    assert counts_of(expected).unread == 3


async def test_a_member_who_returns_has_what_came_to_the_topic_meanwhile() -> None:
    log = FakeLog()
    log.queries.page = make_page(0, members_since=0)
    hub = Hub(log.reader)
    stream, subscriber = subscribe(hub)
    await stream.wait_until_open()
    hub.unsubscribe(stream, subscriber)
    hub.deliver(log.append(notify_topic(1), join(BOB, 2), notify_topic(3)))

    returning, readers = subscribe(hub)
    returning.open_if_known()
    readers.cursor = returning.cursor
    hub.deliver(log.append(notify_topic(4)))

    assert readers.sequences == [4]
    assert counts_of(returning.inbox).total == 3


async def test_a_state_is_not_known_once_the_ring_dropped_an_entry_after_it() -> None:
    log = FakeLog(ring_bytes=1000)
    log.queries.page = make_page(0)
    hub = Hub(log.reader)
    stream, subscriber = subscribe(hub)
    await stream.wait_until_open()
    hub.unsubscribe(stream, subscriber)
    hub.deliver(log.append(*(notify(ANN, number) for number in range(1, 8))))

    assert log.reader.known_inbox(ANN) is None


def test_kept_states_are_bounded_and_the_oldest_are_dropped() -> None:
    log = FakeLog()
    known = KnownInboxes(log.ring, TenantsWithTopics(), bare_state, LOG_LIMIT_ENTRIES, kept_limit=4)
    for number in range(1, 4):
        state = bare_state()
        state.apply(make_notification(number, "ann"), number, 0)
        known.keep_inbox(str(number), state)

    assert known.kept_notifications == 4
    assert known.take_inbox(ANN, "1") is None
    assert known.take_inbox(ANN, "2")
    assert known.take_inbox(ANN, "2") is None, "a state has one owner"
    assert known.kept_notifications == 2


def test_a_kept_state_counts_its_memberships() -> None:
    log = FakeLog()
    known = KnownInboxes(log.ring, TenantsWithTopics(), bare_state, LOG_LIMIT_ENTRIES)
    state = bare_state()
    for number in range(10):
        state.memberships.apply_membership(Topic("acme", f"room:{number}"), TopicJoined(), number)
    known.keep_inbox("1", state)

    assert known.kept_notifications == 11
    assert known.take_inbox(ANN, "1")
    assert known.kept_notifications == 0


async def test_a_state_that_lacks_many_entries_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_reader, "APPLIED_AT_ONCE_LIMIT_ENTRIES", 3)
    log = await make_whole_log()
    log.append(*(notify(ANN, number) for number in range(1, 4)))
    assert counts_of(log.reader.known_inbox(ANN)).total == 3

    log.append(notify(ANN, 4))

    assert log.reader.known_inbox(ANN) is None


async def test_counts_reach_a_reader_whose_rows_were_ahead_of_the_newest_entry() -> None:
    log = FakeLog()
    log.append(notify(ANN, 1))
    log.queries.page = make_page(1100, make_row(1))
    hub = Hub(log.reader)
    stream, subscriber = subscribe(hub)
    await stream.wait_until_open()
    subscriber.cursor = cursor_at(1100)
    assert not stream.is_complete_at(subscriber.cursor)

    log.ring.reach(1100)
    stream.send_heartbeat(log.ring.head, False)
    stream.send_counts()

    assert stream.is_complete_at(subscriber.cursor)
    assert subscriber.frames[-1].cursor == cursor_at(1100)


@pytest.mark.parametrize(
    ("state", "is_whole"),
    [
        ({"messages": 0, "last_seq": 0}, True),
        ({"messages": 7, "last_seq": 7}, True),
        ({"messages": 6, "last_seq": 7}, False),
    ],
)
async def test_a_stream_that_lost_a_message_does_not_have_every_one(
    state: dict[str, int], is_whole: bool
) -> None:
    async def call_api(*_: Any, **__: Any) -> dict[str, Any]:
        return {"state": state}

    jetstream = cast(Any, SimpleNamespace(call_api=call_api))

    assert await has_every_message(jetstream, NOTIFICATIONS) is is_whole
