"""A visitor: somebody's browser, with tabs in which the client runs as it would in any page."""

from __future__ import annotations

from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page, TimeoutError

from tests.driver import Tidings

WAIT_MILLISECONDS = 45_000
BLANK = "/web/blank.html"

CONNECT = """async ([name, options, edge, first]) => {
    const { connect } = await import(`${edge}/web/client.js`);
    window.heard = [];
    const getToken = async ({ refresh }) => (window.shown = refresh ? await window.token(name) : first);
    window.tidings = connect({ ...options, getToken });
    for (const each of ["state", "notification", "caughtup", "reset", "refused", "error"])
        tidings.addEventListener(each, ({ detail }) => heard.push({ ...structuredClone(detail), event: each }));
}"""


class Tab:
    """One page, in which somebody is connected."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def live(self) -> Tab:
        """Wait until it is live."""
        await self.until("tidings.state === 'live'")
        return self

    async def until(self, condition: str) -> None:
        """Wait until a condition holds."""
        try:
            await self.page.wait_for_function(condition, timeout=WAIT_MILLISECONDS)
        except TimeoutError:
            found = await self.says(
                "[tidings.state, tidings.counts, tidings.pending, heard.slice(-10)]"
            )
            raise AssertionError(f"{condition} never was: {found}") from None

    async def says(self, expression: str) -> Any:
        """What an expression is in the page."""
        return await self.page.evaluate(expression)

    async def titles(self) -> list[str]:
        """What is shown, newest first."""
        return await self.says("tidings.notifications.map((it) => it.title)")

    async def heard(self, event: str) -> list[dict[str, Any]]:
        """What the client has told of an event."""
        return await self.page.evaluate(
            "(name) => heard.filter((each) => each.event === name)", event
        )


class Visitor:
    """A browser context and the tabs opened in it."""

    def __init__(self, context: BrowserContext, tidings: Tidings) -> None:
        self.context = context
        self.tidings = tidings
        self.expected: tuple[str, ...] = ()
        self._said: list[str] = []

    @property
    def failures(self) -> list[str]:
        """What pages have complained of, but for what a test expects."""
        return [each for each in self._said if not any(words in each for words in self.expected)]

    async def page(self, path: str = BLANK, url: str | None = None) -> Page:
        """A page of the edge."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self._said.append(str(error)))
        page.on("console", self._console)
        await page.expose_function("token", self.tidings.token)
        await page.goto((url or self.tidings.url) + path)
        return page

    async def tab(self, user: str, *, url: str | None = None, **options: Any) -> Tab:
        """A page in which a user connects."""
        page = await self.page(url=url)
        await self.connect(page, user, **options)
        return Tab(page)

    async def connect(self, page: Page, user: str, *, edge: str = "", **options: Any) -> None:
        """Connect in a page, as a page of a product does when it loads; the client comes from an edge, as a rule the page's own."""
        await page.evaluate(CONNECT, [user, options, edge, self.tidings.token(user)])

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._said.append(message.text)
