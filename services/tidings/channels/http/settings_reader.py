"""Reads the settings of one person or tenant, as the read model has them now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from tidings.contracts.subjects import EVENTS, EVERY_EVENT, Person
from tidings.projections.preferences.queries import (
    NEWEST_CHANGE,
    PREFERENCES_CHECKPOINT,
    SETTINGS_AS_OF,
    settings_owners,
)
from tidings.projections.preferences.settings import PersonSettings, read_settings
from tidings.projections.preferences.values import TENANT
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.problem import Problem
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.postgres import PostgresConnection

WAIT_LIMIT_SECONDS = 5.0
POLL_SECONDS = 0.005
POLL_LIMIT_SECONDS = 0.1


class CurrentSettings(NamedTuple):
    """The settings of a person, and the sequence of the newest event that changed them."""

    settings: PersonSettings
    newest_change: int

    @property
    def etag(self) -> str:
        """Return their entity tag."""
        return f'"{self.newest_change}"'


class SettingsReader:
    """Reads settings from the read model, and waits for it where a caller needs that."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._epoch = runtime.epochs[EVENTS]

    async def read(self, person: Person, after: int = 0) -> CurrentSettings:
        """Return the settings of a person, including the event `after`.

        Those of a tenant alone, if the person's user is `TENANT`. Raises Problem if the log has no
        such event, or Unavailable.
        """
        if after:
            await self._wait(after)
        async with self._runtime.postgres.snapshot() as connection:
            as_of = await self._checkpoint(connection)
            settings = await _read_settings(connection, person, as_of)
            parameters: dict[str, Any] = {
                "tenant": person.tenant,
                "owners": [person.user, TENANT],
            }
            newest = await (await connection.execute(NEWEST_CHANGE.encode(), parameters)).fetchone()
        return CurrentSettings(
            _of_tenant(settings) if person.user == TENANT else settings, newest[0] if newest else 0
        )

    async def read_as_of(self, person: Person, event: int) -> PersonSettings:
        """Return the settings of a person after an earlier event; raises Unavailable."""
        async with self._runtime.postgres.connection() as connection:
            return await _read_settings(connection, person, event)

    async def read_people(self, people: Sequence[Person]) -> Mapping[Person, PersonSettings]:
        """Return the settings of several people; raises Unavailable."""
        async with self._runtime.postgres.snapshot() as connection:
            as_of = await self._checkpoint(connection)
            return await _read_people(connection, people, as_of)

    async def read_newest(self, person: Person) -> CurrentSettings:
        """Return settings that include all that was acknowledged before; raises Unavailable."""
        newest = await last_message(self._runtime.jetstream, EVENTS, EVERY_EVENT)
        return await self.read(person, newest.sequence if newest else 0)

    async def _wait(self, sequence: int) -> None:
        now = asyncio.get_running_loop().time
        limit, pause, is_known = now() + WAIT_LIMIT_SECONDS, POLL_SECONDS, False
        while True:
            async with self._runtime.postgres.connection() as connection:
                reached = await self._checkpoint(connection)
            if reached >= sequence:
                return
            if not is_known:
                await self._require_known(sequence)
                is_known = True
            if now() > limit:
                raise Unavailable(f"the settings are known up to {reached}, not yet {sequence}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, POLL_LIMIT_SECONDS)

    async def _require_known(self, sequence: int) -> None:
        newest = await last_message(self._runtime.jetstream, EVENTS, EVERY_EVENT)
        if newest is None or newest.sequence < sequence:
            detail = "the log has no event of this sequence yet; take that of a change"
            raise Problem(409, "conflict", detail, field="after")

    async def _checkpoint(self, connection: PostgresConnection) -> int:
        rows = await connection.execute(PREFERENCES_CHECKPOINT.encode(), (self._epoch,))
        row = await rows.fetchone()
        return (row[0] if row else None) or 0


async def _read_settings(
    connection: PostgresConnection, person: Person, as_of: int
) -> PersonSettings:
    return (await _read_people(connection, [person], as_of))[person]


async def _read_people(
    connection: PostgresConnection, people: Sequence[Person], as_of: int
) -> Mapping[Person, PersonSettings]:
    owners = msgspec.json.encode(settings_owners(people)).decode()
    rows = await connection.execute(SETTINGS_AS_OF.encode(), {"owners": owners, "as_of": as_of})
    found: Any = await rows.fetchall()
    return read_settings(people, found).people


def _of_tenant(settings: PersonSettings) -> PersonSettings:
    """Return a tenant's settings, which were read as those of a person too."""
    return settings._replace(
        preferences=tuple(each for each in settings.preferences if each.of_tenant),
        quiet=settings.quiet and settings.quiet._replace(of_tenant=True),
    )
