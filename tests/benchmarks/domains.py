"""What it costs the notifier to know all domains and to speak to each reader in their language: processor time an event.

The peer is the same notifier that knows the rules of one type of event only and has their words ready: it fills no template and asks
nobody's locale. Both do all else of what an event takes without I/O: they read its bytes, ask its rules, ask for whoever stands in a
relation, order the answer's rows, and encode a notification for each. Every relation has four members, of whom two are told in German;
so are about half of those told by name. They take turns; the fastest of each one's rounds counts.

What this leaves out: the query itself, and that a batch here names few different people (at most 40), so few locales are asked for.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.codec import encode, recorded
from tidings.contracts.events import AnyRecorded
from tidings.notifier.audience import Asked, answered
from tidings.notifier.route import Said, Told, asks, check, drafts, react
from tidings.notifier.router import SAYING
from tidings.notifier.rule import Authored, Rule, by_event
from tidings.notifier.topics import Topics
from tidings.projections.relations import LOCALE
from tidings.runtime.follow import Message

from tests.benchmarks.measure import Row
from tests.benchmarks.system import TENANTS
from tests.contracts.golden import wire

EVENTS, ROUNDS, PARTITIONS = 250, 5, 16
MEMBERS = 4
SPOKEN = ("de", "de-at", "en", "")
WORDS = Authored("Task status changed", "Water the seedlings is now: in progress")
LIMIT = 1.1
TIME_NANOSECONDS = 1_767_323_045_678_901_234

Answer = list[tuple[Any, ...]]
"""Rows of who stands how to what, and of who speaks what."""


class Costs(NamedTuple):
    """Processor seconds of a batch: of the notifier, and of one that knows this type of event only."""

    type: str
    ours: float
    theirs: float


async def domains() -> AsyncIterator[Row]:
    """Each type of event that there are templates for, alone, with several recipients in several languages."""
    costs = [
        _costs(shape.type, rules)
        for shape, rules in SAYING.items()
        if not all(rule.wordless for rule in rules)
    ]
    dearest = max(costs, key=lambda cost: cost.ours / cost.theirs)
    yield Row(
        figure=f"notifier without I/O, processor an event, {len(costs)} types",
        measured=_microseconds([c.ours for c in costs]),
        unit="µs",
    )
    yield Row(
        figure="… that knows one type of event and its words",
        measured=_microseconds([c.theirs for c in costs]),
        unit="µs",
    )
    yield Row(
        figure="… ours ÷ theirs",
        measured=sum(c.ours for c in costs) / sum(c.theirs for c in costs),
        unit="×",
        limit=LIMIT,
    )
    yield Row(
        figure="… the median type",
        measured=median(c.ours / c.theirs for c in costs),
        unit="×",
        limit=LIMIT,
    )
    yield Row(
        figure=f"… the dearest, {dearest.type}",
        measured=dearest.ours / dearest.theirs,
        unit="×",
        limit=LIMIT,
    )


def _costs(type_: str, rules: Sequence[Rule]) -> Costs:
    batch = list(_batch(type_))
    known = by_event(rules)
    rows = list(_answer(batch, rules))
    plain = [row for row in rows if not row[0]]

    def ours() -> None:
        _route(batch, lambda event: react(event, SAYING.get(event.event.__class__, ())), rows)

    def theirs() -> None:
        _route(
            batch, lambda event: _ready(react(event, known.get(event.event.__class__, ()))), plain
        )

    rounds = [(_seconds(ours), _seconds(theirs)) for _ in range(ROUNDS)]
    return Costs(type_, min(ours for ours, _ in rounds), min(theirs for _, theirs in rounds))


def _route(
    batch: Sequence[Message], say: Callable[[AnyRecorded], list[Said]], rows: Answer
) -> None:
    topics, asked = Topics(0, 1_000_000, {}), Asked()
    routed = [(event, say(event)) for event in map(_recorded, batch)]
    for event, said in routed:
        check(said)
        asks(event, said, topics, asked)
    asked.parameters(batch[0].sequence, batch[-1].sequence)
    found = answered((), rows)
    for event, said in routed:
        for _ in drafts(event, said, found, topics, PARTITIONS):
            pass


def _ready(said: list[Said]) -> list[Said]:
    """The same, with words that are there: written into what was just made, which takes no time that would count."""
    for each in said:
        if isinstance(each, Told):
            msgspec.structs.force_setattr(each.tell, "says", WORDS)
    return said


def _batch(type_: str) -> Iterator[Message]:
    """So many events of a type, of several tenants."""
    data = wire(type_)["data"]
    for number in range(EVENTS):
        cloud = {
            "specversion": "1.0",
            "id": f"fact-{number}",
            "source": "/bench",
            "type": type_,
            "tenant": f"bench-{number % TENANTS}",
        }
        yield Message(
            "events",
            encode({**cloud, "actor": "somebody", "data": data}),
            b"",
            number + 1,
            TIME_NANOSECONDS,
        )


def _answer(batch: Sequence[Message], rules: Sequence[Rule]) -> Iterator[tuple[Any, ...]]:
    """What Postgres says to what is asked about a batch."""
    asked = Asked()
    for event in map(_recorded, batch):
        asks(event, react(event, rules), Topics(0, 1_000_000, {}), asked)
    relations, _, _, users, _, _ = asked.parameters(1, EVENTS)
    named, related = (
        msgspec.json.decode(each, type=list[dict[str, Any]]) for each in (users, relations)
    )
    told = {(each["tenant"], each["user_id"]) for each in named}
    for each in related:
        for number in range(MEMBERS):
            yield (
                False,
                each["tenant"],
                each["object"],
                each["relation"],
                f"member-{number}",
                1,
                None,
            )
            told.add((each["tenant"], f"member-{number}"))
    for number, (tenant, user) in enumerate(sorted(told)):
        if locale := SPOKEN[number % len(SPOKEN)]:
            yield True, tenant, LOCALE, locale, user, 1, None


def _recorded(message: Message) -> AnyRecorded:
    return recorded(message.data, message.sequence, message.time_nanoseconds)


def _seconds(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _microseconds(seconds: Sequence[float]) -> float:
    return sum(seconds) * 1e6 / (EVENTS * len(seconds))
