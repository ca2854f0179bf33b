"""The planner: what is sent of each new notification, to which addresses, and when."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec
from tidings.channels.decider.confirmation import (
    ConfirmationBudget,
    is_confirmation,
    plan_confirmation,
)
from tidings.channels.decider.extra_steps import escalation_step, is_for_absent, wake_steps
from tidings.channels.decider.places import usable_places
from tidings.channels.decider.plans import step_number
from tidings.channels.decider.reading import Reading
from tidings.channels.decider.state import NotificationKey
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
    Reason,
    delivery_id,
)
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Mark, Notification
from tidings.contracts.subjects import Person, Subjects, owner_of
from tidings.projections.preferences.settings import PersonSettings
from tidings.runtime.log.fenced_writer import Output
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import Position

_NOTIFICATION_PREFIX = b'{"entry":"notification"'
_MARK_PREFIX = b'{"entry":"mark"'


class NewNotification(NamedTuple):
    """A notification of a person, and the position that is reached once it is planned."""

    position: Position
    person: Person
    notification: Notification


class Snooze(NamedTuple):
    """Notifications of a person that reappear at a time, and the position once that is planned."""

    position: Position
    person: Person
    notifications: tuple[str, ...]
    until: datetime


class Planner:
    """Plans notifications for the channels that the installation can send on."""

    def __init__(self, reading: Reading, subjects: Subjects, channels: Collection[Channel]) -> None:
        self._reading = reading
        self._subjects = subjects
        self._channels = tuple(sorted(channels))

    async def plan(self, batch: Iterable[StreamMessage], at: datetime) -> list[Output]:
        """Return the entries to append for a batch of a partition's logs; raises Unavailable."""
        messages = list(batch)
        found = (_new_notification(message) for message in messages)
        outputs = await self.plan_notifications([each for each in found if each], at)
        for snooze in filter(None, map(_snooze, messages)):
            outputs += await self._plan_wake_ups(snooze, at)
        return sorted(outputs, key=lambda output: output.position.sequence)

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
        plans = [
            (each, self._planned(each, settings.people[each.person], budget, newest_event, at))
            for each in new
        ]
        found = [(each, planned) for each, planned in plans if planned]
        asked = {
            each.person
            for each, planned in found
            if depends_on_presence(each, planned, settings.people[each.person])
        }
        newest_entry = max(each.position.sequence for each in new)
        present, as_of = await self._reading.present(asked, at, newest_entry)
        return [
            self._output(
                each.position,
                each.person,
                for_presence(
                    each, planned, settings.people[each.person], each.person in present, as_of
                )
                if each.person in asked
                else planned,
            )
            for each, planned in found
        ]

    async def _plan_wake_ups(self, snooze: Snooze, at: datetime) -> list[Output]:
        """Return the plans of the messages that snoozed notifications are back."""
        barrier = await self._reading.barrier()
        keys = [NotificationKey(snooze.person, each) for each in snooze.notifications]
        state = await self._reading.state(keys, barrier)
        settings = state.settings.people[snooze.person]
        as_of = AsOf(event=state.as_of_event, entry=state.as_of_entry, at=at)
        outputs = list[Output]()
        for facts in state.notifications.values():
            notification = facts.notification
            found = wake_steps(snooze.person, notification, settings, self._channels, snooze.until)
            if steps := tuple(found):
                planned = Planned(notification=notification.id, as_of=as_of, steps=steps)
                outputs.append(self._output(snooze.position, snooze.person, planned))
        return outputs

    def _output(self, position: Position, person: Person, planned: Planned) -> Output:
        message = NewMessage(self._subjects.delivery_subject(person), encode(planned))
        return Output(message, position)

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
        planned = [
            plan_step(new, settings, channel, place.id, at)
            for channel in self._channels
            for place in usable_places(settings, channel)
        ]
        planned.append(escalation_step(new.person, new.notification))
        return tuple(step for step in planned if step)

    def _confirmation_steps(
        self,
        new: NewNotification,
        settings: PersonSettings,
        budget: ConfirmationBudget,
        at: datetime,
    ) -> tuple[PlannedStep, ...]:
        step = plan_confirmation(new.person, new.notification, settings, self._channels, budget, at)
        return (step,) if step else ()


def depends_on_presence(new: NewNotification, planned: Planned, settings: PersonSettings) -> bool:
    """Return whether a plan has a step that is not for a person who is present; pure."""
    return any(is_for_absent(settings, new.notification, step) for step in planned.steps)


def for_presence(
    new: NewNotification, planned: Planned, settings: PersonSettings, present: bool, as_of: int
) -> Planned:
    """Drop the steps that are not for a person who is `present`, as of an entry; pure."""
    steps = (
        msgspec.structs.replace(step, state="dropped", why=Reason(code="present"))
        if present and is_for_absent(settings, new.notification, step)
        else step
        for step in planned.steps
    )
    stated = msgspec.structs.replace(planned.as_of, delivery=as_of)
    return msgspec.structs.replace(planned, as_of=stated, steps=tuple(steps))


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


def _snooze(message: StreamMessage) -> Snooze | None:
    """Return the snooze of an entry; a mark without ids snoozes nothing that is told beyond."""
    if not message.data.startswith(_MARK_PREFIX) or b'"snoozed"' not in message.data:
        return None
    mark, person = decode_entry(message.data), owner_of(message.subject)
    if not isinstance(mark, Mark) or not isinstance(person, Person):
        return None
    if mark.state != "snoozed" or mark.until is None or not mark.ids:
        return None
    return Snooze(Position(message.sequence), person, mark.ids, mark.until)


def _is_recent(new: NewNotification, at: datetime) -> bool:
    return at - new.notification.created < LONGEST_DELAY
