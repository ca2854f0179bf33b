"""Muting a thing in the inbox, and what is said of a mail that is not needed any more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect
from tidings.runtime.settings import Settings

from tests.builders import make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.test_mails import join
from tests.services.channels.test_preferences_api import change
from tests.waiting import wait_until
from tests.web.desk import INBOX, Desk, open_desk
from tests.web.visitor import Visitor


@pytest.fixture
async def mailbox(chosen: Settings, url: str) -> AsyncIterator[Mailbox]:
    """Run a mail server, and the channels that send to it."""
    async with serve_mailbox() as (mailbox, port), running_channels(with_relay(chosen, port)):
        yield mailbox


def assigned(task: str) -> dict[str, Any]:
    """Return the event that assigns a task to Alice."""
    return make_event("task.assigned", task_id=task, task_title=f"Task {task}", user_id="alice")


async def choose(at: Desk, row: int, item: str) -> None:
    """Choose something in the menu of a row."""
    await at.rows.nth(row).get_by_role("button", name="More").click()
    await at.page.get_by_role("menuitem", name=item).click()


async def own_preferences(tidings: Tidings) -> list[tuple[str, str | None, str]]:
    """Return what Alice chose for single things."""
    stated = (await tidings.get("/v1/preferences", "alice"))["preferences"]
    return [
        (each["of"], each["channel"], each["how"])
        for each in stated
        if each["of"].startswith("entity:")
    ]


async def test_what_is_read_now_is_not_mailed_later_and_that_is_said_at_once(
    visitor: Visitor, tidings: Tidings, mailbox: Mailbox
) -> None:
    await join(tidings, "unread", after_seconds=600)
    await tidings.emit(assigned("1"))
    at = await open_desk(visitor, "alice", INBOX)
    await expect(at.rows).to_have_count(1)
    why = at.page.get_by_role("dialog", name="Why you see this")
    await wait_until(lambda: _is_held(tidings))
    await choose(at, 0, "Why you see this")
    await expect(why).to_contain_text(
        re.compile(r"Will be mailed at .*: if it is still unread then\.")
    )
    await at.press_keys("Escape")
    await expect(at.rows.first.get_by_role("button", name="More")).to_be_focused()

    await choose(at, 0, "Mark as read")
    await choose(at, 0, "Why you see this")

    await expect(why).to_contain_text("Not mailed: you read it before.")


async def _is_held(tidings: Tidings) -> bool:
    return bool((await tidings.get("/v1/deliveries", "alice", state="held"))["deliveries"])


async def test_a_thing_is_muted_and_that_is_undone_as_it_was(
    visitor: Visitor, tidings: Tidings
) -> None:
    before: list[tuple[str, str | None, str]] = [("entity:task:1", "email", "now")]
    await change(tidings, {"of": "entity:task:1", "channel": "email", "how": "now"})
    await tidings.emit(assigned("1"))
    at = await open_desk(visitor, "alice", INBOX)
    await expect(at.rows).to_have_count(1)

    await choose(at, 0, "Mute task 1")

    await expect(at.page.get_by_text("Muted: nothing more of task 1").first).to_be_visible()
    await wait_until(lambda: _are(tidings, [("entity:task:1", None, "never")]))
    await at.rows.first.focus()
    await at.press_keys("z")
    await wait_until(lambda: _are(tidings, before))


async def _are(tidings: Tidings, expected: list[tuple[str, str | None, str]]) -> bool:
    return await own_preferences(tidings) == expected


async def test_a_thing_that_cannot_be_muted_now_is_said(visitor: Visitor, tidings: Tidings) -> None:
    visitor.expected_errors = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    await tidings.emit(assigned("1"))
    at = await open_desk(visitor, "alice", INBOX)
    await expect(at.rows).to_have_count(1)
    await visitor.context.set_offline(True)

    await choose(at, 0, "Mute task 1")

    await expect(at.page.locator(".undo-bar")).to_contain_text("nothing was changed")
