"""Fixtures: one real Chromium a process, and an empty browser context for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.driver import Tidings
from tests.web.products import bundle_pages
from tests.web.visitor import WAIT_MILLISECONDS, Visitor

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> str | None:
    """Return the path of a Chromium: `CHROMIUM` in the environment, else the first on PATH."""
    return os.environ.get("CHROMIUM") or next(
        (path for name in CHROMIUMS if (path := shutil.which(name))), None
    )


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Start a Chromium."""
    if (path := chromium_path()) is None:
        pytest.skip("needs Chromium: install the package `chromium`, or name one in CHROMIUM")
    expect.set_options(timeout=WAIT_MILLISECONDS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def visitor(chromium: Browser, tidings: Tidings) -> AsyncIterator[Visitor]:
    """Open an empty browser; fail if its pages report errors that the test does not expect."""
    context = await chromium.new_context(
        bypass_csp=True
    )  # conditions to wait for are evaluated in the page
    visitor = Visitor(context, tidings)
    yield visitor
    await context.close()
    assert visitor.unexpected_errors == []


@pytest.fixture(scope="session")
async def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundle the products' pages."""
    return await bundle_pages(tmp_path_factory.mktemp("pages"))
