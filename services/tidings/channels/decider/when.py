"""When: whether a delivery leaves now, later, or never, and why; pure.

The same function decides when a notification is planned, when a delivery is due, and after a
failure. It reads no clock: the moment is one of its arguments.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from tidings.channels.decider.digest_times import next_digest
from tidings.channels.decider.plans import UNREAD_AFTER, Step, step_of
from tidings.contracts.channels import PREFERENCE_CHANNEL_OF, Channel
from tidings.contracts.deliveries import DecidedState, DroppedCode, HeldCode, Reason
from tidings.contracts.notifications import Notification
from tidings.domains.preferences.events import DigestTime, How
from tidings.projections.preferences.quiet import first_zone, quiet_until
from tidings.projections.preferences.settings import PersonSettings
from tidings.projections.preferences.wanted import Wanted, facts_of, wanted

LONGEST_DELAY = timedelta(days=1)
"""A notification that is older when it is planned, or is late for longer, is told to nobody."""
DEFAULT_DIGEST = DigestTime()


class NotificationFacts(NamedTuple):
    """A notification of a person in its state at the moment of a decision."""

    notification: Notification
    retracted: bool = False

    @property
    def over(self) -> DroppedCode | None:
        """Return why nothing needs to be told of it any more, None if it is unread."""
        state = self.notification
        if self.retracted:
            return "retracted"
        if state.acted:
            return "acted"
        if state.archived:
            return "archived"
        return "read" if state.read else None


class Decision(NamedTuple):
    """The state of a delivery, until when it is held, and why."""

    state: DecidedState
    until: datetime | None = None
    why: Reason | None = None


class Choice(NamedTuple):
    """How a notification goes out on a channel, by the person, the tenant or the installation."""

    how: How
    after: timedelta
    digest: DigestTime
    chosen: Wanted

    def reason(self, code: HeldCode | DroppedCode) -> Reason:
        """Return a reason with the setting that decided."""
        return Reason(code=code, row=self.chosen.row, event=self.chosen.event)


def choice_of(settings: PersonSettings, notification: Notification, channel: Channel) -> Choice:
    """Return how a notification is wanted on a channel."""
    of_preferences = PREFERENCE_CHANNEL_OF[channel]
    chosen = wanted(settings.preferences, facts_of(notification), of_preferences)
    step: Step = step_of(notification, of_preferences)
    how = chosen.how or step.how
    after = step.after or UNREAD_AFTER
    if chosen.after_seconds is not None:
        after = timedelta(seconds=chosen.after_seconds)
    return Choice(how, after, chosen.digest or DEFAULT_DIGEST, chosen)


def decide(
    facts: NotificationFacts, settings: PersonSettings, channel: Channel, at: datetime
) -> Decision:
    """Return what becomes of a delivery of one notification at a moment.

    A veto is final and the first one is the reason; of the delays, each begins where the one before
    ends, and the last one is the reason. A critical notification is not delayed by pauses and
    quiet hours, and is in no summary.
    """
    choice = choice_of(settings, facts.notification, channel)
    if veto := _veto(facts, choice, at):
        return Decision("dropped", why=veto)
    return _delay(facts.notification, choice, settings, channel, at)


def is_summarised(choice: Choice, notification: Notification) -> bool:
    """Return whether a notification goes out in a summary."""
    return choice.how == "digest" and notification.priority != "critical"


def digest_end(choice: Choice, settings: PersonSettings, after: datetime) -> datetime:
    """Return when the summary that a notification belongs to leaves."""
    return next_digest(choice.digest, after, first_zone(settings.zones))


def _veto(facts: NotificationFacts, choice: Choice, at: datetime) -> Reason | None:
    expires = facts.notification.expires
    if expires is not None and expires <= at:
        return Reason(code="expired")
    if facts.over:
        return Reason(code=facts.over)
    snoozed = facts.notification.snoozed
    if snoozed is not None and snoozed > at:
        return Reason(code="snoozed")
    return choice.reason("opted_out") if choice.how == "never" else None


def _delay(
    notification: Notification,
    choice: Choice,
    settings: PersonSettings,
    channel: Channel,
    at: datetime,
) -> Decision:
    moment, why = at, None
    if choice.how == "unread" and (due := notification.created + choice.after) > moment:
        moment, why = due, choice.reason("unread_delay")
    if notification.priority != "critical":
        moment, why = undisturbed(settings, channel, moment, why)
        if moment is None:
            return Decision("dropped", why=why)
    return Decision("held", moment, why) if moment > at else Decision("ordered")


def undisturbed(
    settings: PersonSettings, channel: Channel, moment: datetime, why: Reason | None = None
) -> tuple[datetime | None, Reason | None]:
    """Return the first moment from one on at which a person may be disturbed, and what delayed it.

    The moment is None if all hours of the person are quiet.
    """
    if settings.pause and settings.pause.until > moment:
        moment, why = settings.pause.until, Reason(code="paused", event=settings.pause.event)
    quiet = settings.quiet
    if quiet and quiet.are_for(PREFERENCE_CHANNEL_OF[channel]):
        zone = first_zone((quiet.value.zone, *settings.zones))
        end = quiet_until(quiet.value.windows, moment, zone)
        if end is None:
            return None, Reason(code="opted_out", row="quiet hours", event=quiet.event)
        if end > moment:
            owner = "tenant" if quiet.of_tenant else "user"
            reason = Reason(code="quiet_hours", row=f"{owner} quiet hours", event=quiet.event)
            return end, reason
    return moment, why
