"""Reads deliveries, as their rows state them, with the addresses as they may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidings.channels.decider.judgement import SUMMARY_LIMIT_NOTIFICATIONS
from tidings.channels.http.requests import LAST_SEQUENCE
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.masking import mask_address
from tidings.contracts.http_bodies.deliveries import DeliveryPage, DeliveryStatus, WhyDelivery
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.projections.deliveries.queries import DELIVERIES_CHECKPOINT, deliveries_page
from tidings.projections.preferences.settings import PersonSettings
from tidings.runtime.process import Runtime

STATEMENT_TIMEOUT = b"SET LOCAL statement_timeout = '5s'"
Row = tuple[Any, ...]


class OwnedDelivery(NamedTuple):
    """A delivery, and the tenant of its user."""

    tenant: str
    status: DeliveryStatus

    @property
    def person(self) -> Person:
        """Return to whom it goes."""
        return Person(self.tenant, self.status.user)


class OwnedPage(NamedTuple):
    """A page of deliveries, as `DeliveryPage`, with the tenants of their users."""

    deliveries: tuple[OwnedDelivery, ...]
    next: int | None
    sequence: int


class DeliveryReader:
    """Reads pages of deliveries from the read model."""

    def __init__(self, runtime: Runtime, settings: SettingsReader) -> None:
        self._postgres = runtime.postgres
        self._epoch = runtime.epochs[NOTIFICATIONS]
        self._settings = settings

    async def read_page(self, values: Mapping[str, Any]) -> DeliveryPage:
        """Return the page of these parameters of `deliveries_page`; raises Unavailable."""
        page = await self.read_owned(values)
        return DeliveryPage(
            deliveries=tuple(each.status for each in page.deliveries),
            next=page.next,
            sequence=page.sequence,
        )

    async def read_owned(self, values: Mapping[str, Any]) -> OwnedPage:
        """Return the page of these parameters, which may be of all tenants; raises Unavailable."""
        parameters = {"before": LAST_SEQUENCE, **values, "items": SUMMARY_LIMIT_NOTIFICATIONS}
        async with self._postgres.snapshot() as connection:
            await connection.execute(STATEMENT_TIMEOUT)
            reached = await (
                await connection.execute(DELIVERIES_CHECKPOINT.encode(), (self._epoch,))
            ).fetchone()
            query = deliveries_page(values).encode()
            rows = await (await connection.execute(query, parameters)).fetchall()
        page = _whole_entries(rows, values["limit"])
        settings = await self._settings.read_people(sorted({Person(*row[:2]) for row in page}))
        return OwnedPage(
            tuple(_owned(row, settings[Person(*row[:2])]) for row in page),
            page[-1][-1] if len(rows) > values["limit"] else None,
            (reached[0] if reached else None) or 0,
        )

    async def find(self, identifier: str, tenant: str | None = None) -> OwnedDelivery | None:
        """Return a delivery, of a tenant or of any; None if there is none. Raises Unavailable."""
        values = {"limit": 1, "id": identifier, **({"tenant": tenant} if tenant else {})}
        return next(iter((await self.read_owned(values)).deliveries), None)


def _whole_entries(rows: Sequence[Row], limit: int) -> Sequence[Row]:
    """Return the rows of a page, which ends where an entry of the log ends."""
    if len(rows) <= limit:
        return rows
    page = [row for row in rows if row[-1] > rows[limit][-1]]
    return page or [row for row in rows if row[-1] == rows[0][-1]]


def _owned(row: Row, settings: PersonSettings) -> OwnedDelivery:
    tenant, user, identifier, channel, to, summary, *rest = row
    state, until, why, why_row, why_event, *rest = rest
    attempts, code, reply, notifications, cancelled, planned, changed, entry = rest
    address = next((each.value.address for each in settings.addresses if each.id == to), None)
    return OwnedDelivery(
        tenant,
        DeliveryStatus(
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
            cancelled=cancelled,
            planned=planned,
            changed=changed,
            entry=entry,
        ),
    )
