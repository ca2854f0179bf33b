"""When a delivery leaves: the order of vetoes and delays, and that a due is final; pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st
from tidings.channels.decider.delivery import Delivery
from tidings.channels.decider.judgement import decided_entry, judge_due, judge_order
from tidings.channels.decider.planner import NewNotification, plan_step
from tidings.channels.decider.plans import HOURLY_LIMIT_MAILS
from tidings.channels.decider.state import NotificationKey, StateOfPeople
from tidings.channels.decider.when import LONGEST_DELAY, NotificationFacts, decide
from tidings.contracts.channels import Channel
from tidings.contracts.notifications import Notification, Priority
from tidings.contracts.subjects import Person
from tidings.domains.preferences.events import DigestTime, QuietWindow
from tidings.domains.preferences.forms import DAYS, parse_scope
from tidings.projections.preferences.quiet import first_zone, is_quiet
from tidings.projections.preferences.settings import (
    Address,
    Pause,
    PersonSettings,
    Preference,
    QuietHours,
    Settings,
)
from tidings.projections.preferences.values import AddressValue, PreferenceValue, QuietValue
from tidings.runtime.log.position import Position

from tests.services.channels.mails import MOMENT, make_notification

ALICE = Person("acme", "alice")
IDS = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
HOW = ("now", "unread", "digest", "never")
CHANNELS: tuple[Channel, ...] = get_args(Channel)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PROFILE = Address(
    "profile", 1, AddressValue(channel="email", address="a@b.example"), confirmed=True,
    suppressed=None,
)  # fmt: skip

minutes = st.integers(-600, 3000).map(lambda count: MOMENT + count * MINUTE)
clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 30]))

digests = st.builds(
    DigestTime,
    every=st.sampled_from(["gathered", "hourly", "daily", "weekly"]),
    at=clock_times,
)


def preference(how: str, **more: Any) -> Preference:
    scope = parse_scope("all")
    assert scope
    return Preference(False, scope, 7, PreferenceValue(of="all", how=how, **more))  # type: ignore[arg-type]


def quiet_hours(begin: str, until: str, channels: tuple[str, ...] = ()) -> QuietHours:
    window = QuietWindow(days=DAYS, begin=begin, until=until)
    return QuietHours(False, 8, QuietValue(windows=(window,), channels=channels))


@st.composite
def person_settings(draw: st.DrawFn) -> PersonSettings:
    """Draw the settings of a person with one address."""
    how = draw(st.sampled_from(HOW))
    after = draw(st.integers(0, 7200)) if how == "unread" else None
    digest = draw(digests) if how == "digest" else None
    begin, until = draw(clock_times), draw(clock_times)
    assume(begin != until)
    quiet = quiet_hours(begin, until, draw(st.sampled_from([(), ("email",), ("push",)])))
    pause = Pause(draw(minutes), 9)
    return PersonSettings(
        preferences=draw(
            st.sampled_from([(), (preference(how, after_seconds=after, digest=digest),)])
        ),
        quiet=draw(st.sampled_from([None, quiet])),
        pause=draw(st.sampled_from([None, pause])),
        addresses=(PROFILE,),
        zones=(draw(st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])),),
    )


@st.composite
def all_facts(draw: st.DrawFn) -> NotificationFacts:
    """Draw a notification in any state."""
    maybe = st.sampled_from([None, MOMENT])
    notification = make_notification(
        priority=draw(st.sampled_from(get_args(Priority))),
        read=draw(maybe),
        archived=draw(maybe),
        acted=draw(st.sampled_from([None, "accept"])),
        expires=draw(st.sampled_from([None, MOMENT + HOUR])),
    )
    return NotificationFacts(notification, retracted=draw(st.booleans()))


def expected_veto(facts: NotificationFacts, at: datetime) -> str | None:
    """Return the first reason, in the order of the rules, why a notification is not told."""
    state = facts.notification
    reasons = {
        "expired": state.expires is not None and state.expires <= at,
        "retracted": facts.retracted,
        "acted": state.acted is not None,
        "archived": state.archived is not None,
        "read": state.read is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


@given(all_facts(), person_settings(), st.sampled_from(CHANNELS), minutes)
def test_the_first_veto_is_the_reason(
    facts: NotificationFacts, settings: PersonSettings, channel: Channel, at: datetime
) -> None:
    decision = decide(facts, settings, channel, at)

    expected = expected_veto(facts, at)
    if expected:
        assert decision.state == "dropped"
        assert decision.why
        assert decision.why.code == expected
    elif decision.state == "dropped":
        assert decision.why
        assert decision.why.code == "opted_out"


@given(all_facts(), person_settings(), st.sampled_from(CHANNELS), minutes)
def test_nothing_leaves_while_its_reader_must_not_be_disturbed(
    facts: NotificationFacts, settings: PersonSettings, channel: Channel, at: datetime
) -> None:
    decision = decide(facts, settings, channel, at)
    leaves = decision.until or at
    if decision.state == "dropped" or facts.notification.priority == "critical":
        return

    zone, quiet = first_zone(settings.zones), settings.quiet
    channels = quiet.value.channels if quiet else ()
    group = "email" if channel == "email" else "push"
    if (
        quiet
        and channel in ("email", "webpush", "apns", "fcm")
        and (not channels or group in channels)
    ):
        assert not is_quiet(quiet.value.windows, leaves, zone)
    assert not settings.pause or leaves >= settings.pause.until
    assert (decision.state == "held") == (leaves > at)


@given(all_facts(), person_settings(), st.sampled_from(CHANNELS), minutes)
def test_what_is_due_is_held_no_longer(
    facts: NotificationFacts, settings: PersonSettings, channel: Channel, at: datetime
) -> None:
    decision = decide(facts, settings, channel, at)
    if decision.until:
        due = decide(facts, settings, channel, decision.until)

        assert due.state == "ordered" or expected_veto(facts, decision.until)


@given(person_settings(), minutes)
def test_what_is_critical_passes_pauses_quiet_hours_and_digests(
    settings: PersonSettings, at: datetime
) -> None:
    critical = make_notification(priority="critical")

    decision = decide(NotificationFacts(critical), settings, "email", at)

    if decision.why:
        assert decision.why.code in ("unread_delay", "opted_out")


def state_of(settings: PersonSettings, *facts: NotificationFacts) -> StateOfPeople:
    """Return the state of Alice and her notifications."""
    return StateOfPeople(
        Settings({ALICE: settings}, {}),
        {NotificationKey(ALICE, each.notification.id): each for each in facts},
        12,
        34,
    )


def planned_delivery(
    notification: Notification, settings: PersonSettings, at: datetime
) -> Delivery | None:
    """Return the delivery that is planned for a notification, as its row states it."""
    new = NewNotification(Position(34), ALICE, notification)
    step = plan_step(new, settings, "email", "profile", at)
    if step is None:
        return None
    return Delivery(
        id=step.delivery,
        person=ALICE,
        channel="email",
        address="profile",
        summary=step.summary,
        state=step.state,
        attempt=1,
        until=step.until,
        ordered=34 if step.state == "ordered" else None,
        first_ordered=at if step.state == "ordered" else None,
        notifications=(notification.id,),
        why=step.why.code if step.why else None,
        joined=34,
    )


@given(all_facts(), person_settings(), minutes)
def test_what_is_planned_leaves_at_its_due_if_nothing_changed(
    facts: NotificationFacts, settings: PersonSettings, at: datetime
) -> None:
    notification = msgspec.structs.replace(
        facts.notification, read=None, archived=None, acted=None, created=at, expires=None
    )
    delivery = planned_delivery(notification, settings, at)
    if delivery is None or delivery.until is None:
        return
    due = delivery.until

    judgement = judge_due(delivery, state_of(settings, NotificationFacts(notification)), due)

    assert judgement.decision.state == "ordered"
    assert judgement.moved == ()
    assert judgement.total == 1


@given(all_facts(), person_settings(), minutes)
def test_what_is_gone_when_it_is_due_is_dropped(
    facts: NotificationFacts, settings: PersonSettings, at: datetime
) -> None:
    notification = msgspec.structs.replace(facts.notification, created=at, expires=None)
    delivery = planned_delivery(notification, settings, at)
    if delivery is None or delivery.until is None:
        return
    facts = facts._replace(notification=notification)
    gone = expected_veto(facts, delivery.until)

    state = state_of(settings, facts)
    judgement = judge_due(delivery, state, delivery.until)
    entry = decided_entry(delivery, judgement, state, delivery.until)

    assert entry.state == ("dropped" if gone else "ordered")
    assert gone is None or (entry.why and entry.why.code == gone)
    assert (entry.as_of.event, entry.as_of.entry) == (12, 34)


def test_what_is_held_until_the_same_end_of_quiet_hours_is_one_summary() -> None:
    night = datetime(2026, 12, 1, 23, tzinfo=UTC)
    settings = PersonSettings(
        preferences=(preference("now"),),
        quiet=quiet_hours("22:00", "07:00"),
        addresses=(PROFILE,),
    )
    first, second = (
        planned_delivery(make_notification(id=each), settings, night + hours * HOUR)
        for hours, each in enumerate(IDS)
    )

    assert first
    assert second
    assert first.id == second.id
    assert first.until == datetime(2026, 12, 2, 7, tzinfo=UTC)
    assert first.why == "quiet_hours"


def digest_settings(at: str, how: str = "digest") -> PersonSettings:
    digest = DigestTime(at=at) if how == "digest" else None
    return PersonSettings(preferences=(preference(how, digest=digest),), addresses=(PROFILE,))


def test_a_digest_that_was_moved_leaves_at_the_new_time() -> None:
    notification = make_notification(created=MOMENT)
    delivery = planned_delivery(notification, digest_settings("12:00"), MOMENT)
    assert delivery
    assert delivery.until
    now = digest_settings("18:00")
    state = state_of(now, NotificationFacts(notification))

    judgement = judge_due(delivery, state, delivery.until)
    entry = decided_entry(delivery, judgement, state, delivery.until)

    (moved,) = entry.moved
    assert (entry.state, entry.why and entry.why.code) == ("dropped", "superseded")
    assert moved.step.until == delivery.until + 6 * HOUR
    assert moved.notifications == (notification.id,)
    later = delivery._replace(id=moved.step.delivery, until=moved.step.until)
    assert moved.step.until
    assert judge_due(later, state, moved.step.until).decision.state == "ordered"


def test_only_what_belongs_to_a_later_digest_leaves_a_summary() -> None:
    stays = make_notification(created=MOMENT, category="project", type="project.created")
    goes = make_notification(created=MOMENT, id="00000000-0000-4000-8000-000000000002")
    delivery = planned_delivery(stays, digest_settings("12:00"), MOMENT)
    assert delivery
    assert delivery.until
    delivery = delivery._replace(notifications=(stays.id, goes.id))
    scope = parse_scope("category:task")
    assert scope
    value = PreferenceValue(of="category:task", how="digest", digest=DigestTime(at="18:00"))
    settings = digest_settings("12:00")
    settings = settings._replace(
        preferences=(*settings.preferences, Preference(False, scope, 9, value))
    )
    state = state_of(settings, NotificationFacts(stays), NotificationFacts(goes))

    assert delivery.until
    entry = decided_entry(
        delivery, judge_due(delivery, state, delivery.until), state, delivery.until
    )

    assert (entry.state, entry.notifications, entry.total) == ("ordered", (stays.id,), 1)
    assert [each.notifications for each in entry.moved] == [(goes.id,)]


def test_what_is_wanted_in_a_digest_meanwhile_joins_it() -> None:
    notification = make_notification(created=MOMENT)
    before = PersonSettings(
        preferences=(preference("unread", after_seconds=60),), addresses=(PROFILE,)
    )
    delivery = planned_delivery(notification, before, MOMENT)
    assert delivery
    assert delivery.until
    state = state_of(digest_settings("18:00"), NotificationFacts(notification))

    judgement = judge_due(delivery, state, delivery.until)

    assert [each.step.until for each in judgement.moved] == [MOMENT.replace(hour=18, minute=0)]


def test_a_mail_beyond_the_limit_of_an_hour_joins_a_summary() -> None:
    notification = make_notification(created=MOMENT)
    settings = digest_settings("", "now")
    delivery = planned_delivery(notification, settings, MOMENT)
    assert delivery
    state = state_of(settings, NotificationFacts(notification))

    within = judge_order(delivery, state, HOURLY_LIMIT_MAILS - 1, MOMENT)
    beyond = judge_order(delivery, state, HOURLY_LIMIT_MAILS, MOMENT)

    assert (within.decision.state, within.moved) == ("ordered", ())
    (moved,) = beyond.moved
    assert moved.step.why
    assert moved.step.why.code == "capped"
    assert moved.step.until == MOMENT.replace(hour=11, minute=0)
    summary = delivery._replace(id=moved.step.delivery, summary=True, state="ordered")
    assert judge_order(summary, state, 100, MOMENT + HOUR).decision.state == "ordered"


def test_what_is_critical_is_not_capped() -> None:
    notification = make_notification(created=MOMENT, priority="critical")
    settings = digest_settings("", "now")
    delivery = planned_delivery(notification, settings, MOMENT)
    assert delivery

    judgement = judge_order(
        delivery, state_of(settings, NotificationFacts(notification)), 99, MOMENT
    )

    assert judgement.decision.state == "ordered"


def test_what_is_late_by_a_day_is_not_told() -> None:
    notification = make_notification(created=MOMENT)
    delivery = planned_delivery(notification, digest_settings("12:00"), MOMENT)
    assert delivery
    assert delivery.until
    late = delivery.until + LONGEST_DELAY + MINUTE

    decision = judge_due(
        delivery, state_of(digest_settings("12:00"), NotificationFacts(notification)), late
    ).decision

    assert (decision.state, decision.why and decision.why.code) == ("dropped", "expired")
