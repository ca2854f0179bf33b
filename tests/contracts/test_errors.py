"""What is wrong with an event: the field is named, the reason a sentence that a person can read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.codec import InvalidEvent, decode, encode, event_of, recorded
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
NO_ADDRESSEES = "An announcement needs `users`, `relation` or `everyone: true`"
DEEP = b"[" * 20_000 + b"]" * 20_000


def body(**changed: Any) -> bytes:
    """A good event but for these attributes."""
    return encode(
        {
            name: value
            for name, value in {**EVENT, "data": DATA, **changed}.items()
            if value is not ABSENT
        }
    )


def data(**changed: Any) -> bytes:
    return body(
        data={name: value for name, value in {**DATA, **changed}.items() if value is not ABSENT}
    )


def announcement(**changed: Any) -> bytes:
    return body(type="announcement.published", data={**ANNOUNCEMENT, **changed})


BAD: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "", "Input data was truncated"),
    "half an object": (body()[:-1], "", "Input data was truncated"),
    "no JSON": (b"{'id': 1}", "", "JSON is malformed: object keys must be strings (byte 1)"),
    "a list": (b"[]", "", "Expected `object`, got `array`"),
    "more behind it": (
        body() + b"x",
        "",
        f"JSON is malformed: trailing characters (byte {len(body()) + 1})",
    ),
    "deep nesting": (body(data="here").replace(b'"here"', DEEP), "", "is nested too deeply"),
    "no id": (body(id=ABSENT), "id", "Object missing required field `id`"),
    "a number for an id": (body(id=1), "id", "Expected `str`, got `int`"),
    "an empty id": (body(id=""), "id", "Expected `str` of length >= 1"),
    "a long id": (
        body(id="x" * (ID_LIMIT_CHARACTERS + 1)),
        "id",
        "Expected `str` of length <= 128",
    ),
    "NUL in an id": (body(id="a\0b"), "id", NO_CONTROL),
    "a line break in an id": (body(id="a\nb"), "id", NO_CONTROL),
    "a line break after an id": (body(id="a\n"), "id", NO_CONTROL),
    "a blank before an id": (body(id=" a"), "id", NO_CONTROL),
    "a blank after an id": (body(id="a "), "id", NO_CONTROL),
    "a blank for a tenant": (body(tenant=" "), "tenant", NO_CONTROL),
    "NUL in an actor": (body(actor="\0"), "actor", NO_CONTROL),
    "blanks in a source": (body(source="/a b"), "source", A_SOURCE),
    "no source": (body(source=ABSENT), "source", "Object missing required field `source`"),
    "capitals in a type": (body(type="Task.Assigned"), "type", A_TYPE),
    "a dot at the end of a type": (body(type="task."), "type", A_TYPE),
    "a wildcard for a type": (body(type="task.*"), "type", A_TYPE),
    "a long type": (body(type="x" * 97), "type", "Expected `str` of length <= 96"),
    "another CloudEvents": (body(specversion="0.3"), "specversion", "Invalid enum value '0.3'"),
    "no CloudEvent": (
        body(specversion=ABSENT),
        "specversion",
        "Object missing required field `specversion`",
    ),
    "a moment without a zone": (
        body(time="2026-01-02T03:04:05"),
        "time",
        "Expected `datetime` with a timezone component",
    ),
    "no moment": (body(time="yesterday"), "time", "Invalid RFC3339 encoded datetime"),
    "data that is no JSON": (
        body(datacontenttype="text/xml"),
        "datacontenttype",
        "Invalid enum value 'text/xml'",
    ),
    "no data": (body(data=ABSENT), "data.task_id", "Object missing required field `task_id`"),
    "data that is no object": (body(data=[1]), "data", "Expected `object`, got `array`"),
    "a field missing": (
        data(user_id=ABSENT),
        "data.user_id",
        "Object missing required field `user_id`",
    ),
    "a field of another type": (data(user_id=7), "data.user_id", "Expected `str`, got `int`"),
    "null for a field": (data(user_id=None), "data.user_id", "Expected `str`, got `null`"),
    "NUL in a field": (data(task_id="4\0"), "data.task_id", NO_CONTROL),
    "a blank at the end of a field": (data(task_id="456 "), "data.task_id", NO_CONTROL),
    "nobody to announce to": (announcement(to={}), "data.to", NO_ADDRESSEES),
    "a bad user among many": (
        announcement(to={"users": ["u-7", "u\t8"]}),
        "data.to.users[1]",
        NO_CONTROL,
    ),
    "no relation": (announcement(to={"relation": "everybody"}), "data.to.relation", A_RELATION),
    "an unknown priority": (
        announcement(priority="urgent"),
        "data.priority",
        "Invalid enum value 'urgent'",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_wrong_with_an_event_is_said_by_field_and_in_words(bad: str) -> None:
    given_body, field, reason = BAD[bad]

    with pytest.raises(InvalidEvent) as refused:
        event_of(decode(given_body))

    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert str(refused.value) == (f"{field}: {reason}" if field else reason)


def test_what_all_of_these_are_measured_against_is_a_good_event() -> None:
    for good in (
        body(),
        data(more="\0"),
        body(id="x" * ID_LIMIT_CHARACTERS),
        body(id="a b"),
        announcement(),
    ):
        assert event_of(decode(good))


def test_an_event_of_the_log_without_a_tenant_is_nobodys() -> None:
    orphan = body(tenant=ABSENT)

    with pytest.raises(InvalidEvent, match="tenant: missing"):
        recorded(orphan, 1, 1)


def test_an_event_of_the_log_is_text_even_where_nobody_looks_into_it() -> None:
    noise = data(more="here").replace(b"here", b"\xff")

    with pytest.raises(InvalidEvent, match="not UTF-8"):
        recorded(noise, 1, 1)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(st.none() | st.text(), st.lists).map(encode)
)
def test_whatever_lies_in_the_log_is_an_event_or_named_as_none(noise: bytes) -> None:
    with pytest.raises(InvalidEvent):
        recorded(noise, 1, 1)


@given(
    st.sampled_from([*EVENT, "subject", "time", "actor", "data"]),
    st.none() | st.text() | st.integers() | st.lists(st.text()),
)
def test_no_reason_shows_a_pattern(field: str, value: Any) -> None:
    try:
        event_of(decode(body(**{field: value})))
    except InvalidEvent as error:
        assert error.field.split(".")[0] in (field, "data")
        assert "regex" not in error.reason and "\\x" not in error.reason.replace(repr(value), "")
