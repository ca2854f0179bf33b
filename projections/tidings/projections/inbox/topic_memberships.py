"""The intervals of the log in which a person is a member of topics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tidings.contracts.notifications import TopicJoined, TopicMembership
from tidings.contracts.subjects import Topic

OPEN_END = 2**63 - 1
"""The `until` of a membership that lasts; the greatest `bigint` of Postgres."""


class Interval(NamedTuple):
    """A person is a member of a topic between two sequences of the log."""

    topic: Topic
    since: int
    until: int = OPEN_END


class TopicMemberships:
    """The topic memberships of one person."""

    __slots__ = ("_intervals",)

    def __init__(self, intervals: Iterable[Interval] = ()) -> None:
        self._intervals: dict[Topic, list[Interval]] = {}
        for interval in sorted(intervals):
            self._intervals.setdefault(interval.topic, []).append(interval)

    @property
    def topics(self) -> Iterable[Topic]:
        """Return all topics of which the person ever was a member."""
        return self._intervals.keys()

    @property
    def interval_count(self) -> int:
        """Return the number of intervals."""
        return sum(map(len, self._intervals.values()))

    def apply_membership(self, topic: Topic, membership: TopicMembership, sequence: int) -> None:
        """Apply the next membership; an earlier one, or one without a change, has no effect."""
        intervals = self._intervals.get(topic)
        last = intervals[-1] if intervals else None
        if isinstance(membership, TopicJoined):
            if last is None or last.until < sequence:
                self._intervals.setdefault(topic, []).append(Interval(topic, sequence))
        elif intervals and last and last.since < sequence < last.until:
            intervals[-1] = last._replace(until=sequence)

    def topics_after(self, sequence: int) -> list[Topic]:
        """Return the topics that may have entries for the person after a sequence."""
        return [
            topic for topic, intervals in self._intervals.items() if intervals[-1].until > sequence
        ]

    def covers_any(self, topic: Topic, after: int, until: int) -> bool:
        """Return whether the person is a member anywhere after one sequence up to another."""
        return any(
            max(after, interval.since) < min(until, interval.until - 1)
            for interval in self._intervals.get(topic, ())
        )

    def covers(self, topic: Topic, sequence: int) -> bool:
        """Return whether the person is a member of a topic at a sequence."""
        return any(
            interval.since < sequence < interval.until
            for interval in reversed(self._intervals.get(topic, ()))
        )
