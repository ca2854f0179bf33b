"""Times in texts: read from ISO text, written in the reader's locale and time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.contracts.codec import decode_entry
from tidings.contracts.notifications import Notification
from tidings.contracts.rules import AuthoredText, Rule, Tell
from tidings.contracts.subjects import Subjects
from tidings.contracts.times import parse_time
from tidings.domains import RULES
from tidings.domains.barbershop.events import (
    AppointmentReminder,
    TeamAnnouncement,
    TrainingCertificationExpiring,
)
from tidings.domains.people.events import UserJoined
from tidings.notifier.audience.audience import PreferenceInterval
from tidings.notifier.partition.routing import messages, notifications_in, react
from tidings.notifier.rendering.texts import Wording
from tidings.runtime.texts.times import find_zone, format_moment, has_times

from tests.services.notifier.facts import TENANT, TEXTS, audience_of, no_topics, recorded_event
from tests.services.notifier.partition import OwnPartition

AT_TEN = datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2026-12-01T10:00:00Z", AT_TEN),
        ("2026-12-01T11:00+01:00", AT_TEN),
        ("2026-12-01T11:00:00.5+0100", AT_TEN + timedelta(milliseconds=500)),
        ("2026-12-01 10:00:00", datetime(2026, 12, 1, 10)),
        ("2026-12-01", date(2026, 12, 1)),
        *[
            (text, text)
            for text in (
                "",
                "15:00",
                "half past ten",
                "2026",
                "20261201",
                "2026-W49-2",
                "2026-02-30",
                "2026-12-01T25:00:00Z",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-14:00",
                "2026-12-01T10:00:00Z or so",
            )
        ],
    ],
)
def test_only_iso_text_is_a_time(text: str, meaning: date | str) -> None:
    assert parse_time(text) == meaning


@pytest.mark.parametrize(
    ("moment", "locale", "zone", "text"),
    [
        (AT_TEN, "en", "UTC", "December 1, 2026, 10:00 AM"),
        (AT_TEN, "en", "America/New_York", "December 1, 2026, 5:00 AM"),
        (AT_TEN, "de", "Europe/Berlin", "1. Dezember 2026 um 11:00 Uhr"),
        (AT_TEN, "en", "Pacific/Kiritimati", "December 2, 2026, 12:00 AM"),
        (AT_TEN, "en", "", "December 1, 2026, 10:00 AM UTC"),
        (AT_TEN, "de", "Mars/Phobos", "1. Dezember 2026 um 10:00 Uhr UTC"),
        (
            AT_TEN.astimezone(timezone(timedelta(hours=5))),
            *("de", "", "1. Dezember 2026 um 10:00 Uhr UTC"),
        ),
        (AT_TEN.replace(tzinfo=None), "en", "Europe/Berlin", "December 1, 2026, 10:00 AM"),
        (AT_TEN.date(), "en", "Pacific/Kiritimati", "December 1, 2026"),
        (AT_TEN.date(), "de", "", "1. Dezember 2026"),
    ],
)
def test_a_time_is_written_in_the_locale_and_the_zone(
    moment: date, locale: str, zone: str, text: str
) -> None:
    assert format_moment(moment, locale, zone) == text


@pytest.mark.parametrize("name", ["", "Europe", "../etc/passwd", "/etc/passwd", "a\0b", "x" * 300])
def test_a_name_of_no_zone_has_no_zone(name: str) -> None:
    assert find_zone(name) is None


@given(
    st.datetimes(timezones=st.timezones() | st.none()) | st.dates(),
    st.sampled_from(["de", "en"]),
    st.sampled_from(["", "Pacific/Kiritimati", "Etc/GMT+12", "America/Sao_Paulo"]),
)
def test_every_time_that_is_read_can_be_written(moment: date, locale: str, zone: str) -> None:
    read = parse_time(moment.isoformat())

    assert isinstance(read, str) or format_moment(read, locale, zone)


async def test_each_user_reads_a_time_in_the_zone_they_had_at_the_event(
    partition: OwnPartition,
) -> None:
    await partition.prepared_partition()
    await partition.append_event(UserJoined(user_id="bea", timezone="Europe/Berlin", locale="de"))
    await partition.append_event(UserJoined(user_id="kofi", timezone="Mars/Phobos"))
    for user in ("bea", "kofi"):
        await partition.append_event(
            AppointmentReminder(
                appointment_id="1",
                user_id=user,
                client_name="Noor",
                service="Trim",
                time="2026-12-01T10:00:00Z",
            )
        )
    await partition.append_event(UserJoined(user_id="bea", timezone="Asia/Tokyo"))

    await partition.route_all()

    notifications = await partition.notifications()
    assert [notification.message for notification in notifications] == [
        "Noor kommt für Trim: 1. Dezember 2026 um 11:00 Uhr",
        "Noor comes for Trim: December 1, 2026, 10:00 AM UTC",
    ]
    assert b'"time":"2026-12-01T10:00:00Z"' in bytes(notifications[0].data)


@pytest.mark.parametrize(
    ("expires_at", "english", "german"),
    [
        (
            "2026-12-01T10:00:00Z",
            "Your certification Fades expires on December 1, 2026, 11:00 AM",
            "Dein Zertifikat Fades läuft am 1. Dezember 2026 um 11:00 Uhr ab",
        ),
        (
            "2026-12-01",
            "Your certification Fades expires on December 1, 2026",
            "Dein Zertifikat Fades läuft am 1. Dezember 2026 ab",
        ),
        (
            "in 30 days",
            "Your certification Fades expires: in 30 days",
            "Dein Zertifikat Fades läuft ab: in 30 days",
        ),
        (
            None,
            "Your certification Fades expires soon",
            "Dein Zertifikat Fades läuft bald ab",
        ),
    ],
)
def test_a_certification_expires_on_a_date_or_as_its_text_says(
    expires_at: str | None, english: str, german: str
) -> None:
    event = TrainingCertificationExpiring(user_id="u", title="Fades", expires_at=expires_at)
    (tell,) = notifications_in(react(recorded_event(event), RULES))
    assert not isinstance(tell.values, AuthoredText)
    wording = Wording(tell.rule, tell.wording)

    found = [
        TEXTS.title_and_message(wording, tell.values, locale, "Europe/Berlin")[1]
        for locale in ("en", "de")
    ]

    assert found == [english, german]


def test_users_of_one_locale_read_a_time_in_their_own_zones() -> None:
    event = TeamAnnouncement(location_id="5", message="-")
    timed = Rule(
        "appointment_reminder",
        TeamAnnouncement,
        lambda recorded: iter(
            [
                Tell(
                    to=("ann", "ben", "cas"),
                    values={"client": "Noor", "service": "Trim", "time": AT_TEN, "message": ""},
                    category="-",
                )
            ]
        ),
    )
    zones = {"ann": "Europe/Berlin", "ben": "Europe/Berlin", "cas": "Asia/Tokyo"}
    audience = audience_of()._replace(
        timezones={
            (TENANT, user): [PreferenceInterval(zone, 1, None)] for user, zone in zones.items()
        }
    )
    recorded = recorded_event(event)

    drafts = messages(
        recorded, react(recorded, [timed]), audience, no_topics(), Subjects(16), TEXTS
    )

    assert [decode_message(draft.data) for draft in drafts] == [
        "Noor comes for Trim: December 1, 2026, 11:00 AM",
        "Noor comes for Trim: December 1, 2026, 11:00 AM",
        "Noor comes for Trim: December 1, 2026, 7:00 PM",
    ]


def decode_message(body: bytes) -> str:
    """Return the message of an encoded notification."""
    entry = decode_entry(body)
    assert isinstance(entry, Notification)
    return entry.message


def test_only_a_time_with_a_zone_makes_a_text_depend_on_the_reader() -> None:
    assert has_times({"time": AT_TEN, "name": "x"})
    assert not has_times({"time": AT_TEN.replace(tzinfo=None), "day": AT_TEN.date(), "count": 2})
