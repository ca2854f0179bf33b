"""Ids: lossless in subjects, with stable partitions and derived ids, without collisions."""

from __future__ import annotations

import re
from uuid import uuid5

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tidings.contracts.ids import (
    NOTIFICATION_NAMESPACE,
    NotificationIds,
    escape,
    event_key,
    partition_number,
    unescape,
)

TOKEN = re.compile(r"[A-Za-z0-9_-]*\Z")
TRICKY = st.text(alphabet="a/%_ .*>é2f5\x00-") | st.text()


@given(TRICKY)
@example("")
@example("_")
@example("_5f")
@example("inbox.*.>")
@example("Zoë 🦊\n")
def test_any_text_is_spelled_as_one_token_and_read_back(identifier: str) -> None:
    token = escape(identifier)

    assert TOKEN.match(token)
    assert unescape(token) == identifier


@given(TRICKY, TRICKY)
@example("a_b", "a5fb")
@example("é", "_c3_a9")
def test_two_ids_never_share_a_token(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@pytest.mark.parametrize(
    ("identifier", "token"),
    [
        ("u-7", "u-7"),
        ("User7", "User7"),
        ("a_b", "a_5fb"),
        ("a.b", "a_2eb"),
        ("zoe@example.org", "zoe_40example_2eorg"),
        ("Zoë", "Zo_c3_ab"),
    ],
)
def test_an_id_is_spelled_as_it_always_was(identifier: str, token: str) -> None:
    assert escape(identifier) == token


@pytest.mark.parametrize(
    ("key", "partitions", "number"),
    [
        ("123456789", 256, 0xCBF43926 % 256),
        ("acme", 16, 14),
        ("acme", 1, 0),
        ("acme/u-7", 16, 14),
        ("Zoë", 256, 42),
        ("", 16, 0),
    ],
)
def test_a_key_is_in_the_partition_it_always_was_in(key: str, partitions: int, number: int) -> None:
    assert partition_number(key, partitions) == number


@given(st.text(), st.integers(1, 256))
def test_every_key_is_in_one_of_the_partitions(key: str, partitions: int) -> None:
    assert 0 <= partition_number(key, partitions) < partitions


@given(st.text(), st.text(), st.lists(st.text()))
def test_the_id_of_a_notification_is_the_uuid_of_its_event_its_rule_and_its_recipient(
    event: str, rule: str, recipients: list[str]
) -> None:
    ids = NotificationIds(event, rule)

    results = [ids.id_for(recipient) for recipient in recipients]

    assert results == [
        str(uuid5(NOTIFICATION_NAMESPACE, f"{event} {rule} {recipient}"))
        for recipient in recipients
    ]


def test_the_id_of_a_notification_is_what_it_always_was() -> None:
    ids = NotificationIds("acme//volunteers/1", "task_assigned_to_you")

    assert ids.id_for("u-7") == "67b78cb9-618e-51d3-b236-e905c203e58a"


@given(st.tuples(TRICKY, TRICKY, TRICKY), st.tuples(TRICKY, TRICKY, TRICKY))
@example(("t", "a/b", "c"), ("t", "a", "b/c"))
@example(("t", "a%2Fb", "c"), ("t", "a/b", "c"))
@example(("t/a", "b", "c"), ("t", "a/b", "c"))
@example(("t", "a", "b%2Fc"), ("t", "a", "b/c"))
@example(("t", "", "/"), ("t", "/", ""))
def test_two_events_never_share_a_key(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (event_key(*one) == event_key(*other)) == (one == other)


@given(TRICKY, TRICKY, TRICKY)
def test_an_event_key_is_one_word_that_a_header_can_hold(
    tenant: str, source: str, identifier: str
) -> None:
    key = event_key(tenant, source, identifier)

    assert key.isascii() and key.isprintable() and " " not in key
