"""Reading: the settings of people and the state of their notifications, as of known sequences."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from tidings.channels.decider.confirmation import DAY, STEP, ConfirmationBudget, SentConfirmations
from tidings.channels.decider.delivery import Delivery, delivery_of
from tidings.channels.decider.plans import HOURLY_LIMIT_MAILS, PRESENT_FOR
from tidings.channels.decider.state import Barrier, NotificationKey, StateOfPeople
from tidings.channels.decider.summaries import HOUR
from tidings.channels.decider.when import NotificationFacts
from tidings.contracts.channels import Channel
from tidings.contracts.codec import decode_notification
from tidings.contracts.subjects import (
    DELIVERIES,
    EVENTS,
    EVERY_EVENT,
    INBOXES,
    NOTIFICATIONS,
    Person,
    Topic,
    awaited_subject,
)
from tidings.projections.deliveries.queries import (
    DELIVERIES_CHECKPOINT,
    DELIVERIES_OF_IDS,
    DUE_DELIVERIES,
    FAILING_SINCE,
    INTERRUPTED_DELIVERIES,
    IS_OVERDUE,
    NEXT_DUE,
    ORDERED_BEFORE,
    ORDERED_DELIVERIES,
    STEP_COUNTS,
)
from tidings.projections.inbox.queries import (
    INBOX_POSITION,
    MEMBERS_OF_TOPIC,
    NOTIFICATIONS_OF_PEOPLE,
    PRESENT_PEOPLE,
)
from tidings.projections.inbox.shared_rows import topic_key
from tidings.projections.preferences.queries import (
    PREFERENCES_CHECKPOINT,
    SETTINGS_AS_OF,
    settings_owners,
)
from tidings.projections.preferences.settings import Settings, read_settings
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection

POLL_SECONDS = 0.002
POLL_LIMIT_SECONDS = 0.05
POLL_GROWTH = 1.25
"""Each pause is part of the time until a mail leaves."""
OVERDUE_AFTER = timedelta(seconds=10)
WAIT_LIMIT_SECONDS = 30.0
"""Read models that are farther behind: the partition is taken over anew, and waits again."""


class Reading:
    """Reads what decisions are made on; waits for the read models, with a limit."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._events_epoch = runtime.epochs[EVENTS]
        self._log_epoch = runtime.epochs[NOTIFICATIONS]

    async def barrier(self) -> Barrier:
        """Return the heads of both logs; raises Unavailable."""
        jetstream = self._runtime.jetstream
        event, entry = await asyncio.gather(
            last_message(jetstream, EVENTS, EVERY_EVENT),
            last_message(jetstream, NOTIFICATIONS, INBOXES),
        )
        return Barrier(event.sequence if event else 0, entry.sequence if entry else 0)

    async def wait_for_deliveries(self, sequence: int) -> None:
        """Wait until the entries of deliveries up to a sequence are rows; raises Unavailable."""
        await self._wait(DELIVERIES_CHECKPOINT, self._log_epoch, sequence, "deliveries")

    async def wait_for_settings(self, event: int) -> None:
        """Wait until the settings are known up to an event; raises Unavailable."""
        await self._wait(PREFERENCES_CHECKPOINT, self._events_epoch, event, "preferences")

    async def next_due(self, partition: int) -> datetime | None:
        """Return when the next delivery of a partition is due, None if none is held."""
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(NEXT_DUE.encode(), {"partition": partition})
            row = await rows.fetchone()
        return row[0] if row else None

    async def due(self, partition: int, at: datetime, limit: int) -> list[Delivery]:
        """Return deliveries that are due at a moment, the earliest first; raises Unavailable."""
        return await self._deliveries(
            DUE_DELIVERIES, {"partition": partition, "at": at, "limit": limit}
        )

    async def ordered(
        self, partition: int, channel: Channel, after: int, limit: int
    ) -> list[Delivery]:
        """Return the orders of a channel after a sequence; raises Unavailable."""
        return await self._deliveries(
            ORDERED_DELIVERIES,
            {"partition": partition, "channel": channel, "after": after, "limit": limit},
        )

    async def ordered_before(
        self, orders: Sequence[str]
    ) -> tuple[Mapping[str, int], Mapping[str, Delivery]]:
        """Return how many deliveries were ordered for the same person in the hour before each
        order, counted up to the limit, and the orders as they are then; raises Unavailable.
        """
        if not orders:
            return {}, {}
        parameters = {"ids": list(orders), "length": HOUR, "limit": HOURLY_LIMIT_MAILS}
        async with self._runtime.postgres.snapshot() as connection:
            as_of = await _checkpoint(connection, DELIVERIES_CHECKPOINT, self._log_epoch)
            counts = await connection.execute(ORDERED_BEFORE.encode(), parameters)
            rows = await connection.execute(DELIVERIES_OF_IDS.encode(), parameters)
            found = [delivery_of(row, as_of) for row in await rows.fetchall()]
            return dict(await counts.fetchall()), {each.id: each for each in found}

    async def anew(self, deliveries: Sequence[Delivery]) -> dict[str, Delivery]:
        """Return deliveries, by their id, as their rows state them now; raises Unavailable."""
        ids = [each.id for each in deliveries]
        found = await self._deliveries(DELIVERIES_OF_IDS, {"ids": ids})
        return {each.id: each for each in (*deliveries, *found)}

    async def interrupted(self, partition: int) -> list[Delivery]:
        """Return deliveries whose attempt has no result; raises Unavailable."""
        return await self._deliveries(INTERRUPTED_DELIVERIES, {"partition": partition})

    async def is_overdue(self, partition: int, at: datetime) -> bool:
        """Return whether a delivery is due or ordered for longer than a living leader needs."""
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(
                IS_OVERDUE.encode(), {"partition": partition, "before": at - OVERDUE_AFTER}
            )
            row = await rows.fetchone()
        return bool(row and row[0])

    async def confirmation_budget(
        self, people: Iterable[Person], at: datetime
    ) -> ConfirmationBudget:
        """Return how many confirmations people got in the last day; raises Unavailable."""
        owners = [{"tenant": each.tenant, "user_id": each.user} for each in people]
        if not owners:
            return ConfirmationBudget()
        newest = await last_message(self._runtime.jetstream, NOTIFICATIONS, DELIVERIES)
        await self.wait_for_deliveries(newest.sequence if newest else 0)
        parameters = {
            "people": msgspec.json.encode(owners).decode(),
            "step": STEP,
            "since": at - DAY,
        }
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(STEP_COUNTS.encode(), parameters)
            return ConfirmationBudget(
                SentConfirmations(Person(tenant, user), address, count)
                for tenant, user, address, count in await rows.fetchall()
            )

    async def present(
        self, people: Iterable[Person], at: datetime, entry: int
    ) -> tuple[set[Person], int]:
        """Return who saw or read something shortly before a moment, and the sequence as of which,
        which is `entry` or later; raises Unavailable.
        """
        owners = [{"tenant": each.tenant, "user_id": each.user} for each in people]
        if not owners:
            return set(), 0
        await self._wait(INBOX_POSITION, self._log_epoch, entry, "inbox")
        parameters = {
            "people": msgspec.json.encode(owners).decode(),
            "since": at - PRESENT_FOR,
        }
        async with self._runtime.postgres.snapshot() as connection:
            as_of = await _checkpoint(connection, INBOX_POSITION, self._log_epoch)
            rows = await connection.execute(PRESENT_PEOPLE.encode(), parameters)
            return {Person(tenant, user) for tenant, user in await rows.fetchall()}, as_of

    async def failing_since(self, delivery: Delivery) -> datetime | None:
        """Return since when nothing has reached an address, None if something did; raises
        Unavailable.
        """
        parameters = {
            "tenant": delivery.person.tenant,
            "user": delivery.person.user,
            "channel": delivery.channel,
            "address": delivery.address,
            "id": delivery.id,
        }
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(FAILING_SINCE.encode(), parameters)
            row = await rows.fetchone()
        return row[0] if row else None

    async def _deliveries(self, query: str, parameters: dict[str, Any]) -> list[Delivery]:
        async with self._runtime.postgres.snapshot() as connection:
            as_of = await _checkpoint(connection, DELIVERIES_CHECKPOINT, self._log_epoch)
            rows = await connection.execute(query.encode(), parameters)
            return [delivery_of(row, as_of) for row in await rows.fetchall()]

    async def members(self, topic: Topic, sequence: int, skipped: int, limit: int) -> list[str]:
        """Return the members of a topic at an entry of its log, in one order, after some."""
        await self._wait(INBOX_POSITION, self._log_epoch, sequence, "inbox")
        async with self._runtime.postgres.connection() as connection:
            rows = await connection.execute(
                MEMBERS_OF_TOPIC.encode(),
                {
                    "tenant": topic.tenant,
                    "topic": topic_key(topic),
                    "sequence": sequence,
                    "skipped": skipped,
                    "limit": limit,
                },
            )
            return [user for (user,) in await rows.fetchall()]

    async def settings(self, people: Iterable[Person], as_of: int) -> Settings:
        """Return the settings of people after an event; raises Unavailable."""
        await self._wait(PREFERENCES_CHECKPOINT, self._events_epoch, as_of, "preferences")
        async with self._runtime.postgres.connection() as connection:
            return await _read_settings(connection, people, as_of)

    async def state(self, keys: Sequence[NotificationKey], barrier: Barrier) -> StateOfPeople:
        """Return settings and notifications at or after a barrier; raises Unavailable."""
        await asyncio.gather(
            self.wait_for_settings(barrier.event),
            self._wait(INBOX_POSITION, self._log_epoch, barrier.entry, "inbox"),
        )
        async with self._runtime.postgres.snapshot() as connection:
            event = await _checkpoint(connection, PREFERENCES_CHECKPOINT, self._events_epoch)
            entry = await _checkpoint(connection, INBOX_POSITION, self._log_epoch)
            settings = await _read_settings(connection, {key.person for key in keys}, event)
            rows = await connection.execute(
                NOTIFICATIONS_OF_PEOPLE.encode(), {"wanted": _encode_keys(keys)}
            )
            return StateOfPeople(settings, dict(map(_facts, await rows.fetchall())), event, entry)

    async def _wait(self, query: str, epoch: str, sequence: int, name: str) -> None:
        """Wait until a read model has applied its stream up to a sequence; raises Unavailable."""
        now = asyncio.get_running_loop().time
        limit, pause = now() + WAIT_LIMIT_SECONDS, POLL_SECONDS
        while True:
            async with self._runtime.postgres.connection() as connection:
                reached = await _checkpoint(connection, query, epoch)
            if reached >= sequence:
                return
            await self._runtime.jetstream.publish(awaited_subject(name), b"")
            if now() > limit:
                raise Unavailable(f"the read model {name} is at {reached}, before {sequence}")
            await asyncio.sleep(pause)
            pause = min(pause * POLL_GROWTH, POLL_LIMIT_SECONDS)


async def _checkpoint(connection: PostgresConnection, query: str, epoch: str) -> int:
    row = await (await connection.execute(query.encode(), (epoch,))).fetchone()
    return (row[0] if row else None) or 0


async def _read_settings(
    connection: PostgresConnection, people: Iterable[Person], as_of: int
) -> Settings:
    wanted = list(people)
    owners = msgspec.json.encode(settings_owners(wanted)).decode()
    rows = await connection.execute(SETTINGS_AS_OF.encode(), {"owners": owners, "as_of": as_of})
    found: Any = await rows.fetchall()
    return read_settings(wanted, found)


def _encode_keys(keys: Iterable[NotificationKey]) -> str:
    rows = [{"tenant": p.tenant, "user_id": p.user, "id": id_} for p, id_ in dict.fromkeys(keys)]
    return msgspec.json.encode(rows).decode()


def _facts(row: tuple[Any, ...]) -> tuple[NotificationKey, NotificationFacts]:
    tenant, user, identifier, read, archived, snoozed, deleted, acted, body = row
    stored = decode_notification(body)
    state: dict[str, datetime | str | None] = {
        "read": read,
        "archived": archived,
        "snoozed": snoozed,
        "acted": acted,
    }
    notification = msgspec.structs.replace(stored, user=user, **state)
    key = NotificationKey(Person(tenant, user), identifier)
    return key, NotificationFacts(notification, retracted=deleted)
