"""Projections: how a log becomes rows; pure, one file each."""

from __future__ import annotations

from tidings.projections.activity import ACTIVITY
from tidings.projections.audience import AUDIENCE
from tidings.projections.inbox import INBOX
from tidings.projections.metrics import METRICS
from tidings.projections.projection import Change, Projection, Statement
from tidings.projections.receipts import RECEIPTS

PROJECTIONS: tuple[Projection, ...] = (ACTIVITY, AUDIENCE, INBOX, METRICS, RECEIPTS)

__all__ = [
    "ACTIVITY",
    "AUDIENCE",
    "INBOX",
    "METRICS",
    "PROJECTIONS",
    "RECEIPTS",
    "Change",
    "Projection",
    "Statement",
]
