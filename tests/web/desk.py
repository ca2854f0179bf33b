"""A desk: a page of a product with elements in it, used by mouse and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator

from tests.web.visitor import Tab, Visitor

AXE = (
    Path(__file__).parents[2]
    / "services"
    / "tidings"
    / "edge"
    / "web"
    / "node_modules"
    / "axe-core"
    / "axe.min.js"
)

LAY_OUT = """async ([html, way]) => {
    await import("/web/elements.js");
    Object.assign(document.documentElement.style, { colorScheme: way.scheme ?? "light" });
    Object.assign(document.documentElement, { dir: way.dir ?? "ltr", lang: way.lang ?? "en" });
    const background = "light-dark(#eef0f5, #0d0f13)";
    const style = { margin: 0, padding: "16px 24px", fontFamily: "system-ui", background };
    Object.assign(document.body.style, style);
    document.body.innerHTML = `<main><h1 style="font-size:20px">A product</h1>${html}</main>`;
}"""
BELL = '<div style="display: flex; justify-content: end"><tidings-bell></tidings-bell></div>'
INBOX = '<tidings-inbox style="width: 420px; height: 600px"></tidings-inbox>'
TOASTS = "<tidings-toasts></tidings-toasts>"


class Desk(Tab):
    """A tab with elements in it."""

    @property
    def bell(self) -> Locator:
        """The bell's button."""
        return self.page.locator("button.bell")

    @property
    def rows(self) -> Locator:
        """The notifications in the list."""
        return self.page.locator("article")

    @property
    def toasts(self) -> Locator:
        """The toasts in the corner."""
        return self.page.locator(".toast:not(.leaving)")

    async def press_keys(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def accessibility_faults(self) -> list[str]:
        """Return what axe finds wrong with the page: rule and place."""
        if not AXE.exists():
            pytest.skip("needs axe-core: run `just web` once")
        await self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate(
            "axe.run(document, { resultTypes: ['violations'] })"
        )
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


async def open_desk(visitor: Visitor, user: str, html: str, **way: str) -> Desk:
    """Open a page with elements, and wait until it is live."""
    page = await visitor.open_page()
    await page.evaluate(LAY_OUT, [html, way])
    await visitor.connect_page(page, user)
    found = Desk(page)
    await found.until_live()
    return found
