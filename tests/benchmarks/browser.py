"""The browser's side in a real Chromium, against a real edge: what is painted when, how long frames take, connections, bytes."""

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
from tidings.runtime.read import last

from tests.benchmarks.entries import append, notification
from tests.benchmarks.measure import Row
from tests.benchmarks.system import System, person, system
from tests.web.conftest import found as chromium

WEB = Path(__file__).parents[2] / "services" / "edge" / "web"
SCRIPT = Path(__file__).with_suffix(".js")
IMPORT = re.compile(r'^\s*(?:import|export)\b[^;]*?\bfrom\s+"\./([^"]+)"', re.MULTILINE)
KEPT, MISSED, SCROLLED, TABS = 6000, 1000, 5000, 10
VISITS, RETURNS, SCROLLS = 15, 7, 3
PIXELS_PER_FRAME = 300
IDLE_FRAMES = 600
LIMITS = {"paint": 100, "replay": 300, "frame": 50, "connections": 1, "KiB": 12}


async def browser() -> AsyncIterator[Row]:
    """All figures of the browser; only those of bytes without Chromium."""
    path = chromium()
    if path:
        async with (
            system("edge", "projector", notifications_per_user=KEPT) as running,
            async_playwright() as playwright,
        ):
            started = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            bench = Bench(running, started)
            for part in (bench.first_paint, bench.replay, bench.scrolling, bench.tabs):
                async for row in part():
                    yield row
            await started.close()
    else:
        print("the browser's own figures were left out: there is no Chromium", file=sys.stderr)
    for row in bytes_on_the_wire():
        yield row


class Bench:
    """Browsers of people of their own, with pages of one edge."""

    def __init__(self, running: System, started: Browser) -> None:
        self._system = running
        self._browser = started
        self._url = f"http://127.0.0.1:{running.ports['edge']}"
        self._people = 0

    async def first_paint(self) -> AsyncIterator[Row]:
        """A page with a bell, in a browser that was never there."""
        one = self._somebody()
        await self._tell(one, 20)
        found = list[dict[str, float]]()
        for _ in range(VISITS):
            async with self._page(one) as page:
                found.append(await page.evaluate("(user) => firstPaint(user)", one.user))
        yield _row(
            "the bell painted, after its modules are there",
            [each["bell"] for each in found],
            "ms",
            LIMITS["paint"],
        )
        yield _row("… with its count, on a first visit", [each["badge"] for each in found], "ms")

    async def replay(self) -> AsyncIterator[Row]:
        """A page with an inbox that comes back after much has happened."""
        found = list[dict[str, float]]()
        one = self._somebody()
        await self._tell(one, 20)
        async with self._page(one) as page:
            await page.evaluate("(user) => open(user)", one.user)
            for _ in range(RETURNS):
                await page.evaluate("tidings.disconnect()")
                await self._tell(one, MISSED)
                account = f"{one.tenant}/{one.user}"
                found.append(
                    await page.evaluate(
                        "([account, count]) => comeBack(account, count)", [account, MISSED]
                    )
                )
                await page.evaluate(
                    "tidings.markAll('archived'), until(() => !tidings.pending.length)"
                )
        figure = f"{MISSED} missed entries applied and painted, from the first to arrive"
        yield _row(figure, [each["arrived"] for each in found], "ms", LIMITS["replay"])
        yield _row("… from being told to connect", [each["began"] for each in found], "ms")

    async def scrolling(self) -> AsyncIterator[Row]:
        """An inbox from its top to its very end; beside it, a page on which nothing happens."""
        longest, tasks, idle = list[float](), list[float](), list[float]()
        for _ in range(SCROLLS):
            one = self._somebody()
            await self._tell(one, SCROLLED)
            async with self._page(one) as page:
                idle.append(max(await page.evaluate("(count) => idle(count)", IDLE_FRAMES)))
                await page.evaluate("(user) => open(user)", one.user)
                await self._browser.start_tracing(page=page, categories=["toplevel"])
                moved = await page.evaluate("(pixels) => scrollDown(pixels)", PIXELS_PER_FRAME)
                tasks.append(longest_task_milliseconds(await self._browser.stop_tracing()))
            assert moved["rows"] == SCROLLED, moved["rows"]
            longest.append(max(moved["found"]))
        yield _row(
            f"{SCROLLED} notifications scrolled, {PIXELS_PER_FRAME} pixels a frame: the longest frame",
            longest,
            "ms",
            LIMITS["frame"],
        )
        yield _row("… a page on which nothing happens, the longest of 600 frames", idle, "ms")
        yield _row("… the longest task, processor time", tasks, "ms", LIMITS["frame"])

    async def tabs(self) -> AsyncIterator[Row]:
        """Tabs of one browser."""
        one = self._somebody()
        before = await self._connections()
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(self._page(one))
            pages = [first, *[await self._another(first, one) for _ in range(TABS - 1)]]
            for page in pages:
                await page.evaluate("(user) => open(user)", one.user)
            yield Row(
                figure=f"{TABS} tabs, connections",
                measured=await self._connections() - before,
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

    def _somebody(self) -> Person:
        self._people += 1
        return person(self._people)

    async def _tell(self, one: Person, count: int) -> None:
        """Tell somebody so many things, and wait until lists have them."""
        drafts = [
            notification(number, one, self._system.settings.partitions) for number in range(count)
        ]
        await append(self._system.runtime.appender(), drafts)
        newest = await last(self._system.runtime.jetstream, NOTIFICATIONS, drafts[-1].subject)
        assert newest
        await self._system.projected(newest.sequence)

    @asynccontextmanager
    async def _page(self, one: Person) -> AsyncGenerator[Page]:
        """A page in a browser of somebody's who was never there."""
        context = await self._browser.new_context(
            bypass_csp=True, viewport={"width": 480, "height": 900}
        )
        await context.add_init_script(path=SCRIPT)
        await context.expose_function("token", lambda _: self._system.token(one))
        page = await context.new_page()
        await page.goto(f"{self._url}/web/blank.html")
        try:
            yield page
        finally:
            await context.close()

    async def _another(self, page: Page, one: Person) -> Page:
        """Another tab of the same browser."""
        other = await page.context.new_page()
        await other.goto(f"{self._url}/web/blank.html")
        return other


def longest_task_milliseconds(trace: bytes) -> float:
    """The most processor time that any task of a page's main thread took, from a trace in Chromium's format."""
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    main = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        each
        for each in events
        if each["name"].endswith("RunTask") and (each["pid"], each["tid"]) in main
    ]
    return max(each.get("tdur", 0) for each in tasks) / 1000


def bytes_on_the_wire() -> list[Row]:
    """What a browser loads of the client, once."""
    served = sum(
        len(gzip.compress((WEB / name).read_bytes())) for name in sorted(imports("client.js"))
    )
    rows = [
        Row(figure="… as it is served, every module by itself", measured=served / 1024, unit="KiB")
    ]
    if bundled := bundle():
        size = len(gzip.compress(bundled)) / 1024
        return [
            Row(
                figure="client.js and all that it imports, bundled and minified, gzip",
                measured=size,
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
    """A module and all those that it imports."""
    found, waiting = set[str](), [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += IMPORT.findall((WEB / one).read_text())
    return found


def bundle() -> bytes | None:
    """The client as a product ships it; None without esbuild."""
    esbuild = shutil.which("esbuild", path=WEB / "node_modules" / ".bin")
    if esbuild is None:
        return None
    return subprocess.run(
        [esbuild, WEB / "client.js", "--bundle", "--minify", "--format=esm"],
        capture_output=True,
        check=True,
    ).stdout


def _row(figure: str, measured: Sequence[float], unit: str, limit: float | None = None) -> Row:
    """The median of several, and the least and the most of them."""
    return Row(
        figure=figure,
        measured=median(measured),
        unit=unit,
        limit=limit,
        spread=(min(measured), max(measured)),
    )
