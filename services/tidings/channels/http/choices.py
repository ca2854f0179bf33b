"""Choices: what a person's settings mean for each category and channel; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from tidings.channels.decider.when import Choice, choice_of
from tidings.contracts.categories import CATEGORIES
from tidings.contracts.channels import PREFERENCE_CHANNELS, Channel, PreferenceChannel
from tidings.contracts.http_bodies.settings import (
    Because,
    CategoryChoices,
    ChannelChoice,
    PreferenceChange,
    Preferences,
    StatedPause,
    StatedPreference,
    StatedQuietHours,
)
from tidings.contracts.notifications import Notification, Priority
from tidings.domains.preferences.forms import Scope, parse_scope
from tidings.projections.preferences.quiet import first_zone
from tidings.projections.preferences.settings import PersonSettings, Preference, QuietHours
from tidings.projections.preferences.wanted import Facts, Wanted, wanted

WAY_OF_SENDING: Mapping[PreferenceChannel, Channel] = {
    "email": "email",
    "push": "webpush",
    "webhook": "webhook",
    "chat": "chat",
}
"""One way of sending for each channel of preferences; all of them follow the same choice."""


def preferences_of(settings: PersonSettings, priority: Priority, sequence: int) -> Preferences:
    """Return all choices of a person or tenant, for notifications of a priority."""
    named = {each.scope.name for each in settings.preferences if each.scope.kind == "category"}
    return Preferences(
        priority=priority,
        categories=tuple(
            CategoryChoices(
                category=category, channels=tuple(_choices(settings, category, priority))
            )
            for category in sorted({*CATEGORIES, *named})
        ),
        preferences=tuple(map(_stated, settings.preferences)),
        quiet_hours=settings.quiet and _stated_quiet(settings.quiet),
        pause=settings.pause
        and StatedPause(until=settings.pause.until, event=settings.pause.event),
        zone=first_zone(settings.zones).key,
        sequence=sequence,
    )


def locking_word(settings: PersonSettings, change: PreferenceChange) -> Wanted | None:
    """Return what the tenant requires of all that a change is about; None if it has an effect."""
    scope = parse_scope(change.of)
    if scope is None or change.how is None:
        return None
    channels: list[PreferenceChannel] = [
        each for each in PREFERENCE_CHANNELS if change.channel in (None, each)
    ]
    words = [wanted(settings.preferences, _facts_of_scope(scope), each) for each in channels]
    opposed = [word for word in words if word.locked and word.how != change.how]
    return opposed[0] if opposed and len(opposed) == len(words) else None


def _choices(
    settings: PersonSettings, category: str, priority: Priority
) -> Iterator[ChannelChoice]:
    sample = Notification(
        id="00000000-0000-4000-8000-000000000000",
        type="",
        category=category,
        priority=priority,
        title="",
        message="",
        tenant="",
        user="",
        created=datetime.fromtimestamp(0, UTC),
    )
    for channel in PREFERENCE_CHANNELS:
        yield _choice(channel, choice_of(settings, sample, WAY_OF_SENDING[channel]))


def _choice(channel: PreferenceChannel, choice: Choice) -> ChannelChoice:
    chosen = choice.chosen
    return ChannelChoice(
        channel=channel,
        how=choice.how,
        after_seconds=int(choice.after.total_seconds()) if choice.how == "unread" else None,
        digest=choice.digest if choice.how == "digest" else None,
        because=Because(row=chosen.row, event=chosen.event),
        locked=chosen.locked,
    )


def _stated(preference: Preference) -> StatedPreference:
    value = preference.value
    return StatedPreference(
        of=value.of,
        channel=value.channel,
        how=value.how,
        after_seconds=value.after_seconds,
        digest=value.digest,
        required=value.required,
        by="tenant" if preference.of_tenant else "user",
        event=preference.event,
    )


def _stated_quiet(quiet: QuietHours) -> StatedQuietHours:
    return StatedQuietHours(
        zone=quiet.value.zone,
        windows=quiet.value.windows,
        channels=quiet.value.channels,
        by="tenant" if quiet.of_tenant else "user",
        event=quiet.event,
    )


def _facts_of_scope(scope: Scope) -> Facts:
    """Return the facts that are all that is known of what a scope is about."""
    return Facts(
        type=scope.name if scope.kind == "type" else "",
        category=scope.name if scope.kind == "category" else "",
        entity=scope.name if scope.kind == "entity" else None,
        group=scope.name if scope.kind == "group" else None,
    )
