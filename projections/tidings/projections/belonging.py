"""Belonging: which topics a person came to and left, where in the log, and so which shared entries are for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tidings.contracts.notifications import Joined, Membership
from tidings.contracts.subjects import Topic

OPEN = 2**63 - 1


class Span(NamedTuple):
    """A person belongs to a topic between two sequences of the log."""

    topic: Topic
    since: int
    until: int = OPEN


class Belonging:
    """The topics of one person."""

    __slots__ = ("_spans",)

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: dict[Topic, list[Span]] = {}
        for span in sorted(spans):
            self._spans.setdefault(span.topic, []).append(span)

    @property
    def topics(self) -> Iterable[Topic]:
        """All topics that they ever belonged to."""
        return self._spans.keys()

    def take(self, topic: Topic, membership: Membership, sequence: int) -> None:
        """Take the next membership on; one that was taken on before changes nothing, nor does one that says what is so already."""
        known = self._spans.get(topic)
        last = known[-1] if known else None
        if isinstance(membership, Joined):
            if last is None or last.until < sequence:
                self._spans.setdefault(topic, []).append(Span(topic, sequence))
        elif known and last and last.since < sequence < last.until:
            known[-1] = last._replace(until=sequence)

    def after(self, sequence: int) -> list[Topic]:
        """The topics that may have entries for them after a sequence."""
        return [topic for topic, spans in self._spans.items() if spans[-1].until > sequence]

    def covers(self, topic: Topic, sequence: int) -> bool:
        """Whether they belong to a topic at a sequence."""
        return any(
            span.since < sequence < span.until for span in reversed(self._spans.get(topic, ()))
        )
