"""Retries: the waits of the table, the same each time that they are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.channels.results import scrub_reply
from tidings.channels.retry import SCHEDULES, demanded_attempt, next_attempt
from tidings.channels.retry_after import parse_retry_after
from tidings.contracts.channels import Channel

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
CHANNELS: list[Channel] = [*SCHEDULES]


@given(st.sampled_from(CHANNELS), st.uuids().map(str), st.integers(1, 12))
def test_a_wait_is_within_a_fifth_of_the_table_and_reproducible(
    channel: Channel, delivery: str, attempts: int
) -> None:
    moment = next_attempt(channel, delivery, attempts, first=NOW, now=NOW)
    delays, limit = SCHEDULES[channel]

    if attempts > len(delays) and limit is None:
        assert moment is None
        return
    delay = delays[min(attempts, len(delays)) - 1]
    assert moment is not None
    assert 0.8 * delay <= (moment - NOW).total_seconds() <= 1.2 * delay
    assert moment == next_attempt(channel, delivery, attempts, first=NOW, now=NOW)


def test_deliveries_that_failed_together_do_not_come_back_together() -> None:
    moments = {next_attempt("email", str(each), 1, first=NOW, now=NOW) for each in range(100)}

    assert len(moments) > 90


@pytest.mark.parametrize(
    ("channel", "hours"), [("email", 24), ("chat", 24), ("webpush", 4), ("apns", 4), ("fcm", 4)]
)
def test_it_is_given_up_after_its_time(channel: Channel, hours: int) -> None:
    late = NOW + timedelta(hours=hours) - timedelta(seconds=1)

    assert next_attempt(channel, "d", 50, first=NOW, now=late) is None


def test_webhooks_are_tried_ten_times_over_three_days() -> None:
    waits = [
        next_attempt("webhook", "d", attempts, first=NOW, now=NOW) for attempts in range(1, 11)
    ]

    assert waits[-1] is None and all(waits[:-1])


def test_nothing_is_tried_once_it_has_expired() -> None:
    expires = NOW + timedelta(seconds=3)

    assert next_attempt("email", "d", 1, first=NOW, now=NOW, expires=expires) is None


@given(st.floats(0, 1e12), st.integers(1, 9))
def test_a_demanded_wait_is_never_cut_short_and_a_day_at_most(seconds: float, tries: int) -> None:
    wait = (demanded_attempt("d", tries, after_seconds=seconds, now=NOW) - NOW).total_seconds()

    assert min(seconds, 86_400) - 1e-5 <= wait <= 1.2 * 86_400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("1000000000", 86_400),
        ("9" * 400, 86_400),
        ("Tue, 01 Dec 2026 10:01:00 GMT", 60),
        ("Tuesday, 01-Dec-26 10:01:00 GMT", 60),
        ("Tue Dec  1 10:01:00 2026", 60),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400),
        *((wrong, None) for wrong in ("Tue, 01 Dec 2026 09:00:00 GMT", "-1", "1e9", "", "soon")),
        *((wrong, None) for wrong in ("٣", "12.5", "Wed, 99 Foo 2026 99:99:99 GMT", None)),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=400))
def test_a_reply_is_one_short_line_without_addresses(text: str) -> None:
    reply = scrub_reply(f"{text} <alice@example.org>: alice {text}", "alice@example.org")

    assert len(reply) <= 300 and reply.isprintable() | ("\n" not in reply)
    assert "alice@example.org" not in reply
