"""A person's inbox in memory, by the rules of the inbox's rows: the edge counts without a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Literal, NamedTuple

from msgspec import Struct
from tidings.contracts.cursor import Cursor
from tidings.contracts.notifications import Counts, Entry, Filter, Mark, Notification
from tidings.projections.inbox.topic_memberships import TopicMemberships

CountKind = Literal["category", "type", "priority", "entity", "group", "list"]
"""The attributes by which counts can be grouped."""

NEVER = float("inf")
FACETS_CACHE_LIMIT = 16_384


# An edge keeps up to 1000 states for each connected user: arrays instead of dictionaries, shared
# facets, and no work for the cyclic garbage collector.
class Facets(Struct, frozen=True, array_like=True, gc=False):
    """The attributes by which notifications are selected and counted."""

    category: str
    type: str
    priority: str
    entity: str | None
    group: str | None

    def matches(self, filter_: Filter) -> bool:
        """Return whether a filter selects these facets."""
        return (
            filter_.category in (None, self.category)
            and filter_.type in (None, self.type)
            and filter_.entity in (None, self.entity)
            and filter_.group in (None, self.group)
        )


@lru_cache(maxsize=FACETS_CACHE_LIMIT)
def interned(facets: Facets) -> Facets:
    """Return the one instance of equal facets."""
    return facets


class NewNotification(NamedTuple):
    """A new notification, as the state of every inbox begins with it: it has no marks yet."""

    id: str
    sequence: int
    vanishes_at: float
    facets: Facets


class NotificationState(Struct, array_like=True, gc=False):
    """The state of a notification; `vanishes_at`: its expiry or end of retention, in Unix time."""

    id: str
    sequence: int
    vanishes_at: float | None
    facets: Facets
    seen: datetime | None = None
    read: datetime | None = None
    archived: datetime | None = None
    snoozed: datetime | None = None
    deleted: bool = False
    acted: str | None = None

    def is_in_snapshot(self, now: float) -> bool:
        """Return whether a client has it at a time: visible, not archived, perhaps snoozed."""
        return not self.deleted and self.archived is None and now < (self.vanishes_at or NEVER)

    def wakes_at(self, now: float) -> float | None:
        """Return the time when it reappears if it is snoozed at a time, else None."""
        until = self.snoozed.timestamp() if self.snoozed else 0.0
        return until if until > now else None

    def matches(self, mark: Mark) -> bool:
        """Return whether it has the state that a mark leaves, so that this mark may have changed
        it.
        """
        match mark.state:
            case "read":
                return self.read == mark.at
            case "archived":
                return self.archived == mark.at
            case "unread":
                return self.read is None and not self.deleted
            case "deleted":
                return self.deleted
            case _:
                return False

    # One branch for each state: splitting it up would not make it simpler.
    def apply_mark(self, mark: Mark) -> None:  # noqa: C901
        """Change the state by a mark."""
        match mark.state:
            case "read":
                self.seen, self.read = self.seen or mark.at, self.read or mark.at
            case "unread":
                self.read = None
            case "seen":
                self.seen = self.seen or mark.at
            case "archived":
                self.archived, self.snoozed = self.archived or mark.at, None
            case "unarchived":
                self.archived = None
            case "snoozed":
                self.archived, self.snoozed = None, mark.until
            case "unsnoozed":
                self.snoozed = None
            case "deleted":
                self.deleted = True
            case "acted":
                self.acted = self.acted or mark.action


class InboxState:
    """A person's newest notifications after a sequence of their log, with their counts.

    `limit`: the number of retained notifications; `retention_seconds`: their retention.
    `memberships`: the topics whose entries belong to the person.
    """

    __slots__ = (
        "_counts",
        "_limit",
        "_retention",
        "_states",
        "_totals",
        "_valid_until",
        "memberships",
        "sequence",
    )

    def __init__(
        self,
        limit: int,
        retention_seconds: float,
        states: Iterable[NotificationState] = (),
        sequence: int = 0,
        memberships: TopicMemberships | None = None,
    ) -> None:
        self._limit = limit
        self._retention = retention_seconds
        self._states = {
            state.id: state for state in sorted(states, key=lambda state: state.sequence)
        }
        for state in self._states.values():
            state.facets = interned(state.facets)
        self.sequence = sequence
        self.memberships = memberships or TopicMemberships()
        self._counts: Counts | None = None
        self._totals: Counter[tuple[str, str]] | None = None
        self._valid_until = NEVER

    def apply(self, entry: Entry, sequence: int, time_nanoseconds: int) -> None:
        """Apply the next entry of the log; an earlier one has no effect."""
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        match entry:
            case Notification():
                self._add_notification(entry, sequence, time_nanoseconds)
            case Mark():
                self._counts = None
                for state in self._states_changed_by(entry):
                    state.apply_mark(entry)

    def counts(self, now: float) -> Counts:
        """Return the counts at a time, in seconds since 1970."""
        if self._counts is None or now >= self._valid_until:
            self._counts, self._totals = self._compute_counts(now), None
        return self._counts

    def totals_by_type_and_priority(self, now: float) -> Mapping[tuple[str, str], int]:
        """Return the number of listed notifications of each type and priority at a time.

        New notifications are added to the numbers of the last call; after a mark they are computed
        anew, as the counts are.
        """
        self.counts(now)
        if self._totals is None:
            self._totals = Counter(map(_type_and_priority, self.listed_states(now)))
        return self._totals

    def counts_by(self, kind: CountKind, now: float) -> dict[str, Counts]:
        """Return the counts at a time for each existing value of a kind; for `list`, those of each
        list.
        """
        if kind == "list":
            return self._counts_by_list(now)
        states_by_value: dict[str, list[NotificationState]] = {}
        for state in self.listed_states(now):
            if value := getattr(state.facets, kind):
                states_by_value.setdefault(value, []).append(state)
        return {value: counts_of(states) for value, states in sorted(states_by_value.items())}

    def next_expiry(self, now: float) -> float:
        """Return the time until which the counts stay valid if no entry comes."""
        self.counts(now)
        return self._valid_until

    def state_of(self, identifier: str) -> NotificationState | None:
        """Return the state of a retained notification, also if it is deleted or expired."""
        return self._states.get(identifier)

    def visible_state(self, identifier: str, now: float) -> NotificationState | None:
        """Return the state of a notification if it is visible at a time, else None."""
        state = self._states.get(identifier)
        return state if state and not state.deleted and now < (state.vanishes_at or NEVER) else None

    def visible_states(self, now: float) -> list[NotificationState]:
        """Return all visible notifications at a time, archived and snoozed ones too."""
        return [
            state
            for state in self._states.values()
            if not state.deleted and now < (state.vanishes_at or NEVER)
        ]

    def is_visible(self, identifier: str, now: float) -> bool:
        """Return whether a notification is visible at a time."""
        return self.visible_state(identifier, now) is not None

    @property
    def notification_count(self) -> int:
        """Return the number of retained notifications, in any state."""
        return len(self._states)

    @property
    def newest(self) -> int:
        """Return the sequence of the newest notification, 0 without one."""
        return next(reversed(self._states.values())).sequence if self._states else 0

    def was_trimmed_after(self, sequence: int) -> bool:
        """Return whether notifications after a sequence may have been dropped by the limit."""
        if len(self._states) < self._limit:
            return False
        return next(iter(self._states.values())).sequence > sequence

    def lists_all_between(
        self, after: int, until: int, oldest_nanoseconds: int, now: float
    ) -> bool:
        """Return whether every notification of the log between two sequences is listed at a time.

        None of them was appended before `oldest_nanoseconds`. False where that would have to be
        found out one by one.
        """
        return (
            until <= self.sequence
            and self.counts(now).total == len(self._states)
            and not self.was_trimmed_after(after)
            and oldest_nanoseconds / 1e9 + self._retention > now
        )

    def describe_new(
        self, notification: Notification, sequence: int, time_nanoseconds: int
    ) -> NewNotification:
        """Return a notification as every inbox with this retention begins with it."""
        expires = notification.expires.timestamp() if notification.expires else NEVER
        vanishes_at = min(expires, time_nanoseconds / 1e9 + self._retention)
        return NewNotification(notification.id, sequence, vanishes_at, _facets_of(notification))

    def only_adds(self, new: NewNotification, others: int) -> bool:
        """Return whether one would replace and drop none, after `others` new ones."""
        return (
            new.sequence > self.sequence
            and new.id not in self._states
            and len(self._states) + others < self._limit
        )

    def add_new(self, added: Collection[NewNotification]) -> None:
        """Add visible notifications, in order, each of which `only_adds`."""
        for new in added:
            self._states[new.id] = NotificationState(*new)
            self.sequence = new.sequence
        if self._counts is None:
            return
        self._add_to_counts(len(added))
        self._valid_until = min(self._valid_until, *(new.vanishes_at for new in added))
        if self._totals is not None:
            self._totals.update((new.facets.type, new.facets.priority) for new in added)

    def ids_changed_by(self, mark: Mark) -> list[str]:
        """Return the ids that an applied mark read, archived, deleted or made unread.

        It may return others in the same state too.
        """
        return [*mark.ids] or [
            state.id for state in self._states_matching(mark) if state.matches(mark)
        ]

    def newest_states(self, count: int, now: float) -> list[NotificationState]:
        """Return the newest notifications in a client's snapshot at a time, newest first."""
        return list(
            islice(
                (state for state in reversed(self._states.values()) if state.is_in_snapshot(now)),
                count,
            )
        )

    def listed_states(self, now: float) -> list[NotificationState]:
        """Return all notifications in the list at a time."""
        return [
            state
            for state in self._states.values()
            if state.is_in_snapshot(now) and not state.wakes_at(now)
        ]

    def _counts_by_list(self, now: float) -> dict[str, Counts]:
        visible = self.visible_states(now)
        archived = [state for state in visible if state.archived]
        snoozed = [state for state in visible if not state.archived and state.wakes_at(now)]
        return {
            "all": self.counts(now),
            "archived": counts_of(archived),
            "snoozed": counts_of(snoozed),
        }

    def _add_to_counts(self, added: int) -> None:
        """Count new notifications in addition."""
        if counts := self._counts:
            self._counts = Counts(
                unread=counts.unread + added,
                unseen=counts.unseen + added,
                total=counts.total + added,
            )

    def _add_notification(
        self, notification: Notification, sequence: int, time_nanoseconds: int
    ) -> None:
        new = self.describe_new(notification, sequence, time_nanoseconds)
        # Removed and added again, because the dictionary is ordered by sequence.
        replaced = self._states.pop(notification.id, None)
        self._states[notification.id] = NotificationState(*new)
        if replaced or self._counts is None or new.vanishes_at <= time_nanoseconds / 1e9:
            self._counts = None
        else:
            self._add_to_counts(1)
            if self._totals is not None:
                self._totals[notification.type, notification.priority] += 1
            self._valid_until = min(self._valid_until, new.vanishes_at)
        while len(self._states) > self._limit:
            self._uncount(self._states.pop(next(iter(self._states))))

    def _uncount(self, oldest: NotificationState) -> None:
        """Remove a dropped notification from the counts, if it was counted."""
        counts = self._counts
        # One that vanishes before the counts expire had vanished before they were computed, or the
        # counts would expire at its end.
        if (
            counts is None
            or oldest.deleted
            or oldest.archived
            or (oldest.vanishes_at or NEVER) < self._valid_until
        ):
            return
        if oldest.snoozed:
            self._counts = None
        else:
            unread, unseen = (
                counts.unread - (oldest.read is None),
                counts.unseen - (oldest.seen is None),
            )
            self._counts = Counts(unread=unread, unseen=unseen, total=counts.total - 1)
            if self._totals is not None:
                self._totals = self._totals - Counter([_type_and_priority(oldest)])

    def _states_changed_by(self, mark: Mark) -> Iterator[NotificationState]:
        unread = mark.filter is not None and mark.filter.unread
        return (
            state
            for state in self._states_matching(mark)
            if not state.deleted and not (unread and state.read)
        )

    def _states_matching(self, mark: Mark) -> Iterator[NotificationState]:
        if mark.filter:
            filter_ = mark.filter
            return (state for state in self._states.values() if state.facets.matches(filter_))
        if mark.up_to:
            last = Cursor.parse(mark.up_to).sequence
            return (state for state in self._states.values() if state.sequence <= last)
        return (state for identifier in mark.ids if (state := self._states.get(identifier)))

    def _compute_counts(self, now: float) -> Counts:
        states = [state for state in self._states.values() if state.is_in_snapshot(now)]
        wakes = [when for state in states if (when := state.wakes_at(now))]
        self._valid_until = min(
            [state.vanishes_at or NEVER for state in states] + wakes, default=NEVER
        )
        if wakes:
            states = [state for state in states if not state.wakes_at(now)]
        return counts_of(states)


def counts_of(states: Collection[NotificationState]) -> Counts:
    """Return the counts of these notifications."""
    return Counts(
        unread=sum(state.read is None for state in states),
        unseen=sum(state.seen is None for state in states),
        total=len(states),
    )


def _type_and_priority(state: NotificationState) -> tuple[str, str]:
    return state.facets.type, state.facets.priority


def _facets_of(notification: Notification) -> Facets:
    entity = notification.entity
    return interned(
        Facets(
            notification.category,
            notification.type,
            notification.priority,
            entity and entity.name,
            notification.group,
        )
    )
