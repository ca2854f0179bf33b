"""Priorities: the meaning of the products' words."""

from __future__ import annotations

import msgspec
import pytest
from tidings.domains.field_service.events import TechnicianNotified
from tidings.domains.incidents.events import IncidentEscalated

from tests.services.notifier.facts import audience_of
from tests.services.notifier.test_rules import notifications_of


@pytest.mark.parametrize(
    ("word", "priority"),
    [
        ("low", "low"),
        ("normal", "normal"),
        ("high", "high"),
        ("urgent", "critical"),
        ("Urgent", "critical"),
        ("when you pass by", "normal"),
        ("", "normal"),
    ],
)
def test_the_priority_of_a_message_to_a_technician_is_a_free_word(word: str, priority: str) -> None:
    event = TechnicianNotified(technician_id="technician", message="-", priority=word)

    (notification,) = notifications_of(event, audience_of())

    assert notification.priority == priority
    assert msgspec.json.decode(notification.data)["priority"] == word


@pytest.mark.parametrize(
    ("severity", "priority"),
    [("critical", "critical"), ("high", "high"), ("medium", "normal"), ("sev-4", "normal")],
)
def test_the_severity_of_an_incident_is_its_priority(severity: str, priority: str) -> None:
    event = IncidentEscalated(incident_id="3", number=1, severity=severity)

    assert {each.priority for each in notifications_of(event, audience_of())} == {priority}
