"""Fixtures: the browser of `tests/web`."""

from __future__ import annotations

from tests.web.conftest import chromium, visitor

__all__ = ["chromium", "visitor"]
