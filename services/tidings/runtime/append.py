"""Append: what services write to the streams with; a domain service's client does it with the same."""

from __future__ import annotations

from tidings.client.append import Appender, Expected, commit, seal, stage
from tidings.contracts.draft import BATCH_LIMIT_MESSAGES, Draft
from tidings.contracts.http import Appended

__all__ = [
    "BATCH_LIMIT_MESSAGES",
    "Appended",
    "Appender",
    "Draft",
    "Expected",
    "commit",
    "seal",
    "stage",
]
