"""A visitor: a browser with tabs in which the client runs as in any page."""

from __future__ import annotations

from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page, TimeoutError

from tests.driver import Tidings

WAIT_MILLISECONDS = 45_000
BLANK = "/web/blank.html"

CONNECT = """async ([name, options, edge, first]) => {
    const { connect } = await import(`${edge}/web/client.js`);
    window.heard = [];
    const getToken = async ({ refresh }) => {
        window.shown = refresh ? await window.token(name) : first;
        return window.shown;
    };
    window.tidings = connect({ ...options, getToken });
    for (const event of ["state", "notification", "caughtup", "reset", "refused", "error"])
        tidings.addEventListener(event, ({ detail }) =>
            heard.push({ ...structuredClone(detail), event }));
}"""


class Tab:
    """One page, in which a user is connected."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def until_live(self) -> Tab:
        """Wait until the client is live."""
        await self.wait_until("tidings.state === 'live'")
        return self

    async def wait_until(self, condition: str) -> None:
        """Wait until a condition holds."""
        try:
            await self.page.wait_for_function(condition, timeout=WAIT_MILLISECONDS)
        except TimeoutError:
            found = await self.evaluate(
                "[tidings.state, tidings.counts, tidings.pending, heard.slice(-10)]"
            )
            raise AssertionError(f"{condition} never was: {found}") from None

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        return await self.page.evaluate(expression)

    async def shown_titles(self) -> list[str]:
        """Return the titles that are shown, newest first."""
        return await self.evaluate("tidings.notifications.map((it) => it.title)")

    async def reported_events(self, event: str) -> list[dict[str, Any]]:
        """Return the details of all events of a name."""
        return await self.page.evaluate(
            "(name) => heard.filter((each) => each.event === name)", event
        )


class Visitor:
    """A browser context and the tabs opened in it."""

    def __init__(self, context: BrowserContext, tidings: Tidings) -> None:
        self.context = context
        self.tidings = tidings
        self.expected_errors: tuple[str, ...] = ()
        self._errors: list[str] = []

    @property
    def unexpected_errors(self) -> list[str]:
        """The errors of pages, except those that the test expects."""
        return [
            each
            for each in self._errors
            if not any(words in each for words in self.expected_errors)
        ]

    async def open_page(self, path: str = BLANK, url: str | None = None) -> Page:
        """Open a page of the edge."""
        page = await self.new_page()
        await page.goto((url or self.tidings.url) + path)
        return page

    async def new_page(self) -> Page:
        """Open an empty page whose errors are recorded."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on("console", self._record_error)
        await page.expose_function("token", self.tidings.token)
        return page

    async def open_tab(self, user: str, *, url: str | None = None, **options: Any) -> Tab:
        """Open a page in which a user connects."""
        page = await self.open_page(url=url)
        await self.connect_page(page, user, **options)
        return Tab(page)

    async def connect_page(self, page: Page, user: str, *, edge: str = "", **options: Any) -> None:
        """Connect in a page, as a page of a product does when it loads.

        The client comes from an edge, by default the page's own.
        """
        await page.evaluate(CONNECT, [user, options, edge, self.tidings.token(user)])

    def _record_error(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(message.text)
