"""The law of every tab: whatever happened on the way, in the end it shows what the edge would list, and counts as the edge does."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from tests.driver import Tidings, hello_to
from tests.web.visitor import Tab, Visitor

STEPS = 25
STATES = ("read", "unread", "seen", "archived", "unarchived", "deleted")
STANDING = """tidings.notifications.map((it) => [it.title, Boolean(it.seen), Boolean(it.read)])"""
ALL = """(async () => { while (!tidings.complete) await tidings.more(100); })()"""

Step = Callable[[], Awaitable[Any]]


class Walk:
    """Somebody with several tabs and a phone, to whom things happen by chance."""

    def __init__(
        self, visitor: Visitor, tidings: Tidings, share: str, chance: random.Random
    ) -> None:
        self.visitor = visitor
        self.tidings = tidings
        self.share = share
        self.chance = chance
        self.tabs: list[Tab] = []
        self.told = 0
        self.took: list[str] = []

    @property
    def steps(self) -> Sequence[Step]:
        """What may happen, the likelier the more often it stands here."""
        return (
            self.tell,
            self.tell,
            self.mark,
            self.mark,
            self.sweep,
            self.undo,
            self.reload,
            self.leave,
            self.sleep,
            self.phone,
        )

    async def walk(self, count: int) -> None:
        """So many steps."""
        await self.enter()
        await self.enter()
        for _ in range(count):
            step = self.chance.choice(self.steps)
            self.took.append(step.__name__)
            await step()

    async def enter(self) -> None:
        """Another tab."""
        self.tabs.append(
            await self.visitor.tab("amira", share=self.share, undo=self.chance.choice((0, 300)))
        )

    async def tell(self) -> None:
        """Something new, or a little more of it."""
        count = self.chance.choice((1, 1, 2, 70))
        self.told += count
        await self.tidings.emit(
            *(
                hello_to("amira", title=f"number {self.told - number}")
                for number in reversed(range(count))
            )
        )

    async def mark(self) -> None:
        """A tab marks some of what it shows."""
        state, share = self.chance.choice(STATES), self.chance.random()
        await self.tab.says(f"""(() => {{
            const ids = tidings.notifications.filter(() => Math.random() < {share}).slice(0, 20).map((it) => it.id);
            if (ids.length) window.last = tidings.mark("{state}", ids);
        }})()""")

    async def sweep(self) -> None:
        """A tab marks all."""
        await self.tab.says(
            f"void (window.last = tidings.markAll('{self.chance.choice(('read', 'seen', 'archived'))}'))"
        )

    async def undo(self) -> None:
        """A tab takes its last mark back."""
        await self.tab.says("window.last && tidings.undo(window.last)")

    async def reload(self) -> None:
        """A tab is loaded anew."""
        tab = self.tab
        await tab.page.reload()
        await self.visitor.connect(tab.page, "amira", share=self.share)

    async def leave(self) -> None:
        """A tab is closed, and another one opened."""
        tab = self.tab
        self.tabs.remove(tab)
        await tab.page.close()
        await self.enter()

    async def end(self) -> None:
        """The last thing that is told has been told, and so has all before it."""
        self.told += 1
        last = f"number {self.told}"
        await self.tidings.emit(hello_to("amira", title=last))
        phone = await self.tidings.connect("amira")
        while last not in (each["title"] for each in phone.notifications.values()):
            await phone.next("snapshot", "entries")

    async def sleep(self) -> None:
        """A tab is offline from now on, or no longer."""
        await self.tab.says(
            "tidings.state === 'offline' ? tidings.connect() : tidings.disconnect()"
        )

    async def phone(self) -> None:
        """Another device reads all, or what is newest."""
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
        """Any of the tabs."""
        return self.chance.choice(self.tabs)


@pytest.mark.parametrize("share", ["worker", "locks"])
async def test_whatever_happens_all_tabs_end_up_showing_what_the_edge_lists(
    visitor: Visitor, tidings: Tidings, share: str
) -> None:
    seed = random.randrange(10**6)
    walk = Walk(visitor, tidings, share, random.Random(seed))

    await walk.walk(STEPS)
    for tab in walk.tabs:
        await tab.says("tidings.connect()")
    for tab in walk.tabs:
        await tab.until("tidings.state === 'live' && !tidings.pending.length")

    await walk.end()
    listed = [
        each
        for each in await tidings.listing("amira", "all")
        if not {"archived", "snoozed"} & each.keys()
    ]
    counts = await tidings.get("/v1/counts", "amira")
    for tab in walk.tabs:
        await tab.until(
            f"tidings.counts.total === {counts['total']} && tidings.counts.unread === {counts['unread']}"
        )
        await tab.says(ALL)
        shown = await tab.says(STANDING)
        assert shown == [[each["title"], "seen" in each, "read" in each] for each in listed], (
            seed,
            walk.took,
        )
        heard = [
            int(each["notification"]["title"].split()[1])
            for each in await tab.heard("notification")
        ]
        assert heard == sorted(set(heard)), (seed, walk.took)
