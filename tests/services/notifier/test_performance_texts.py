"""Texts of metrics: the side of the threshold and the trend, in every locale."""

from __future__ import annotations

import pytest
from tidings.contracts.event import Event
from tidings.contracts.rules import AuthoredText
from tidings.domains import RULES
from tidings.domains.barbershop.events import (
    PerformanceGoalAchieved,
    PerformanceThresholdExceeded,
    PerformanceTrendChanged,
)
from tidings.notifier.partition.routing import notifications_in, react
from tidings.notifier.rendering.texts import Wording

from tests.services.notifier.facts import TEXTS, recorded_event


def render(event: Event, locale: str) -> tuple[str, str]:
    """Return title and message of the only notification of an event."""
    (tell,) = notifications_in(react(recorded_event(event), RULES))
    assert not isinstance(tell.values, AuthoredText)
    return TEXTS.title_and_message(Wording(tell.rule, tell.wording), tell.values, locale)


@pytest.mark.parametrize(
    ("threshold", "trend", "english", "german"),
    [
        (
            90.0,
            "decreasing",
            (
                "Below threshold",
                "Your booking_rate is 85.5, below the threshold of 90 (decreasing)",
            ),
            (
                "Schwelle unterschritten",
                "booking_rate liegt bei 85,5, unter der Schwelle von 90 (fallend)",
            ),
        ),
        (
            80.0,
            "increasing",
            (
                "Threshold exceeded",
                "Your booking_rate is 85.5, above the threshold of 80 (increasing)",
            ),
            (
                "Schwelle überschritten",
                "booking_rate liegt bei 85,5, über der Schwelle von 80 (steigend)",
            ),
        ),
        (
            85.5,
            "stable",
            ("Threshold reached", "Your booking_rate is 85.5, at the threshold of 85.5 (stable)"),
            (
                "Schwelle erreicht",
                "booking_rate liegt bei 85,5, genau auf der Schwelle von 85,5 (gleichbleibend)",
            ),
        ),
        (
            0.0,
            None,
            ("Threshold exceeded", "Your booking_rate is 85.5, above the threshold of 0"),
            ("Schwelle überschritten", "booking_rate liegt bei 85,5, über der Schwelle von 0"),
        ),
        (
            None,
            None,
            ("Threshold crossed", "Your booking_rate is 85.5"),
            ("Schwelle überschritten oder unterschritten", "booking_rate liegt bei 85,5"),
        ),
        (
            None,
            "wobbly",
            ("Threshold crossed", "Your booking_rate is 85.5 (wobbly)"),
            (
                "Schwelle überschritten oder unterschritten",
                "booking_rate liegt bei 85,5 (wobbly)",
            ),
        ),
    ],
)
def test_the_text_of_a_crossed_threshold_has_its_side_and_trend(
    threshold: float | None, trend: str | None, english: tuple[str, str], german: tuple[str, str]
) -> None:
    event = PerformanceThresholdExceeded(
        user_id="barber",
        metric_type="booking_rate",
        current_value=85.5,
        threshold=threshold,
        trend=trend,
    )

    assert render(event, "en") == english
    assert render(event, "de") == german


@pytest.mark.parametrize(
    ("trend", "goal", "change"),
    [
        (
            "decreasing",
            "Du hast dein Ziel erreicht: revenue liegt bei 5 (fallend)",
            "Der Trend von revenue ist jetzt: fallend (5)",
        ),
        (
            None,
            "Du hast dein Ziel erreicht: revenue liegt bei 5",
            "Der Trend von revenue hat sich geändert, der Wert ist jetzt 5",
        ),
    ],
)
def test_the_trend_is_a_word_of_the_locale_where_it_is_known(
    trend: str | None, goal: str, change: str
) -> None:
    fields = {"user_id": "u", "metric_type": "revenue", "current_value": 5, "trend": trend}

    assert render(PerformanceGoalAchieved(**fields), "de")[1] == goal
    assert render(PerformanceTrendChanged(**fields), "de")[1] == change
