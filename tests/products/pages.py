"""Pages made of the products' own code: bundled with esbuild, opened in a real browser.

The code runs as it is printed. Outside of it, a page has what a product's environment would give
it: an address that leads to the edge, and a token.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from tests.web.products import MODULES, PAGES
from tests.web.visitor import BLANK, Visitor

PAGE = """() => {
    document.body.innerHTML = '<span id="notification-badge"></span><div id="root"></div>';
    const imports = { react: "/code/react.js", "tidings-web/": "/web/" };
    for (const [type, text, src] of [
        ["importmap", JSON.stringify({ imports })],
        ["module", "", "/code/page.js"],
    ]) {
        const script = document.createElement("script");
        script.type = type;
        if (src) script.src = src;
        else script.textContent = text;
        document.head.append(script);
    }
}"""
ROUTED = """([edge, token]) => {
    const address = (given) => {
        const url = new URL(given, location.href);
        url.host = new URL(edge).host;
        if (token && !url.searchParams.has("token")) url.searchParams.set("token", token);
        return url.href;
    };
    window.opened = [];
    for (const name of ["WebSocket", "EventSource"]) {
        const Native = window[name];
        window[name] = class extends Native {
            constructor(url, options) {
                super(address(url), name === "EventSource" ? {} : options);
                window.opened.push(this);
            }
        };
    }
}"""


async def bundle(folder: Path, code: str, modules: Mapping[str, str]) -> Path:
    """Bundle code (TypeScript with JSX) and return the folder that a page is served from.

    `modules`: what the code imports by names of its own, as modules of Tidings, for example
    `{"@/hooks/useWebSocket": "tidings-web/react/barbershop.js"}`.
    """
    esbuild = MODULES / ".bin" / "esbuild"
    if not esbuild.exists() or not (MODULES / "react-dom").exists():
        pytest.skip("needs React and esbuild: `npm install` in services/tidings/edge/web")
    _write_code(folder, code)
    await _run_esbuild(esbuild, folder, PAGES / "react.jsx")
    await _run_esbuild(
        esbuild,
        folder,
        folder / "page.tsx",
        "--external:react",
        "--external:tidings-web/*",
        *(f"--alias:{name}={path}" for name, path in modules.items()),
    )
    return folder


def _write_code(folder: Path, code: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.tsx").write_text(code)


async def _run_esbuild(esbuild: Path, folder: Path, file: Path, *options: str) -> None:
    process = await asyncio.create_subprocess_exec(
        esbuild,
        file,
        *("--bundle", "--format=esm", "--jsx=transform", f"--outdir={folder}"),
        *("--log-level=error", '--define:process.env.NODE_ENV="development"'),
        *options,
        env={**os.environ, "NODE_PATH": str(MODULES)},
    )
    assert await process.wait() == 0, f"{file} cannot be bundled"


async def open_code(
    visitor: Visitor,
    folder: Path,
    code: str,
    *,
    token: str | None,
    modules: Mapping[str, str] | None = None,
    url: str | None = None,
    frozen_clock: bool = False,
) -> Page:
    """Open a page that runs code.

    Every WebSocket and EventSource of the page leads to the edge (`url`, by default that of the
    visitor's driver), whatever host the code names, with the token if the code gives none; those
    that were opened are listed in `window.opened`. With `frozen_clock`, the page's timers only move
    by `page.clock`.
    """
    await bundle(folder, code, modules or {})
    edge = url or visitor.tidings.url

    async def serve(route: Route) -> None:
        await route.fulfill(path=folder / route.request.url.rpartition("/")[2])

    page = await visitor.new_page()
    await page.route("**/code/*", serve)
    await page.add_init_script(f"({ROUTED})({json.dumps([edge, token])})")
    if frozen_clock:
        await page.clock.install()
    await page.goto(edge + BLANK)
    await page.evaluate(PAGE)
    return page
