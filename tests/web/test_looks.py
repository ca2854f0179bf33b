"""How the elements look, and what axe finds: light, dark, right-to-left, on a phone."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.web.desk import BELL, INBOX, TOASTS, open_desk
from tests.web.visitor import Visitor

LEAST_BYTES = 3000
STORY = (
    make_event("timelog.approved", timelog_id="1", user_id="amira", hours=2.5, project_id="garden"),
    make_event(
        "equipment.alert",
        equipment_id="4",
        name="Boiler",
        message="Pressure is high",
        technician_id="amira",
        severity="high",
    ),
    make_event(
        "achievement.revenue_milestone", user_id="amira", title="First 10 000", value=10_000
    ),
    make_event(
        "sync.conflict_detected",
        conflict_id="1",
        user_id="amira",
        entity_type="task",
        entity_id="5",
    ),
    make_event(
        "task.assigned",
        task_id="1",
        task_title="Water the seedlings",
        user_id="amira",
        actor="dina",
    ),
    make_announcement(
        "amira", title="Tea at four", message="In the garden, bring a cup", entity_url="/garden"
    ),
)
WAYS = {
    "light": {},
    "dark": {"scheme": "dark"},
    "right-to-left": {"dir": "rtl", "lang": "en"},
    "phone": {},
}
PHONE: ViewportSize = {"width": 390, "height": 780}


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for screenshots; `SCREENSHOTS` in the environment names one."""
    folder = (
        Path(os.environ["SCREENSHOTS"])
        if "SCREENSHOTS" in os.environ
        else tmp_path_factory.mktemp("screenshots")
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def phone(chromium: Browser, tidings: Tidings) -> AsyncIterator[Visitor]:
    """Open an empty browser on a phone."""
    context = await chromium.new_context(
        bypass_csp=True, viewport=PHONE, has_touch=True, is_mobile=True
    )
    visitor = Visitor(context, tidings)
    yield visitor
    await context.close()
    assert visitor.unexpected_errors == []


@pytest.mark.parametrize("way", WAYS)
async def test_the_open_bell_is_well_to_look_at_and_to_listen_to(
    visitor: Visitor, phone: Visitor, tidings: Tidings, album: Path, way: str
) -> None:
    await tidings.emit(*STORY)
    await tidings.wait_for_counts("amira", total=len(STORY))
    at = await open_desk(phone if way == "phone" else visitor, "amira", BELL + TOASTS, **WAYS[way])
    closed = await at.page.screenshot(path=album / f"bell-{way}.png", animations="disabled")

    await at.bell.click()
    await expect(at.rows).to_have_count(len(STORY))
    opened = await at.page.screenshot(path=album / f"inbox-{way}.png", animations="disabled")

    assert len(opened) > len(closed) > LEAST_BYTES
    assert await at.accessibility_faults() == []


async def test_an_empty_inbox_and_one_that_cannot_be_reached_say_so(
    visitor: Visitor, tidings: Tidings, album: Path
) -> None:
    visitor.expected_errors = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    at = await open_desk(visitor, "amira", INBOX)
    await expect(at.page.get_by_text("Nothing here yet")).to_be_visible()
    empty = await at.page.screenshot(path=album / "empty.png", animations="disabled")
    faults = await at.accessibility_faults()

    await visitor.context.set_offline(True)
    await at.page.get_by_role("tab", name="Done").click()
    await expect(at.page.get_by_text("This could not be loaded")).to_be_visible()
    failed = await at.page.screenshot(path=album / "error.png", animations="disabled")
    await visitor.context.set_offline(False)
    await at.page.get_by_role("button", name="Try again").click()

    await expect(at.page.get_by_text("Nothing is done yet")).to_be_visible()
    assert empty != failed
    assert faults == []


async def test_toasts_are_well_to_look_at(visitor: Visitor, tidings: Tidings, album: Path) -> None:
    at = await open_desk(visitor, "amira", TOASTS)
    await tidings.emit(*STORY[-3:], make_announcement("amira", title="one more"))

    await expect(at.page.get_by_text("1 more")).to_be_visible()
    await at.page.screenshot(path=album / "toasts.png", animations="disabled")

    assert await at.accessibility_faults() == []
