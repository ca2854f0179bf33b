"""What would become of a notification beyond the page: on each channel, and as a mail; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tidings.channels.decider.places import Place, place_veto, places_of, usable_places
from tidings.channels.decider.planner import NewNotification, plan_step
from tidings.channels.decider.when import choice_of
from tidings.channels.email.compose import Composer, MailOrder
from tidings.channels.masking import mask_address
from tidings.channels.templates import InvalidMail
from tidings.contracts.channels import Channel
from tidings.contracts.deliveries import PlannedStep, Reason
from tidings.contracts.http_bodies.deliveries import WhyDelivery
from tidings.contracts.http_bodies.previews import (
    PreviewedDelivery,
    PreviewedMail,
    PreviewedNotification,
)
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import Address, PersonSettings
from tidings.runtime.log.position import Position


class PersonPreview:
    """Previews notifications, for the channels that an installation can send on."""

    def __init__(self, channels: Sequence[Channel], composer: Composer | None) -> None:
        """`composer`: that of mails; None: they are not set up."""
        self._channels = channels
        self._composer = composer

    def preview(
        self,
        person: Person,
        notification: Notification,
        settings: PersonSettings,
        at: datetime,
    ) -> PreviewedNotification:
        """Return what a person would get of a notification that they get at a moment."""
        return PreviewedNotification(
            user=person.user,
            title=notification.title,
            message=notification.message,
            category=notification.category,
            priority=notification.priority,
            locale=settings.locale,
            zone=next(iter(settings.zones), None),
            deliveries=tuple(
                delivery
                for channel in self._channels
                for delivery in _on_channel(person, notification, settings, channel, at)
            ),
            mail=self._mail(notification, settings, at),
        )

    def _mail(
        self, notification: Notification, settings: PersonSettings, at: datetime
    ) -> PreviewedMail | None:
        choice = choice_of(settings, notification, "email")
        places = usable_places(settings, "email")
        if self._composer is None or choice.how == "never" or not places:
            return None
        place = places[-1]
        assert isinstance(place, Address)
        order = MailOrder(
            delivery=notification.id,
            recipient=place.value.address,
            notifications=(notification,),
            total=1,
            moment=at,
            category=notification.category,
            locale=settings.locale or "",
            zone=next(iter(settings.zones), ""),
            required=choice.chosen.locked,
        )
        try:
            mail = self._composer.compose_mail(order)
        except InvalidMail as error:
            return PreviewedMail(subject="", text=f"cannot be composed: {error}", html="")
        return PreviewedMail(subject=mail.subject, text=mail.text, html=mail.html)


def _on_channel(
    person: Person,
    notification: Notification,
    settings: PersonSettings,
    channel: Channel,
    at: datetime,
) -> Iterator[PreviewedDelivery]:
    """Return a delivery for each place on a channel, or one that says why there is none."""
    choice = choice_of(settings, notification, channel)
    if choice.how == "never":
        yield _none(channel, choice.reason("opted_out"))
        return
    usable = usable_places(settings, channel)
    if not usable:
        vetoes = [place_veto(each) for each in places_of(settings, channel)]
        yield _none(channel, next((each for each in vetoes if each), place_veto(None)))
        return
    new = NewNotification(Position(0), person, notification)
    for place in usable:
        step = plan_step(new, settings, channel, place.id, at)
        yield _planned(step, channel, place) if step else _none(channel, choice.reason("opted_out"))


def _planned(step: PlannedStep, channel: Channel, place: Place) -> PreviewedDelivery:
    address = mask_address(place.value.address) if isinstance(place, Address) else None
    return PreviewedDelivery(
        channel=channel,
        to=step.to,
        address=address,
        summary=step.summary,
        state=step.state,
        until=step.until,
        why=_why(step.why),
    )


def _none(channel: Channel, why: Reason | None) -> PreviewedDelivery:
    return PreviewedDelivery(
        channel=channel,
        to=None,
        address=None,
        summary=False,
        state="dropped",
        until=None,
        why=_why(why),
    )


def _why(why: Reason | None) -> WhyDelivery | None:
    return WhyDelivery(code=why.code, row=why.row, event=why.event) if why else None
