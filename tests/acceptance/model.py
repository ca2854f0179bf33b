"""A person's inbox in a few lines: what every client, list and replay must agree with."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

from tidings.contracts.ids import NotificationIds, event_key

FLAGS = ("seen", "read", "archived", "snoozed")
RULES = {"announcement.published": "announced", "task.assigned": "task_assigned_to_you"}


class Stands(NamedTuple):
    """How one notification stands, and where it lies in the log."""

    sequence: int
    category: str
    seen: bool = False
    read: bool = False
    archived: bool = False
    snoozed: bool = False


class Notified(NamedTuple):
    """A notification as the log has it."""

    id: str
    category: str


class Marked(NamedTuple):
    """A mark that was acknowledged."""

    state: str
    ids: tuple[str, ...] = ()
    up_to: str | None = None
    filter: dict[str, str] | None = None
    until: str | None = None


State = dict[str, Stands]


def identifier(event: dict[str, Any], tenant: str, user: str) -> str:
    """The id of the notification that an event becomes for a user."""
    return NotificationIds(
        event_key(tenant, event["source"], event["id"]), RULES[event["type"]]
    ).of(user)


def sequence(cursor: str) -> int:
    """The sequence of a cursor."""
    return int(cursor.split("-")[1].split(".")[0])


def told(notifications: dict[str, dict[str, Any]], without: set[str]) -> State:
    """What a client holds, as the model would say it."""
    return {
        name: Stands(sequence(each["cursor"]), each["category"], *(flag in each for flag in FLAGS))
        for name, each in notifications.items()
        if name not in without
    }


def untold(state: State, epoch: str) -> dict[str, dict[str, Any]]:
    """What a client would hold."""
    return {
        name: {
            "id": name,
            "cursor": f"{epoch}-{each.sequence}",
            "category": each.category,
            **{flag: "then" for flag in FLAGS if getattr(each, flag)},
        }
        for name, each in state.items()
    }


def counts(state: State) -> dict[str, int]:
    """How many there are."""
    listed = [each for each in state.values() if not each.archived and not each.snoozed]
    return {
        "unread": sum(not each.read for each in listed),
        "unseen": sum(not each.seen for each in listed),
        "total": len(listed),
    }


class Model:
    """How everything stands after each entry of the log: notifications by id and marks, at their sequences."""

    def __init__(self, entries: dict[int, Notified | Marked]) -> None:
        self.sequences = sorted(entries)
        self._states: list[State] = [{}]
        for place in self.sequences:
            self._states.append(_after(self._states[-1], place, entries[place]))

    def at(self, place: int) -> State:
        """How everything stood at a sequence."""
        return self._states[bisect_right(self.sequences, place)]


def _after(state: State, place: int, entry: Notified | Marked) -> State:
    if isinstance(entry, Notified):
        return {**state, entry.id: Stands(place, entry.category)}
    named = {name for name, each in state.items() if _names(entry, name, each)}
    if entry.state == "deleted":
        return {name: each for name, each in state.items() if name not in named}
    return {
        name: _marked(each, entry.state) if name in named else each for name, each in state.items()
    }


def _names(marked: Marked, name: str, each: Stands) -> bool:
    if marked.filter:
        return each.category == marked.filter["category"]
    return each.sequence <= sequence(marked.up_to) if marked.up_to else name in marked.ids


def _marked(each: Stands, state: str) -> Stands:
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
