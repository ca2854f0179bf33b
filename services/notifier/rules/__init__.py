"""The rules: who is told what, one module a domain."""

from __future__ import annotations

from services.notifier.rule import Rule
from services.notifier.rules import announcements, projects, sync, tasks, volunteers

RULES: tuple[Rule, ...] = (
    *tasks.RULES,
    *projects.RULES,
    *volunteers.RULES,
    *sync.RULES,
    *announcements.RULES,
)
