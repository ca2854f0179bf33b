"""The inbox in memory and the inbox's rows have the same states, lists and counts for every log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from psycopg import AsyncCursor
from tidings.contracts.codec import (
    decode_entry,
    decode_membership,
    decode_notification,
    decode_shared_notification,
    encode,
)
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import (
    Counts,
    Entry,
    Mark,
    Notification,
    SharedNotification,
    TopicJoined,
)
from tidings.contracts.subjects import Member, Person, Topic, owner_of
from tidings.contracts.subjects import topic_inbox_subject as shared_log
from tidings.projections.inbox.inbox_state import CountKind, Facets, InboxState, NotificationState
from tidings.projections.inbox.queries import (
    FILTER_CONDITIONS,
    INBOX_STATE,
    IS_VISIBLE,
    LIST_CONDITIONS,
    RETAINED_ROWS,
)
from tidings.projections.inbox.shared_rows import parse_intervals
from tidings.projections.inbox.topic_memberships import TopicMemberships
from tidings.projections.projection import LogMessage
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import fold, roll_back
from tests.projections.logs import IDS, NOW, PEOPLE, SHARED, SUBJECTS, TOPICS, batches, inbox_logs

KINDS: dict[CountKind, str] = {
    "category": "task",
    "type": "task.assigned",
    "priority": "high",
    "entity": "task:1",
    "group": "a",
}
FACETS = Facets("task", "task.assigned", "normal", None, None)
RETENTION = timedelta(days=30)
LIMITS = st.sampled_from([1, 3, 7, 1000])
FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=80, phases=FINDING)

LIST = f"""
SELECT k.id::text
FROM (SELECT %(tenant)s::text AS tenant, %(user)s::text AS user_id) r, LATERAL {RETAINED_ROWS} k
WHERE {IS_VISIBLE}"""


class VisibleInbox(NamedTuple):
    """A person's view: the ids in each list, newest first, and the counts."""

    listed: list[str]
    visible: set[str]
    counts: Counts
    of_a_kind: dict[str, int]


class Table(NamedTuple):
    """The rows of the inbox as the edge queries them, with the limit of this example."""

    connection: PostgresConnection
    schema: str
    limit: int

    async def now(self) -> float:
        """Return the time that all queries of this transaction use."""
        row = await (
            await self.connection.execute("SELECT extract(epoch FROM now())::float8")
        ).fetchone()
        return row[0] if row else 0.0

    async def visible(self, person: Person) -> VisibleInbox:
        """Return a person's view, by the conditions that the edge uses."""
        lists = {
            name: await self._ids(person, f"{LIST} AND {shown}")
            for name, shown in LIST_CONDITIONS.items()
        }
        counts = Counts(
            unread=len(lists["unread"]), unseen=len(lists["unseen"]), total=len(lists["all"])
        )
        assert not {*lists["all"], *lists["archived"]} & {*lists["snoozed"]}
        kinds = {
            kind: await self._ids(
                person,
                f"{LIST} AND {LIST_CONDITIONS['all']} AND {FILTER_CONDITIONS[kind]}",
                **{kind: [value]},
            )
            for kind, value in KINDS.items()
        }
        visible = {*lists["all"], *lists["archived"], *lists["snoozed"]}
        return VisibleInbox(
            lists["all"], visible, counts, {kind: len(found) for kind, found in kinds.items()}
        )

    async def states_of(self, person: Person) -> list[NotificationState]:
        """Return the states of all retained notifications of a person, by the query of the edge."""
        return (await self.inbox_of(person))[0]

    async def inbox_of(self, person: Person) -> tuple[list[NotificationState], TopicMemberships]:
        """Return the states, and the topic memberships."""
        people = json.dumps([{"place": 0, "tenant": person.tenant, "user_id": person.user}])
        row = await (await self._execute(INBOX_STATE, people=people)).fetchone()
        return (
            (
                msgspec.json.decode(row[1], type=list[NotificationState]),
                TopicMemberships(parse_intervals(person.tenant, row[2])),
            )
            if row
            else ([], TopicMemberships())
        )

    async def _ids(self, person: Person, query: str, **parameters: object) -> list[str]:
        answer = await self._execute(
            f"{query} ORDER BY k.sequence DESC",
            tenant=person.tenant,
            user=person.user,
            **parameters,
        )
        return [identifier for (identifier,) in await answer.fetchall()]

    async def _execute(self, query: str, **parameters: object) -> AsyncCursor[tuple[Any, ...]]:
        values = {"limit": self.limit, "retention": RETENTION, **parameters}
        return await self.connection.execute(
            query.replace("inbox.", f"{self.schema}.").encode(), values
        )


def apply_log(
    inbox: InboxState, person: Person, log: Sequence[LogMessage | StreamMessage]
) -> InboxState:
    """Return an inbox after a person's entries in a log.

    Its counts and totals are read in between, which must not change the result.
    """
    for message in log:
        if entry := entry_for(inbox.memberships, person, message):
            inbox.apply(entry, message.sequence, message.time_nanoseconds)
            if message.sequence % 2:
                inbox.totals_by_type_and_priority(message.time_nanoseconds / 1e9)
    return inbox


def entry_for(
    memberships: TopicMemberships, person: Person, message: LogMessage | StreamMessage
) -> Entry | None:
    """Return the entry of a message for a person, if any; apply a membership to the inbox."""
    match owner_of(message.subject):
        case Topic() as topic:
            shared = decode_shared_notification(message.data)
            is_visible = shared.left_out != person.user and memberships.covers(
                topic, message.sequence
            )
            return decode_notification(shared.notification) if is_visible else None
        case Member() as member:
            if member.person == person:
                memberships.apply_membership(
                    member.topic, decode_membership(message.data), message.sequence
                )
            return None
        case owner:
            return decode_entry(message.data) if owner == person else None


def fold_log(person: Person, log: Sequence[LogMessage], limit: int) -> InboxState:
    return apply_log(InboxState(limit, RETENTION.total_seconds()), person, log)


def visible_in(inbox: InboxState, now: float) -> VisibleInbox:
    """Return a person's view of an inbox in memory."""
    visible = {identifier for identifier in (*IDS, *SHARED) if inbox.visible_state(identifier, now)}
    kinds: dict[CountKind, dict[str, Counts]] = {kind: inbox.counts_by(kind, now) for kind in KINDS}
    listed = [(state.facets.type, state.facets.priority) for state in inbox.listed_states(now)]
    assert inbox.totals_by_type_and_priority(now) == Counter(listed)
    return VisibleInbox(
        [state.id for state in reversed(inbox.listed_states(now))],
        visible,
        inbox.counts(now),
        {
            kind: of[value].total if (value := KINDS[kind]) in of else 0
            for kind, of in kinds.items()
        },
    )


def describe_state(state: NotificationState | None) -> object:
    """Return all fields of a state, with milliseconds: the rows round times to microseconds."""
    if state is None:
        return None
    times = (state.seen, state.read, state.archived, state.snoozed, state.acted)
    return (
        state.id,
        state.sequence,
        round(state.vanishes_at or 0, 3),
        state.facets,
        times,
    )


@LAW
@given(log=inbox_logs(), limit=LIMITS)
async def test_memory_and_rows_show_the_same(
    runtime: Runtime, models: dict[str, ReadModel], log: list[LogMessage], limit: int
) -> None:
    inboxes = {person: fold_log(person, log, limit) for person in PEOPLE}

    async with roll_back(runtime.postgres) as connection:
        table = Table(connection, models["inbox"].schema, limit)
        await fold(connection, models["inbox"], batches(log, [5]))
        now = await table.now()
        rows = {person: await table.visible(person) for person in PEOPLE}
        states = {
            person: {state.id: state for state in await table.states_of(person)}
            for person in PEOPLE
        }

    for person, inbox in inboxes.items():
        assert visible_in(inbox, now) == rows[person]
        for identifier in rows[person].visible:
            assert describe_state(inbox.visible_state(identifier, now)) == describe_state(
                states[person][identifier]
            )


@LAW
@given(log=inbox_logs(), limit=LIMITS, data=st.data())
async def test_an_inbox_taken_from_the_rows_goes_on_like_one_folded_from_the_beginning(
    runtime: Runtime,
    models: dict[str, ReadModel],
    log: list[LogMessage],
    limit: int,
    data: st.DataObject,
) -> None:
    split = data.draw(st.integers(0, len(log)))
    again = data.draw(st.integers(0, split))

    async with roll_back(runtime.postgres) as connection:
        table = Table(connection, models["inbox"].schema, limit)
        checkpoint = await fold(connection, models["inbox"], batches(log[:split], [7]))
        now = await table.now()
        inboxes = {person: await table.inbox_of(person) for person in PEOPLE}

    for person in PEOPLE:
        states, memberships = inboxes[person]
        resumed = InboxState(limit, RETENTION.total_seconds(), states, checkpoint, memberships)
        apply_log(resumed, person, log[again:])
        assert visible_in(resumed, now) == visible_in(fold_log(person, log, limit), now)


async def test_a_mark_applies_to_shared_entries_before_it_in_the_same_batch(
    runtime: Runtime, models: dict[str, ReadModel]
) -> None:
    one, other, _ = PEOPLE
    shared = Notification(
        id=SHARED[0],
        type="-",
        category="-",
        title="-",
        message="-",
        tenant="-",
        user="",
        created=NOW,
    )
    entries = [
        (SUBJECTS.member_subject(Member(one, TOPICS[0])), TopicJoined()),
        (SUBJECTS.member_subject(Member(other, TOPICS[0])), TopicJoined()),
        (SUBJECTS.inbox_subject(one), Mark(state="read", at=NOW, ids=(SHARED[0],))),
        (shared_log(TOPICS[0]), SharedNotification(notification=Raw(encode(shared)))),
        (SUBJECTS.inbox_subject(other), Mark(state="read", at=NOW, ids=(SHARED[0],))),
    ]
    log = [
        LogMessage(subject, encode(body), place, int(NOW.timestamp() * 1e9))
        for place, (subject, body) in enumerate(entries, 1)
    ]

    async with roll_back(runtime.postgres) as connection:
        await fold(connection, models["inbox"], [log])
        table = Table(connection, models["inbox"].schema, 1000)
        counts = [(await table.visible(person)).counts.unread for person in (one, other)]

    assert counts == [1, 0]


@given(log=inbox_logs(), limit=LIMITS, hours=st.lists(st.integers(0, 72), min_size=1).map(sorted))
def test_counts_are_those_of_the_list_at_every_moment_to_come(
    log: list[LogMessage], limit: int, hours: list[int]
) -> None:
    inbox = fold_log(PEOPLE[0], log, limit)

    for hour in hours:
        now = NOW.timestamp() + hour * 3600
        states = inbox.listed_states(now)

        assert inbox.counts(now) == Counts(
            unread=sum(state.read is None for state in states),
            unseen=sum(state.seen is None for state in states),
            total=len(states),
        )


@given(log=inbox_logs(), limit=LIMITS, data=st.data())
def test_entries_that_come_again_change_nothing(
    log: list[LogMessage], limit: int, data: st.DataObject
) -> None:
    once = fold_log(PEOPLE[0], log, limit)
    again = data.draw(st.lists(st.sampled_from(log)))

    twice = apply_log(fold_log(PEOPLE[0], log, limit), PEOPLE[0], again)

    assert visible_in(twice, NOW.timestamp()) == visible_in(once, NOW.timestamp())


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("read", (1, 1, 2)),
        ("unread", (2, 2, 2)),
        ("seen", (2, 1, 2)),
        ("archived", (1, 1, 1)),
        ("unarchived", (2, 2, 2)),
        ("snoozed", (1, 1, 1)),
        ("unsnoozed", (2, 2, 2)),
        ("deleted", (1, 1, 1)),
    ],
)
def test_a_mark_up_to_a_cursor_does_not_apply_to_later_entries(
    state: str, counts: tuple[int, int, int]
) -> None:
    inbox = InboxState(
        10,
        RETENTION.total_seconds(),
        [NotificationState("first", 3, None, FACETS), NotificationState("second", 5, None, FACETS)],
        5,
    )
    until = NOW + timedelta(hours=1) if state == "snoozed" else None
    up_to = str(Cursor("0123abcd", 4))
    mark = Mark(state=state, at=NOW, until=until, up_to=up_to)  # type: ignore[arg-type]

    inbox.apply(mark, 6, int(NOW.timestamp() * 1e9))

    result = inbox.counts(NOW.timestamp())
    assert (result.unread, result.unseen, result.total) == counts
