"""The audience: who stood how to what and when, compared with the simplest telling of it, one event at a time."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from tidings.contracts import events
from tidings.contracts.codec import InvalidEvent, encode, recorded
from tidings.contracts.events import AnyRecorded
from tidings.contracts.events.base import Event
from tidings.projections.projection import Message
from tidings.projections.relations import (
    ObjectDeleted,
    RelationChange,
    RelationClosed,
    RelationOpened,
    relations,
)
from tidings.runtime.process import Runtime
from tidings.runtime.readmodel import ReadModel

from tests.projections.folding import fold, rows, undone
from tests.projections.logs import batches, event_logs

FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=60, phases=FINDING)

Row = tuple[str, str, str, str, int, int | None]
Relation = tuple[str, str, str]


class Told(NamedTuple):
    """Relations that are open, with their beginning; those that were; the events seen."""

    open: dict[tuple[str, Relation], int]
    closed: list[Row]
    seen: dict[str, int]

    def take(self, event: AnyRecorded) -> None:
        """Take an event on, unless it was seen before."""
        if self.seen.setdefault(event.key, event.sequence) != event.sequence:
            return
        for turn in relations(event):
            if isinstance(turn, RelationOpened):
                self.open.setdefault(
                    (event.tenant, (turn.object, turn.relation, turn.user)), event.sequence
                )
            else:
                self._close(event, turn)

    def _close(self, event: AnyRecorded, turn: RelationClosed | ObjectDeleted) -> None:
        for tenant, (of, name, whose) in list(self.open):
            if tenant == event.tenant and all(
                said in (None, so) for said, so in zip(turn, (of, name, whose), strict=True)
            ):
                self.closed.append(
                    (
                        tenant,
                        of,
                        name,
                        whose,
                        self.open.pop((tenant, (of, name, whose))),
                        event.sequence,
                    )
                )

    def rows(self) -> list[Row]:
        """As they stand in the table."""
        return sorted(
            [
                *self.closed,
                *((tenant, *which, since, None) for (tenant, which), since in self.open.items()),
            ],
            key=repr,
        )


def told(log: list[Message]) -> Told:
    found = Told({}, [], {})
    for message in log:
        try:
            found.take(recorded(message.data, message.sequence, message.time_nanoseconds))
        except InvalidEvent:
            continue
    return found


@LAW
@given(log=event_logs())
async def test_the_rows_say_what_the_events_said(
    runtime: Runtime, models: dict[str, ReadModel], log: list[Message]
) -> None:
    expected = told(log)

    async with undone(runtime.postgres) as connection:
        await fold(connection, models["audience"], batches(log, [3, 1, 8]))
        found = await rows(connection, models["audience"].schema)

    assert found["relation"] == expected.rows()
    assert sorted(sequence for _, sequence in found["seen"]) == sorted(expected.seen.values())


@pytest.mark.parametrize(
    ("event", "openings"),
    [
        (
            events.TaskAssigned(task_id="1", task_title="-", user_id="u"),
            [RelationOpened("task:1", "assignee", "u")],
        ),
        (
            events.TaskUnassigned(task_id="1", user_id="u"),
            [RelationClosed("task:1", "assignee", "u")],
        ),
        (events.TaskWatched(task_id="1", user_id="u"), [RelationOpened("task:1", "watcher", "u")]),
        (
            events.TaskUnwatched(task_id="1", user_id="u"),
            [RelationClosed("task:1", "watcher", "u")],
        ),
        (
            events.TimelogApproved(
                timelog_id="9", user_id="u", hours=1, project_id="2", task_id="1"
            ),
            [RelationOpened("task:1", "volunteer", "u")],
        ),
        (events.TimelogApproved(timelog_id="9", user_id="u", hours=1, project_id="2"), []),
        (
            events.TimelogRejected(
                timelog_id="9", user_id="u", hours=1, project_id="2", task_id="1"
            ),
            [],
        ),
        (
            events.TeamMemberAdded(project_id="2", user_id="u"),
            [RelationOpened("project:2", "member", "u")],
        ),
        (
            events.TeamMemberAdded(project_id="2", user_id="u", role="member"),
            [RelationOpened("project:2", "member", "u")],
        ),
        (
            events.TeamMemberAdded(project_id="2", user_id="u", role="manager"),
            [
                RelationOpened("project:2", "member", "u"),
                RelationOpened("project:2", "manager", "u"),
            ],
        ),
        (
            events.TeamMemberRemoved(project_id="2", user_id="u", role="manager"),
            [RelationClosed("project:2", "manager", "u")],
        ),
        (
            events.TeamMemberRemoved(project_id="2", user_id="u"),
            [RelationClosed("project:2", None, "u")],
        ),
        (events.UserJoined(user_id="u"), [RelationOpened("tenant", "member", "u")]),
        *(
            (
                events.UserJoined(user_id="u", locale=given),
                [
                    RelationOpened("tenant", "member", "u"),
                    RelationClosed("locale", None, "u"),
                    RelationOpened("locale", spoken, "u"),
                ],
            )
            for given, spoken in {
                "de": "de",
                "de_AT.UTF-8": "de-at",
                "EN": "en",
                "zh-Hant-TW": "zh-hant-tw",
            }.items()
        ),
        *(
            (
                events.UserJoined(user_id="u", locale=given),
                [RelationOpened("tenant", "member", "u"), RelationClosed("locale", None, "u")],
            )
            for given in ("", "?", "de#member", "d" * 5000)
        ),
        (events.UserLeft(user_id="u"), [RelationClosed(None, None, "u")]),
        (events.RoleGranted(user_id="u", role="office"), [RelationOpened("tenant", "office", "u")]),
        (events.RoleRevoked(user_id="u", role="office"), [RelationClosed("tenant", "office", "u")]),
        (events.TaskDeleted(task_id="1"), [ObjectDeleted("task:1")]),
        (
            events.WorkOrderAssigned(work_order_id="1", technician_id="u"),
            [RelationOpened("work_order:1", "technician", "u")],
        ),
        (
            events.WorkOrderUnassigned(work_order_id="1", technician_id="u"),
            [RelationClosed("work_order:1", "technician", "u")],
        ),
        (events.WorkOrderDeleted(work_order_id="1"), [ObjectDeleted("work_order:1")]),
        (
            events.LocationStaffJoined(location_id="1", user_id="u"),
            [RelationOpened("location:1", "staff", "u")],
        ),
        (
            events.LocationStaffLeft(location_id="1", user_id="u"),
            [RelationClosed("location:1", "staff", "u")],
        ),
        (
            events.RoomMemberJoined(room_id="1", user_id="u"),
            [RelationOpened("room:1", "member", "u")],
        ),
        (
            events.RoomMemberLeft(room_id="1", user_id="u"),
            [RelationClosed("room:1", "member", "u")],
        ),
        (
            events.IncidentCreated(incident_id="1", number=7, title="-", responders=("u", "v")),
            [
                RelationOpened("incident:1", "responder", "u"),
                RelationOpened("incident:1", "responder", "v"),
            ],
        ),
        (
            events.IncidentAssigned(incident_id="1", number=7, user_id="u"),
            [RelationOpened("incident:1", "responder", "u")],
        ),
        (events.TaskCompleted(task_id="1", task_title="-"), []),
    ],
    ids=repr,
)
def test_an_event_says_who_stands_how_to_what(event: Event, openings: list[RelationChange]) -> None:
    body = encode(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "/tests",
            "type": event.type,
            "tenant": "acme",
            "data": event,
        }
    )

    said = relations(recorded(body, 1, 1))

    assert list(said) == openings
