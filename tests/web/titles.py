"""Notifications for Amira, told apart by their titles."""

from __future__ import annotations

from tests.builders import make_announcement
from tests.driver import Tidings


async def emit_titles(tidings: Tidings, *titles: str) -> None:
    """Emit one announcement a title."""
    await tidings.emit(*(make_announcement("amira", title=title) for title in titles))


async def announce_titles(tidings: Tidings, *titles: str) -> None:
    """Emit one announcement a title, and wait until the inbox lists them."""
    await emit_titles(tidings, *titles)
    await tidings.wait_for_counts("amira", total=len(titles))
