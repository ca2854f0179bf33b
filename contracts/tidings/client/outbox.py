"""Outbox: events that a service writes in its own transaction, in its own Postgres; `tidings outbox` carries them to the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

from tidings.client.check import check
from tidings.contracts.envelope import Envelope
from tidings.contracts.events.base import Event

SCHEMA_FILE = Path(__file__).with_name("outbox.sql")
"""The tables; for the service's own migrations. `tidings outbox --install` makes them as well."""

INSERT: LiteralString = "INSERT INTO tidings_outbox.waiting (event) VALUES (%s)"


class Statement(NamedTuple):
    """What `execute` takes: a statement, and its parameters."""

    sql: LiteralString
    parameters: tuple[str]


class Outbox:
    """Emits events in the transaction of whoever executes its statements, with psycopg's connections and cursors of either kind.

    >>> outbox = Outbox(source="/task-service", tenant="acme")
    >>> with connection.transaction():
    ...     connection.execute("UPDATE task SET user_id = %s WHERE id = %s", ("amira", "1"))
    ...     connection.execute(*outbox.emit(TaskAssigned(task_id="1", task_title="Say hello", user_id="amira"), actor="dina"))
    """

    def __init__(self, *, source: str, tenant: str | None = None) -> None:
        self._envelope = Envelope(source=source, tenant=tenant)

    def emit(
        self,
        event: Event,
        *,
        actor: str | None = None,
        id: str | None = None,
        subject: str | None = None,
        time: datetime | None = None,
        correlation: str | None = None,
        causation: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Statement:
        """The statement that emits an event; all as for `Tidings.emit`. Raises EventRefused, TooLarge."""
        attributes = {
            "actor": actor,
            "subject": subject,
            "time": time,
            "correlationid": correlation,
            "causationid": causation,
        }
        sealed = check(self._envelope.sealed(event, id=id, more=more, **attributes))
        return Statement(INSERT, (sealed.body.decode(),))
