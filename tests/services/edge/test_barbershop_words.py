"""The barbershop's words: every notification has documented ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs
from tidings.contracts.codec import encode
from tidings.contracts.notifications import Entity, Notification, Priority
from tidings.edge.dialects.products.barbershop import words

KINDS = {"appointment", "performance_alert", "training", "achievement", "system"}
LIST_KINDS = KINDS | {"team_update", "revenue", "client"}
FRAME_FIELDS = {"id", "type", "priority", "title", "message", "data"}


def notification_of(type_: str, data: Any, priority: Priority = "normal") -> Notification:
    """Return a notification of a type with data."""
    return Notification(
        id="00000000-0000-0000-0000-000000000001",
        type=type_,
        category="-",
        priority=priority,
        title="title",
        message="message",
        data=Raw(encode(data)),
        tenant="shop",
        user="ann",
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
NAMES = st.sampled_from([*words.FIELDS["appointment"], "action_url", "update_type", "amount"])


@given(
    st.sampled_from([*words.WORDS, *words.FREE_WORDS, "task.assigned"]) | st.text(max_size=8),
    st.dictionaries(NAMES, JSON) | JSON,
    st.sampled_from(get_args(Priority)),
)
def test_any_notification_has_documented_words(type_: str, data: Any, priority: Priority) -> None:
    notification = notification_of(type_, data, priority)
    item, frame = words.list_item(notification), words.frame_data(notification)

    assert words.frame_kind(notification) in KINDS and item["type"] in LIST_KINDS
    assert item["priority"] == frame["priority"] and frame["priority"] in {
        "low",
        "medium",
        "high",
        "urgent",
    }
    assert frame.keys() >= FRAME_FIELDS and isinstance(frame["data"], dict)
    assert words.update_data(notification)["message"] and isinstance(
        words.update_type(notification), str
    )


@pytest.mark.parametrize(
    ("priority", "word"),
    [("low", "low"), ("normal", "medium"), ("high", "high"), ("critical", "urgent")],
)
def test_priorities_are_the_products(priority: Priority, word: str) -> None:
    assert words.list_item(notification_of("-", {}, priority))["priority"] == word


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({"value": 5}, {"amount": 5, "celebration": True}),
        ({"value": 5, "amount": 0}, {"amount": 0, "celebration": True}),
        ({}, {"celebration": True}),
    ],
)
def test_an_achievement_is_celebrated_with_its_amount(
    data: dict[str, Any], fields: dict[str, Any]
) -> None:
    frame = words.frame_data(notification_of("achievement.revenue_milestone", data))
    assert {name: value for name, value in frame.items() if name not in FRAME_FIELDS} == fields


def test_the_page_of_the_author_goes_before_that_of_the_entity() -> None:
    entity = Entity(type="client", id="7", url="/entity")
    plain, authored = (
        structs.replace(notification_of("client", data), entity=entity)
        for data in ({}, {"action_url": "/author"})
    )

    assert words.action_url_of(notification_of("client", {})) is None
    assert words.action_url_of(plain) == "/entity"
    assert words.action_url_of(authored) == "/author"
