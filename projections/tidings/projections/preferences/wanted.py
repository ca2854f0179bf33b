"""Precedence: how a person wants a notification on a channel, and whose word it is; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tidings.contracts.channels import PreferenceChannel
from tidings.contracts.notifications import Notification
from tidings.domains.preferences.events import DigestTime, How
from tidings.domains.preferences.forms import Scope
from tidings.projections.preferences.settings import Preference

DEFAULT_ROW = "installed default"


class Facts(NamedTuple):
    """What a preference can be about; `entity` is spelled `task:456`."""

    type: str
    category: str
    entity: str | None = None
    group: str | None = None


class Wanted(NamedTuple):
    """How a notification is wanted; None means as the installation's plan says.

    `row`, `event`: the key of the deciding preference, and the event that states it. `locked`: the
    tenant requires it, so that the person cannot choose.
    """

    how: How | None = None
    after_seconds: int | None = None
    digest: DigestTime | None = None
    row: str = DEFAULT_ROW
    event: int | None = None
    locked: bool = False


def facts_of(notification: Notification) -> Facts:
    """Return the facts of a notification that preferences are about."""
    entity = notification.entity
    return Facts(
        notification.type,
        notification.category,
        entity.name if entity else None,
        notification.group,
    )


def wanted(preferences: Iterable[Preference], facts: Facts, channel: PreferenceChannel) -> Wanted:
    """Return how a notification is wanted on a channel, by the preference that decides.

    1. A tenant's `required` one wins. 2. The person's word comes before the tenant's. 3. The most
    specific scope wins, then one that names the channel. 4. Of equal ones, the latest.
    """
    matching = [each for each in preferences if _matches(each, facts, channel)]
    if not matching:
        return Wanted()
    deciding = max(matching, key=_rank)
    value = deciding.value
    return Wanted(
        how=value.how,
        after_seconds=value.after_seconds,
        digest=value.digest,
        row=deciding.row,
        event=deciding.event,
        locked=_is_required(deciding),
    )


def _rank(preference: Preference) -> tuple[bool, bool, int, bool, int]:
    return (
        _is_required(preference),
        not preference.of_tenant,
        preference.scope.specificity,
        preference.value.channel is not None,
        preference.event,
    )


def _is_required(preference: Preference) -> bool:
    return preference.of_tenant and preference.value.required


def _matches(preference: Preference, facts: Facts, channel: PreferenceChannel) -> bool:
    return preference.value.channel in (None, channel) and _is_about(preference.scope, facts)


def _is_about(scope: Scope, facts: Facts) -> bool:
    match scope.kind:
        case "all":
            return True
        case "category":
            return scope.name == facts.category
        case "type":
            return scope.name == facts.type
        case "group":
            return scope.name == facts.group
        case "entity":
            return scope.name == facts.entity
