"""Projections: how a log becomes rows; pure, one file each."""

from __future__ import annotations

from projections.audience import AUDIENCE
from projections.inbox import INBOX
from projections.projection import Change, Projection, Statement

PROJECTIONS: tuple[Projection, ...] = (AUDIENCE, INBOX)

__all__ = ["AUDIENCE", "INBOX", "PROJECTIONS", "Change", "Projection", "Statement"]
