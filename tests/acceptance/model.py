"""A person's inbox in a few lines: what every client, list and replay must agree with."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

from contracts.ids import NotificationIds, event_key

RULES = {"announcement.published": "announced", "task.assigned": "task_assigned_to_you"}


class Stands(NamedTuple):
    """How one notification stands, and where it lies in the log."""

    sequence: int
    seen: bool = False
    read: bool = False
    archived: bool = False


class Marked(NamedTuple):
    """A mark that was acknowledged."""

    state: str
    ids: tuple[str, ...] = ()
    up_to: str | None = None


State = dict[str, Stands]


def identifier(event: dict[str, Any], tenant: str, user: str) -> str:
    """The id of the notification that an event becomes for a user."""
    return NotificationIds(event_key(tenant, event["source"], event["id"]), RULES[event["type"]]).of(user)


def sequence(cursor: str) -> int:
    """The sequence of a cursor."""
    return int(cursor.split("-")[1])


def told(notifications: dict[str, dict[str, Any]], without: set[str]) -> State:
    """What a client holds, as the model would say it."""
    return {
        name: Stands(sequence(each["cursor"]), "seen" in each, "read" in each, "archived" in each)
        for name, each in notifications.items()
        if name not in without
    }


def untold(state: State, epoch: str) -> dict[str, dict[str, Any]]:
    """What a client would hold."""
    return {
        name: {
            "id": name,
            "cursor": f"{epoch}-{each.sequence}",
            **{flag: "then" for flag in ("seen", "read", "archived") if getattr(each, flag)},
        }
        for name, each in state.items()
    }


def counts(state: State) -> dict[str, int]:
    """How many there are."""
    listed = [each for each in state.values() if not each.archived]
    return {"unread": sum(not each.read for each in listed), "unseen": sum(not each.seen for each in listed), "total": len(listed)}


class Model:
    """How everything stands after each entry of the log: notifications by id and marks, at their sequences."""

    def __init__(self, entries: dict[int, str | Marked]) -> None:
        self.sequences = sorted(entries)
        self._states: list[State] = [{}]
        for place in self.sequences:
            self._states.append(_after(self._states[-1], place, entries[place]))

    def at(self, place: int) -> State:
        """How everything stood at a sequence."""
        return self._states[bisect_right(self.sequences, place)]


def _after(state: State, place: int, entry: str | Marked) -> State:
    if isinstance(entry, str):
        return {**state, entry: Stands(place)}
    named = {name for name, each in state.items() if name in entry.ids or (entry.up_to and each.sequence <= sequence(entry.up_to))}
    if entry.state == "deleted":
        return {name: each for name, each in state.items() if name not in named}
    return {name: _marked(each, entry.state) if name in named else each for name, each in state.items()}


def _marked(each: Stands, state: str) -> Stands:
    match state:
        case "read":
            return each._replace(read=True, seen=True)
        case "unread":
            return each._replace(read=False)
        case "unarchived":
            return each._replace(archived=False)
        case _:
            return each._replace(**{state: True})
