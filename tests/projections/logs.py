"""Random logs for every projection, with few users and few ids, so that entries collide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from msgspec import Raw
from tidings.contracts.codec import encode
from tidings.contracts.cursor import Cursor
from tidings.contracts.deliveries import (
    AsOf,
    Decided,
    Moved,
    Outcome,
    Planned,
    PlannedStep,
    Reason,
    delivery_id,
)
from tidings.contracts.event import Event
from tidings.contracts.notifications import (
    DeliveryReceipt,
    Entity,
    Entry,
    Filter,
    Mark,
    Notification,
    SharedNotification,
    TopicJoined,
    TopicLeft,
)
from tidings.contracts.subjects import Member, Person, Subjects, Topic
from tidings.contracts.subjects import topic_inbox_subject as shared_log
from tidings.domains.addresses.events import (
    AddressConfirmed,
    AddressGiven,
    AddressWithdrawn,
    ChannelRestored,
    DeviceRegistered,
    DeviceUnregistered,
)
from tidings.domains.chat.events import MessagePosted
from tidings.domains.deliveries.events import ChannelSuppressed
from tidings.domains.endpoints.events import (
    EndpointChanged,
    EndpointRegistered,
    EndpointWithdrawn,
)
from tidings.domains.notifications.events import NotificationActed, NotificationRead
from tidings.domains.people.events import (
    RoleGranted,
    RoleRevoked,
    TenantConfigured,
    UserJoined,
    UserLeft,
)
from tidings.domains.preferences.events import (
    PauseSet,
    PreferenceCleared,
    PreferenceSet,
    QuietHoursCleared,
    QuietHoursSet,
    QuietWindow,
)
from tidings.domains.volunteers.events import (
    MilestoneCompleted,
    ProjectStatusChanged,
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    TimelogRejected,
)
from tidings.projections.projection import LogMessage

T = TypeVar("T")

PARTITIONS = 2
SUBJECTS = Subjects(PARTITIONS)
TENANTS = ("acme", "wayne")
SENDERS = (*((tenant, tenant) for tenant in TENANTS * 4), TENANTS)
"""The tenant of an event and that of its subject, which rarely differ."""
NOW = datetime.now(UTC).replace(microsecond=0)
PEOPLE = (Person("acme", "u-1"), Person("acme", "u-2"), Person("wayne", "u-1"))
TOPICS = (
    Topic("acme", "tenant#member"),
    Topic("acme", "room:é 9#member"),
    Topic("wayne", "tenant#member"),
)
IDS = tuple(str(UUID(int=number, version=5)) for number in range(12))
SHARED = tuple(str(UUID(int=number, version=5)) for number in range(100, 150))
"""The ids of shared notifications, each shared once, in this order."""
MARKED = (*IDS, *SHARED[:8])
STATES = ("read", "unread", "seen", "archived", "unarchived", "unsnoozed", "deleted")
CATEGORIES, TYPES, GROUPS = ("task", "project"), ("task.assigned", "task.completed"), ("a", "b")
STEPS = (timedelta(milliseconds=1), timedelta(hours=1), timedelta(days=3))

_moments = st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours or 1))
_zones = st.sampled_from(
    [UTC, timezone(timedelta(hours=23, minutes=59)), timezone(-timedelta(hours=18))]
)
_moments_of_clients = st.builds(lambda moment, zone: moment.astimezone(zone), _moments, _zones)
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
    expires=st.none() | _moments_of_clients,
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
        st.builds(Mark, state=st.just("snoozed"), at=_moments, until=_moments_of_clients, **which)
        for which in _whiches
    ),
)

_members = st.sampled_from(
    [(person, topic) for person in PEOPLE for topic in TOPICS if person.tenant == topic.tenant]
).flatmap(
    lambda member: st.tuples(
        st.just(Member(*member)), st.sampled_from([TopicJoined(), TopicJoined(), TopicLeft()])
    )
)

_facts: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        TaskAssigned,
        task_id=_things,
        task_title=st.just("Water"),
        user_id=_users,
        project_id=st.none() | _things,
    ),
    st.builds(TenantConfigured, dialect=st.sampled_from([None, "chat", "incidents"])),
    st.builds(TaskUnassigned, task_id=_things, user_id=_users),
    st.builds(TaskWatched, task_id=_things, user_id=_users),
    st.builds(TaskUnwatched, task_id=_things, user_id=_users),
    st.builds(
        TimelogApproved,
        timelog_id=_things,
        user_id=_users,
        hours=st.sampled_from([1.0, 0.1, 1 / 3, -1.0, 1e300]),
        project_id=_things,
        task_id=st.none() | _things,
    ),
    st.builds(
        TimelogRejected,
        timelog_id=_things,
        user_id=_users,
        hours=st.just(1.0),
        project_id=_things,
    ),
    st.builds(TeamMemberAdded, project_id=_things, user_id=_users, role=st.none() | _roles),
    st.builds(TeamMemberRemoved, project_id=_things, user_id=_users, role=st.none() | _roles),
    st.builds(
        UserJoined,
        user_id=_users,
        locale=st.sampled_from([None, "de", "en", "?"]),
        timezone=st.sampled_from([None, "Europe/Berlin", "?"]),
    ),
    st.builds(UserLeft, user_id=_users),
    st.builds(RoleGranted, user_id=_users, role=_roles),
    st.builds(RoleRevoked, user_id=_users, role=_roles),
    st.builds(
        TaskCompleted,
        task_id=_things,
        task_title=st.just("Water"),
        project_id=st.none() | _things,
    ),
    st.builds(
        TaskStatusChanged,
        task_id=_things,
        task_title=st.just("-"),
        new_status=st.sampled_from(["Done", "open"]),
    ),
    st.builds(
        MilestoneCompleted,
        project_id=_things,
        project_name=st.just("-"),
        milestone_id=_things,
        milestone_title=st.just("-"),
    ),
    st.builds(TaskDeleted, task_id=_things),
    st.builds(
        MessagePosted,
        message_id=st.just("1"),
        room_id=_things,
        sender_id=_users,
        sender_name=st.just("-"),
        text=st.just("-"),
        grouped=st.sampled_from([True, True, False]),
    ),
    st.builds(
        NotificationRead,
        notification_id=st.sampled_from(IDS),
        user_id=_users,
        title=st.just("-"),
        group=st.none() | _things.map("room:{}".format),
    ),
    st.builds(
        NotificationActed,
        notification_id=st.sampled_from(IDS),
        user_id=_users,
        action=st.just("accept"),
        notification_type=st.just("-"),
    ),
    st.builds(
        ProjectStatusChanged,
        project_id=_things,
        project_name=st.just("Garden"),
        new_status=st.just("active"),
    ),
)
_owners = st.none() | _users
_channels = st.sampled_from([None, "email", "push"])
_scopes = st.sampled_from(["all", "category:task", "entity:task:1", "tasks"])
_mailboxes = st.sampled_from(["a@example.org", "b@example.org", "no address"])
_web_addresses = st.sampled_from(["https://example.org/a", "https://example.org/b"])
_settings: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        PreferenceSet,
        user_id=_owners,
        of=_scopes,
        channel=_channels,
        how=st.sampled_from(["now", "never"]),
        required=st.booleans(),
    ),
    st.builds(PreferenceCleared, user_id=_owners, of=_scopes, channel=_channels),
    st.builds(
        QuietHoursSet,
        user_id=_owners,
        zone=st.sampled_from([None, "Europe/Berlin"]),
        windows=st.just((QuietWindow(days=("mon",), begin="22:00", until="07:00"),)),
    ),
    st.builds(QuietHoursCleared, user_id=_owners),
    st.builds(PauseSet, user_id=_users, until=st.none() | _moments_of_clients),
    st.builds(
        UserJoined,
        user_id=_users,
        email=st.none() | _mailboxes,
        locale=st.sampled_from([None, "de", "?"]),
        timezone=st.sampled_from([None, "Europe/Berlin", "?"]),
    ),
    st.builds(UserLeft, user_id=_users, name=st.none() | st.just("\0")),
    st.builds(TenantConfigured, timezone=st.sampled_from([None, "Asia/Tokyo", "?"])),
    st.builds(
        AddressGiven,
        user_id=_users,
        address_id=st.integers(1, 30).map(str),
        channel=st.just("email"),
        address=_mailboxes,
    ),
    st.builds(
        AddressConfirmed,
        user_id=_users,
        address_id=_things,
        channel=st.just("email"),
        address=_mailboxes,
    ),
    st.builds(AddressWithdrawn, user_id=_users, address_id=st.sampled_from(["1", "2", "profile"])),
    st.builds(
        DeviceRegistered,
        user_id=_users,
        device_id=st.integers(1, 30).map(str),
        kind=st.just("fcm"),
        token=st.none() | st.just("t"),
    ),
    st.builds(DeviceUnregistered, user_id=_users, device_id=_things),
    st.builds(EndpointRegistered, endpoint_id=_things, url=_web_addresses, types=st.just(("a.b",))),
    st.builds(
        EndpointChanged,
        endpoint_id=_things,
        url=_web_addresses,
        types=st.just(("a.b",)),
        generation=st.just(2),
    ),
    st.builds(EndpointWithdrawn, endpoint_id=_things),
    st.builds(
        ChannelSuppressed,
        user_id=_users,
        address_id=st.sampled_from(["1", "2", "profile"]),
        reason=st.just("bounced"),
    ),
    st.builds(ChannelRestored, user_id=_users, address_id=_things),
)
_noise = st.sampled_from([b"", b"{", b'{"specversion":"1.0"}', b"\xff"])
_subject_types = st.sampled_from([*(None,) * 9, "x.y"])
"""The type of a subject that is not the event's own, or None."""


def entries() -> st.SearchStrategy[Entry]:
    """Draw notifications (new, or known ones changed in place) and marks of all kinds."""
    return st.one_of(_notifications, _marks)


@st.composite
def inbox_logs(draw: st.DrawFn, most: int = 40) -> list[LogMessage]:
    """Draw a log of NOTIFICATIONS; its last entry is recent, its first may be months old."""
    alone = st.tuples(st.sampled_from(PEOPLE), entries())
    shared = st.tuples(
        st.sampled_from(TOPICS), _notifications, st.none() | st.sampled_from(["u-1", "u-2"])
    )
    acts = draw(_long_lists(st.one_of(alone, alone, shared, _members), most))
    ids = iter(SHARED)
    return _place_in_log(draw, [_encode_act(act, ids) for act in acts])


@st.composite
def event_logs(
    draw: st.DrawFn, most: int = 40, facts: st.SearchStrategy[Event] = _facts
) -> list[LogMessage]:
    """Draw a log of EVENTS, with duplicates at other sequences, with invalid events, and with some
    under the subject of another tenant or type.
    """
    ids = st.integers(1, 30).map(str)
    senders = st.sampled_from(SENDERS)
    acts = draw(_long_lists(st.tuples(senders, ids, facts | _noise, _subject_types), most))
    bodies = [
        (
            SUBJECTS.event_subject(subject_tenant, subject_type or _type_of(fact), None),
            _event(tenant, number, fact),
        )
        for (tenant, subject_tenant), number, fact, subject_type in acts
    ]
    return _place_in_log(draw, bodies)


def setting_logs(most: int = 40) -> st.SearchStrategy[list[LogMessage]]:
    """Draw a log of EVENTS that are mostly about settings."""
    return event_logs(most, _settings | _facts)


@st.composite
def receipt_logs(draw: st.DrawFn, most: int = 40) -> list[LogMessage]:
    """Draw a log of delivery receipts, whose cursors may decrease."""
    cursors = st.integers(0, 6).map(lambda sequence: str(Cursor("0123abcd", sequence)))
    receipts = st.builds(DeliveryReceipt, device=st.sampled_from(["desk", "phone"]), cursor=cursors)
    acts = draw(_long_lists(st.tuples(st.sampled_from(PEOPLE), receipts), most))
    return _place_in_log(
        draw, [(SUBJECTS.receipt_subject(person), encode(receipt)) for person, receipt in acts]
    )


@st.composite
def delivery_logs(draw: st.DrawFn, most: int = 40) -> list[LogMessage]:
    """Draw a log of deliveries: planned twice or never, decided and sent in any order."""
    acts = draw(_long_lists(st.sampled_from(PEOPLE).flatmap(_delivery_entries), most))
    return _place_in_log(
        draw, [(SUBJECTS.delivery_subject(person), encode(entry)) for person, entry in acts]
    )


def _delivery_entries(person: Person) -> st.SearchStrategy[tuple[Person, Any]]:
    deliveries = st.sampled_from(IDS[:3]).map(
        lambda notification: delivery_id(notification, "/".join(person), "email", 0, "a-1")
    )
    as_of = st.builds(
        AsOf, event=st.integers(0, 9), entry=st.integers(0, 9), at=_moments_of_clients
    )
    changing: dict[str, st.SearchStrategy[Any]] = {
        "state": st.sampled_from(["ordered", "held", "dropped"]),
        "until": st.none() | _moments_of_clients,
        "why": st.none() | st.builds(Reason, code=st.sampled_from(["read", "digest"])),
    }
    steps = st.builds(
        PlannedStep,
        delivery=deliveries,
        step=st.just(0),
        channel=st.just("email"),
        to=st.just("a-1"),
        summary=st.booleans(),
        **changing,
    )
    entry = st.one_of(
        st.builds(
            Planned,
            notification=st.sampled_from(IDS),
            as_of=as_of,
            steps=st.lists(steps, min_size=1, max_size=2).map(tuple),
        ),
        st.builds(
            Decided,
            delivery=deliveries,
            as_of=as_of,
            attempt=st.integers(1, 3),
            moved=st.lists(
                st.builds(
                    Moved,
                    step=steps,
                    notifications=st.lists(st.sampled_from(IDS), max_size=2).map(tuple),
                ),
                max_size=1,
            ).map(tuple),
            joined=st.none() | st.integers(1, 9),
            **changing,
        ),
        st.builds(
            Outcome,
            delivery=deliveries,
            attempt=st.integers(1, 3),
            state=st.sampled_from(["claimed", "sent", "deferred", "failed", "doubtful"]),
            reply=st.none() | st.just("450 try later"),
            until=st.none() | _moments_of_clients,
        ),
    )
    return st.tuples(st.just(person), entry)


LOGS = {
    "deliveries": delivery_logs,
    "inbox": inbox_logs,
    "audience": event_logs,
    "receipts": receipt_logs,
    "metrics": event_logs,
    "activity": event_logs,
    "preferences": setting_logs,
}
"""A random log for each projection, by its name."""


def batches(messages: Sequence[T], sizes: Sequence[int]) -> list[Sequence[T]]:
    """Cut a log into batches of these sizes, repeated in turn."""
    cut: list[Sequence[T]] = []
    while messages:
        size = sizes[len(cut) % len(sizes)]
        cut.append(messages[:size])
        messages = messages[size:]
    return cut


def _encode_act(act: Any, ids: Iterator[str]) -> tuple[str, bytes]:
    """Return the subject and the body of an entry for a user, a member or a topic."""
    match act:
        case (Topic() as topic, notification, left_out):
            shared = msgspec.structs.replace(notification, id=next(ids), user="")
            return shared_log(topic), encode(
                SharedNotification(left_out=left_out, notification=Raw(encode(shared)))
            )
        case (Member() as member, membership):
            return SUBJECTS.member_subject(member), encode(membership)
        case (person, entry):
            return SUBJECTS.inbox_subject(person), encode(entry)
        case _:
            raise ValueError(act)


def _long_lists(elements: st.SearchStrategy[T], most: int) -> st.SearchStrategy[list[T]]:
    """Draw long lists as often as short ones."""
    return st.integers(1, most).flatmap(
        lambda count: st.lists(elements, min_size=count, max_size=count)
    )


def _type_of(fact: Event | bytes) -> str:
    return "x.y" if isinstance(fact, bytes) else fact.type


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


def _place_in_log(draw: st.DrawFn, bodies: list[tuple[str, bytes]]) -> list[LogMessage]:
    """Assign sequences with gaps, as one partition of a stream has them."""
    gaps = draw(st.lists(st.integers(1, 3), min_size=len(bodies), max_size=len(bodies)))
    step = draw(st.sampled_from(STEPS))
    sequences = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    times = [
        int((NOW - step * (len(bodies) - index)).timestamp() * 1e9) for index in range(len(bodies))
    ]
    return [
        LogMessage(subject, body, *place)
        for (subject, body), place in zip(bodies, zip(sequences, times, strict=True), strict=True)
    ]
