"""Bounce intake: what a mail to a return path says of a delivery becomes events and an outcome."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NamedTuple

from tidings.channels.decider.places import find_place
from tidings.channels.decider.reading import Reading
from tidings.channels.decider.state import Barrier, NotificationKey
from tidings.channels.email.bounce import (
    Bounced,
    Complained,
    IgnoredMail,
    UnsubscribedByMail,
    parse_bounce,
)
from tidings.channels.email.return_path import ReturnPaths
from tidings.contracts.codec import encode
from tidings.contracts.deliveries import Outcome
from tidings.contracts.event import Event
from tidings.contracts.http_bodies.results import BounceReceipt
from tidings.contracts.messages import NewMessage, OwnEventSubject, own_event_message
from tidings.contracts.subjects import EVENTS, EVERY_EVENT, Person
from tidings.domains.deliveries.events import ChannelSuppressed, DeliveryFailed
from tidings.domains.preferences.events import PreferenceSet
from tidings.projections.deliveries.queries import MAILED_DELIVERY, SOFT_BOUNCES
from tidings.projections.preferences.changes import place_key
from tidings.projections.preferences.queries import ADDRESS_STATED
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime

SOFT_BOUNCES_LIMIT = 4
SOFT_BOUNCES_AGE = timedelta(days=30)
"""So many temporary failures within this time suppress an address, as a final one does at once."""
SOFT_CODES = ("bounced 4.%", "bounced 5.2.2")
"""Of an address that may work again; others of 5.x.x that are not final are no fault of it."""


class MailedDelivery(NamedTuple):
    """A mail that was sent: to which address of whom, decided as of which event, and about what."""

    id: str
    person: Person
    address: str
    attempt: int
    as_of_event: int
    notification: str


class BounceIntake:
    """States what mails to return paths say, each once however often the mail comes."""

    def __init__(self, runtime: Runtime, return_paths: ReturnPaths) -> None:
        self._runtime = runtime
        self._return_paths = return_paths
        self._reading = Reading(runtime)
        self._appender = runtime.appender()

    async def take_mail(self, content: bytes) -> BounceReceipt:
        """State what a mail says of the delivery that its address proves; raises Unavailable."""
        # A large mail takes the parser long enough to delay other requests.
        report = await asyncio.to_thread(parse_bounce, content, self._return_paths)
        if isinstance(report, IgnoredMail):
            return BounceReceipt(result="ignored", reason=report.reason)
        mailed = await self._mailed_delivery(report.delivery)
        if mailed is None:
            return BounceReceipt(result="ignored", reason="unknown_delivery")
        match report:
            case Bounced():
                return await self._record_failure(mailed, report)
            case Complained():
                return await self._turn_off(mailed, "complained")
            case UnsubscribedByMail():
                return await self._turn_off(mailed, "unsubscribed")

    async def _mailed_delivery(self, identifier: str) -> MailedDelivery | None:
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(MAILED_DELIVERY.encode(), {"id": identifier})
            row = await rows.fetchone()
        if row is None:
            return None
        tenant, user, *rest = row
        return MailedDelivery(identifier, Person(tenant, user), *rest)

    async def _record_failure(self, mailed: MailedDelivery, bounced: Bounced) -> BounceReceipt:
        """State that a mail did not arrive and, if that settles it, that its address is dead."""
        code = f"bounced {bounced.code}".strip()
        await self._append_event(
            mailed,
            DeliveryFailed(
                delivery_id=mailed.id,
                user_id=mailed.person.user,
                channel="email",
                reason=code,
                notification_id=mailed.notification,
            ),
        )
        outcome = Outcome(
            delivery=mailed.id,
            attempt=mailed.attempt,
            state="failed",
            code=code,
            reply=bounced.reply or None,
        )
        appended = await self._appender.append(
            NewMessage(
                self._runtime.settings.subjects.delivery_subject(mailed.person),
                encode(outcome),
                id=f"bounced/{mailed.id}",
            )
        )
        return await self._judge_address(mailed, bounced, appended.sequence)

    async def _judge_address(
        self, mailed: MailedDelivery, bounced: Bounced, outcome: int
    ) -> BounceReceipt:
        """Suppress an address for a final failure, or for as many others as the limit.

        One that was given, confirmed or restored since the mail was decided about is a new one.
        """
        stated = await self._address_stated(mailed)
        if stated is None or stated > mailed.as_of_event:
            return BounceReceipt(result="counted", reason="address_changed")
        if not bounced.final:
            await self._reading.wait_for_deliveries(outcome)
            if await self._soft_bounces(mailed, stated) < SOFT_BOUNCES_LIMIT:
                return BounceReceipt(result="counted")
        suppressed = ChannelSuppressed(
            user_id=mailed.person.user,
            address_id=mailed.address,
            reason="bounced",
            code=bounced.code or None,
            delivery_id=mailed.id,
        )
        await self._append_event(mailed, suppressed)
        return BounceReceipt(result="suppressed")

    async def _address_stated(self, mailed: MailedDelivery) -> int | None:
        """Return the event that stated an address last; None if it is not in use any more."""
        newest = await last_message(self._runtime.jetstream, EVENTS, EVERY_EVENT)
        settings = await self._reading.settings([mailed.person], newest.sequence if newest else 0)
        place = find_place(settings.people[mailed.person], "email", mailed.address)
        if place is None or place.suppressed:
            return None
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(
                ADDRESS_STATED.encode(),
                {**_owner(mailed), "place": place_key(address=mailed.address)},
            )
            row = await rows.fetchone()
        return row[0] if row else None

    async def _soft_bounces(self, mailed: MailedDelivery, stated: int) -> int:
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(
                SOFT_BOUNCES.encode(),
                {
                    **_owner(mailed),
                    "codes": list(SOFT_CODES),
                    "stated": stated,
                    "since": SOFT_BOUNCES_AGE,
                },
            )
            row = await rows.fetchone()
        return row[0] if row else 0

    async def _turn_off(self, mailed: MailedDelivery, why: str) -> BounceReceipt:
        """State that a person wants no mails of the category that a mail was of."""
        key = NotificationKey(mailed.person, mailed.notification)
        state = await self._reading.state([key], Barrier(0, 0))
        facts = state.notifications.get(key)
        if facts is None:
            return BounceReceipt(result="ignored", reason="unknown_delivery")
        preference = PreferenceSet(
            user_id=mailed.person.user,
            of=f"category:{facts.notification.category}",
            channel="email",
            how="never",
            by=mailed.person.user,
        )
        await self._append_event(mailed, preference, f"{preference.type} {why}")
        return BounceReceipt(result="turned_off")

    async def _append_event(self, mailed: MailedDelivery, event: Event, name: str = "") -> None:
        """Append an event that a delivery causes, once; `name` tells it from others of its type."""
        await self._appender.append(
            own_event_message(
                event,
                mailed.person.tenant,
                OwnEventSubject("delivery", mailed.id),
                actor=mailed.person.user,
                id=self._runtime.own_ids.delivery_event_id(name or event.type, mailed.id),
                at=None,
                subjects=self._runtime.settings.subjects,
            )
        )


def _owner(mailed: MailedDelivery) -> dict[str, str]:
    return {
        "tenant": mailed.person.tenant,
        "user": mailed.person.user,
        "address": mailed.address,
    }
