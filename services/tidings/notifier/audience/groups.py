"""Groups: the open group of each recipient, as of each event of a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tidings.contracts.codec import encode
from tidings.contracts.event import AnyRecordedEvent
from tidings.contracts.relations import Relation
from tidings.projections.audience.groups import group_of

ACTORS_LIMIT = 3

GroupKey = tuple[str, str]
"""A tenant and a group."""


class OpenGroup(NamedTuple):
    """A user's open group: its first event, the number of events, the newest actors first."""

    sequence: int
    key: str
    events: int
    actors: tuple[str, ...]

    def with_event(self, actor: str) -> OpenGroup:
        """Return the group with one more event."""
        return self._replace(
            events=self.events + 1,
            actors=(actor, *(each for each in self.actors if each != actor))[:ACTORS_LIMIT],
        )


def group_parameters(
    groups: Iterable[tuple[str, str, Relation]], first: int, until: int
) -> dict[str, Any]:
    """Return the parameters of `OPEN_GROUPS` and `GROUP_CLOSINGS`."""
    rows = [
        {"tenant": tenant, "group_name": group, "object": of.object, "relation": of.name}
        for tenant, group, of in groups
    ]
    return {"asked": encode(rows).decode(), "first": first, "until": until}


class Groups:
    """The groups of a batch, before it and as its events are applied, in order."""

    def __init__(
        self, open_groups: Iterable[tuple[Any, ...]], closings: Iterable[tuple[Any, ...]]
    ) -> None:
        self._open: dict[GroupKey, dict[str, OpenGroup]] = defaultdict(dict)
        self._closings: dict[tuple[GroupKey, str], list[int]] = defaultdict(list)
        for tenant, group, user, sequence, key, events, actors in open_groups:
            self._open[tenant, group][user] = OpenGroup(sequence, key, events, tuple(actors))
        for tenant, group, user, sequence in closings:
            self._closings[(tenant, group), user].append(sequence)

    def apply_event(
        self, recorded: AnyRecordedEvent, recipients: Iterable[tuple[str, int]]
    ) -> dict[str, OpenGroup]:
        """Apply an event; return the group of each recipient.

        `recipients` are users and the sequence since which each is a member: a group begins anew
        when a user joins again.
        """
        group = group_of(recorded)
        if group is None:
            return {}
        key = (recorded.tenant, group.group)
        groups = self._open[key]
        for user, since in recipients:
            before = groups.get(user)
            last_closing = max(since - 1, self._last_closing(key, user, recorded.sequence))
            if before and before.sequence > last_closing:
                groups[user] = before.with_event(group.actor)
            else:
                groups[user] = OpenGroup(recorded.sequence, recorded.key, 1, (group.actor,))
        return {user: groups[user] for user, _ in recipients}

    def _last_closing(self, key: GroupKey, user: str, before: int) -> int:
        return max(
            (sequence for sequence in self._closings.get((key, user), ()) if sequence < before),
            default=0,
        )
