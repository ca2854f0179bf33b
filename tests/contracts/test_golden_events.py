"""Every event that was ever sent is decoded with its meaning, for ever."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tidings.contracts.codec import (
    InvalidEvent,
    decode_cloud_event,
    decode_event,
    decode_known_event,
    decode_recorded_event,
    encode,
    unknown_type_message,
)
from tidings.contracts.event import Event, UnknownEvent
from tidings.domains import EVENTS, LEGACY
from tidings.domains.volunteers.events import TaskWatched

from tests.contracts.golden import describe_value, list_names, read_bytes, read_meaning, read_wire

CLOUD_EVENT = "cloudevent"
SHAPES: dict[str, type[Event]] = {
    shape.type: shape for shape in (*EVENTS, *(old.shape for old in LEGACY))
}
TYPES = [name for name in list_names() if name != CLOUD_EVENT]
FIELDS = [(type_, field) for type_ in TYPES for field in read_wire(type_)["data"]]


def encode_without(type_: str, field: str) -> bytes:
    """Encode a golden event without a field of its data."""
    event = read_wire(type_)
    del event["data"][field]
    return encode(event)


def encode_type(type_: str, data: dict[str, Any]) -> bytes:
    return encode({**read_wire(CLOUD_EVENT), "type": type_, "data": data})


def test_every_type_has_a_golden_event() -> None:
    registered = set(SHAPES)

    golden = set(TYPES)

    assert golden == registered
    assert len(SHAPES) == len(EVENTS) + len(LEGACY), "a wire type is used twice"


@pytest.mark.parametrize("type_", TYPES)
def test_a_golden_event_is_decoded_as_before(type_: str) -> None:
    cloud = decode_cloud_event(read_bytes(type_))

    event = decode_known_event(cloud)

    assert cloud.type == type_
    assert describe_value(event) == read_meaning(type_)


@pytest.mark.parametrize("shape", EVENTS, ids=lambda shape: shape.type)
def test_an_event_that_is_written_again_is_the_same_event(shape: type[Event]) -> None:
    event = decode_event(decode_cloud_event(read_bytes(shape.type)))

    again = msgspec.json.decode(encode(event), type=shape)

    assert again == event


@pytest.mark.parametrize(("type_", "field"), FIELDS)
def test_a_field_may_be_left_out_only_if_the_type_has_a_default_for_it(
    type_: str, field: str
) -> None:
    cloud = decode_cloud_event(encode_without(type_, field))
    required = field in {
        field.name for field in msgspec.structs.fields(SHAPES[type_]) if field.required
    }

    try:
        event = decode_event(cloud)
    except InvalidEvent as error:
        assert required
        assert (error.field, error.reason) == (
            f"data.{field}",
            f"Object missing required field `{field}`",
        )
    else:
        assert not required
        assert type(event) is type(decode_event(decode_cloud_event(read_bytes(type_))))


def test_all_attributes_of_an_event_are_read_and_an_unknown_one_is_no_error() -> None:
    body = read_bytes(CLOUD_EVENT)

    cloud = decode_cloud_event(body)

    assert describe_value(cloud) == read_meaning(CLOUD_EVENT)
    assert "partitionkey" in read_wire(CLOUD_EVENT)


def test_an_event_of_the_log_has_its_tenant_its_sequence_its_time_and_its_key() -> None:
    body = read_bytes(CLOUD_EVENT)

    event = decode_recorded_event(body, 42, 1_767_323_045_678_901_234)

    assert event.event == TaskWatched(task_id="456", user_id="u-9")
    assert (event.tenant, event.sequence, event.time_nanoseconds) == (
        "acme",
        42,
        1_767_323_045_678_901_234,
    )
    assert event.key == "acme//volunteers/task.watched-1"


def test_an_event_of_an_unknown_type_is_kept_unchanged() -> None:
    data = {"anything": [1, {"else": None}], "task_id": 7}
    body = encode_type("weather.changed", data)

    event = decode_recorded_event(body, 1, 1).event

    assert isinstance(event, UnknownEvent)
    assert event.type == "weather.changed"
    assert msgspec.json.decode(event.data) == data


def test_an_unknown_type_is_refused_with_the_nearest_known_ones_where_it_would_come_in() -> None:
    cloud = decode_cloud_event(encode_type("task.asigned", {}))

    with pytest.raises(InvalidEvent) as refused:
        decode_known_event(cloud)

    assert refused.value.field == "type"
    assert (
        refused.value.reason
        == "unknown type `task.asigned`; did you mean task.assigned, task.unassigned, task.watched?"
    )


def test_a_type_that_nothing_is_near_to_is_refused_with_all_known_ones() -> None:
    answer = unknown_type_message("qqq")

    assert answer == f"unknown type `qqq`; known ones: {', '.join(shape.type for shape in EVENTS)}"
    assert not any(old.shape.type in answer for old in LEGACY)


@pytest.mark.parametrize("old", LEGACY, ids=lambda old: old.shape.type)
def test_an_old_shape_reads_as_a_type_of_today(old: Any) -> None:
    cloud = decode_cloud_event(read_bytes(old.shape.type))

    event = decode_known_event(cloud)

    assert type(event) in EVENTS
    assert event == old.upcast(
        msgspec.json.decode(encode(read_wire(old.shape.type)["data"]), type=old.shape)
    )
