"""Measure what all domains and the languages of all readers cost the notifier per event.

The peer is the same notifier with the rules of one event type only and with ready texts: it fills
no template and looks up no locale. Both do everything else that an event takes without I/O: read
its bytes, run its rules, make the query for its relations, order the rows of the answer, and encode
a notification for each recipient. Every relation has four members, two of whom read German, as do
about half of the recipients given by name. They take turns; the fastest round of each counts.

Not included: the query itself. A batch here has at most 40 different users, so few locales are
looked up.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.codec import decode_recorded_event, encode
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.relations import LOCALE
from tidings.contracts.rules import AuthoredText, Effect, Rule, Tell, by_event_type
from tidings.contracts.subjects import Subjects
from tidings.notifier.audience.member_rows import parse_members
from tidings.notifier.audience.topics import Topics
from tidings.notifier.partition.routed_events import RULES_BY_EVENT
from tidings.notifier.partition.routing import audience_query, messages, react, validate_templates
from tidings.notifier.rendering.texts import load_texts
from tidings.runtime.log.follow import StreamMessage

from tests.benchmarks.measure import Row
from tests.benchmarks.system import TENANTS
from tests.contracts.golden import read_wire

EVENTS, ROUNDS = 250, 5
SUBJECTS = Subjects(16)
TEXTS = load_texts()
MEMBERS = 4
SPOKEN = ("de", "de-at", "en", "")
WORDS = AuthoredText("Task status changed", "Water the seedlings is now: in progress")
LIMIT = 1.1
TIME_NANOSECONDS = 1_767_323_045_678_901_234

Answer = list[tuple[Any, ...]]
"""Rows of who stands how to what, and of who speaks what."""


class Costs(NamedTuple):
    """Processor seconds of a batch, of the full notifier and of the one for a single type."""

    type: str
    ours: float
    theirs: float


async def domains() -> AsyncIterator[Row]:
    """Measure each event type that has templates, with several recipients in several languages."""
    costs = [
        _costs(shape.type, rules)
        for shape, rules in RULES_BY_EVENT.items()
        if any(rule.templates for rule in rules)
    ]
    dearest = max(costs, key=lambda cost: cost.ours / cost.theirs)
    yield Row(
        figure=f"notifier without I/O, processor an event, {len(costs)} types",
        value=_microseconds([c.ours for c in costs]),
        unit="µs",
    )
    yield Row(
        figure="… that knows one type of event and its words",
        value=_microseconds([c.theirs for c in costs]),
        unit="µs",
    )
    yield Row(
        figure="… ours ÷ theirs",
        value=sum(c.ours for c in costs) / sum(c.theirs for c in costs),
        unit="×",
        limit=LIMIT,
    )
    yield Row(
        figure="… the median type",
        value=median(c.ours / c.theirs for c in costs),
        unit="×",
        limit=LIMIT,
    )
    yield Row(
        figure=f"… the dearest, {dearest.type}",
        value=dearest.ours / dearest.theirs,
        unit="×",
        limit=LIMIT,
    )


def _costs(type_: str, rules: Sequence[Rule]) -> Costs:
    batch = list(_batch(type_))
    rules_by_type = by_event_type(rules)
    rows = list(_answer(batch, rules))
    plain = [row for row in rows if not row[0]]

    def ours() -> None:
        _route(
            batch, lambda event: react(event, RULES_BY_EVENT.get(event.event.__class__, ())), rows
        )

    def theirs() -> None:
        _route(
            batch,
            lambda event: _ready(react(event, rules_by_type.get(event.event.__class__, ()))),
            plain,
        )

    rounds = [(_seconds(ours), _seconds(theirs)) for _ in range(ROUNDS)]
    return Costs(type_, min(ours for ours, _ in rounds), min(theirs for _, theirs in rounds))


def _route(
    batch: Sequence[StreamMessage], say: Callable[[AnyRecordedEvent], list[Effect]], rows: Answer
) -> None:
    topics = Topics(0, 1_000_000, {})
    events = [(event, say(event)) for event in map(_recorded, batch)]
    for _, effects in events:
        validate_templates(effects, TEXTS)
    query = audience_query(events, topics)
    query.sql_parameters(batch[0].sequence, batch[-1].sequence)
    audience = parse_members((), rows)
    for event, effects in events:
        for _ in messages(event, effects, audience, topics, SUBJECTS, TEXTS):
            pass


def _ready(effects: list[Effect]) -> list[Effect]:
    """Return the same effects with ready texts.

    Writing into the new values takes no time that would count.
    """
    for effect in effects:
        if isinstance(effect, Tell):
            msgspec.structs.force_setattr(effect, "values", WORDS)
    return effects


def _batch(type_: str) -> Iterator[StreamMessage]:
    """Return events of a type, of several tenants."""
    data = read_wire(type_)["data"]
    for number in range(EVENTS):
        cloud = {
            "specversion": "1.0",
            "id": f"fact-{number}",
            "source": "/bench",
            "type": type_,
            "tenant": f"bench-{number % TENANTS}",
        }
        yield StreamMessage(
            "events",
            encode({**cloud, "actor": "somebody", "data": data}),
            b"",
            number + 1,
            TIME_NANOSECONDS,
        )


def _answer(batch: Sequence[StreamMessage], rules: Sequence[Rule]) -> Iterator[tuple[Any, ...]]:
    """Return the rows that Postgres answers for a batch."""
    events = [(event, react(event, rules)) for event in map(_recorded, batch)]
    query = audience_query(events, Topics(0, 1_000_000, {}))
    parameters = query.sql_parameters(1, EVENTS)
    user_rows, relation_rows = (
        msgspec.json.decode(parameters[name], type=list[dict[str, Any]])
        for name in ("users", "relations")
    )
    recipients = {(rows["tenant"], rows["user_id"]) for rows in user_rows}
    for rows in relation_rows:
        for number in range(MEMBERS):
            yield (
                False,
                rows["tenant"],
                rows["object"],
                None,
                rows["relation"],
                f"member-{number}",
                1,
                None,
            )
            recipients.add((rows["tenant"], f"member-{number}"))
    for number, (tenant, user) in enumerate(sorted(recipients)):
        if locale := SPOKEN[number % len(SPOKEN)]:
            yield True, tenant, LOCALE, None, locale, user, 1, None


def _recorded(message: StreamMessage) -> AnyRecordedEvent:
    return decode_recorded_event(message.data, message.sequence, message.time_nanoseconds)


def _seconds(work: Callable[[], None]) -> float:
    started_at = time.process_time()
    work()
    return time.process_time() - started_at


def _microseconds(seconds: Sequence[float]) -> float:
    return sum(seconds) * 1e6 / (EVENTS * len(seconds))
