"""The events that Tidings itself emits: no producer can state one, or take its id beforehand."""

from __future__ import annotations

import json

import pytest
from tidings.contracts.ids import OwnEventIds

from tests.acceptance.problems import BATCH, LINES, ONE, check_problem, post_events
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_stored_events


@pytest.mark.parametrize("source", ["/tidings", "/tidings/edge"])
async def test_a_source_of_tidings_itself_is_refused_to_producers(
    tidings: Tidings, source: str
) -> None:
    event = {**make_announcement("alice"), "source": source}

    answer = await post_events(tidings, json.dumps(event).encode())

    assert check_problem(answer, 403)["field"] == "source"
    assert await read_stored_events(tidings) == []


def test_the_id_of_an_own_event_cannot_be_computed_without_the_key() -> None:
    ours, theirs = OwnEventIds(b"k" * 32), OwnEventIds(b"x" * 32)

    first = ours.action_event_id("n", "alice")

    assert first == ours.action_event_id("n", "alice")
    assert first != theirs.action_event_id("n", "alice")
    assert len({first, ours.read_event_id("n", "alice"), ours.action_event_id("n", "al")}) == 3


@pytest.mark.parametrize("media_type", [ONE, BATCH, LINES])
async def test_an_id_that_the_log_knows_as_another_event_is_a_conflict(
    tidings: Tidings, media_type: str
) -> None:
    first = make_event("task.deleted", task_id="1", task_title="Water", identifier="7")
    other = make_announcement("alice", identifier="7")
    await tidings.emit(first)
    events = [other] if media_type == ONE else [make_announcement("alice"), other]
    body = json.dumps(other if media_type == ONE else events).encode()
    if media_type == LINES:
        body = b"\n".join(json.dumps(event).encode() for event in events)

    problem = check_problem(await post_events(tidings, body, media_type), 409)

    assert (problem["field"], problem["line"]) == ("id", len(events))
    assert len(await read_stored_events(tidings)) == len(events)


async def test_an_event_sent_again_is_no_conflict(tidings: Tidings) -> None:
    events = [make_announcement("alice", title=str(number)) for number in range(30)]
    await tidings.emit(*events)

    again = await tidings.emit(*events)

    assert (again["appended"], again["duplicates"]) == (0, [[1, 30]])
