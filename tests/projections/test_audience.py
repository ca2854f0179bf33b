"""The audience: its rows equal those of a model that applies one event at a time."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from tidings.contracts.codec import InvalidEvent, decode_recorded_event, encode
from tidings.contracts.event import AnyRecordedEvent, Event
from tidings.contracts.relations import (
    ObjectDeleted,
    RelationChange,
    RelationClosed,
    RelationOpened,
)
from tidings.domains.barbershop.events import LocationStaffJoined, LocationStaffLeft
from tidings.domains.chat.events import RoomMemberJoined, RoomMemberLeft
from tidings.domains.field_service.events import (
    WorkOrderAssigned,
    WorkOrderDeleted,
    WorkOrderUnassigned,
)
from tidings.domains.incidents.events import IncidentAssigned, IncidentCreated
from tidings.domains.people.events import RoleGranted, RoleRevoked, UserJoined, UserLeft
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    TimelogRejected,
)
from tidings.projections.projection import LogMessage
from tidings.projections.relations import relation_changes
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import fold, read_rows, roll_back
from tests.projections.logs import batches, event_logs

FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=60, phases=FINDING)

Row = tuple[str, str, str, str, int, int | None]
Relation = tuple[str, str, str]


class ExpectedAudience(NamedTuple):
    """Open relations with their beginnings, closed relations, and seen events."""

    open: dict[tuple[str, Relation], int]
    closed: list[Row]
    seen: dict[str, int]

    def apply(self, event: AnyRecordedEvent) -> None:
        """Apply an event, unless it was seen before."""
        if self.seen.setdefault(event.key, event.sequence) != event.sequence:
            return
        for change in relation_changes(event):
            if isinstance(change, RelationOpened):
                self.open.setdefault(
                    (event.tenant, (change.object, change.relation, change.user)), event.sequence
                )
            else:
                self._close(event, change)

    def _close(self, event: AnyRecordedEvent, change: RelationClosed | ObjectDeleted) -> None:
        for tenant, (of, name, whose) in list(self.open):
            if tenant == event.tenant and all(
                said in (None, so) for said, so in zip(change, (of, name, whose), strict=True)
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
        """Return the rows as the table has them."""
        return sorted(
            [
                *self.closed,
                *((tenant, *which, since, None) for (tenant, which), since in self.open.items()),
            ],
            key=repr,
        )


def expect_audience(log: list[LogMessage]) -> ExpectedAudience:
    expected = ExpectedAudience({}, [], {})
    for message in log:
        try:
            expected.apply(
                decode_recorded_event(message.data, message.sequence, message.time_nanoseconds)
            )
        except InvalidEvent:
            continue
    return expected


@LAW
@given(log=event_logs())
async def test_the_rows_equal_those_of_the_model(
    runtime: Runtime, models: dict[str, ReadModel], log: list[LogMessage]
) -> None:
    expected = expect_audience(log)

    async with roll_back(runtime.postgres) as connection:
        await fold(connection, models["audience"], batches(log, [3, 1, 8]))
        found = await read_rows(connection, models["audience"].schema)

    assert found["relation"] == expected.rows()
    assert sorted(sequence for _, sequence in found["seen"]) == sorted(expected.seen.values())


@pytest.mark.parametrize(
    ("event", "openings"),
    [
        (
            TaskAssigned(task_id="1", task_title="-", user_id="u"),
            [RelationOpened("task:1", "assignee", "u")],
        ),
        (
            TaskUnassigned(task_id="1", user_id="u"),
            [RelationClosed("task:1", "assignee", "u")],
        ),
        (TaskWatched(task_id="1", user_id="u"), [RelationOpened("task:1", "watcher", "u")]),
        (
            TaskUnwatched(task_id="1", user_id="u"),
            [RelationClosed("task:1", "watcher", "u")],
        ),
        (
            TimelogApproved(timelog_id="9", user_id="u", hours=1, project_id="2", task_id="1"),
            [RelationOpened("task:1", "volunteer", "u")],
        ),
        (TimelogApproved(timelog_id="9", user_id="u", hours=1, project_id="2"), []),
        (
            TimelogRejected(timelog_id="9", user_id="u", hours=1, project_id="2", task_id="1"),
            [],
        ),
        (
            TeamMemberAdded(project_id="2", user_id="u"),
            [RelationOpened("project:2", "member", "u")],
        ),
        (
            TeamMemberAdded(project_id="2", user_id="u", role="member"),
            [RelationOpened("project:2", "member", "u")],
        ),
        (
            TeamMemberAdded(project_id="2", user_id="u", role="manager"),
            [
                RelationOpened("project:2", "member", "u"),
                RelationOpened("project:2", "manager", "u"),
            ],
        ),
        (
            TeamMemberRemoved(project_id="2", user_id="u", role="manager"),
            [RelationClosed("project:2", "manager", "u")],
        ),
        (
            TeamMemberRemoved(project_id="2", user_id="u"),
            [RelationClosed("project:2", None, "u")],
        ),
        (UserJoined(user_id="u"), [RelationOpened("tenant", "member", "u")]),
        *(
            (
                UserJoined(user_id="u", locale=given),
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
                UserJoined(user_id="u", locale=given),
                [RelationOpened("tenant", "member", "u"), RelationClosed("locale", None, "u")],
            )
            for given in ("", "?", "de#member", "d" * 5000)
        ),
        (UserLeft(user_id="u"), [RelationClosed(None, None, "u")]),
        (RoleGranted(user_id="u", role="office"), [RelationOpened("tenant", "office", "u")]),
        (RoleRevoked(user_id="u", role="office"), [RelationClosed("tenant", "office", "u")]),
        (TaskDeleted(task_id="1"), [ObjectDeleted("task:1")]),
        (
            WorkOrderAssigned(work_order_id="1", technician_id="u"),
            [RelationOpened("work_order:1", "technician", "u")],
        ),
        (
            WorkOrderUnassigned(work_order_id="1", technician_id="u"),
            [RelationClosed("work_order:1", "technician", "u")],
        ),
        (WorkOrderDeleted(work_order_id="1"), [ObjectDeleted("work_order:1")]),
        (
            LocationStaffJoined(location_id="1", user_id="u"),
            [RelationOpened("location:1", "staff", "u")],
        ),
        (
            LocationStaffLeft(location_id="1", user_id="u"),
            [RelationClosed("location:1", "staff", "u")],
        ),
        (
            RoomMemberJoined(room_id="1", user_id="u"),
            [RelationOpened("room:1", "member", "u")],
        ),
        (
            RoomMemberLeft(room_id="1", user_id="u"),
            [RelationClosed("room:1", "member", "u")],
        ),
        (
            IncidentCreated(incident_id="1", number=7, title="-", responders=("u", "v")),
            [
                RelationOpened("incident:1", "responder", "u"),
                RelationOpened("incident:1", "responder", "v"),
            ],
        ),
        (
            IncidentAssigned(incident_id="1", number=7, user_id="u"),
            [RelationOpened("incident:1", "responder", "u")],
        ),
        (TaskCompleted(task_id="1", task_title="-"), []),
    ],
    ids=repr,
)
def test_an_event_changes_these_relations(event: Event, openings: list[RelationChange]) -> None:
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

    changes = relation_changes(decode_recorded_event(body, 1, 1))

    assert list(changes) == openings
