"""The routes that read metrics of a tenant; users without the scope `admin` read only their own."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter
from tidings.contracts.http_bodies.metrics import Hours, HoursBy, Projects, Tasks
from tidings.edge.http import metrics_queries
from tidings.edge.http.metrics_queries import EventReadModels, MetricsQuery
from tidings.edge.http.openapi import MomentParameter, parse_moment
from tidings.edge.presence.session import ADMIN
from tidings.runtime.auth.identity import Identity
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response

PAGE_LIMIT = 100
NAME_PATTERN = r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]{0,126}[^\x00-\x20\x7f])?$"

AnyRequest = Request[Any, Any, Any]
Name = Annotated[str | None, Parameter(pattern=NAME_PATTERN, max_length=128)]

HOURS = Operation(Hours, scope="inbox", problems=(503,))
TASKS = Operation(Tasks, scope=ADMIN, problems=(503,))
PROJECTS = Operation(Projects, scope=ADMIN, problems=(503,))


def handlers(read_models: EventReadModels, guard: Guard) -> list[Any]:
    """Return the route handlers of metrics."""
    return [_hours(read_models, guard), _tasks(read_models, guard), _projects(read_models, guard)]


def _hours(read_models: EventReadModels, guard: Guard) -> Any:
    @get("/v1/metrics/hours", guards=[guard], opt=operation_opt(HOURS))
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
        """Sum approved volunteer hours, in total and by user, project or task.

        Without the scope `admin`, `user` must be the caller. A time log counts once, as it was
        last approved; if it was rejected after that, it does not count. `since` and `until` refer
        to the time of approval.
        """
        tenant = tenant_allowed(identity_of(request), user)
        parameters = {
            "user": user,
            "project": project,
            "task": task,
            "since": parse_moment("since", since),
            "until": parse_moment("until", until),
        }
        values = {name: value for name, value in parameters.items() if value is not None}
        return json_response(
            await metrics_queries.read_hours(
                read_models, MetricsQuery(tenant, values, limit, after or ""), by
            )
        )

    return hours


def _tasks(read_models: EventReadModels, guard: Guard) -> Any:
    @get("/v1/metrics/tasks", guards=[guard], opt=operation_opt(TASKS))
    async def tasks(request: AnyRequest, project: Name = None) -> Response[bytes]:
        """Count tasks and completed tasks, and the time from first assignment to completion.

        Times are those of the log. A status such as `completed` completes a task, any other one
        reopens it. Deleted tasks do not count.
        """
        tenant = identity_of(request).require_scope(ADMIN).person.tenant
        return json_response(
            await metrics_queries.read_tasks(
                read_models, MetricsQuery(tenant, {"project": project} if project else {}, 1)
            )
        )

    return tasks


def _projects(read_models: EventReadModels, guard: Guard) -> Any:
    @get("/v1/metrics/projects", guards=[guard], opt=operation_opt(PROJECTS))
    async def projects(
        request: AnyRequest,
        project: Name = None,
        limit: Annotated[int, Parameter(ge=1, le=PAGE_LIMIT)] = 50,
        after: Name = None,
    ) -> Response[bytes]:
        """List the progress of projects: tasks, completed tasks, milestones reached."""
        tenant = identity_of(request).require_scope(ADMIN).person.tenant
        values = {"project": project} if project else {}
        return json_response(
            await metrics_queries.read_projects(
                read_models, MetricsQuery(tenant, values, limit, after or "")
            )
        )

    return projects


def tenant_allowed(identity: Identity, user: str | None) -> str:
    """Return the caller's tenant; raises Problem unless `user` is the caller or they are admin."""
    if ADMIN not in identity.scopes and user != identity.person.user:
        raise Problem(
            403,
            "forbidden",
            "pass your own id as `user`; other queries need the scope `admin`",
            field="user",
        )
    return identity.person.tenant
