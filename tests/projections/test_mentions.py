"""The users and objects that events of registered and unknown types mention."""

from __future__ import annotations

from typing import Any

import pytest
from tidings.contracts.codec import decode_recorded_event, encode
from tidings.domains import EVENTS
from tidings.projections.activity.mentions import mentions


def list_mentions(type_: str, data: Any, **attributes: Any) -> list[str]:
    body = {
        "specversion": "1.0",
        "id": "1",
        "source": "/tests",
        "type": type_,
        "tenant": "acme",
        "data": data,
        **attributes,
    }
    return mentions(decode_recorded_event(encode(body), 1, 1))


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        (
            "task.assigned",
            {"task_id": "1", "task_title": "-", "user_id": "u", "assigned_by": "v"},
            ["task:1", "user:u", "user:v"],
        ),
        (
            "technician.notified",
            {"technician_id": "u", "message": "-", "work_order_id": "5"},
            ["user:u", "work_order:5"],
        ),
        (
            "incident.created",
            {"incident_id": "1", "number": 7, "title": "-", "responders": ["u", "v"]},
            ["incident:1", "user:u", "user:v"],
        ),
        (
            "sync.conflict_resolved",
            {"conflict_id": "3", "user_id": "u", "entity_type": "task", "entity_id": "1"},
            ["conflict:3", "user:u", "task:1"],
        ),
        (
            "volunteer.hours_approved",
            {"timelog_id": "9", "user_id": "u", "minutes": 1, "project_id": "2"},
            ["timelog:9", "user:u", "project:2"],
        ),
        (
            "task.deleted",
            {"task_id": "1", "project_id": "2", "bed_id": 3, "x_id": "\0", "_id": "4"},
            ["task:1", "project:2"],
        ),
        (
            "unheard.of",
            {"well_id": "1", "dug_by": "u", "depth": {"user_id": "v"}},
            ["well:1", "user:u"],
        ),
        ("unheard.of", [1, 2], []),
        ("announcement.published", {"title": "-", "message": "-", "to": {"everyone": True}}, []),
    ],
    ids=repr,
)
def test_mentions_follow_the_names_of_fields(type_: str, data: Any, expected: list[str]) -> None:
    assert list_mentions(type_, data) == expected
    assert list_mentions(type_, data, actor="dina") == [*expected, "user:dina"]


def test_every_type_of_event_mentions_a_user_or_an_object() -> None:
    silent = {
        shape.type
        for shape in EVENTS
        if not any(_names(field) for field in shape.__struct_fields__)
    }

    assert silent == {"notification.requested", "tenant.configured"}


def _names(field: str) -> bool:
    return bool(list_mentions("unheard.of", {field: "1", "entity_type": "task"}))
