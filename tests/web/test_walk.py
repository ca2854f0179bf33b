"""Random walks: whatever happened, in the end every tab shows and counts what the edge lists."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web.visitor import Tab, Visitor

STEPS = 25
STATES = ("read", "unread", "seen", "archived", "unarchived", "deleted")
STANDING = """tidings.notifications.map((it) => [it.title, Boolean(it.seen), Boolean(it.read)])"""
ALL = """(async () => { while (!tidings.complete) await tidings.more(100); })()"""

Step = Callable[[], Awaitable[Any]]


class Walk:
    """A person with several tabs and a phone, and random steps."""

    def __init__(
        self, visitor: Visitor, tidings: Tidings, share: str, chance: random.Random
    ) -> None:
        self.visitor = visitor
        self.tidings = tidings
        self.share = share
        self.chance = chance
        self.tabs: list[Tab] = []
        self.announced_count = 0
        self.step_names: list[str] = []

    @property
    def steps(self) -> Sequence[Step]:
        """The steps to choose from; those listed twice are twice as likely."""
        return (
            self.announce_some,
            self.announce_some,
            self.mark_some,
            self.mark_some,
            self.mark_all,
            self.undo_mark,
            self.reload_tab,
            self.replace_tab,
            self.toggle_connection,
            self.mark_on_phone,
        )

    async def take_steps(self, count: int) -> None:
        """Take a number of random steps."""
        await self.open_tab()
        await self.open_tab()
        for _ in range(count):
            step = self.chance.choice(self.steps)
            self.step_names.append(step.__name__)
            await step()

    async def open_tab(self) -> None:
        """Open another tab."""
        self.tabs.append(
            await self.visitor.open_tab(
                "amira", share=self.share, undo=self.chance.choice((0, 300))
            )
        )

    async def announce_some(self) -> None:
        """Emit one or more announcements."""
        count = self.chance.choice((1, 1, 2, 70))
        self.announced_count += count
        await self.tidings.emit(
            *(
                make_announcement("amira", title=f"number {self.announced_count - number}")
                for number in reversed(range(count))
            )
        )

    async def mark_some(self) -> None:
        """Mark some of what a tab shows."""
        state, share = self.chance.choice(STATES), self.chance.random()
        await self.tab.evaluate(f"""(() => {{
            const some = tidings.notifications.filter(() => Math.random() < {share}).slice(0, 20);
            const ids = some.map((it) => it.id);
            if (ids.length) window.last = tidings.mark("{state}", ids);
        }})()""")

    async def mark_all(self) -> None:
        """Mark all in a tab."""
        state = self.chance.choice(("read", "seen", "archived"))
        await self.tab.evaluate(f"void (window.last = tidings.markAll('{state}'))")

    async def undo_mark(self) -> None:
        """Undo a tab's last mark."""
        await self.tab.evaluate("window.last && tidings.undo(window.last)")

    async def reload_tab(self) -> None:
        """Reload a tab."""
        tab = self.tab
        await tab.page.reload()
        await self.visitor.connect_page(tab.page, "amira", share=self.share)

    async def replace_tab(self) -> None:
        """Close a tab, and open another one."""
        tab = self.tab
        self.tabs.remove(tab)
        await tab.page.close()
        await self.open_tab()

    async def announce_last(self) -> None:
        """Emit one more announcement, and wait until it and all before it have arrived."""
        self.announced_count += 1
        last = f"number {self.announced_count}"
        await self.tidings.emit(make_announcement("amira", title=last))
        phone = await self.tidings.connect("amira")
        while last not in (each["title"] for each in phone.notifications.values()):
            await phone.next("snapshot", "entries")

    async def toggle_connection(self) -> None:
        """Disconnect a tab, or connect it again."""
        await self.tab.evaluate(
            "tidings.state === 'offline' ? tidings.connect() : tidings.disconnect()"
        )

    async def mark_on_phone(self) -> None:
        """Mark the newest as read or unread on another device."""
        listed = (await self.tidings.get("/v1/notifications", "amira", limit=5))["notifications"]
        if listed:
            body = {
                "state": self.chance.choice(("read", "unread")),
                "ids": [each["id"] for each in listed],
            }
            answer = await self.tidings.http.post(
                "/v1/notifications/mark", json=body, headers=self.tidings.headers("amira")
            )
            assert answer.status_code == 200, answer.text

    @property
    def tab(self) -> Tab:
        """One of the tabs, at random."""
        return self.chance.choice(self.tabs)


@pytest.mark.parametrize("share", ["worker", "locks"])
async def test_whatever_happens_all_tabs_end_up_showing_what_the_edge_lists(
    visitor: Visitor, tidings: Tidings, share: str
) -> None:
    seed = random.randrange(10**6)
    walk = Walk(visitor, tidings, share, random.Random(seed))

    await walk.take_steps(STEPS)
    for tab in walk.tabs:
        await tab.evaluate("tidings.connect()")
    for tab in walk.tabs:
        await tab.wait_until("tidings.state === 'live' && !tidings.pending.length")

    await walk.announce_last()
    listed = [
        each
        for each in await tidings.list_all("amira", "all")
        if not {"archived", "snoozed"} & each.keys()
    ]
    counts = await tidings.get("/v1/counts", "amira")
    for tab in walk.tabs:
        await tab.wait_until(
            f"tidings.counts.total === {counts['total']}"
            f" && tidings.counts.unread === {counts['unread']}"
        )
        await tab.evaluate(ALL)
        shown = await tab.evaluate(STANDING)
        assert shown == [[each["title"], "seen" in each, "read" in each] for each in listed], (
            seed,
            walk.step_names,
        )
        heard = [
            int(each["notification"]["title"].split()[1])
            for each in await tab.reported_events("notification")
        ]
        assert heard == sorted(set(heard)), (seed, walk.step_names)
