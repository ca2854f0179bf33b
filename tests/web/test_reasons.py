"""What the bell says of what was sent beyond it; and what cannot be muted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.test_preferences_api import change
from tests.waiting import wait_until
from tests.web.desk import BELL, INBOX, Desk, open_desk
from tests.web.visitor import Visitor

TASK = make_event(
    "task.assigned", task_id="4", task_title="Water the seedlings", user_id="amira", actor="dina"
)
TASK_SCOPE = "entity:task:4"
READ_SECONDS = 4
"""Long enough for a click on a busy machine."""


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


async def open_with_task(visitor: Visitor, tidings: Tidings) -> Desk:
    """Open an inbox in which somebody has a task."""
    await tidings.emit({**TASK, "id": f"{tidings.tenant}-task"})
    await tidings.wait_for_counts("amira", total=1)
    return await open_desk(visitor, "amira", INBOX)


async def choose(at: Desk, title: str, item: str) -> None:
    """Choose an item of the menu of a row."""
    row = at.rows.filter(has_text=title)
    await row.hover()
    await row.get_by_role("button", name="More").click()
    await at.page.get_by_role("menuitem", name=item).click()


async def test_what_the_tenant_requires_cannot_be_muted(visitor: Visitor, tidings: Tidings) -> None:
    visitor.expected_errors = ("409",)
    required = {"of": TASK_SCOPE, "how": "now", "required": True}
    sequence = await change(tidings, required, user="root", scope="inbox admin", of="tenant")
    await tidings.get("/v1/preferences", "amira", after=sequence)
    at = await open_with_task(visitor, tidings)

    await choose(at, "assigned", "Mute task 4")

    await expect(at.page.get_by_text("Your organisation requires this").first).to_be_visible()
    await expect(at.page.get_by_role("button", name="Undo")).to_have_count(0)


async def test_a_row_says_why_it_is_there_and_what_was_sent_of_it(
    visitor: Visitor, tidings: Tidings, mailbox: Mailbox
) -> None:
    address = f"amira-{tidings.tenant}@example.org"
    await tidings.emit(
        make_event("user.joined", user_id="amira", email=address),
        make_event("preference.set", user_id="amira", of="all", channel="email", how="unread"),
        *(
            make_event("preference.set", user_id="amira", of=of, channel="email", **how)
            for of, how in {
                "category:task": {"how": "now"},
                "category:sync": {"how": "digest"},
                "category:timelog": {"how": "never"},
            }.items()
        ),
    )
    await tidings.emit(
        {**TASK, "id": f"{tidings.tenant}-task"},
        make_announcement("amira", title="Tea at four"),
        make_event(
            "sync.conflict_detected",
            conflict_id="1",
            user_id="amira",
            entity_type="task",
            entity_id="5",
        ),
    )
    await mailbox.wait_for(address)
    await wait_until(lambda: _is_told(tidings, 3))
    at = await open_desk(visitor, "amira", BELL)
    await at.bell.click()

    async def reason_of(title: str) -> Locator:
        await at.press_keys("Escape") if await dialog.count() else None
        await choose(at, title, "Why")
        return dialog

    dialog = at.page.get_by_role("dialog", name="Why you see this")
    await expect(await reason_of("Water the seedlings")).to_contain_text("Mailed at")
    await expect(dialog).to_contain_text(f"to a…@{address.partition('@')[2]}")
    faults = await at.accessibility_faults()
    await expect(await reason_of("Tea at four")).to_contain_text("if it is still unread then")
    await expect(await reason_of("conflict")).to_contain_text("Waits for your summary")
    assert faults == []


async def test_what_was_read_in_time_says_that_it_was_not_mailed(
    visitor: Visitor, tidings: Tidings, mailbox: Mailbox
) -> None:
    address = f"amira-{tidings.tenant}@example.org"
    unread = {"how": "unread", "after_seconds": READ_SECONDS}
    at = await open_desk(visitor, "amira", INBOX)
    await tidings.emit(
        make_event("user.joined", user_id="amira", email=address),
        make_event("preference.set", user_id="amira", of="all", channel="email", **unread),
        make_announcement("amira", title="Tea at four"),
    )

    await at.rows.first.get_by_text("there").click()
    await wait_until(lambda: _is_told(tidings, 1, "dropped"))
    await choose(at, "Tea at four", "Why")

    await expect(at.page.get_by_role("dialog")).to_contain_text("Not mailed: you read it before.")


async def _is_told(tidings: Tidings, count: int, *states: str) -> bool:
    page: dict[str, Any] = await tidings.get("/v1/deliveries", "amira")
    found = [each["state"] for each in page["deliveries"]]
    return len(found) == count and (not states or found == list(states))
