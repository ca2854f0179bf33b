"""The requests for metrics: what the events of a tenant add up to, for analysts, and for everybody what is their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter
from tidings.contracts.metrics import Hours, HoursBy, Projects, Tasks
from tidings.edge import figures
from tidings.edge.edge import Edge
from tidings.edge.figures import Question
from tidings.edge.guest import ADMIN
from tidings.edge.operations import MomentParameter, moment
from tidings.runtime.auth import Identity
from tidings.runtime.openapi import Operation, says
from tidings.runtime.problem import Problem
from tidings.runtime.web import json

PAGE_LIMIT = 100
NAME = r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]{0,126}[^\x00-\x20\x7f])?$"

AnyRequest = Request[Any, Any, Any]
Who = Callable[[AnyRequest], Identity]
Name = Annotated[str | None, Parameter(pattern=NAME, max_length=128)]

HOURS = Operation(Hours, scope="inbox", problems=(503,))
TASKS = Operation(Tasks, scope=ADMIN, problems=(503,))
PROJECTS = Operation(Projects, scope=ADMIN, problems=(503,))


def handlers(edge: Edge, who: Who) -> list[Any]:
    """The route handlers."""
    return [_hours(edge, who), _tasks(edge, who), _projects(edge, who)]


def _hours(edge: Edge, who: Who) -> Any:
    @get("/v1/metrics/hours", opt=says(HOURS))
    async def hours(
        request: AnyRequest,
        by: HoursBy = "user",
        user: Name = None,
        project: Name = None,
        task: Name = None,
        since: MomentParameter = None,
        until: MomentParameter = None,
        limit: Annotated[int, Parameter(ge=1, le=PAGE_LIMIT)] = 50,
        after: Name = None,
    ) -> Response[bytes]:
        """Approved volunteer hours, in all and by user, project or task; one's own, or with the scope `admin` everybody's.

        A time log counts once, as it was last approved; one that was last rejected does not. `since` and `until` are about that moment.
        """
        tenant = own(who(request), user)
        given = {
            "user": user,
            "project": project,
            "task": task,
            "since": moment("since", since),
            "until": moment("until", until),
        }
        asked = {name: value for name, value in given.items() if value is not None}
        return json(
            await figures.hours(edge.runtime, Question(tenant, asked, limit, after or ""), by)
        )

    return hours


def _tasks(edge: Edge, who: Who) -> Any:
    @get("/v1/metrics/tasks", opt=says(TASKS))
    async def tasks(request: AnyRequest, project: Name = None) -> Response[bytes]:
        """How many tasks there are and how many are done, and how long that took from the first assignment, by the time of the log.

        A status such as `completed` means done too; any other opens a task again. What is deleted does not count.
        """
        tenant = who(request).need(ADMIN).person.tenant
        return json(
            await figures.tasks(
                edge.runtime, Question(tenant, {"project": project} if project else {}, 1)
            )
        )

    return tasks


def _projects(edge: Edge, who: Who) -> Any:
    @get("/v1/metrics/projects", opt=says(PROJECTS))
    async def projects(
        request: AnyRequest,
        project: Name = None,
        limit: Annotated[int, Parameter(ge=1, le=PAGE_LIMIT)] = 50,
        after: Name = None,
    ) -> Response[bytes]:
        """How far each project has come: tasks, those done, milestones reached."""
        tenant = who(request).need(ADMIN).person.tenant
        asked = {"project": project} if project else {}
        return json(
            await figures.projects(edge.runtime, Question(tenant, asked, limit, after or ""))
        )

    return projects


def own(identity: Identity, user: str | None) -> str:
    """The tenant, of whoever asks for what is their own, or may ask for all; raises Problem."""
    if ADMIN not in identity.scopes and user != identity.person.user:
        raise Problem(
            403,
            "forbidden",
            "ask with `user` for what is your own; all else takes the scope `admin`",
            field="user",
        )
    return identity.person.tenant
