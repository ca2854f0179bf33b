"""Measure the browser client in a real Chromium against a real edge.

First paint, frame times, connections and bytes.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.async_api import Browser, Page, async_playwright
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.runtime.log.read import last_message

from tests.benchmarks.entries import append, notification
from tests.benchmarks.measure import Row
from tests.benchmarks.system import System, person, system
from tests.web.conftest import chromium_path as chromium

WEB = Path(__file__).parents[2] / "services/tidings/edge/web"
SCRIPT = Path(__file__).with_suffix(".js")
IMPORT = re.compile(r'^\s*(?:import|export)\b[^;]*?\bfrom\s+"(\.[^"]+)"', re.MULTILINE)
KEPT, MISSED, SCROLLED, TABS = 6000, 1000, 5000, 10
VISITS, RETURNS, SCROLLS = 15, 7, 3
PIXELS_PER_FRAME = 300
IDLE_FRAMES = 600
LIMITS = {"paint": 100, "replay": 300, "frame": 50, "connections": 1, "KiB": 12}


async def browser() -> AsyncIterator[Row]:
    """Measure all figures of the browser; without Chromium only those of bytes."""
    path = chromium()
    if path:
        async with (
            system("edge", "projector", notifications_per_user=KEPT) as running,
            async_playwright() as playwright,
        ):
            process = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            bench = Bench(running, process)
            for part in (bench.first_paint, bench.replay, bench.scrolling, bench.tabs):
                async for row in part():
                    yield row
            await process.close()
    else:
        print("the browser's own figures were left out: there is no Chromium", file=sys.stderr)
    for row in bytes_on_the_wire():
        yield row


class Bench:
    """Opens browsers for users of its own, with pages of one edge."""

    def __init__(self, running: System, process: Browser) -> None:
        self._system = running
        self._browser = process
        self._url = f"http://127.0.0.1:{running.ports['edge']}"
        self._people = 0

    async def first_paint(self) -> AsyncIterator[Row]:
        """Measure a page with a bell, in a browser without any state."""
        user = self._new_user()
        await self._notify(user, 20)
        results = list[dict[str, float]]()
        for _ in range(VISITS):
            async with self._page(user) as page:
                results.append(await page.evaluate("(user) => firstPaint(user)", user.user))
        yield _row(
            "the bell painted, after its modules are there",
            [result["bell"] for result in results],
            "ms",
            LIMITS["paint"],
        )
        yield _row(
            "… with its count, on a first visit", [result["badge"] for result in results], "ms"
        )

    async def replay(self) -> AsyncIterator[Row]:
        """Measure a page with an inbox that returns after many notifications."""
        results = list[dict[str, float]]()
        user = self._new_user()
        await self._notify(user, 20)
        async with self._page(user) as page:
            await page.evaluate("(user) => open(user)", user.user)
            for _ in range(RETURNS):
                await page.evaluate("tidings.disconnect()")
                await self._notify(user, MISSED)
                account = f"{user.tenant}/{user.user}"
                results.append(
                    await page.evaluate(
                        "([account, count]) => comeBack(account, count)", [account, MISSED]
                    )
                )
                await page.evaluate(
                    "tidings.markAll('archived'), until(() => !tidings.pending.length)"
                )
        figure = f"{MISSED} missed entries applied and painted, from the first to arrive"
        yield _row(figure, [result["arrived"] for result in results], "ms", LIMITS["replay"])
        yield _row("… from being told to connect", [result["began"] for result in results], "ms")

    async def scrolling(self) -> AsyncIterator[Row]:
        """Scroll an inbox from top to end, beside an idle page."""
        longest, tasks, idle = list[float](), list[float](), list[float]()
        for _ in range(SCROLLS):
            user = self._new_user()
            await self._notify(user, SCROLLED)
            async with self._page(user) as page:
                idle.append(max(await page.evaluate("(count) => idle(count)", IDLE_FRAMES)))
                await page.evaluate("(user) => open(user)", user.user)
                await self._browser.start_tracing(page=page, categories=["toplevel"])
                result = await page.evaluate("(pixels) => scrollDown(pixels)", PIXELS_PER_FRAME)
                tasks.append(longest_task_milliseconds(await self._browser.stop_tracing()))
            assert result["rows"] == SCROLLED, result["rows"]
            longest.append(max(result["intervals"]))
        yield _row(
            f"{SCROLLED} notifications scrolled, {PIXELS_PER_FRAME} pixels a frame:"
            " the longest frame",
            longest,
            "ms",
            LIMITS["frame"],
        )
        yield _row("… a page on which nothing happens, the longest of 600 frames", idle, "ms")
        yield _row("… the longest task, processor time", tasks, "ms", LIMITS["frame"])

    async def tabs(self) -> AsyncIterator[Row]:
        """Count the connections of several tabs of one browser."""
        user = self._new_user()
        before = await self._connections()
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(self._page(user))
            pages = [first, *[await self._open_tab(first, user) for _ in range(TABS - 1)]]
            for page in pages:
                await page.evaluate("(user) => open(user)", user.user)
            yield Row(
                figure=f"{TABS} tabs, connections",
                value=await self._connections() - before,
                unit="",
                limit=LIMITS["connections"],
            )

    async def _connections(self) -> int:
        async with httpx.AsyncClient(base_url=self._url) as http:
            lines = (await http.get("/metrics")).text.splitlines()
        return int(
            float(
                next(line for line in lines if line.startswith("tidings_connections ")).split()[1]
            )
        )

    def _new_user(self) -> Person:
        self._people += 1
        return person(self._people)

    async def _notify(self, user: Person, count: int) -> None:
        """Send a user that many notifications, and wait until lists contain them."""
        drafts = [
            notification(number, user, self._system.settings.subjects) for number in range(count)
        ]
        await append(self._system.runtime.appender(), drafts)
        newest = await last_message(
            self._system.runtime.jetstream, NOTIFICATIONS, drafts[-1].subject
        )
        assert newest
        await self._system.wait_until_projected(newest.sequence)

    @asynccontextmanager
    async def _page(self, user: Person) -> AsyncGenerator[Page]:
        """Open a page in a new browser of a user."""
        context = await self._browser.new_context(
            bypass_csp=True, viewport={"width": 480, "height": 900}
        )
        await context.add_init_script(path=SCRIPT)
        await context.expose_function("token", lambda _: self._system.token(user))
        page = await context.new_page()
        await page.goto(f"{self._url}/web/blank.html")
        try:
            yield page
        finally:
            await context.close()

    async def _open_tab(self, page: Page, user: Person) -> Page:
        """Open another tab in the same browser."""
        tab = await page.context.new_page()
        await tab.goto(f"{self._url}/web/blank.html")
        return tab


def longest_task_milliseconds(trace: bytes) -> float:
    """Return the longest task of the main thread of a page, from a trace in Chromium's format."""
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event
        for event in events
        if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) in main
    ]
    return max(task.get("tdur", 0) for task in tasks) / 1000


def bytes_on_the_wire() -> list[Row]:
    """Return the bytes of the client that a browser loads once."""
    served_bytes = sum(
        len(gzip.compress((WEB / name).read_bytes())) for name in sorted(imports("client.js"))
    )
    rows = [
        Row(
            figure="… as it is served, every module by itself",
            value=served_bytes / 1024,
            unit="KiB",
        )
    ]
    if bundle_bytes := bundle():
        size = len(gzip.compress(bundle_bytes)) / 1024
        return [
            Row(
                figure="client.js and all that it imports, bundled and minified, gzip",
                value=size,
                unit="KiB",
                limit=LIMITS["KiB"],
            ),
            *rows,
        ]
    print(
        "the size of the bundled client was left out: `just web` fetches esbuild", file=sys.stderr
    )
    return rows


def imports(name: str) -> set[str]:
    """Return a module and all modules that it imports."""
    modules, waiting = set[str](), [name]
    while waiting:
        module = waiting.pop()
        if module not in modules:
            modules.add(module)
            folder = (WEB / module).parent
            waiting.extend(
                (folder / target).resolve().relative_to(WEB.resolve()).as_posix()
                for target in IMPORT.findall((WEB / module).read_text())
            )
    return modules


def bundle() -> bytes | None:
    """Return the client as one minified module; None without esbuild."""
    esbuild = shutil.which("esbuild", path=WEB / "node_modules" / ".bin")
    if esbuild is None:
        return None
    return subprocess.run(
        [esbuild, WEB / "client.js", "--bundle", "--minify", "--format=esm"],
        capture_output=True,
        check=True,
    ).stdout


def _row(figure: str, values: Sequence[float], unit: str, limit: float | None = None) -> Row:
    """Return the median of several values, with the lowest and the highest."""
    return Row(
        figure=figure,
        value=median(values),
        unit=unit,
        limit=limit,
        spread=(min(values), max(values)),
    )
