"""Pages of products, written with React and bundled; Tidings' modules come from the edge."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from tests.web.visitor import Visitor

PAGES = Path(__file__).parent / "pages"
MODULES = Path(__file__).parents[2] / "services/tidings/edge/web/node_modules"
MOUNT = """async ([name, strict, props]) => {
    const { createElement, createRoot, StrictMode } = await import("react");
    const { default: Shown } = await import(`/pages/${name}.js`);
    window.root = createRoot(document.getElementById("root"));
    root.render(createElement(strict ? StrictMode : "div", null, createElement(Shown, props)));
}"""


async def bundle_pages(folder: Path) -> Path:
    """Bundle all pages into a folder, with one copy of React."""
    esbuild = MODULES / ".bin" / "esbuild"
    if not esbuild.exists() or not (MODULES / "react-dom").exists():
        pytest.skip("needs React and esbuild: `npm install` in services/tidings/edge/web")
    (folder / "index.html").write_text((PAGES / "index.html").read_text())
    options = (
        "--bundle",
        "--splitting",
        "--format=esm",
        "--jsx=automatic",
        "--external:tidings-web",
        '--define:process.env.NODE_ENV="development"',
    )
    process = await asyncio.create_subprocess_exec(
        esbuild,
        *PAGES.glob("*.jsx"),
        *options,
        f"--outdir={folder}",
        "--log-level=warning",
        env={**os.environ, "NODE_PATH": str(MODULES)},
    )
    assert await process.wait() == 0
    return folder


async def open_product(
    visitor: Visitor,
    pages: Path,
    name: str,
    user: str = "alice",
    *,
    strict: bool = True,
    **props: str,
) -> Page:
    """Open a page of a product, signed in as a user."""

    async def serve(route: Route) -> None:
        await route.fulfill(path=pages / route.request.url.rpartition("/")[2])

    await visitor.context.route("**/pages/*", serve)
    page = await visitor.open_page("/pages/index.html")
    await page.evaluate(MOUNT, [name, strict, {"token": visitor.tidings.token(user), **props}])
    return page
