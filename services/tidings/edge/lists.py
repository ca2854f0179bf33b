"""Lists: a person's notifications by what they are about, single ones, and how many there are of each kind."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import Provide
from litestar.params import Parameter
from msgspec import Meta, to_builtins
from tidings.contracts.cursor import Cursor, InvalidCursor
from tidings.contracts.notifications import Priority
from tidings.edge import operations
from tidings.edge.edge import Edge
from tidings.edge.log import Unreplayable
from tidings.edge.operations import CursorParameter, MomentParameter
from tidings.edge.rows import Wanted
from tidings.projections.standing import Kind
from tidings.runtime.auth import Identity
from tidings.runtime.openapi import says
from tidings.runtime.problem import Problem
from tidings.runtime.web import json

LIST_LIMIT = 100
VALUES_LIMIT = 20
WORD = r"^[^\x00-\x1f\x7f]{1,320}$"
ENTITY = r"^[^:\x00-\x1f\x7f]{1,128}:[^\x00-\x1f\x7f]{1,128}$"
TEXT = r"^[^\x00-\x1f\x7f]{1,100}$"

ListName = Literal["all", "unread", "unseen", "archived", "snoozed"]
Word = Annotated[str, Meta(pattern=WORD)]
EntityName = Annotated[str, Meta(pattern=ENTITY)]
Words = list[Word] | None
Entities = list[EntityName] | None
AnyRequest = Request[Any, Any, Any]
Who = Callable[[AnyRequest], Identity]


def handlers(edge: Edge, who: Who) -> list[Any]:
    """The route handlers of lists, single notifications and counts."""
    return [_listing(edge, who), _single(edge, who), _counts(edge, who)]


def asked(
    category: Annotated[
        Words, Parameter(max_items=VALUES_LIMIT, schema_extra=operations.several(Word))
    ] = None,
    type_: Annotated[
        Words,
        Parameter(query="type", max_items=VALUES_LIMIT, schema_extra=operations.several(Word)),
    ] = None,
    priority: Annotated[list[Priority] | None, Parameter(max_items=VALUES_LIMIT)] = None,
    entity: Annotated[
        Entities, Parameter(max_items=VALUES_LIMIT, schema_extra=operations.several(EntityName))
    ] = None,
    group: Annotated[
        Words, Parameter(max_items=VALUES_LIMIT, schema_extra=operations.several(Word))
    ] = None,
    since: MomentParameter = None,
    until: MomentParameter = None,
    q: Annotated[str | None, Parameter(pattern=TEXT)] = None,
) -> dict[str, Any]:
    """What a list is asked for, by the names of the predicates."""
    given = {
        "category": category,
        "type": type_,
        "priority": priority,
        "entity": entity,
        "group": group,
        "words": q and _like(q),
    }
    moments = {
        "since": operations.moment("since", since),
        "until": operations.moment("until", until),
    }
    return {name: value for name, value in {**given, **moments}.items() if value}


def _listing(edge: Edge, who: Who) -> Any:
    @get(
        "/v1/notifications",
        opt=says(operations.NOTIFICATIONS),
        dependencies={"asked": Provide(asked, sync_to_thread=False)},
    )
    async def notifications(
        request: AnyRequest,
        asked: dict[str, Any],
        state_: Annotated[ListName, Parameter(query="state")] = "all",
        limit: Annotated[int, Parameter(ge=1, le=LIST_LIMIT)] = 50,
        before: CursorParameter = None,
    ) -> Response[bytes]:
        """A person's notifications, newest log entry first, in pages; `next` is the `before` of the following page.

        What is given more than once means any of these. `since` and `until` are about `created`; `q` looks into title and message.
        """
        person = who(request).person
        wanted = Wanted(state_, limit, {**asked, **(await _before(edge, before))})
        return json(await edge.log.listing(person, wanted))

    return notifications


def _single(edge: Edge, who: Who) -> Any:
    @get("/v1/notifications/{identifier:uuid}", opt=says(operations.NOTIFICATION))
    async def notification(request: AnyRequest, identifier: UUID) -> Response[bytes]:
        """One notification of the person's; of somebody else's there is no more to learn than of one that never was."""
        found = await edge.log.single(who(request).person, str(identifier))
        if found is None:
            raise Problem(404, "not found", "you have no such notification")
        return json(found)

    return notification


def _counts(edge: Edge, who: Who) -> Any:
    @get("/v1/counts", opt=says(operations.COUNTS))
    async def counts(
        request: AnyRequest,
        by: Annotated[list[Kind] | None, Parameter(max_items=VALUES_LIMIT)] = None,
    ) -> Response[bytes]:
        """How many notifications a person has: in all, and `by` each of the kinds asked for."""
        inbox, now = await edge.log.inbox(who(request).person), time.time()
        kinds = {"by": {kind: inbox.counts_by(kind, now) for kind in by}} if by else {}
        return json({**to_builtins(inbox.counts(now)), **kinds})

    return counts


async def _before(edge: Edge, before: str | None) -> dict[str, int]:
    try:
        return (
            {"before": (await edge.log.check(Cursor.parse(before))).sequence}
            if before is not None
            else {}
        )
    except InvalidCursor as error:
        raise Problem(400, "bad cursor", str(error), field="before") from None
    except Unreplayable as reason:
        words = "the cursor is not one of this log; start afresh without one"
        raise Problem(410, "gone", words, reason=str(reason), field="before") from None


def _like(text: str) -> str:
    """A pattern that means this text wherever it stands."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
