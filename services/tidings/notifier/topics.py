"""Topics: the relations of a partition that have a shared log, because one announcement to them would be written too often."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from tidings.contracts.codec import encode
from tidings.contracts.events import AnyRecorded
from tidings.contracts.ids import escape
from tidings.contracts.notifications import Joined, Left
from tidings.contracts.subjects import (
    NOTIFICATIONS,
    Member,
    Person,
    Topic,
    member,
    since_of,
    topic,
    topics_of,
)
from tidings.notifier.audience import Folded
from tidings.notifier.position import NEVER
from tidings.notifier.rule import Relation, Tell, relation
from tidings.projections.relations import ObjectDeleted, RelationOpened, relations
from tidings.runtime.append import Draft
from tidings.runtime.jetstream import JetStream
from tidings.runtime.read import subjects

SPELLING_LIMIT_CHARACTERS = 256
"""A relation that takes more of a subject never becomes a topic, nor one that could be read as another."""

JOINED, LEFT = encode(Joined()), encode(Left())


class Topics:
    """The topics of one partition of `EVENTS`, each since an event; what becomes one stays one.

    That a relation is a topic is said in the log before anything else is: by the first output of the event that makes it one.
    So whoever routes that event again writes the same outputs, whatever the limit is by then.
    """

    def __init__(self, number: int, limit: int, since: dict[Topic, int]) -> None:
        self._number = number
        self._limit = limit
        self._since = since
        self._of_tenant: dict[str, list[Topic]] = defaultdict(list)
        for each in sorted(since):
            self._of_tenant[each.tenant].append(each)

    def asks(self, recorded: AnyRecorded, tell: Tell) -> tuple[Relation, ...]:
        """Of the relations told, those whose members must be known."""
        alone = _alone(tell)
        if (
            alone
            and self._since.get(_topic(recorded, alone), recorded.sequence) < recorded.sequence
        ):
            return ()
        return tuple(each for each in tell.to if isinstance(each, Relation))

    def ending(self, recorded: AnyRecorded) -> tuple[Relation, ...]:
        """The relations whose members must be known because they end with an event, while a topic stands for them."""
        known = self._of_tenant.get(recorded.tenant)
        ended = (
            {turn.object for turn in relations(recorded) if isinstance(turn, ObjectDeleted)}
            if known
            else ()
        )
        return (
            tuple(of for each in known or () if (of := relation(each.relation)).object in ended)
            if ended
            else ()
        )

    def decide(self, recorded: AnyRecorded, tells: Iterable[Tell], folded: Folded) -> None:
        """Make topics of the relations that are told something and have too many members; the next event must not be decided before."""
        for alone in filter(None, map(_alone, tells)):
            found = _topic(recorded, alone)
            if (
                found not in self._since
                and folded.outnumbers(recorded, alone, self._limit)
                and _spellable(alone)
            ):
                self._since[found] = recorded.sequence
                insort(self._of_tenant[found.tenant], found)

    def shared(self, recorded: AnyRecorded, tell: Tell) -> Topic | None:
        """The topic that is told instead of its members, if it is one by that event."""
        alone = _alone(tell)
        found = _topic(recorded, alone) if alone else None
        return (
            found
            if found and self._since.get(found, recorded.sequence + 1) <= recorded.sequence
            else None
        )

    def drafts(self, recorded: AnyRecorded, folded: Folded, partitions: int) -> Iterator[Draft]:
        """What an event says of topics: which relations become one with it, and who comes to or leaves one."""
        known = self._of_tenant.get(recorded.tenant)
        if not known:
            return iter(())
        new = [each for each in known if self._since[each] == recorded.sequence]
        old = [each for each in known if self._since[each] < recorded.sequence]
        began = (self._begun(each, recorded, folded, partitions) for each in new)
        return chain(chain.from_iterable(began), _changes(recorded, old, folded, partitions))

    def _begun(
        self, begun: Topic, recorded: AnyRecorded, folded: Folded, partitions: int
    ) -> Iterator[Draft]:
        yield Draft(topic(begun, self._number, recorded.sequence), b"", headers=NEVER)
        for user in sorted(folded.members(recorded, relation(begun.relation))):
            yield _membership(user, begun, JOINED, partitions)


async def topics(jetstream: JetStream, number: int, limit: int) -> Topics:
    """The topics of a partition, to be asked for by nobody but its only writer; raises Unavailable."""
    return Topics(
        number,
        limit,
        dict(map(since_of, await subjects(jetstream, NOTIFICATIONS, topics_of(number)))),
    )


def _changes(
    recorded: AnyRecorded, known: Sequence[Topic], folded: Folded, partitions: int
) -> Iterator[Draft]:
    """Who comes to these topics and who leaves them with an event; said again if it was so before, which changes nothing."""
    for turn in relations(recorded) if known else ():
        for each in known:
            of = relation(each.relation)
            if turn.object in (None, of.object) and turn.relation in (None, of.name):
                users = (
                    sorted(folded.members(recorded, of, before=True))
                    if turn.user is None
                    else (turn.user,)
                )
                yield from (
                    _membership(
                        user, each, JOINED if isinstance(turn, RelationOpened) else LEFT, partitions
                    )
                    for user in users
                )


def _membership(user: str, of: Topic, body: bytes, partitions: int) -> Draft:
    return Draft(member(Member(Person(of.tenant, user), of), partitions), body, headers=NEVER)


def _alone(tell: Tell) -> Relation | None:
    """The relation told, if nobody else is: who stands in two must be told once. What accumulates differs between them.

    Those of just before have left the topic by the time it would be told.
    """
    only = (
        tell.to[0] if len(set(tell.to)) == 1 and not tell.accumulates and not tell.before else None
    )
    return only if isinstance(only, Relation) else None


def _topic(recorded: AnyRecorded, told: Relation) -> Topic:
    return Topic(recorded.tenant, str(told))


def _spellable(told: Relation) -> bool:
    text = str(told)
    return len(escape(text)) <= SPELLING_LIMIT_CHARACTERS and text.count("#") == 1
