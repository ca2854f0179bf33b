"""The toasts, and the confetti."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.web.desk import BELL, TOASTS, open_desk
from tests.web.visitor import Visitor


async def test_toasts_are_few_stay_while_they_are_looked_at_and_keep_silent_over_an_open_inbox(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_desk(visitor, "amira", BELL + TOASTS)

    await tidings.emit(
        *(make_announcement("amira", title=f"number {number}") for number in range(5))
    )
    await expect(at.page.get_by_text("2 more")).to_be_visible()
    shown = await at.toasts.count()
    await at.toasts.first.hover()
    await at.bell.click()
    await expect(at.toasts).to_have_count(0)
    await tidings.emit(make_announcement("amira", title="while it is open"))
    await expect(at.page.locator("article h3").first).to_have_text("while it is open")

    assert shown == 3
    await expect(at.toasts).to_have_count(0)


async def test_what_is_critical_is_shown_at_once_however_much_else_is(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_desk(visitor, "amira", TOASTS)
    await tidings.emit(
        *(make_announcement("amira", title=f"number {number}") for number in range(3))
    )
    await expect(at.toasts).to_have_count(3)
    await at.toasts.last.hover()

    await tidings.emit(make_announcement("amira", title="Fire", priority="critical"))

    await expect(at.toasts.get_by_text("Fire")).to_be_visible()
    await expect(at.page.get_by_role("alert")).to_have_text("Fire. there")
    assert await at.toasts.count() <= 3


async def test_a_toast_that_asks_for_something_stays_and_is_answered_where_it_is(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_desk(visitor, "amira", TOASTS)
    await tidings.emit(
        make_event("task.assigned", task_id="1", task_title="Say hello", user_id="amira"),
        make_announcement("amira", title="no matter"),
    )
    await expect(at.toasts).to_have_count(2)
    await expect(at.toasts).to_have_count(1)  # the other one has gone by itself

    await at.page.get_by_role("button", name="Decline").click()

    await expect(at.toasts).to_have_count(0)
    await at.wait_until("tidings.notifications.some((it) => it.acted === 'decline')")


@pytest.mark.parametrize(("motion", "pieces"), [("no-preference", True), ("reduce", False)])
async def test_an_achievement_is_celebrated_but_not_with_whoever_prefers_less_motion(
    visitor: Visitor, tidings: Tidings, motion: str, pieces: bool
) -> None:
    at = await open_desk(visitor, "amira", TOASTS)
    await at.page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]

    await tidings.emit(
        make_event("achievement.revenue_milestone", user_id="amira", title="First 10 000")
    )
    await expect(at.toasts).to_have_count(1)

    assert (await at.page.locator(".confetti").count() > 0) == pieces
