"""Conflicts: an id of an event that the log knows already as another event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tidings.client.jetstream import JetStream
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import EVENTS, events_of_tenant
from tidings.runtime.log.read import PAGE_MESSAGES, read

ID_IN_USE = (
    "the log has another event with this `source` and `id`, of another type or about another"
    " subject; give each event an id of its own"
)
NEAR_SEQUENCES = 10
"""Sequences that are this near to each other are read in one page, with those between them."""
READS_LIMIT = 100
"""Reads for the duplicates of one request, which may lie anywhere in the log."""


async def conflicting_places(
    jetstream: JetStream,
    messages: Sequence[NewMessage],
    results: Sequence[AppendResult],
    reads_limit: int = READS_LIMIT,
) -> list[int]:
    """Return which messages are duplicates of one with another subject; raises Unavailable.

    Such a message is not in the log, though its id is: nothing would ever act on it. Those that
    `reads_limit` reads do not find are not among the places.
    """
    places = defaultdict[str, list[int]](list)
    for place, result in enumerate(results):
        if result.duplicate:
            places[events_of_tenant(messages[place].subject)].append(place)
    conflicts: list[int] = []
    for wildcard, of_tenant in places.items():
        sequences = sorted({results[place].sequence for place in of_tenant})
        subjects: dict[int, str | None] = {}
        for run in _near_runs(sequences):
            found, reads_limit = await _subjects_in(jetstream, wildcard, run, reads_limit)
            subjects |= found
        conflicts += [
            place
            for place in of_tenant
            if subjects.get(results[place].sequence, messages[place].subject)
            != messages[place].subject
        ]
    return sorted(conflicts)


def _near_runs(sequences: Sequence[int]) -> list[list[int]]:
    """Split ascending sequences where two are far from each other."""
    runs: list[list[int]] = []
    for sequence in sequences:
        if runs and sequence - runs[-1][-1] <= NEAR_SEQUENCES:
            runs[-1].append(sequence)
        else:
            runs.append([sequence])
    return runs


async def _subjects_in(
    jetstream: JetStream, wildcard: str, run: Sequence[int], reads_limit: int
) -> tuple[dict[int, str | None], int]:
    """Return the subject of each sequence of a run, and how many reads are left.

    The subject is None where the wildcard matches no message. Raises Unavailable.
    """
    subjects: dict[int, str | None] = {}
    after = run[0] - 1
    while after < run[-1] and reads_limit:
        reads_limit -= 1
        limit = min(run[-1] - after, PAGE_MESSAGES)
        page = await read(jetstream, EVENTS, wildcard, after=after, limit=limit, leader_ends=True)
        end = page[-1].sequence if page else run[-1]
        subjects |= {sequence: None for sequence in run if after < sequence <= end}
        subjects |= {message.sequence: message.subject for message in page}
        after = end
    return subjects, reads_limit
