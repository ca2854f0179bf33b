"""The rules: who is told what, one module a domain."""

from __future__ import annotations

from tidings.notifier.rule import Rule
from tidings.notifier.rules import (
    achievements,
    acting,
    announcements,
    appointments,
    incidents,
    locations,
    performance,
    projects,
    reading,
    rooms,
    supplies,
    sync,
    tasks,
    training,
    volunteers,
    work_orders,
)

RULES: tuple[Rule, ...] = (
    *tasks.RULES,
    *projects.RULES,
    *volunteers.RULES,
    *sync.RULES,
    *work_orders.RULES,
    *supplies.RULES,
    *appointments.RULES,
    *performance.RULES,
    *locations.RULES,
    *training.RULES,
    *achievements.RULES,
    *rooms.RULES,
    *incidents.RULES,
    *announcements.RULES,
    *reading.RULES,
    *acting.RULES,
)
