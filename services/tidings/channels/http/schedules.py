"""The routes of a tenant's schedules, for the scope `admin`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Response, delete, get
from tidings.channels.http.requests import AfterParameter, AnyRequest, IdParameter, changed_response
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import OperationId, Statements, request_name
from tidings.channels.schedules.schedule import Schedule, schedule_of
from tidings.contracts.http_bodies.schedules import PendingSchedule, PendingSchedules
from tidings.contracts.http_bodies.settings import SettingsChanged
from tidings.contracts.subjects import Person
from tidings.domains.announcements.events import AnnouncementCancelled
from tidings.projections.preferences.queries import SCHEDULES_NOW
from tidings.projections.preferences.values import TENANT
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.process import Runtime

LIST = Operation(PendingSchedules, scope=ADMIN, problems=(409, 503))
CANCEL = Operation(SettingsChanged, scope=ADMIN, problems=(404, 503))


class ScheduleReader:
    """Reads the schedules of a tenant, and waits for the read model where a caller needs that."""

    def __init__(self, runtime: Runtime, settings: SettingsReader) -> None:
        self._postgres = runtime.postgres
        self._settings = settings

    async def read(self, tenant: str, after: int | None = None) -> list[Schedule]:
        """Return the schedules, including the event `after`, or all events by now.

        Raises Problem or Unavailable.
        """
        owner = Person(tenant, TENANT)
        if after is None:
            await self._settings.read_newest(owner)
        else:
            await self._settings.read(owner, after)
        async with self._postgres.connection() as connection:
            rows: Any = await connection.execute(SCHEDULES_NOW.encode(), {"tenant": tenant})
            return [schedule_of(row) for row in await rows.fetchall()]


def handlers(reader: ScheduleReader, statements: Statements, guard: Guard) -> list[Any]:
    """Return the route handlers of schedules."""

    @get("/v1/schedules", guards=[guard], opt=operation_opt(LIST))
    async def schedules(request: AnyRequest, after: AfterParameter = 0) -> Response[bytes]:
        """List the announcements that will be published, and when."""
        now = datetime.now(UTC)
        found = [
            pending
            for each in await reader.read(identity_of(request).person.tenant, after)
            if (pending := _pending(each, now)).next
        ]
        found.sort(key=lambda each: each.next or now)
        return json_response(PendingSchedules(schedules=tuple(found)))

    @delete(
        "/v1/schedules/{identifier:str}",
        status_code=200,
        guards=[guard],
        opt=operation_opt(CANCEL),
    )
    async def cancel_schedule(
        request: AnyRequest, identifier: IdParameter, op: OperationId = None
    ) -> Response[bytes]:
        """Cancel a schedule: its announcement is not published any more."""
        person = identity_of(request).person
        if identifier not in {each.id for each in await reader.read(person.tenant)}:
            raise Problem(404, "not found", "the tenant has no such schedule")
        event = AnnouncementCancelled(schedule_id=identifier)
        return changed_response(await statements.append(person, [event], request_name(request, op)))

    return [schedules, cancel_schedule]


def _pending(schedule: Schedule, now: datetime) -> PendingSchedule:
    return PendingSchedule(
        id=schedule.id,
        at=schedule.at,
        repeats=schedule.repeats,
        announcement=schedule.announcement,
        next=schedule.next_in_time(now),
        published=schedule.published,
    )
