"""The audience: its rows equal those of a model that applies one event at a time."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from tidings.contracts.codec import InvalidEvent, decode_recorded_event, encode
from tidings.contracts.event import AnyRecordedEvent, Event
from tidings.contracts.relations import (
    AudienceChange,
    ObjectDeleted,
    ObjectLinked,
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
from tidings.domains.people.events import (
    RoleGranted,
    RoleRevoked,
    TenantConfigured,
    UserJoined,
    UserLeft,
)
from tidings.domains.volunteers.events import (
    TaskAssigned,
    TaskCompleted,
    TaskDeleted,
    TaskStatusChanged,
    TaskUnassigned,
    TaskUnwatched,
    TaskWatched,
    TeamMemberAdded,
    TeamMemberRemoved,
    TimelogApproved,
    TimelogRejected,
)
from tidings.projections.projection import LogMessage
from tidings.projections.relations import audience_changes
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import fold, read_rows, roll_back
from tests.projections.logs import batches, event_logs

FINDING = (Phase.explicit, Phase.reuse, Phase.generate)
LAW = settings(max_examples=60, phases=FINDING)

Row = tuple[str, str, str, str, int, int | None]
Relation = tuple[str, str, str]
Link = tuple[str, str, str]


class ExpectedAudience(NamedTuple):
    """Open relations and links with their beginnings, closed ones, and seen events."""

    open: dict[tuple[str, Relation], int]
    closed: list[Row]
    seen: dict[str, int]
    links: dict[Link, tuple[str, int]]
    ended_links: list[Row]

    def apply(self, event: AnyRecordedEvent) -> None:
        """Apply an event, unless it was seen before."""
        if self.seen.setdefault(event.key, event.sequence) != event.sequence:
            return
        for change in audience_changes(event):
            match change:
                case RelationOpened():
                    relation = (change.object, change.relation, change.user)
                    self.open.setdefault((event.tenant, relation), event.sequence)
                case ObjectLinked(object_, link, target):
                    self._end_links(event, object_, link, target)
                    if target is not None:
                        self.links.setdefault(
                            (event.tenant, object_, link), (target, event.sequence)
                        )
                case RelationClosed() | ObjectDeleted():
                    self._close(event, change)
                    if isinstance(change, ObjectDeleted):
                        self._end_links(event, change.object, None, None)

    def _end_links(
        self, event: AnyRecordedEvent, object_: str, link: str | None, target: str | None
    ) -> None:
        for key, (before, since) in list(self.links.items()):
            if key[:2] == (event.tenant, object_) and link in (None, key[2]) and before != target:
                del self.links[key]
                self.ended_links.append((*key, before, since, event.sequence))

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

    def link_rows(self) -> list[Row]:
        """Return the rows of links as the table has them."""
        return sorted(
            [*self.ended_links, *((*key, *value, None) for key, value in self.links.items())],
            key=repr,
        )


def expect_audience(log: list[LogMessage]) -> ExpectedAudience:
    expected = ExpectedAudience({}, [], {}, {}, [])
    for message in log:
        try:
            expected.apply(
                decode_recorded_event(
                    message.data, message.sequence, message.time_nanoseconds, message.subject
                )
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
    assert found["link"] == expected.link_rows()
    assert sorted(sequence for _, sequence in found["seen"]) == sorted(expected.seen.values())


@pytest.mark.parametrize(
    ("event", "openings"),
    [
        (
            TaskAssigned(task_id="1", task_title="-", user_id="u"),
            [RelationOpened("task:1", "assignee", "u")],
        ),
        (
            TaskAssigned(task_id="1", task_title="-", user_id="u", project_id="2"),
            [
                RelationOpened("task:1", "assignee", "u"),
                ObjectLinked("task:1", "project", "project:2"),
            ],
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
            [
                RelationOpened("task:1", "volunteer", "u"),
                ObjectLinked("task:1", "project", "project:2"),
            ],
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
        *(
            (
                UserJoined(user_id="u", timezone=given),
                [
                    RelationOpened("tenant", "member", "u"),
                    RelationClosed("timezone", None, "u"),
                    *([RelationOpened("timezone", given, "u")] if valid else []),
                ],
            )
            for given, valid in {
                "Europe/Berlin": True,
                "America/Argentina/Buenos_Aires": True,
                "UTC": True,
                "Etc/GMT+5": True,
                "": False,
                "../../etc/passwd": False,
                "Europe/Berlin#member": False,
                "+02:00": False,
                "E" * 5000: False,
            }.items()
        ),
        (UserLeft(user_id="u"), [RelationClosed(None, None, "u")]),
        (TenantConfigured(dialect="chat"), [ObjectLinked("tenant", "dialect", "chat")]),
        (TenantConfigured(), [ObjectLinked("tenant", "dialect", None)]),
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
        (
            TaskCompleted(task_id="1", task_title="-", project_id="2"),
            [ObjectLinked("task:1", "project", "project:2")],
        ),
        (TaskStatusChanged(task_id="1", task_title="-", new_status="-"), []),
        (
            TaskStatusChanged(task_id="1", task_title="-", new_status="-", project_id="2"),
            [ObjectLinked("task:1", "project", "project:2")],
        ),
    ],
    ids=repr,
)
def test_an_event_changes_these_relations(event: Event, openings: list[AudienceChange]) -> None:
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

    changes = audience_changes(decode_recorded_event(body, 1, 1))

    assert list(changes) == openings
