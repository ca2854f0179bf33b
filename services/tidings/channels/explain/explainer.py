"""The explainer: reads the logs, and recomputes each decision about a delivery."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tidings.channels.decider.reading import Reading
from tidings.channels.explain.person_log import DeliveryMessage, PersonLog, read_person_log
from tidings.channels.explain.recompute import Trimmed, recompute_decided, recompute_planned
from tidings.contracts.deliveries import Decided, DeliveryEntry, Planned
from tidings.contracts.subjects import Person
from tidings.runtime.process import Runtime


class ExplainedEntry(NamedTuple):
    """An entry of the log about deliveries; `recomputed`: the decision that follows from its
    `as_of`, None if it states no decision, or if the log has lost what it was made on (`problem`).
    """

    sequence: int
    appended: datetime
    entry: DeliveryEntry
    recomputed: Planned | Decided | None = None
    problem: str | None = None

    @property
    def differs(self) -> bool:
        """Return whether another decision follows from what this one states it was made on."""
        return self.recomputed is not None and self.recomputed != self.entry


class Explainer:
    """Explains the deliveries of people."""

    def __init__(self, runtime: Runtime) -> None:
        self._jetstream = runtime.jetstream
        self._subjects = runtime.settings.subjects
        self._reading = Reading(runtime)

    async def explain(self, person: Person, delivery: str | None = None) -> list[ExplainedEntry]:
        """Return the entries about a delivery of a person, or about all; raises Unavailable."""
        log = await read_person_log(self._jetstream, self._subjects, person)
        return [
            await self._explain(log, message)
            for message in log.deliveries
            if delivery is None or concerns(message.entry, delivery)
        ]

    async def _explain(self, log: PersonLog, message: DeliveryMessage) -> ExplainedEntry:
        entry = message.entry
        explained = ExplainedEntry(message.sequence, message.appended, entry)
        if not isinstance(entry, Planned | Decided):
            return explained
        settings = await self._reading.settings((log.person,), entry.as_of.event)
        try:
            recomputed = (
                recompute_planned(log, message, entry, settings.people[log.person])
                if isinstance(entry, Planned)
                else recompute_decided(log, message, entry, settings)
            )
        except Trimmed as error:
            return explained._replace(problem=str(error))
        return explained._replace(recomputed=recomputed)


def concerns(entry: DeliveryEntry, delivery: str) -> bool:
    """Return whether an entry is about a delivery: plans it, decides about it, or lets join it."""
    match entry:
        case Planned():
            return any(step.delivery == delivery for step in entry.steps)
        case Decided():
            return entry.delivery == delivery or any(
                moved.step.delivery == delivery for moved in entry.moved
            )
        case _:
            return entry.delivery == delivery
