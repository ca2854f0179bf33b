"""A notification written by hand is bounded in every field; `expires_at` of events in old logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tidings.contracts.codec import InvalidEvent, decode_recorded_event, encode, validate_event
from tidings.contracts.documents.schema import Schemas
from tidings.contracts.event import Event
from tidings.domains.announcements.events import AnnouncementPublished, NotificationRequested
from tidings.domains.barbershop.events import TrainingCertificationExpiring
from tidings.domains.volunteers.events import TaskAssigned

REQUEST: dict[str, Any] = {"to": {"users": ["ann"]}, "title": "-", "message": "-"}
TASK: dict[str, Any] = {"task_id": "1", "task_title": "-", "user_id": "ann"}
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def body_of(shape: type[Event], data: dict[str, Any]) -> bytes:
    return encode(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "/tests",
            "type": shape.type,
            "tenant": "acme",
            "data": data,
        }
    )


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("to", {"users": []}, "to"),
        ("to", {"users": [True]}, "to.users[0]"),
        ("title", "", "title"),
        ("title", "t" * 501, "title"),
        ("message", "m" * 10_001, "message"),
        ("type", "t" * 97, "type"),
        ("type", "two\nlines", "type"),
        ("level", "loud", "level"),
        ("category", "", "category"),
        ("priority", "urgent", "priority"),
        ("entity", {"type": "task", "id": 1.5}, "entity.id"),
        ("entity", {"type": "t" * 97, "id": 1}, "entity.type"),
        ("entity", {"type": "task", "id": 1, "url": "u" * 2049}, "entity.url"),
        ("references", {str(number): "1" for number in range(21)}, "references"),
        ("references", {"task": False}, "references.task"),
        ("references", {"task": "1" * 129}, "references[...]"),
        ("data", [1], "data"),
        ("expires_at", "tomorrow", "expires_at"),
        ("expires_at", "2026-02-01T12:00:00", "expires_at"),
        ("action_url", "/" + "u" * 2048, "action_url"),
        ("action_url", "/two words", "action_url"),
    ],
)
def test_a_wrong_field_of_a_request_is_refused_by_name(
    field: str, value: object, place: str
) -> None:
    with pytest.raises(InvalidEvent) as refused:
        validate_event(body_of(NotificationRequested, {**REQUEST, field: value}))

    assert refused.value.field == f"data.{place}"


def test_the_schema_states_the_bounds_of_references() -> None:
    properties = Schemas().struct_schema(NotificationRequested)["properties"]

    references = properties["references"]
    assert references["maxProperties"] == 20
    assert references["propertyNames"]["maxLength"] == 96
    assert references["additionalProperties"]["type"] == ["string", "integer"]


def test_data_of_more_than_16_kib_is_refused() -> None:
    fitting, too_large = {"text": "t" * (16 * 1024 - 11)}, {"text": "t" * (16 * 1024 - 10)}

    validate_event(body_of(NotificationRequested, {**REQUEST, "data": fitting}))
    with pytest.raises(InvalidEvent, match="`data` has 16385 bytes; at most 16384"):
        validate_event(body_of(NotificationRequested, {**REQUEST, "data": too_large}))


def test_any_event_has_an_expiry() -> None:
    body = body_of(TaskAssigned, {**TASK, "expires_at": NOON.isoformat()})

    event: Event = decode_recorded_event(body, 1, 1).event

    assert event.notifications_expire_at() == NOON


@pytest.mark.parametrize("value", ["31 March", "2026-03-31", 5, True, {"at": 1}])
def test_a_new_event_with_a_wrong_expiry_is_refused_and_one_in_the_log_is_read_as_before(
    value: object,
) -> None:
    body = body_of(TaskAssigned, {**TASK, "user_id": 7, "expires_at": value})

    recorded = decode_recorded_event(body, 1, 1)

    assert recorded.event == TaskAssigned(task_id="1", task_title="-", user_id="7")
    assert encode(value) in bytes(recorded.attributes.data)
    with pytest.raises(InvalidEvent) as refused:
        validate_event(body)
    assert refused.value.field == "data.expires_at"


@pytest.mark.parametrize("shape", [AnnouncementPublished, NotificationRequested])
def test_an_event_that_always_had_an_expiry_is_refused_with_a_wrong_one_in_the_log_too(
    shape: type[Event],
) -> None:
    with pytest.raises(InvalidEvent, match=r"data\.expires_at"):
        decode_recorded_event(body_of(shape, {**REQUEST, "expires_at": "31 March"}), 1, 1)


def test_the_end_of_a_certification_is_text_and_no_end_of_its_notification() -> None:
    body = body_of(
        TrainingCertificationExpiring,
        {"user_id": "ann", "title": "Hygiene", "expires_at": "31 March"},
    )

    event = decode_recorded_event(body, 1, 1).event

    assert event.expires_at == "31 March"
    assert event.notifications_expire_at() is None
