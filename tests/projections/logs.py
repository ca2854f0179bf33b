"""Random logs for every projection: a few people, a few ids, so that everything meets everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from msgspec import Raw
from tidings.contracts import events
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.events.base import Event
from tidings.contracts.ids import partition
from tidings.contracts.notifications import (
    Delivered,
    Entity,
    Entry,
    Filter,
    Joined,
    Left,
    Mark,
    Notification,
    Shared,
)
from tidings.contracts.subjects import Member, Person, Topic, inbox, member, receipt
from tidings.contracts.subjects import shared as shared_log
from tidings.projections.projection import Message

T = TypeVar("T")

PARTITIONS = 2
TENANTS = ("acme", "wayne")
NOW = datetime.now(UTC).replace(microsecond=0)
PEOPLE = (Person("acme", "u-1"), Person("acme", "u-2"), Person("wayne", "u-1"))
TOPICS = (
    Topic("acme", "tenant#member"),
    Topic("acme", "room:é 9#member"),
    Topic("wayne", "tenant#member"),
)
IDS = tuple(str(UUID(int=number, version=5)) for number in range(12))
SHARED = tuple(str(UUID(int=number, version=5)) for number in range(100, 150))
"""The ids of shared notifications, each told once, in this order."""
MARKED = (*IDS, *SHARED[:8])
STATES = ("read", "unread", "seen", "archived", "unarchived", "unsnoozed", "deleted")
CATEGORIES, TYPES, GROUPS = ("task", "project"), ("task.assigned", "task.completed"), ("a", "b")
STEPS = (timedelta(milliseconds=1), timedelta(hours=1), timedelta(days=3))

_moments = st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours or 1))
_users = st.sampled_from(["u-1", "u-2", "u-3"])
_things = st.sampled_from(["1", "2"])
_roles = st.sampled_from(["member", "manager"])


_notifications = st.builds(
    Notification,
    id=st.sampled_from(IDS),
    type=st.sampled_from(TYPES),
    category=st.sampled_from(CATEGORIES),
    priority=st.sampled_from(["normal", "high"]),
    title=st.sampled_from(["Hello", "a\0b"]),
    message=st.just("there"),
    entity=st.none() | st.builds(Entity, type=st.just("task"), id=_things),
    group=st.none() | st.sampled_from(GROUPS),
    tenant=st.just("-"),
    user=st.just("-"),
    created=st.just(NOW),
    expires=st.none() | _moments,
    receipt=st.booleans(),
)
_filters = st.builds(
    Filter,
    category=st.sampled_from(CATEGORIES),
    type=st.none() | st.sampled_from(TYPES),
    entity=st.none() | _things.map("task:{}".format),
    group=st.none() | st.sampled_from(GROUPS),
    unread=st.booleans(),
) | st.builds(
    Filter,
    entity=_things.map("task:{}".format),
    group=st.none() | st.sampled_from(GROUPS),
    unread=st.booleans(),
)
_whiches: tuple[dict[str, st.SearchStrategy[Any]], ...] = (
    {"ids": st.lists(st.sampled_from(MARKED), min_size=1, max_size=4).map(tuple)},
    {"up_to": st.integers(0, 60).map(lambda sequence: str(Cursor("0123abcd", sequence)))},
    {"filter": _filters},
)
_marks = st.one_of(
    *(st.builds(Mark, state=st.sampled_from(STATES), at=_moments, **which) for which in _whiches),
    st.builds(
        Mark,
        state=st.just("acted"),
        at=_moments,
        action=st.sampled_from(["accept", "decline"]),
        **_whiches[0],
    ),
    *(
        st.builds(Mark, state=st.just("snoozed"), at=_moments, until=_moments, **which)
        for which in _whiches
    ),
)

_members = st.sampled_from(
    [(person, topic) for person in PEOPLE for topic in TOPICS if person.tenant == topic.tenant]
).flatmap(
    lambda member: st.tuples(
        st.just(Member(*member)), st.sampled_from([Joined(), Joined(), Left()])
    )
)

_facts: st.SearchStrategy[Event] = st.one_of(
    st.builds(events.TaskAssigned, task_id=_things, task_title=st.just("Water"), user_id=_users),
    st.builds(events.TaskUnassigned, task_id=_things, user_id=_users),
    st.builds(events.TaskWatched, task_id=_things, user_id=_users),
    st.builds(events.TaskUnwatched, task_id=_things, user_id=_users),
    st.builds(
        events.TimelogApproved,
        timelog_id=_things,
        user_id=_users,
        hours=st.sampled_from([1.0, 0.1, 1 / 3, -1.0, 1e300]),
        project_id=_things,
        task_id=st.none() | _things,
    ),
    st.builds(
        events.TimelogRejected,
        timelog_id=_things,
        user_id=_users,
        hours=st.just(1.0),
        project_id=_things,
    ),
    st.builds(events.TeamMemberAdded, project_id=_things, user_id=_users, role=st.none() | _roles),
    st.builds(
        events.TeamMemberRemoved, project_id=_things, user_id=_users, role=st.none() | _roles
    ),
    st.builds(events.UserJoined, user_id=_users, locale=st.sampled_from([None, "de", "en", "?"])),
    st.builds(events.UserLeft, user_id=_users),
    st.builds(events.RoleGranted, user_id=_users, role=_roles),
    st.builds(events.RoleRevoked, user_id=_users, role=_roles),
    st.builds(
        events.TaskCompleted,
        task_id=_things,
        task_title=st.just("Water"),
        project_id=st.none() | _things,
    ),
    st.builds(
        events.TaskStatusChanged,
        task_id=_things,
        task_title=st.just("-"),
        new_status=st.sampled_from(["Done", "open"]),
    ),
    st.builds(
        events.MilestoneCompleted,
        project_id=_things,
        project_name=st.just("-"),
        milestone_id=_things,
        milestone_title=st.just("-"),
    ),
    st.builds(events.TaskDeleted, task_id=_things),
    st.builds(
        events.MessagePosted,
        message_id=st.just("1"),
        room_id=_things,
        sender_id=_users,
        sender_name=st.just("-"),
        text=st.just("-"),
    ),
    st.builds(
        events.NotificationRead,
        notification_id=st.sampled_from(IDS),
        user_id=_users,
        title=st.just("-"),
        group=st.none() | _things.map("room:{}".format),
    ),
    st.builds(
        events.NotificationActed,
        notification_id=st.sampled_from(IDS),
        user_id=_users,
        action=st.just("accept"),
        notification_type=st.just("-"),
    ),
    st.builds(
        events.ProjectStatusChanged,
        project_id=_things,
        project_name=st.just("Garden"),
        new_status=st.just("active"),
    ),
)
_noise = st.sampled_from([b"", b"{", b'{"specversion":"1.0"}', b"\xff"])


def entries() -> st.SearchStrategy[Entry]:
    """Notifications (new, or known ones changed in place) and marks of all kinds."""
    return st.one_of(_notifications, _marks)


@st.composite
def inbox_logs(draw: st.DrawFn, most: int = 40) -> list[Message]:
    """What lies in NOTIFICATIONS: the youngest entry is of just now, the oldest perhaps of months ago."""
    alone = st.tuples(st.sampled_from(PEOPLE), entries())
    shared = st.tuples(
        st.sampled_from(TOPICS), _notifications, st.none() | st.sampled_from(["u-1", "u-2"])
    )
    acts = draw(_as_many(st.one_of(alone, alone, shared, _members), most))
    ids = iter(SHARED)
    return _laid_down(draw, [_told(act, ids) for act in acts])


@st.composite
def event_logs(draw: st.DrawFn, most: int = 40) -> list[Message]:
    """What lies in EVENTS: the same event twice or more at other sequences, and things that are no events."""
    ids = st.integers(1, 30).map(str)
    acts = draw(_as_many(st.tuples(st.sampled_from(TENANTS), ids, _facts | _noise), most))
    bodies = [
        (f"events.{partition(tenant, PARTITIONS)}.{tenant}.x._.y", _event(tenant, number, fact))
        for tenant, number, fact in acts
    ]
    return _laid_down(draw, bodies)


@st.composite
def receipt_logs(draw: st.DrawFn, most: int = 40) -> list[Message]:
    """What devices say they have, now and then less than before."""
    cursors = st.integers(0, 6).map(lambda sequence: str(Cursor("0123abcd", sequence)))
    said = st.builds(Delivered, device=st.sampled_from(["desk", "phone"]), cursor=cursors)
    acts = draw(_as_many(st.tuples(st.sampled_from(PEOPLE), said), most))
    return _laid_down(draw, [(receipt(person, PARTITIONS), encode(each)) for person, each in acts])


LOGS = {
    "inbox": inbox_logs,
    "audience": event_logs,
    "receipts": receipt_logs,
    "metrics": event_logs,
    "activity": event_logs,
}
"""A random log for each projection, by its name."""


def batches(messages: Sequence[Message], sizes: Sequence[int]) -> list[Sequence[Message]]:
    """A log cut into batches of these sizes, again and again."""
    found: list[Sequence[Message]] = []
    while messages:
        size = sizes[len(found) % len(sizes)]
        found.append(messages[:size])
        messages = messages[size:]
    return found


def _told(act: Any, ids: Iterator[str]) -> tuple[str, bytes]:
    """Something that is said to somebody, of somebody, or to a topic, as it lies in the log."""
    match act:
        case (Topic() as topic, notification, left_out):
            told = msgspec.structs.replace(notification, id=next(ids), user="")
            return shared_log(topic), encode(
                Shared(left_out=left_out, notification=Raw(encode(told)))
            )
        case (Member() as whose, membership):
            return member(whose, PARTITIONS), encode(membership)
        case (person, entry):
            return inbox(person, PARTITIONS), encode(entry)


def _as_many(each: st.SearchStrategy[T], most: int) -> st.SearchStrategy[list[T]]:
    """Long lists as often as short ones."""
    return st.integers(1, most).flatmap(
        lambda count: st.lists(each, min_size=count, max_size=count)
    )


def _event(tenant: str, number: str, fact: Event | bytes) -> bytes:
    if isinstance(fact, bytes):
        return fact
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": number,
        "source": "/tests",
        "type": fact.type,
        "tenant": tenant,
    }
    return encode({**attributes, "data": fact})


def _laid_down(draw: st.DrawFn, bodies: list[tuple[str, bytes]]) -> list[Message]:
    """Sequences with gaps, as one partition or one kind of subject of a stream has them."""
    gaps = draw(st.lists(st.integers(1, 3), min_size=len(bodies), max_size=len(bodies)))
    step = draw(st.sampled_from(STEPS))
    sequences = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    times = [
        int((NOW - step * (len(bodies) - index)).timestamp() * 1e9) for index in range(len(bodies))
    ]
    return [
        Message(subject, body, *place)
        for (subject, body), place in zip(bodies, zip(sequences, times, strict=True), strict=True)
    ]
