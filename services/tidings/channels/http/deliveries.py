"""The route of deliveries: what became of what was to leave beyond the page, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from litestar import Response, get
from litestar.params import Parameter
from tidings.channels.decider.judgement import SUMMARY_LIMIT_NOTIFICATIONS
from tidings.channels.http.requests import LAST_SEQUENCE, AnyRequest
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.masking import mask_address
from tidings.contracts.http_bodies.deliveries import (
    DeliveryPage,
    DeliveryState,
    DeliveryStatus,
    WhyDelivery,
)
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, ID_PATTERN
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.projections.deliveries.queries import DELIVERIES_CHECKPOINT, deliveries_page
from tidings.projections.preferences.settings import PersonSettings
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.auth.identity import Identity
from tidings.runtime.http.guards import INBOX_SCOPE, Guard, identity_of
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.process import Runtime

PAGE_LIMIT = 100
STATEMENT_TIMEOUT = b"SET LOCAL statement_timeout = '5s'"

READ = Operation(DeliveryPage, scope=INBOX_SCOPE, problems=(503,))
UserParameter = Annotated[
    str | None,
    Parameter(min_length=1, max_length=ID_LIMIT_CHARACTERS, pattern=ID_PATTERN.replace(r"\Z", "$")),
]
NotificationParameter = Annotated[
    str | None, Parameter(pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
]
Row = tuple[Any, ...]


class DeliveryReader:
    """Reads pages of deliveries from the read model."""

    def __init__(self, runtime: Runtime, settings: SettingsReader) -> None:
        self._postgres = runtime.postgres
        self._epoch = runtime.epochs[NOTIFICATIONS]
        self._settings = settings

    async def read_page(self, values: Mapping[str, Any]) -> DeliveryPage:
        """Return the page of these parameters of `deliveries_page`; raises Unavailable."""
        parameters = {**values, "items": SUMMARY_LIMIT_NOTIFICATIONS}
        async with self._postgres.snapshot() as connection:
            await connection.execute(STATEMENT_TIMEOUT)
            reached = await (
                await connection.execute(DELIVERIES_CHECKPOINT.encode(), (self._epoch,))
            ).fetchone()
            query = deliveries_page(values).encode()
            rows = await (await connection.execute(query, parameters)).fetchall()
        page = _whole_entries(rows, values["limit"])
        people = sorted({Person(values["tenant"], row[1]) for row in page})
        settings = await self._settings.read_people(people)
        return DeliveryPage(
            deliveries=tuple(
                _status(row, settings[Person(values["tenant"], row[1])]) for row in page
            ),
            next=page[-1][-1] if len(rows) > values["limit"] else None,
            sequence=(reached[0] if reached else None) or 0,
        )


def handler(reader: DeliveryReader, guard: Guard) -> Any:
    """Return the route handler of deliveries."""

    @get("/v1/deliveries", guards=[guard], opt=operation_opt(READ))
    async def deliveries(
        request: AnyRequest,
        notification: NotificationParameter = None,
        state_: Annotated[DeliveryState | None, Parameter(query="state")] = None,
        user: UserParameter = None,
        limit: Annotated[int, Parameter(ge=1, le=PAGE_LIMIT)] = 50,
        before: Annotated[int, Parameter(ge=1, le=LAST_SEQUENCE)] = LAST_SEQUENCE,
    ) -> Response[bytes]:
        """List what was sent, is held or was dropped, and why; the newest change first.

        Without the scope `admin` it is the caller's own; with it, that of `user` or of all.
        """
        person = _person_allowed(identity_of(request), user)
        values = {
            "tenant": person.tenant,
            "limit": limit,
            "before": before,
            "user": person.user,
            "state": state_,
            "notification": notification,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return json_response(await reader.read_page(given))

    return deliveries


class _Owner(NamedTuple):
    """A tenant, and one of its users or all of them."""

    tenant: str
    user: str | None


def _person_allowed(identity: Identity, user: str | None) -> _Owner:
    person = identity.person
    if ADMIN in identity.scopes:
        return _Owner(person.tenant, user)
    if user not in (None, person.user):
        raise Problem(403, "forbidden", "those of other users need the scope `admin`", field="user")
    return _Owner(person.tenant, person.user)


def _whole_entries(rows: Sequence[Row], limit: int) -> Sequence[Row]:
    """Return the rows of a page, which ends where an entry of the log ends."""
    if len(rows) <= limit:
        return rows
    page = [row for row in rows if row[-1] > rows[limit][-1]]
    return page or [row for row in rows if row[-1] == rows[0][-1]]


def _status(row: Row, settings: PersonSettings) -> DeliveryStatus:
    identifier, user, channel, to, summary, state, until, why, why_row, why_event, *rest = row
    attempts, code, reply, notifications, planned, changed, entry = rest
    address = next((each.value.address for each in settings.addresses if each.id == to), None)
    return DeliveryStatus(
        id=identifier,
        user=user,
        channel=channel,
        to=to,
        address=mask_address(address) if address else None,
        summary=summary,
        state=state,
        until=until,
        why=WhyDelivery(code=why, row=why_row, event=why_event) if why else None,
        attempts=attempts,
        code=code,
        reply=reply,
        notifications=tuple(notifications or ()),
        planned=planned,
        changed=changed,
        entry=entry,
    )
