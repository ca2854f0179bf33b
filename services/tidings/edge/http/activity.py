"""The route that reads the activity log of a user, an entity or the whole tenant."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter
from msgspec import Meta, Raw
from tidings.contracts.http_bodies.activity import Activity, ActivityEntry
from tidings.edge.http.metrics import PAGE_LIMIT, Name, tenant_allowed
from tidings.edge.http.metrics_queries import EventReadModels
from tidings.edge.http.notifications import ENTITY_PATTERN, VALUES_LIMIT
from tidings.edge.http.openapi import MomentParameter, parse_moment, repeated_parameter
from tidings.projections.activity.queries import activity_page
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.web import json_response

TYPE_PATTERN = r"^[a-z0-9_]{1,48}(?:\.[a-z0-9_]{1,47})?$"
LAST_SEQUENCE = 2**53 - 1

AnyRequest = Request[Any, Any, Any]
TypeName = Annotated[str, Meta(pattern=TYPE_PATTERN)]

ACTIVITY = Operation(Activity, scope="inbox", problems=(503,))


def handler(read_models: EventReadModels, guard: Guard) -> Any:
    """Return the route handler of the activity log."""

    @get("/v1/activity", guards=[guard], opt=operation_opt(ACTIVITY))
    async def activity(
        request: AnyRequest,
        user: Name = None,
        entity: Annotated[str | None, Parameter(pattern=ENTITY_PATTERN)] = None,
        type_: Annotated[
            list[TypeName] | None,
            Parameter(
                query="type", max_items=VALUES_LIMIT, schema_extra=repeated_parameter(TypeName)
            ),
        ] = None,
        since: MomentParameter = None,
        until: MomentParameter = None,
        limit: Annotated[int, Parameter(ge=1, le=PAGE_LIMIT)] = 50,
        before: Annotated[int, Parameter(ge=1, le=LAST_SEQUENCE)] = LAST_SEQUENCE,
    ) -> Response[bytes]:
        """List what happened, newest first.

        Without the scope `admin`, `user` must be the caller; with it, any `user`, an `entity` or
        neither is allowed. A user's entries are the events that they caused or that name them.
        Repeat `type` to match any of several types.
        """
        tenant = tenant_allowed(identity_of(request), user)
        about = {"user": user and f"user:{user}", "entity": entity}
        fitting = {
            "types": type_,
            "since": parse_moment("since", since),
            "until": parse_moment("until", until),
        }
        values = {name: value for name, value in {**about, **fitting}.items() if value}
        return json_response(
            await read_activity(
                read_models, {**values, "tenant": tenant, "limit": limit, "before": before}
            )
        )

    return activity


async def read_activity(read_models: EventReadModels, values: dict[str, Any]) -> Activity:
    """Return a page of entries that match `values`, keyed by parameter; raises Unavailable."""
    async with read_models.read_snapshot("activity") as (connection, sequence):
        rows = await (await connection.execute(activity_page(values).encode(), values)).fetchall()
    entries = tuple(_to_entry(*row) for row in rows[: values["limit"]])
    return Activity(
        activity=entries,
        next=entries[-1].sequence if len(rows) > len(entries) else None,
        sequence=sequence,
    )


def _to_entry(
    sequence: int, type_: str, actor: str | None, entity: str | None, at: Any, data: str | None
) -> ActivityEntry:
    raw = Raw(b"null" if data is None else data.encode())
    return ActivityEntry(sequence=sequence, type=type_, actor=actor, entity=entity, at=at, data=raw)
