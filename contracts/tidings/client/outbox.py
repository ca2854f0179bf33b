"""The outbox: a service emits events in the transactions of its own Postgres.

`tidings outbox` sends them to the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

from tidings.client.validation import encode_event
from tidings.contracts.envelope import Envelope, TextId
from tidings.contracts.event import Event

SCHEMA_FILE = Path(__file__).with_name("outbox.sql")
"""The tables, for the service's own migrations; `tidings outbox --install` creates them too."""

INSERT: LiteralString = "INSERT INTO tidings_outbox.waiting (event) VALUES (%s)"


class InsertStatement(NamedTuple):
    """The arguments of `execute`: a statement and its parameters."""

    sql: LiteralString
    parameters: tuple[str]


class Outbox:
    """Emits events in the transaction that executes its statements.

    They fit the connections and cursors of psycopg, synchronous or asynchronous.

    >>> outbox = Outbox(source="/task-service", tenant="acme")
    >>> event = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")
    >>> with connection.transaction():
    ...     connection.execute("UPDATE task SET user_id = %s WHERE id = %s", ("amira", "1"))
    ...     connection.execute(*outbox.emit(event, actor="dina"))
    """

    def __init__(self, *, source: str, tenant: TextId | None = None) -> None:
        self._envelope = Envelope(source=source, tenant=tenant)

    def emit(
        self,
        event: Event,
        *,
        actor: TextId | None = None,
        id: TextId | None = None,
        subject: TextId | None = None,
        time: datetime | None = None,
        correlation: TextId | None = None,
        causation: TextId | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> InsertStatement:
        """Return the statement that emits an event, with the arguments of `Tidings.emit`.

        Raises EventRefused or TooLarge.
        """
        attributes = {
            "actor": actor,
            "subject": subject,
            "time": time,
            "correlationid": correlation,
            "causationid": causation,
        }
        encoded = encode_event(self._envelope, event, id=id, more=more, **attributes)
        return InsertStatement(INSERT, (encoded.body.decode(),))
