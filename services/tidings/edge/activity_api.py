"""The request for the activity log: of a user, of a thing, or of the whole tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter
from msgspec import Meta, Raw
from tidings.contracts.activity import Activity, Happening
from tidings.edge.edge import Edge
from tidings.edge.figures import stand
from tidings.edge.lists import ENTITY, VALUES_LIMIT
from tidings.edge.metrics_api import PAGE_LIMIT, Name, own
from tidings.edge.operations import MomentParameter, moment, several
from tidings.runtime.auth import Identity
from tidings.runtime.openapi import Operation, says
from tidings.runtime.process import Runtime
from tidings.runtime.web import json

TYPE = r"^[a-z0-9_]{1,48}(?:\.[a-z0-9_]{1,47})?$"
LAST = 2**53 - 1

AnyRequest = Request[Any, Any, Any]
Who = Callable[[AnyRequest], Identity]
TypeName = Annotated[str, Meta(pattern=TYPE)]

ACTIVITY = Operation(Activity, scope="inbox", problems=(503,))
PAGE = """
SELECT h.sequence, h.type, h.actor, h.entity, h.at, h.data FROM activity.happening h {about}
WHERE h.tenant = %(tenant)s AND h.sequence < %(before)s AND {fitting}
ORDER BY h.sequence DESC LIMIT %(limit)s + 1
"""
ABOUT = {
    "user": "JOIN activity.concern u ON u.tenant = h.tenant AND u.sequence = h.sequence AND u.about = %(user)s",
    "entity": "JOIN activity.concern e ON e.tenant = h.tenant AND e.sequence = h.sequence AND e.about = %(entity)s",
}
FITTING = {
    "types": "h.type = ANY (%(types)s)",
    "since": "h.at >= %(since)s",
    "until": "h.at < %(until)s",
}


def handler(edge: Edge, who: Who) -> Any:
    """The route handler."""

    @get("/v1/activity", opt=says(ACTIVITY))
    async def activity(
        request: AnyRequest,
        user: Name = None,
        entity: Annotated[str | None, Parameter(pattern=ENTITY)] = None,
        type_: Annotated[
            list[TypeName] | None,
            Parameter(query="type", max_items=VALUES_LIMIT, schema_extra=several(TypeName)),
        ] = None,
        since: MomentParameter = None,
        until: MomentParameter = None,
        limit: Annotated[int, Parameter(ge=1, le=PAGE_LIMIT)] = 50,
        before: Annotated[int, Parameter(ge=1, le=LAST)] = LAST,
    ) -> Response[bytes]:
        """What happened, newest first: one's own (`user`), or with the scope `admin` of anybody, of a thing (`entity`) or of all.

        A user's are the events that they caused or that name them; `type` given more than once means any of these.
        """
        tenant = own(who(request), user)
        about = {"user": user and f"user:{user}", "entity": entity}
        fitting = {"types": type_, "since": moment("since", since), "until": moment("until", until)}
        asked = {name: value for name, value in {**about, **fitting}.items() if value}
        return json(
            await page(edge.runtime, {**asked, "tenant": tenant, "limit": limit, "before": before})
        )

    return activity


async def page(runtime: Runtime, asked: dict[str, Any]) -> Activity:
    """A page of what is asked for, by the names of its parameters; raises Unavailable."""
    about = " ".join(join for name, join in ABOUT.items() if name in asked)
    fitting = " AND ".join(
        ["true", *(predicate for name, predicate in FITTING.items() if name in asked)]
    )
    async with stand(runtime, "activity") as (connection, sequence):
        rows = await (
            await connection.execute(PAGE.format(about=about, fitting=fitting).encode(), asked)
        ).fetchall()
    found = tuple(_happening(*row) for row in rows[: asked["limit"]])
    return Activity(
        activity=found,
        next=found[-1].sequence if len(rows) > len(found) else None,
        sequence=sequence,
    )


def _happening(
    sequence: int, type_: str, actor: str | None, entity: str | None, at: Any, data: str | None
) -> Happening:
    raw = Raw(b"null" if data is None else data.encode())
    return Happening(sequence=sequence, type=type_, actor=actor, entity=entity, at=at, data=raw)
