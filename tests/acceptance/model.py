"""A reference model of an inbox, which every client, list and replay must agree with."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

from tidings.contracts.ids import NotificationIds, event_key

FLAGS = ("seen", "read", "archived", "snoozed")
RULES = {"announcement.published": "announced", "task.assigned": "task_assigned_to_you"}


class ModelState(NamedTuple):
    """The state of one notification, and its sequence in the log."""

    sequence: int
    category: str
    seen: bool = False
    read: bool = False
    archived: bool = False
    snoozed: bool = False


class LoggedNotification(NamedTuple):
    """A notification in the log."""

    id: str
    category: str


class LoggedMark(NamedTuple):
    """An acknowledged mark."""

    state: str
    ids: tuple[str, ...] = ()
    up_to: str | None = None
    filter: dict[str, str] | None = None
    until: str | None = None


State = dict[str, ModelState]


def notification_id_of(event: dict[str, Any], tenant: str, user: str) -> str:
    """Return the id of the notification that an event becomes for a user."""
    return NotificationIds(
        event_key(tenant, event["source"], event["id"]), RULES[event["type"]]
    ).id_for(user)


def sequence_of(cursor: str) -> int:
    """Return the sequence of a cursor."""
    return int(cursor.split("-")[1].split(".")[0])


def read_client_state(notifications: dict[str, dict[str, Any]], without: set[str]) -> State:
    """Return the notifications of a client as states of the model."""
    return {
        name: ModelState(
            sequence_of(each["cursor"]), each["category"], *(flag in each for flag in FLAGS)
        )
        for name, each in notifications.items()
        if name not in without
    }


def make_client_state(state: State, epoch: str) -> dict[str, dict[str, Any]]:
    """Return the notifications of a client for a state of the model."""
    return {
        name: {
            "id": name,
            "cursor": f"{epoch}-{each.sequence}",
            "category": each.category,
            **{flag: "then" for flag in FLAGS if getattr(each, flag)},
        }
        for name, each in state.items()
    }


def count_states(state: State) -> dict[str, int]:
    """Return the counts of a state."""
    listed = [each for each in state.values() if not each.archived and not each.snoozed]
    return {
        "unread": sum(not each.read for each in listed),
        "unseen": sum(not each.seen for each in listed),
        "total": len(listed),
    }


class Model:
    """The state of all notifications after each entry of the log.

    `entries` are the notifications and marks of the log, by sequence.
    """

    def __init__(self, entries: dict[int, LoggedNotification | LoggedMark]) -> None:
        self.sequences = sorted(entries)
        self._states: list[State] = [{}]
        for place in self.sequences:
            self._states.append(_after(self._states[-1], place, entries[place]))

    def state_at(self, place: int) -> State:
        """Return the state at a sequence."""
        return self._states[bisect_right(self.sequences, place)]


def _after(state: State, place: int, entry: LoggedNotification | LoggedMark) -> State:
    if isinstance(entry, LoggedNotification):
        return {**state, entry.id: ModelState(place, entry.category)}
    named = {name for name, each in state.items() if _names(entry, name, each)}
    if entry.state == "deleted":
        return {name: each for name, each in state.items() if name not in named}
    return {
        name: _marked(each, entry.state) if name in named else each for name, each in state.items()
    }


def _names(marked: LoggedMark, name: str, each: ModelState) -> bool:
    if marked.filter:
        return each.category == marked.filter["category"]
    return each.sequence <= sequence_of(marked.up_to) if marked.up_to else name in marked.ids


def _marked(each: ModelState, state: str) -> ModelState:
    match state:
        case "read":
            return each._replace(read=True, seen=True)
        case "unread":
            return each._replace(read=False)
        case "unarchived" | "unsnoozed":
            return each._replace(**{state.removeprefix("un"): False})
        case "archived" | "snoozed":
            return each._replace(**{"archived": False, "snoozed": False, state: True})
        case _:
            return each._replace(**{state: True})
