"""The projections, which turn a log into the rows of read models; pure."""

from __future__ import annotations

from tidings.projections.activity.projection import ACTIVITY
from tidings.projections.audience.projection import AUDIENCE
from tidings.projections.deliveries.projection import DELIVERIES
from tidings.projections.inbox.projection import INBOX
from tidings.projections.metrics.projection import METRICS
from tidings.projections.preferences.projection import PREFERENCES
from tidings.projections.projection import Change, Projection, Statement
from tidings.projections.receipts.projection import RECEIPTS

PROJECTIONS: tuple[Projection, ...] = (
    ACTIVITY,
    AUDIENCE,
    DELIVERIES,
    INBOX,
    METRICS,
    PREFERENCES,
    RECEIPTS,
)

__all__ = [
    "ACTIVITY",
    "AUDIENCE",
    "DELIVERIES",
    "INBOX",
    "METRICS",
    "PREFERENCES",
    "PROJECTIONS",
    "RECEIPTS",
    "Change",
    "Projection",
    "Statement",
]
