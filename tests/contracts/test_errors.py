"""The errors of an invalid event name the field, with a reason that a person can read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.codec import (
    InvalidEvent,
    decode_cloud_event,
    decode_event,
    decode_recorded_event,
    encode,
)
from tidings.contracts.ids import ID_LIMIT_CHARACTERS

ABSENT = object()
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/tests",
    "type": "task.watched",
    "tenant": "acme",
}
DATA = {"task_id": "456", "user_id": "u-7"}
ANNOUNCEMENT = {"title": "Hello", "message": "there", "to": {"everyone": True}}

NO_CONTROL = "must be text without control characters and without blanks at its ends"
A_TYPE = "must be words of a-z, 0-9 and _ joined by dots, such as task.assigned"
A_SOURCE = "must be text without control characters and without blanks"
A_RELATION = "must be a relation, such as project:789#member or tenant#office"
NO_ADDRESSEES = "The recipients need `users`, `relation` or `everyone: true`"
DEEP = b"[" * 20_000 + b"]" * 20_000


def encode_event_with(**changed: Any) -> bytes:
    """Encode an event that is valid except for these attributes."""
    return encode(
        {
            name: value
            for name, value in {**EVENT, "data": DATA, **changed}.items()
            if value is not ABSENT
        }
    )


def encode_data_with(**changed: Any) -> bytes:
    return encode_event_with(
        data={name: value for name, value in {**DATA, **changed}.items() if value is not ABSENT}
    )


def encode_announcement_with(**changed: Any) -> bytes:
    return encode_event_with(type="announcement.published", data={**ANNOUNCEMENT, **changed})


BAD: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "", "Input data was truncated"),
    "half an object": (encode_event_with()[:-1], "", "Input data was truncated"),
    "no JSON": (b"{'id': 1}", "", "JSON is malformed: object keys must be strings (byte 1)"),
    "a list": (b"[]", "", "Expected `object`, got `array`"),
    "more behind it": (
        encode_event_with() + b"x",
        "",
        f"JSON is malformed: trailing characters (byte {len(encode_event_with()) + 1})",
    ),
    "deep nesting": (
        encode_event_with(data="here").replace(b'"here"', DEEP),
        "",
        "is nested too deeply",
    ),
    "no id": (encode_event_with(id=ABSENT), "id", "Object missing required field `id`"),
    "a number for an id": (encode_event_with(id=1), "id", "Expected `str`, got `int`"),
    "an empty id": (encode_event_with(id=""), "id", "Expected `str` of length >= 1"),
    "a long id": (
        encode_event_with(id="x" * (ID_LIMIT_CHARACTERS + 1)),
        "id",
        "Expected `str` of length <= 128",
    ),
    "NUL in an id": (encode_event_with(id="a\0b"), "id", NO_CONTROL),
    "a line break in an id": (encode_event_with(id="a\nb"), "id", NO_CONTROL),
    "a line break after an id": (encode_event_with(id="a\n"), "id", NO_CONTROL),
    "a blank before an id": (encode_event_with(id=" a"), "id", NO_CONTROL),
    "a blank after an id": (encode_event_with(id="a "), "id", NO_CONTROL),
    "a blank for a tenant": (encode_event_with(tenant=" "), "tenant", NO_CONTROL),
    "NUL in an actor": (encode_event_with(actor="\0"), "actor", NO_CONTROL),
    "blanks in a source": (encode_event_with(source="/a b"), "source", A_SOURCE),
    "no source": (
        encode_event_with(source=ABSENT),
        "source",
        "Object missing required field `source`",
    ),
    "capitals in a type": (encode_event_with(type="Task.Assigned"), "type", A_TYPE),
    "a dot at the end of a type": (encode_event_with(type="task."), "type", A_TYPE),
    "a wildcard for a type": (encode_event_with(type="task.*"), "type", A_TYPE),
    "a long type": (encode_event_with(type="x" * 97), "type", "Expected `str` of length <= 96"),
    "another CloudEvents": (
        encode_event_with(specversion="0.3"),
        "specversion",
        "Invalid enum value '0.3'",
    ),
    "no CloudEvent": (
        encode_event_with(specversion=ABSENT),
        "specversion",
        "Object missing required field `specversion`",
    ),
    "a moment without a zone": (
        encode_event_with(time="2026-01-02T03:04:05"),
        "time",
        "Expected `datetime` with a timezone component",
    ),
    "no moment": (encode_event_with(time="yesterday"), "time", "Invalid RFC3339 encoded datetime"),
    "data that is no JSON": (
        encode_event_with(datacontenttype="text/xml"),
        "datacontenttype",
        "must be a media type of JSON, such as application/json: the data of an event is JSON",
    ),
    "no data": (
        encode_event_with(data=ABSENT),
        "data.task_id",
        "Object missing required field `task_id`",
    ),
    "data that is no object": (
        encode_event_with(data=[1]),
        "data",
        "Expected `object`, got `array`",
    ),
    "a field missing": (
        encode_data_with(user_id=ABSENT),
        "data.user_id",
        "Object missing required field `user_id`",
    ),
    "a field of another type": (
        encode_announcement_with(title=7),
        "data.title",
        "Expected `str`, got `int`",
    ),
    "a fraction for an id": (
        encode_data_with(user_id=7.5),
        "data.user_id",
        "must be text or an integer, not `7.5`",
    ),
    "null for a field": (
        encode_data_with(user_id=None),
        "data.user_id",
        "Expected `str`, got `null`",
    ),
    "NUL in a field": (encode_data_with(task_id="4\0"), "data.task_id", NO_CONTROL),
    "a blank at the end of a field": (encode_data_with(task_id="456 "), "data.task_id", NO_CONTROL),
    "nobody to announce to": (encode_announcement_with(to={}), "data.to", NO_ADDRESSEES),
    "a bad user among many": (
        encode_announcement_with(to={"users": ["u-7", "u\t8"]}),
        "data.to.users[1]",
        NO_CONTROL,
    ),
    "no relation": (
        encode_announcement_with(to={"relation": "everybody"}),
        "data.to.relation",
        A_RELATION,
    ),
    "an unknown priority": (
        encode_announcement_with(priority="urgent"),
        "data.priority",
        "Invalid enum value 'urgent'",
    ),
}


@pytest.mark.parametrize("group", ["", "room:9\0", "g" * 321])
def test_the_group_of_a_read_notification_is_bounded(group: str) -> None:
    data = {
        "notification_id": "00000000-0000-4000-8000-000000000001",
        "user_id": "alice",
        "title": "Hello",
        "group": group,
    }
    event = {"specversion": "1.0", "id": "1", "source": "/tidings", "type": "notification.read"}

    with pytest.raises(InvalidEvent, match=r"data\.group"):
        decode_event(decode_cloud_event(encode({**event, "data": data})))


@pytest.mark.parametrize("bad", BAD)
def test_an_invalid_event_is_refused_with_its_field_and_a_readable_reason(bad: str) -> None:
    given_body, field, reason = BAD[bad]

    with pytest.raises(InvalidEvent) as refused:
        decode_event(decode_cloud_event(given_body))

    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert str(refused.value) == (f"{field}: {reason}" if field else reason)


def test_the_unchanged_event_of_these_tests_is_valid() -> None:
    for good in (
        encode_event_with(),
        encode_data_with(more="\0"),
        encode_event_with(id="x" * ID_LIMIT_CHARACTERS),
        encode_event_with(id="a b"),
        encode_announcement_with(),
    ):
        assert decode_event(decode_cloud_event(good))


def test_an_event_of_the_log_without_a_tenant_is_invalid() -> None:
    orphan = encode_event_with(tenant=ABSENT)

    with pytest.raises(InvalidEvent, match="tenant: missing"):
        decode_recorded_event(orphan, 1, 1)


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ("events.0.rival.task.456.watched", "tenant"),
        ("events.0.acme.task.watched", "tenant"),
        ("events.0.acme.project.456.watched", "type"),
        ("events.0.acme.task.456.unwatched", "type"),
    ],
)
def test_an_event_of_the_log_under_the_subject_of_another_tenant_or_type_is_invalid(
    subject: str, field: str
) -> None:
    body = encode_event_with()

    with pytest.raises(InvalidEvent, match=f"is not the one of the subject {subject}") as refused:
        decode_recorded_event(body, 1, 1, subject)

    assert refused.value.field == field
    assert decode_recorded_event(body, 1, 1, "events.0.acme.task.456.watched")


def test_an_event_of_the_log_is_utf_8_even_in_parts_that_are_not_decoded() -> None:
    noise = encode_data_with(more="here").replace(b"here", b"\xff")

    with pytest.raises(InvalidEvent, match="not UTF-8"):
        decode_recorded_event(noise, 1, 1)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(st.none() | st.text(), st.lists).map(encode)
)
def test_any_bytes_in_the_log_are_an_event_or_invalid(noise: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode_recorded_event(noise, 1, 1)


@given(
    st.sampled_from([*EVENT, "subject", "time", "actor", "data"]),
    st.none() | st.text() | st.integers() | st.lists(st.text()),
)
def test_no_reason_shows_a_pattern(field: str, value: Any) -> None:
    try:
        decode_event(decode_cloud_event(encode_event_with(**{field: value})))
    except InvalidEvent as error:
        assert error.field.split(".")[0] in (field, "data")
        assert "regex" not in error.reason and "\\x" not in error.reason.replace(repr(value), "")
