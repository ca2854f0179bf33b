"""An id in an event may be an integer: it means its decimal text, and nothing else changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tidings.client.validation import validate_body
from tidings.contracts.codec import (
    InvalidEvent,
    decode_recorded_event,
    encode,
    validate_event,
)
from tidings.contracts.documents.schema import Schemas
from tidings.contracts.envelope import Envelope
from tidings.contracts.event import AnyRecordedEvent, Event
from tidings.contracts.notifications import Mark
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.incidents.events import IncidentCreated
from tidings.domains.volunteers.events import TaskAssigned

TASK = {"task_id": "456", "task_title": "7", "user_id": "u"}


def body_of(shape: type[Event], data: Any, **attributes: Any) -> bytes:
    return encode(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "/tests",
            "type": shape.type,
            "tenant": "acme",
            **attributes,
            "data": data,
        }
    )


def recorded(shape: type[Event], data: Any, **attributes: Any) -> AnyRecordedEvent:
    return decode_recorded_event(body_of(shape, data, **attributes), 1, 1)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (456, "456"),
        (0, "0"),
        (-7, "-7"),
        (10**19 - 1, "9999999999999999999"),
        (7.0, "7"),
        (-0.0, "0"),
        (1e16, "10000000000000000"),
        ("007", "007"),
    ],
)
def test_an_integer_is_taken_as_its_decimal_text(given: object, text: str) -> None:
    event = recorded(TaskAssigned, {**TASK, "task_id": given, "user_id": given}, actor=given)

    assert event.event == TaskAssigned(task_id=text, task_title="7", user_id=text)
    assert event.attributes.actor == text


def test_the_data_has_the_text_too_and_all_else_as_it_was_written() -> None:
    more = b'"pi":3.140,"big":123456789012345678901234567890,"also_id":5,"nested":{"task_id":6}'
    body = body_of(TaskAssigned, {**TASK, "task_id": 456}).replace(
        b'"user_id"', more + b',"user_id"'
    )

    event = decode_recorded_event(body, 1, 1)

    assert bytes(event.attributes.data) == (
        b'{"task_id":"456","task_title":"7",' + more + b',"user_id":"u"}'
    )


def test_integers_among_several_recipients_are_taken_as_text() -> None:
    announcement = recorded(
        AnnouncementPublished, {"title": "-", "message": "-", "to": {"users": [1, "ann", 2]}}
    )
    incident = recorded(
        IncidentCreated, {"incident_id": 9, "number": 7, "title": "-", "responders": [1, 2]}
    )

    assert announcement.event.to == Addressees(users=("1", "ann", "2"))
    assert incident.event == IncidentCreated(
        incident_id="9", number=7, title="-", responders=("1", "2")
    )


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("user_id", True, "must be text or an integer, not `true`"),
        ("user_id", False, "must be text or an integer, not `false`"),
        ("user_id", 1.5, "must be text or an integer, not `1.5`"),
        ("user_id", 1e-300, "must be text or an integer, not `1e-300`"),
        ("user_id", 1e300, "has more than 19 digits; state it as text"),
        ("user_id", 10**19, "has more than 19 digits; state it as text"),
        ("user_id", None, "Expected `str`, got `null`"),
        ("user_id", [1], "Expected `str`, got `array`"),
        ("task_title", 5, "Expected `str`, got `int`"),
    ],
)
def test_a_value_that_is_no_id_is_refused_with_the_name_of_the_field(
    field: str, value: object, reason: str
) -> None:
    with pytest.raises(InvalidEvent) as refused:
        validate_event(body_of(TaskAssigned, {**TASK, field: value}))

    assert (refused.value.field, refused.value.reason) == (f"data.{field}", reason)


def test_the_place_of_a_wrong_id_in_a_list_is_named() -> None:
    data = {"title": "-", "message": "-", "to": {"users": ["ann", True]}}

    with pytest.raises(InvalidEvent) as refused:
        validate_event(body_of(AnnouncementPublished, data))

    assert refused.value.field == "data.to.users[1]"


def test_a_wrong_actor_is_refused_by_name() -> None:
    with pytest.raises(InvalidEvent, match="actor: must be text or an integer"):
        validate_event(body_of(TaskAssigned, TASK, actor=True))


def test_events_of_the_client_may_have_integer_ids() -> None:
    event: Any = TaskAssigned
    encoded = Envelope(source="/tests", tenant="acme").encode(
        event(task_id=456, task_title="-", user_id=7), actor=7
    )

    body = validate_body(encoded.body).body

    found = decode_recorded_event(body, 1, 1)
    assert found.event == TaskAssigned(task_id="456", task_title="-", user_id="7")
    assert found.attributes.actor == "7"


def test_the_schema_allows_an_integer_for_an_id_in_an_event_and_nowhere_else() -> None:
    schemas = Schemas()
    event, mark = schemas.struct_schema(TaskAssigned), schemas.struct_schema(Mark)
    addressees = schemas.struct_schema(Addressees)

    user_id: dict[str, Any] = event["properties"]["user_id"]
    assert user_id["type"] == ["string", "integer"]
    assert (user_id["minLength"], user_id["maximum"]) == (1, 10**19 - 1)
    assert addressees["properties"]["users"]["items"] == user_id
    assert event["properties"]["task_title"] == {"type": "string"}
    assert mark["properties"]["op"]["anyOf"][0]["type"] == "string"
    assert msgspec.json.encode(mark)
