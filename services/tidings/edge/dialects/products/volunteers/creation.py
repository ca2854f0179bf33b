"""Creation: a notification that a service of the product writes by hand; pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Level, Notification
from tidings.contracts.rules import without_none
from tidings.domains.announcements.events import NotificationRequested

SOURCE = "/volunteers"
CATEGORY = "notification"


class Creation(Struct, frozen=True, kw_only=True):
    """The body of `POST /notifications/create`; ids may be integers, as the product's are."""

    user_id: Id | int
    title: str
    message: str
    type: Level = "info"
    related_project_id: Id | int | None = None
    related_task_id: Id | int | None = None

    @property
    def user(self) -> str:
        """Return the recipient."""
        return str(self.user_id)

    @property
    def references(self) -> dict[str, str]:
        """Return the ids of the project and the task, if given."""
        return without_none(
            project=_text(self.related_project_id), task=_text(self.related_task_id)
        )

    @property
    def event_data(self) -> dict[str, Any]:
        """Return the data of the event."""
        return {
            "to": {"users": [self.user]},
            "title": self.title,
            "message": self.message,
            "level": self.type,
            "references": self.references,
        }

    def notification(self, identifier: str, tenant: str, created: datetime) -> Notification:
        """Return the notification that the event will become."""
        return Notification(
            id=identifier,
            type=NotificationRequested.type,
            category=CATEGORY,
            level=self.type,
            title=self.title,
            message=self.message,
            references=self.references,
            tenant=tenant,
            user=self.user,
            created=created,
        )


def _text(identifier: str | int | None) -> str | None:
    return None if identifier is None else str(identifier)
