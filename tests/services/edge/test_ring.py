"""The ring: the newest entries of each log, bounded in bytes, and complete after its floor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.subjects import Person
from tidings.edge.delivery.ring import OVERHEAD_BYTES, Ring, owner_subject
from tidings.runtime.log.follow import StreamMessage

from tests.services.edge.fake_log import ANN, BOB, SUBJECTS, join

ANNS, BOBS = SUBJECTS.inbox_subject(ANN), SUBJECTS.inbox_subject(BOB)
BODY_BYTES = 100
ENTRY_BYTES = BODY_BYTES + OVERHEAD_BYTES


def make_entry(subject: str, sequence: int, size: int = BODY_BYTES) -> StreamMessage:
    return StreamMessage(subject, b"x" * size, b"", sequence, 0)


def fill_ring(limit_bytes: int, *entries: StreamMessage, floor: int = 0) -> Ring:
    ring = Ring(limit_bytes, floor)
    for entry in entries:
        ring.append_message(entry)
    return ring


def sequences_after(ring: Ring, subject: str, sequence: int) -> list[int] | None:
    entries = ring.entries_after(subject, sequence)
    return None if entries is None else [entry.sequence for entry in entries]


def test_an_empty_ring_is_complete_from_its_floor_on() -> None:
    ring = Ring(ENTRY_BYTES, 7)

    assert (ring.floor, ring.head) == (7, 7)
    assert sequences_after(ring, ANNS, 7) == []
    assert sequences_after(ring, ANNS, 6) is None
    assert ring.newest_sequence(ANNS) == 0


def test_each_log_has_its_own_entries_in_order() -> None:
    ring = fill_ring(
        9 * ENTRY_BYTES, *[make_entry(ANNS if at % 2 else BOBS, at) for at in range(1, 7)]
    )

    assert sequences_after(ring, ANNS, 0) == [1, 3, 5]
    assert sequences_after(ring, ANNS, 2) == sequences_after(ring, ANNS, 1) == [3, 5]
    assert sequences_after(ring, ANNS, 5) == sequences_after(ring, ANNS, 99) == []
    assert sequences_after(ring, BOBS, 0) == [2, 4, 6]
    assert sequences_after(ring, SUBJECTS.inbox_subject(Person("acme", "cho")), 0) == []
    assert (ring.newest_sequence(ANNS), ring.head) == (5, 6)


def test_the_oldest_entries_are_evicted_when_the_limit_in_bytes_is_exceeded() -> None:
    entries = [make_entry(ANNS, 1), make_entry(BOBS, 2), make_entry(ANNS, 3)]

    ring = fill_ring(3 * ENTRY_BYTES, *entries)
    assert (ring.floor, sequences_after(ring, ANNS, 0)) == (0, [1, 3])

    ring.append_message(make_entry(BOBS, 4, BODY_BYTES + 1))
    assert (ring.floor, ring.head) == (2, 4)
    assert sequences_after(ring, ANNS, 1) is None
    assert sequences_after(ring, ANNS, 2) == [3]
    assert sequences_after(ring, BOBS, 2) == [4]


def test_a_log_whose_entries_are_all_evicted_is_empty() -> None:
    ring = fill_ring(2 * ENTRY_BYTES, *[make_entry(ANNS if at == 1 else BOBS, at) for at in (1, 2)])

    ring.append_message(make_entry(BOBS, 3))

    assert ring.newest_sequence(ANNS) == 0
    assert sequences_after(ring, ANNS, 0) is None
    assert sequences_after(ring, ANNS, 1) == []


def test_an_entry_larger_than_the_limit_leaves_an_empty_ring_behind_it() -> None:
    ring = fill_ring(ENTRY_BYTES, make_entry(ANNS, 1), make_entry(ANNS, 2, 2 * ENTRY_BYTES))

    assert (ring.floor, ring.head) == (2, 2)
    assert sequences_after(ring, ANNS, 1) is None
    assert sequences_after(ring, ANNS, 2) == []

    ring.append_message(make_entry(ANNS, 3))
    assert sequences_after(ring, ANNS, 2) == [3]


def test_a_membership_is_kept_in_the_log_of_its_user() -> None:
    joined = join(ANN, 1)
    ring = fill_ring(2 * ENTRY_BYTES, joined, make_entry(ANNS, 2))

    assert owner_subject(joined.subject) == ANNS
    assert owner_subject(BOBS) == BOBS
    assert sequences_after(ring, ANNS, 0) == [1, 2]
    assert ring.newest_sequence(joined.subject) == 0


@given(
    floor=st.integers(0, 3),
    steps=st.lists(
        st.tuples(st.sampled_from([ANNS, BOBS]), st.integers(1, 3), st.integers(0, 900))
    ),
    limit_bytes=st.integers(0, 5000),
)
def test_a_ring_has_the_longest_part_of_the_log_that_fits(
    floor: int, steps: list[tuple[str, int, int]], limit_bytes: int
) -> None:
    log: list[StreamMessage] = []
    for subject, gap, size in steps:
        log.append(make_entry(subject, (log[-1].sequence if log else floor) + gap, size))
    kept_count, used_bytes = 0, 0
    for entry in reversed(log):
        used_bytes += len(entry.data) + OVERHEAD_BYTES
        if used_bytes > limit_bytes:
            break
        kept_count += 1
    evicted = log[: len(log) - kept_count]

    ring = fill_ring(limit_bytes, *log, floor=floor)

    assert ring.floor == (evicted[-1].sequence if evicted else floor)
    assert ring.head == (log[-1].sequence if log else floor)
    for subject in (ANNS, BOBS):
        for after in range(ring.head + 1):
            expected = [
                entry.sequence
                for entry in log
                if entry.subject == subject and entry.sequence > after
            ]
            assert sequences_after(ring, subject, after) == (
                None if after < ring.floor else expected
            )
