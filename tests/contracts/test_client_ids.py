"""The client and the outbox: ids of any common kind keep their text, others are refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pytest
from tidings.client import EventRefused, Tidings
from tidings.client.outbox import Outbox
from tidings.domains.volunteers.events import TaskAssigned

ASSIGNED = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")
A_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
ATTRIBUTES = {
    "id": "id",
    "actor": "actor",
    "subject": "subject",
    "correlation": "correlationid",
    "causation": "causationid",
}
"""The attribute in the event, by the name of the argument."""


class Role(Enum):
    """An id as a member of an enumeration of text."""

    LEAD = "lead"


class Number(IntEnum):
    """An id as a member of an enumeration of integers."""

    SEVEN = 7


def emit_to_outbox(tenant: Any = "acme", **values: Any) -> dict[str, Any]:
    """Return the event that an outbox writes for these arguments."""
    statement = Outbox(source="/tests", tenant=tenant).emit(ASSIGNED, **values)
    return json.loads(statement.parameters[0])


@pytest.mark.parametrize("argument", ATTRIBUTES)
@pytest.mark.parametrize(
    ("value", "text"),
    [(42, "42"), (A_UUID, str(A_UUID)), ("é", "é"), (Role.LEAD, "lead"), (Number.SEVEN, "7")],
)
def test_an_id_is_written_as_its_text(argument: str, value: Any, text: str) -> None:
    assert emit_to_outbox(**{argument: value})[ATTRIBUTES[argument]] == text


@pytest.mark.parametrize("value", [42, A_UUID])
def test_a_tenant_is_written_as_its_text(value: Any) -> None:
    assert emit_to_outbox(value)["tenant"] == str(value)


@pytest.mark.parametrize("argument", ATTRIBUTES)
@pytest.mark.parametrize("value", ["", " x", "a\nb", "\ud800", True, 1.5, b"x", ["a"], object()])
async def test_a_value_that_is_no_id_is_refused_by_its_name(argument: str, value: Any) -> None:
    with pytest.raises(EventRefused) as outbox_refusal:
        emit_to_outbox(**{argument: value})
    with pytest.raises(EventRefused) as client_refusal:
        await Tidings("http://127.0.0.1:9", source="/tests").emit(ASSIGNED, **{argument: value})

    assert outbox_refusal.value.field == client_refusal.value.field == ATTRIBUTES[argument]


@pytest.mark.parametrize("value", [True, 1.5, b"acme", ""])
def test_a_value_that_is_no_tenant_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(EventRefused, match="tenant: "):
        emit_to_outbox(value)


@pytest.mark.parametrize("value", [5, date(2026, 1, 1), datetime(2026, 1, 1), "yesterday"])
def test_a_value_that_is_no_time_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(EventRefused, match="time: "):
        emit_to_outbox(time=value)


@pytest.mark.parametrize("value", [object(), "\ud800", {object(): 1}])
def test_data_that_json_cannot_hold_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(EventRefused, match="data: ") as refusal:
        emit_to_outbox(id="x", more={"note": value})
    assert refusal.value.id == "x"


def test_an_event_without_an_id_gets_a_random_one() -> None:
    first, second = emit_to_outbox(), emit_to_outbox(time=datetime.now(UTC))

    assert UUID(first["id"]) != UUID(second["id"])
