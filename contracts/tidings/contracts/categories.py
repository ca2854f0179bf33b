"""The categories of the rules' notifications, for settings that name one.

A notification written by hand (`notification.requested`) may have any other category.
"""

from __future__ import annotations

CATEGORIES = (
    "achievement",
    "address",
    "appointment",
    "equipment_alert",
    "incident",
    "inventory_alert",
    "issue_detected",
    "message",
    "notification",
    "office_alert",
    "performance",
    "project",
    "receipt",
    "status_update",
    "sync",
    "system_announcement",
    "task",
    "team",
    "timelog",
    "training",
    "work_order_update",
)
