"""The barbershop's words: kinds, types, priorities and fields of a notification; pure."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, cast, get_args

import msgspec
from tidings.contracts.notifications import Notification, Priority
from tidings.contracts.page_addresses import safe_address

Kind = Literal[
    "appointment",
    "performance_alert",
    "team_update",
    "training",
    "achievement",
    "system",
    "revenue",
    "client",
]
"""The `type` of a notification in a list."""
FrameKind = Literal["appointment", "performance_alert", "training", "achievement", "system"]
"""The `notification_type` of a frame."""


class Words(NamedTuple):
    """The kind of a type of notifications, and the `type` in the data of its frame."""

    kind: Kind
    type: str


WORDS: dict[str, Words] = {
    "appointment.booked": Words("appointment", "new_booking"),
    "appointment.cancelled": Words("appointment", "cancellation"),
    "appointment.reminder": Words("appointment", "reminder"),
    "appointment.no_show": Words("appointment", "no_show"),
    "performance.threshold_exceeded": Words("performance_alert", "threshold_exceeded"),
    "performance.goal_achieved": Words("performance_alert", "goal_achieved"),
    "performance.trend_changed": Words("performance_alert", "trend_changed"),
    "team.announcement": Words("team_update", "announcement"),
    "team.schedule_changed": Words("team_update", "schedule_change"),
    "team.policy_updated": Words("team_update", "policy_update"),
    "training.course_completed": Words("training", "course_completed"),
    "training.module_available": Words("training", "new_module"),
    "training.certification_expiring": Words("training", "certification_expiry"),
    "achievement.revenue_milestone": Words("achievement", "revenue_milestone"),
    "achievement.performance": Words("achievement", "performance_achievement"),
    "announcement.published": Words("system", "announcement"),
}
"""The words of every type of events that the product emits."""
FREE_WORDS: dict[str, Words] = {
    **{words.type: words for words in WORDS.values()},
    **{kind: Words(kind, kind) for kind in get_args(Kind)},
}
"""The words of a notification whose author chose its type: a kind, or a type of a frame."""
FRAME_KINDS: dict[Kind, FrameKind] = {
    "appointment": "appointment",
    "performance_alert": "performance_alert",
    "training": "training",
    "achievement": "achievement",
    "team_update": "system",
    "revenue": "system",
    "client": "system",
    "system": "system",
}
PRIORITIES: dict[Priority, str] = {
    "low": "low",
    "normal": "medium",
    "high": "high",
    "critical": "urgent",
}
FIELDS: dict[Kind, tuple[str, ...]] = {
    "appointment": ("appointment_id", "client_name", "service", "time"),
    "performance_alert": ("metric_type", "current_value", "threshold", "trend"),
    "team_update": ("location_id", "details"),
    "training": ("module_name",),
    "achievement": ("amount", "period"),
}
"""The fields of the data that a frame repeats beside `data`, for each kind."""


def words_of(notification: Notification) -> Words:
    """Return the words of a notification; of an unknown type, those of a system notification."""
    return (
        WORDS.get(notification.type)
        or FREE_WORDS.get(notification.type)
        or Words("system", notification.type)
    )


def frame_kind(notification: Notification) -> FrameKind:
    """Return the `notification_type` of the notification's frame."""
    return FRAME_KINDS[words_of(notification).kind]


def frame_data(notification: Notification) -> dict[str, Any]:
    """Return the `data` of the notification's frame."""
    kind, type_ = words_of(notification)
    data, action_url = event_data(notification), action_url_of(notification)
    return {
        "id": notification.id,
        "type": type_,
        "priority": PRIORITIES[notification.priority],
        "title": notification.title,
        "message": notification.message,
        **({"action_url": action_url} if action_url else {}),
        "data": data,
        **{name: data[name] for name in FIELDS.get(kind, ()) if data.get(name) is not None},
        **_added_fields(kind, data),
    }


def update_type(notification: Notification) -> str:
    """Return the `update_type` of a location's update."""
    update_type = event_data(notification).get("update_type")
    return (
        update_type if isinstance(update_type, str) and update_type else words_of(notification).type
    )


def update_data(notification: Notification) -> dict[str, Any]:
    """Return the `data` of a location's update: the event's, with the notification's id."""
    data = event_data(notification)
    return {**data, "id": notification.id, "message": data.get("message") or notification.message}


def list_item(notification: Notification) -> dict[str, Any]:
    """Return a notification as the lists have it."""
    return {
        "id": notification.id,
        "type": words_of(notification).kind,
        "priority": PRIORITIES[notification.priority],
        "title": notification.title,
        "message": notification.message,
        "data": event_data(notification),
        "is_read": notification.read is not None,
        "read_at": notification.read,
        "created_at": notification.created,
        "action_url": action_url_of(notification),
    }


def action_url_of(notification: Notification) -> str | None:
    """Return the page that a notification leads to: the author's, else the entity's."""
    address = event_data(notification).get("action_url")
    entity = notification.entity
    authored = safe_address(address) if isinstance(address, str) else None
    return authored or (entity and entity.url)


def event_data(notification: Notification) -> dict[str, Any]:
    """Return the data of a notification; anything but an object counts as empty."""
    data: Any = msgspec.json.decode(notification.data)
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _added_fields(kind: Kind, data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the product has and the event names in another way, or not at all."""
    match kind:
        case "training":
            return {"module_name": data.get("module_name") or data.get("title")}
        case "achievement":
            amounts = (data.get(name) for name in ("amount", "value"))
            amount = next((value for value in amounts if value is not None), None)
            return {**({} if amount is None else {"amount": amount}), "celebration": True}
        case _:
            return {}
