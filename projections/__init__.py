"""Projections: how a log becomes rows; pure, one file each."""

from __future__ import annotations

from projections.activity import ACTIVITY
from projections.audience import AUDIENCE
from projections.inbox import INBOX
from projections.metrics import METRICS
from projections.projection import Change, Projection, Statement
from projections.receipts import RECEIPTS

PROJECTIONS: tuple[Projection, ...] = (ACTIVITY, AUDIENCE, INBOX, METRICS, RECEIPTS)

__all__ = ["ACTIVITY", "AUDIENCE", "INBOX", "METRICS", "PROJECTIONS", "RECEIPTS", "Change", "Projection", "Statement"]
