"""Findings: what the doctor checked, and how it is."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NamedTuple

from tidings.runtime.errors import TidingsError


class Finding(NamedTuple):
    """What was checked, whether it is well, and what was found or should be done."""

    subject: str
    healthy: bool
    message: str


async def checked(subject: str, check: Awaitable[Finding]) -> Finding:
    """Return the finding of a check; an error of a server is a finding too."""
    try:
        return await check
    except TidingsError as error:
        return Finding(subject, False, str(error))
