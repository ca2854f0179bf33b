"""The planner: what is sent of each new notification, to which addresses, and when."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from tidings.channels.decider.confirmation import (
    ConfirmationBudget,
    is_confirmation,
    plan_confirmation,
)
from tidings.channels.decider.places import usable_places
from tidings.channels.decider.plans import step_number
from tidings.channels.decider.reading import Reading
from tidings.channels.decider.summaries import digest_window, quiet_window, summary_step
from tidings.channels.decider.when import (
    LONGEST_DELAY,
    NotificationFacts,
    choice_of,
    decide,
)
from tidings.contracts.channels import PREFERENCE_CHANNEL_OF, Channel
from tidings.contracts.codec import decode_entry, encode
from tidings.contracts.deliveries import (
    AsOf,
    Planned,
    PlannedStep,
    delivery_id,
)
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person, Subjects, owner_of
from tidings.projections.preferences.settings import PersonSettings
from tidings.runtime.log.fenced_writer import Output
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Position

_NOTIFICATION_PREFIX = b'{"entry":"notification"'


class NewNotification(NamedTuple):
    """A notification of a person, and the position that is reached once it is planned."""

    position: Position
    person: Person
    notification: Notification


class Planner:
    """Plans notifications for the channels that the installation can send on."""

    def __init__(self, reading: Reading, subjects: Subjects, channels: Collection[Channel]) -> None:
        self._reading = reading
        self._subjects = subjects
        self._channels = tuple(sorted(channels))

    async def plan(self, batch: Iterable[StreamMessage], at: datetime) -> list[Output]:
        """Return the entries to append for a batch of a partition's logs; raises Unavailable."""
        found = (_new_notification(message) for message in batch)
        return await self.plan_notifications([each for each in found if each], at)

    async def plan_notifications(
        self, notifications: Iterable[NewNotification], at: datetime
    ) -> list[Output]:
        """Return the entries to append for notifications that are not old; raises Unavailable."""
        new = [each for each in notifications if _is_recent(each, at)]
        if not new:
            return []
        newest_event = max(each.notification.event or 0 for each in new)
        settings = await self._reading.settings({each.person for each in new}, newest_event)
        confirmed = {each.person for each in new if is_confirmation(each.notification)}
        budget = await self._reading.confirmation_budget(confirmed, at)
        return [
            Output(
                NewMessage(self._subjects.delivery_subject(each.person), encode(planned)),
                each.position,
            )
            for each in new
            if (
                planned := self._planned(
                    each, settings.people[each.person], budget, newest_event, at
                )
            )
        ]

    def _planned(
        self,
        new: NewNotification,
        settings: PersonSettings,
        budget: ConfirmationBudget,
        event: int,
        at: datetime,
    ) -> Planned | None:
        steps = (
            self._confirmation_steps(new, settings, budget, at)
            if is_confirmation(new.notification)
            else self._steps(new, settings, at)
        )
        if not steps:
            return None
        as_of = AsOf(event=event, entry=new.position.sequence, at=at)
        return Planned(notification=new.notification.id, as_of=as_of, steps=steps)

    def _steps(
        self, new: NewNotification, settings: PersonSettings, at: datetime
    ) -> tuple[PlannedStep, ...]:
        return tuple(
            step
            for channel in self._channels
            for place in usable_places(settings, channel)
            if (step := plan_step(new, settings, channel, place.id, at))
        )

    def _confirmation_steps(
        self,
        new: NewNotification,
        settings: PersonSettings,
        budget: ConfirmationBudget,
        at: datetime,
    ) -> tuple[PlannedStep, ...]:
        step = plan_confirmation(new.person, new.notification, settings, self._channels, budget, at)
        return (step,) if step else ()


def plan_step(
    new: NewNotification, settings: PersonSettings, channel: Channel, to: str, at: datetime
) -> PlannedStep | None:
    """Return the delivery of a notification to an address, None if it is not wanted; pure."""
    facts = NotificationFacts(new.notification)
    choice = choice_of(settings, new.notification, channel)
    if choice.how == "never":
        return None
    window = digest_window(new.notification, settings, channel, at)
    if window:
        return summary_step(new.person, settings, channel, to, window)
    decision = decide(facts, settings, channel, at)
    if window := quiet_window(decision, channel):
        return summary_step(new.person, settings, channel, to, window)
    number = step_number(PREFERENCE_CHANNEL_OF[channel])
    return PlannedStep(
        delivery=delivery_id(new.notification.id, new.person.user, channel, number, to),
        step=number,
        channel=channel,
        to=to,
        state=decision.state,
        until=decision.until,
        why=decision.why,
    )


def _new_notification(message: StreamMessage) -> NewNotification | None:
    """Return the notification of an entry; none of a mark, or of a group that is told of already.

    A group keeps its id until it is read; what joins it is not told again.
    """
    if not message.data.startswith(_NOTIFICATION_PREFIX):
        return None
    entry = decode_entry(message.data)
    person = owner_of(message.subject)
    if not isinstance(entry, Notification) or not isinstance(person, Person):
        return None
    return (
        None
        if (entry.count or 1) > 1
        else NewNotification(Position(message.sequence), person, entry)
    )


def _is_recent(new: NewNotification, at: datetime) -> bool:
    return at - new.notification.created < LONGEST_DELAY
