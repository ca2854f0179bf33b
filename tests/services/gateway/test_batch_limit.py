"""Batches: too many events are refused before they cost anything."""

from __future__ import annotations

import tracemalloc

import pytest
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES
from tidings.contracts.subjects import Subjects
from tidings.gateway.intake import IntakeError, Producer, prepare_batch

PRODUCER = Producer("acme", Subjects(1), lambda _: True, ())
EVENT = b"""{"specversion":"1.0","id":"1","source":"/s","type":"task.assigned","data":
{"task_id":"1","task_title":"Say hello","user_id":"amira"}}"""


def batch_of(parts: list[bytes]) -> bytes:
    return b"[" + b",".join(parts) + b"]"


def refusal_of(body: bytes) -> IntakeError:
    with pytest.raises(IntakeError) as raised:
        prepare_batch(body, PRODUCER)
    return raised.value


def test_a_batch_has_as_many_events_as_its_limit() -> None:
    assert prepare_batch(b"[]", PRODUCER) == []
    full = [EVENT] * BATCH_LIMIT_MESSAGES
    assert len(prepare_batch(batch_of(full), PRODUCER)) == BATCH_LIMIT_MESSAGES

    assert refusal_of(batch_of([*full, EVENT])).status == 413
    assert refusal_of(batch_of(full)[:-1]).status == 400
    assert refusal_of(batch_of([*full, *full, b"x"])).status == 400


def test_a_batch_of_a_million_values_takes_no_memory() -> None:
    body = batch_of([b"0"] * 1_000_000)
    tracemalloc.start()
    try:
        assert refusal_of(body).status == 413
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
