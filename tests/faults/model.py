"""The oracle: who must have which notifications, derived from what was acknowledged alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class EmittedEvent(NamedTuple):
    """An event whose title is unique, and the users that it names."""

    title: str
    users: tuple[str, ...]
    producer: int


class Acknowledged(NamedTuple):
    """An acknowledged event, and the sequence that the gateway answered."""

    event: EmittedEvent
    sequence: int


class Differences(NamedTuple):
    """The differences of one log from what it must contain, as titles."""

    lost: list[str]
    doubled: list[str]
    foreign: list[str]
    out_of_order: list[str]

    def __bool__(self) -> bool:
        return any(self)


def expected_titles(
    acknowledged: Iterable[Acknowledged], positions: Mapping[str, int], user: str
) -> list[str]:
    """Return the titles that a user must have, in the order of the events in the log.

    `positions` are the first sequences of the events as the stream has them.
    """
    mine = [each.event.title for each in acknowledged if user in each.event.users]
    return sorted(mine, key=lambda title: positions[title])


def differences(expected: Sequence[str], actual: Sequence[str]) -> Differences:
    """Return how a log differs from the titles that it must have."""
    counts, wanted = Counter(actual), set(expected)
    once = [title for title in dict.fromkeys(actual) if title in wanted]
    kept = [title for title in expected if title in counts]
    return Differences(
        lost=[title for title in expected if title not in counts],
        doubled=[title for title, count in counts.items() if count > 1],
        foreign=[title for title in counts if title not in wanted],
        out_of_order=[title for title, due in zip(once, kept, strict=True) if title != due],
    )


def wrong_positions(
    acknowledged: Sequence[Acknowledged], positions: Mapping[str, int]
) -> list[str]:
    """Return the titles whose event the stream lacks, or has elsewhere than it acknowledged.

    A producer sends its next events after the acknowledgement of the ones before, so their
    positions must also increase.
    """
    last: dict[int, int] = {}
    wrong: list[str] = []
    for event, sequence in acknowledged:
        position = positions.get(event.title, 0)
        if position != sequence or position <= last.get(event.producer, 0):
            wrong.append(event.title)
        last[event.producer] = position
    return wrong
