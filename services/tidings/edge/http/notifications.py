"""The routes that read a user's notifications: filtered lists, single ones, and counts."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import Provide
from litestar.params import Parameter
from msgspec import Meta, to_builtins
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.notifications import Priority
from tidings.contracts.subjects import Person
from tidings.edge.delivery.inbox_queries import ListFilter
from tidings.edge.delivery.log_reader import LogReader, Unreplayable
from tidings.edge.http import openapi
from tidings.edge.http.openapi import CursorParameter, MomentParameter
from tidings.projections.inbox.inbox_state import CountKind
from tidings.runtime.http.guards import Guard, identity_of
from tidings.runtime.http.openapi import operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response

LIST_LIMIT = 100
VALUES_LIMIT = 20
FILTER_TEXT_PATTERN = r"^[^\x00-\x1f\x7f]{1,320}$"
ENTITY_PATTERN = r"^[^:\x00-\x1f\x7f]{1,128}:[^\x00-\x1f\x7f]{1,128}$"
SEARCH_TEXT_PATTERN = r"^[^\x00-\x1f\x7f]{1,100}$"

ListName = Literal["all", "unread", "unseen", "archived", "snoozed"]
FilterText = Annotated[str, Meta(pattern=FILTER_TEXT_PATTERN)]
EntityName = Annotated[str, Meta(pattern=ENTITY_PATTERN)]
FilterTexts = list[FilterText] | None
Entities = list[EntityName] | None
AnyRequest = Request[Any, Any, Any]


def handlers(log: LogReader, guard: Guard) -> list[Any]:
    """The route handlers of lists, single notifications and counts."""
    return [_list_route(log, guard), _notification_route(log, guard), _counts_route(log, guard)]


def list_values(
    category: Annotated[
        FilterTexts,
        Parameter(max_items=VALUES_LIMIT, schema_extra=openapi.repeated_parameter(FilterText)),
    ] = None,
    type_: Annotated[
        FilterTexts,
        Parameter(
            query="type",
            max_items=VALUES_LIMIT,
            schema_extra=openapi.repeated_parameter(FilterText),
        ),
    ] = None,
    priority: Annotated[list[Priority] | None, Parameter(max_items=VALUES_LIMIT)] = None,
    entity: Annotated[
        Entities,
        Parameter(max_items=VALUES_LIMIT, schema_extra=openapi.repeated_parameter(EntityName)),
    ] = None,
    group: Annotated[
        FilterTexts,
        Parameter(max_items=VALUES_LIMIT, schema_extra=openapi.repeated_parameter(FilterText)),
    ] = None,
    since: MomentParameter = None,
    until: MomentParameter = None,
    q: Annotated[str | None, Parameter(pattern=SEARCH_TEXT_PATTERN)] = None,
) -> dict[str, Any]:
    """Return the filters of a request, keyed as in `FILTER_CONDITIONS`."""
    texts = {
        "category": category,
        "type": type_,
        "priority": priority,
        "entity": entity,
        "group": group,
        "words": q and _contains_pattern(q),
    }
    moments = {
        "since": openapi.parse_moment("since", since),
        "until": openapi.parse_moment("until", until),
    }
    return {name: value for name, value in {**texts, **moments}.items() if value}


def _list_route(log: LogReader, guard: Guard) -> Any:
    @get(
        "/v1/notifications",
        guards=[guard],
        opt=operation_opt(openapi.NOTIFICATIONS),
        dependencies={"values": Provide(list_values, sync_to_thread=False)},
    )
    async def notifications(
        request: AnyRequest,
        values: dict[str, Any],
        state_: Annotated[ListName, Parameter(query="state")] = "all",
        limit: Annotated[int, Parameter(ge=1, le=LIST_LIMIT)] = 50,
        before: CursorParameter = None,
    ) -> Response[bytes]:
        """List the caller's notifications, newest first; `next` is the `before` of the next page.

        Repeat a filter to match any of several values. `since` and `until` refer to `created`;
        `q` searches title and message.
        """
        person = identity_of(request).person
        list_filter = ListFilter(
            state_, limit, {**values, **(await _before_sequence(log, before, person))}
        )
        return json_response(await log.read_list(person, list_filter))

    return notifications


def _notification_route(log: LogReader, guard: Guard) -> Any:
    @get(
        "/v1/notifications/{identifier:uuid}",
        guards=[guard],
        opt=operation_opt(openapi.NOTIFICATION),
    )
    async def notification(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        """Return one of the caller's notifications.

        Another user's notification and a missing one both answer 404.
        """
        body = await log.read_notification(identity_of(request).person, str(identifier))
        if body is None:
            raise Problem(404, "not found", "you have no such notification")
        return json_response(body)

    return notification


def _counts_route(log: LogReader, guard: Guard) -> Any:
    @get("/v1/counts", guards=[guard], opt=operation_opt(openapi.COUNTS))
    async def counts(
        request: AnyRequest,
        by: Annotated[list[CountKind] | None, Parameter(max_items=VALUES_LIMIT)] = None,
    ) -> Response[bytes]:
        """Count the caller's notifications: in total, and grouped `by` each requested kind."""
        inbox, now = await log.read_inbox(identity_of(request).person), time.time()
        kinds = {"by": {kind: inbox.counts_by(kind, now) for kind in by}} if by else {}
        return json_response({**to_builtins(inbox.counts(now)), **kinds})

    return counts


async def _before_sequence(log: LogReader, before: str | None, person: Person) -> dict[str, int]:
    try:
        return (
            {"before": (await log.check_cursor(Cursor.parse(before), person)).sequence}
            if before is not None
            else {}
        )
    except InvalidCursor as error:
        raise Problem(400, "bad cursor", str(error), field="before") from None
    except Unreplayable as reason:
        detail = "the cursor is not one of this log; start again without one"
        raise Problem(410, "gone", detail, reason=str(reason), field="before") from None


def _contains_pattern(text: str) -> str:
    """Return the LIKE pattern that matches this text anywhere."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
