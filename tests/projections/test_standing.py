"""The inbox in memory and the inbox in rows obey one law: the same standings, lists and counts for every log."""

from __future__ import annotations

import json
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
    decode_shared,
    encode,
)
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts, Entry, Joined, Mark, Notification, Shared
from tidings.contracts.subjects import Member, Person, Topic, member, owner_of
from tidings.contracts.subjects import inbox as inbox_of
from tidings.contracts.subjects import shared as shared_log
from tidings.edge.rows import STANDINGS
from tidings.projections.belonging import Belonging
from tidings.projections.inbox import KEPT, LISTED, VISIBLE, WANTED
from tidings.projections.projection import Message
from tidings.projections.standing import About, Inbox, Standing
from tidings.projections.topics import spans
from tidings.runtime.postgres import Connection
from tidings.runtime.process import Runtime
from tidings.runtime.readmodel import ReadModel

from tests.projections.folding import fold, undone
from tests.projections.logs import IDS, NOW, PEOPLE, SHARED, TOPICS, batches, inbox_logs

KINDS = {
    "category": "task",
    "type": "task.assigned",
    "priority": "high",
    "entity": "task:1",
    "group": "a",
}
ABOUT = About("task", "task.assigned", "normal", None, None)
RETENTION = timedelta(days=30)
LIMITS = st.sampled_from([1, 3, 7, 1000])
FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=80, phases=FINDING)

LIST = f"SELECT k.id::text FROM (SELECT %(tenant)s::text AS tenant, %(user)s::text AS user_id) r, LATERAL {KEPT} k WHERE {VISIBLE}"


class Seen(NamedTuple):
    """What a person sees: the ids in each list, newest first, and the counts."""

    listed: list[str]
    visible: set[str]
    counts: Counts
    of_a_kind: dict[str, int]


class Table(NamedTuple):
    """The rows of the law tests' inbox as the edge would ask for them, with the limit of this example."""

    connection: Connection
    schema: str
    limit: int

    async def now(self) -> float:
        """The moment that all queries of this transaction take for the present."""
        row = await (
            await self.connection.execute("SELECT extract(epoch FROM now())::float8")
        ).fetchone()
        return row[0] if row else 0.0

    async def seen(self, person: Person) -> Seen:
        """What a person sees, by the predicates that the edge uses."""
        lists = {
            name: await self._ids(person, f"{LIST} AND {shown}") for name, shown in LISTED.items()
        }
        counts = Counts(
            unread=len(lists["unread"]), unseen=len(lists["unseen"]), total=len(lists["all"])
        )
        assert not {*lists["all"], *lists["archived"]} & {*lists["snoozed"]}
        kinds = {
            kind: await self._ids(
                person, f"{LIST} AND {LISTED['all']} AND {WANTED[kind]}", **{kind: [value]}
            )
            for kind, value in KINDS.items()
        }
        visible = {*lists["all"], *lists["archived"], *lists["snoozed"]}
        return Seen(
            lists["all"], visible, counts, {kind: len(found) for kind, found in kinds.items()}
        )

    async def standings(self, person: Person) -> list[Standing]:
        """How everything stands that is kept for a person, by the query of the edge."""
        return (await self.stands(person))[0]

    async def stands(self, person: Person) -> tuple[list[Standing], Belonging]:
        """The same, and to which topics they belong."""
        people = json.dumps([{"place": 0, "tenant": person.tenant, "user_id": person.user}])
        row = await (await self._ask(STANDINGS, people=people)).fetchone()
        return (
            (
                msgspec.json.decode(row[1], type=list[Standing]),
                Belonging(spans(person.tenant, row[2])),
            )
            if row
            else ([], Belonging())
        )

    async def _ids(self, person: Person, query: str, **asked: object) -> list[str]:
        answer = await self._ask(
            f"{query} ORDER BY k.sequence DESC", tenant=person.tenant, user=person.user, **asked
        )
        return [identifier for (identifier,) in await answer.fetchall()]

    async def _ask(self, query: str, **parameters: object) -> AsyncCursor[tuple[Any, ...]]:
        given_parameters = {"limit": self.limit, "retention": RETENTION, **parameters}
        return await self.connection.execute(
            query.replace("inbox.", f"{self.schema}.").encode(), given_parameters
        )


def taken(inbox: Inbox, person: Person, log: Sequence[Message]) -> Inbox:
    """An inbox after the entries of a person's among these; it is asked for its counts now and then, which must not matter."""
    for message in log:
        if entry := told(inbox.belonging, person, message):
            inbox.apply(entry, message.sequence, message.time_nanoseconds)
            if message.sequence % 2:
                inbox.counts(message.time_nanoseconds / 1e9)
    return inbox


def told(belonging: Belonging, person: Person, message: Message) -> Entry | None:
    """What a message says to a person; whether they come to a topic or leave it is taken on."""
    match owner_of(message.subject):
        case Topic() as topic:
            said = decode_shared(message.data)
            is_told = said.left_out != person.user and belonging.covers(topic, message.sequence)
            return decode_notification(said.notification) if is_told else None
        case Member() as member:
            if member.person == person:
                belonging.take(member.topic, decode_membership(message.data), message.sequence)
            return None
        case owner:
            return decode_entry(message.data) if owner == person else None


def folded(person: Person, log: Sequence[Message], limit: int) -> Inbox:
    return taken(Inbox(limit, RETENTION.total_seconds()), person, log)


def seen(inbox: Inbox, now: float) -> Seen:
    """What a person sees of an inbox in memory."""
    visible = {identifier for identifier in (*IDS, *SHARED) if inbox.visible(identifier, now)}
    kinds = {kind: inbox.counts_by(kind, now) for kind in KINDS}
    return Seen(
        [standing.id for standing in reversed(inbox.listed(now))],
        visible,
        inbox.counts(now),
        {
            kind: of[value].total if (value := KINDS[kind]) in of else 0
            for kind, of in kinds.items()
        },
    )


def states(standing: Standing | None) -> object:
    """All that a standing says; the moment it vanishes to the millisecond, for rows know it to the microsecond only."""
    if standing is None:
        return None
    moments = (standing.seen, standing.read, standing.archived, standing.snoozed, standing.acted)
    return (standing.id, standing.sequence, round(standing.until or 0, 3), standing.about, moments)


@LAW
@given(log=inbox_logs(), limit=LIMITS)
async def test_memory_and_rows_show_the_same(
    runtime: Runtime, models: dict[str, ReadModel], log: list[Message], limit: int
) -> None:
    inboxes = {person: folded(person, log, limit) for person in PEOPLE}

    async with undone(runtime.postgres) as connection:
        table = Table(connection, models["inbox"].schema, limit)
        await fold(connection, models["inbox"], batches(log, [5]))
        now = await table.now()
        rows = {person: await table.seen(person) for person in PEOPLE}
        standings = {
            person: {each.id: each for each in await table.standings(person)} for person in PEOPLE
        }

    for person, inbox in inboxes.items():
        assert seen(inbox, now) == rows[person]
        for identifier in rows[person].visible:
            assert states(inbox.visible(identifier, now)) == states(standings[person][identifier])


@LAW
@given(log=inbox_logs(), limit=LIMITS, data=st.data())
async def test_an_inbox_taken_from_the_rows_goes_on_like_one_folded_from_the_beginning(
    runtime: Runtime,
    models: dict[str, ReadModel],
    log: list[Message],
    limit: int,
    data: st.DataObject,
) -> None:
    split = data.draw(st.integers(0, len(log)))
    again = data.draw(st.integers(0, split))

    async with undone(runtime.postgres) as connection:
        table = Table(connection, models["inbox"].schema, limit)
        checkpoint = await fold(connection, models["inbox"], batches(log[:split], [7]))
        now = await table.now()
        stands = {person: await table.stands(person) for person in PEOPLE}

    for person in PEOPLE:
        standings, belonging = stands[person]
        resumed = Inbox(limit, RETENTION.total_seconds(), standings, checkpoint, belonging)
        taken(resumed, person, log[again:])
        assert seen(resumed, now) == seen(folded(person, log, limit), now)


async def test_a_mark_is_about_what_a_topic_said_before_it_in_the_same_batch(
    runtime: Runtime, models: dict[str, ReadModel]
) -> None:
    one, other, _ = PEOPLE
    told = Notification(
        id=SHARED[0],
        type="-",
        category="-",
        title="-",
        message="-",
        tenant="-",
        user="",
        created=NOW,
    )
    said = [
        (member(Member(one, TOPICS[0]), 2), Joined()),
        (member(Member(other, TOPICS[0]), 2), Joined()),
        (inbox_of(one, 2), Mark(state="read", at=NOW, ids=(SHARED[0],))),
        (shared_log(TOPICS[0]), Shared(notification=Raw(encode(told)))),
        (inbox_of(other, 2), Mark(state="read", at=NOW, ids=(SHARED[0],))),
    ]
    log = [
        Message(subject, encode(body), place, int(NOW.timestamp() * 1e9))
        for place, (subject, body) in enumerate(said, 1)
    ]

    async with undone(runtime.postgres) as connection:
        await fold(connection, models["inbox"], [log])
        table = Table(connection, models["inbox"].schema, 1000)
        counts = [(await table.seen(person)).counts.unread for person in (one, other)]

    assert counts == [1, 0]


@given(log=inbox_logs(), limit=LIMITS, hours=st.lists(st.integers(0, 72), min_size=1).map(sorted))
def test_counts_are_those_of_the_list_at_every_moment_to_come(
    log: list[Message], limit: int, hours: list[int]
) -> None:
    inbox = folded(PEOPLE[0], log, limit)

    for hour in hours:
        now = NOW.timestamp() + hour * 3600
        listed = inbox.listed(now)

        assert inbox.counts(now) == Counts(
            unread=sum(each.read is None for each in listed),
            unseen=sum(each.seen is None for each in listed),
            total=len(listed),
        )


@given(log=inbox_logs(), limit=LIMITS, data=st.data())
def test_entries_that_come_again_change_nothing(
    log: list[Message], limit: int, data: st.DataObject
) -> None:
    once = folded(PEOPLE[0], log, limit)
    again = data.draw(st.lists(st.sampled_from(log)))

    twice = taken(folded(PEOPLE[0], log, limit), PEOPLE[0], again)

    assert seen(twice, NOW.timestamp()) == seen(once, NOW.timestamp())


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
def test_a_watermark_marks_what_was_there_and_not_what_came_meanwhile(
    state: str, counts: tuple[int, int, int]
) -> None:
    inbox = Inbox(
        10,
        RETENTION.total_seconds(),
        [Standing("first", 3, None, ABOUT), Standing("second", 5, None, ABOUT)],
        5,
    )
    until = NOW + timedelta(hours=1) if state == "snoozed" else None
    mark = Mark(state=state, at=NOW, until=until, up_to=str(Cursor("0123abcd", 4)))  # type: ignore[arg-type]

    inbox.apply(mark, 6, int(NOW.timestamp() * 1e9))

    found = inbox.counts(NOW.timestamp())
    assert (found.unread, found.unseen, found.total) == counts
