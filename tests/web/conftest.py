"""A real Chromium, one for all tests of a process, and for each test a browser of its own that knows nothing of the others."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.driver import Tidings
from tests.web.products import bundled
from tests.web.visitor import WAIT_MILLISECONDS, Visitor

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def found() -> str | None:
    """Where a Chromium is; `CHROMIUM` in the environment names one that is elsewhere."""
    return os.environ.get("CHROMIUM") or next(
        (path for name in CHROMIUMS if (path := shutil.which(name))), None
    )


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A running Chromium."""
    if (path := found()) is None:
        pytest.skip("needs Chromium: install the package `chromium`, or name one in CHROMIUM")
    expect.set_options(timeout=WAIT_MILLISECONDS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def visitor(chromium: Browser, tidings: Tidings) -> AsyncIterator[Visitor]:
    """Somebody's browser, whose pages must not fail in any way that a test does not expect."""
    context = await chromium.new_context(
        bypass_csp=True
    )  # conditions to wait for are evaluated in the page
    visitor = Visitor(context, tidings)
    yield visitor
    await context.close()
    assert visitor.failures == []


@pytest.fixture(scope="session")
async def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The products' pages, bundled."""
    return await bundled(tmp_path_factory.mktemp("pages"))
