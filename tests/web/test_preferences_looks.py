"""How settings look with everything in them, and what axe finds: dark, narrow, right-to-left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels, serve_mailbox, with_relay
from tests.services.channels.test_preferences_api import change, send
from tests.waiting import wait_until
from tests.web.desk import Desk, open_desk
from tests.web.visitor import Visitor

PREFERENCES = (
    '<tidings-preferences categories="incident message system_announcement task">'
    "</tidings-preferences>"
)
NIGHT = {"days": ["mon", "tue", "wed", "thu", "fri"], "begin": "22:00", "until": "07:00"}
WEEKEND = {"days": ["sat", "sun"], "begin": "00:00", "until": "24:00"}
WAYS = {
    "light": {},
    "dark": {"scheme": "dark", "dir": "rtl", "lang": "de"},
}
NARROW_PIXELS = 320
OVERFLOW = """() => {
    const { root } = document.querySelector("tidings-preferences");
    const fields = [...root.querySelectorAll("section > *, section button, select, input")];
    const sections = root.querySelector("section").getBoundingClientRect();
    const wide = fields.filter((each) => {
        const { left, right } = each.getBoundingClientRect();
        const isOutside = left < sections.left || right > sections.right;
        return isOutside && each.checkVisibility();
    });
    const names = wide.map((each) => `${each.localName}.${each.className}`);
    return document.documentElement.scrollWidth > innerWidth ? ["page", ...names] : names;
}"""


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Return the folder for screenshots; `SCREENSHOTS` in the environment names one."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def settle_everything(tidings: Tidings, chosen: Settings) -> None:
    """Make a person's settings in which everything is that can be, also a mail that came back."""
    bouncing = f"amira-{tidings.tenant}@example.org"
    async with (
        serve_mailbox() as (mailbox, port),
        running_channels(with_relay(chosen, port)),
    ):
        mailbox.refusals[bouncing] = f"550 5.1.1 <{bouncing}> no such user"
        await tidings.emit(
            make_event("user.joined", user_id="amira", email=bouncing),
            make_event(
                "preference.set",
                user_id="amira",
                of="category:system_announcement",
                channel="email",
                how="now",
            ),
            make_announcement("amira", title="Tea at four"),
            _address("a-2", "email", "amira@example.com"),
            _address("a-3", "chat", "https://hooks.example.com/services/T0/B0", service="slack"),
            make_event(
                "device.registered", user_id="amira", device_id="d-1", kind="fcm", token="t" * 40
            ),
        )
        await wait_until(lambda: _has_bounced(tidings))
    required = {"of": "category:incident", "channel": "email", "how": "now", "required": True}
    wanted = {"of": "category:message", "channel": "push", "how": "unread", "after_seconds": 300}
    as_admin = {"user": "root", "scope": "inbox admin", "of": "tenant"}
    await change(tidings, required, wanted, **as_admin)
    await send(tidings, "POST", "/v1/addresses", _given("amira@example.net"), "amira")
    hours = {"windows": [NIGHT, WEEKEND], "zone": "Europe/Berlin"}
    await send(tidings, "PUT", "/v1/quiet-hours", hours, "amira")
    sequence = await change(
        tidings,
        {"of": "category:task", "channel": "email", "how": "never"},
        {"of": "entity:work_order:4711", "how": "never"},
        user="amira",
    )
    await tidings.get("/v1/preferences", "amira", after=sequence)


@pytest.mark.parametrize("way", WAYS)
async def test_settings_are_well_to_look_at_and_to_listen_to(
    visitor: Visitor, tidings: Tidings, chosen: Settings, album: Path, way: str
) -> None:
    await settle_everything(tidings, chosen)
    at = await open_desk(visitor, "amira", PREFERENCES, **WAYS[way])
    await expect(at.page.locator(".list li")).to_have_count(6)
    await _take_picture(at.page, album / f"settings-{way}.png")
    faults = await at.accessibility_faults()

    await at.page.locator("button.why").first.click()
    await _take_picture(at.page, album / f"settings-{way}-why.png", full=False)
    assert faults + await at.accessibility_faults() == []

    await at.press_keys("Escape")
    await at.page.set_viewport_size({"width": NARROW_PIXELS, "height": 700})
    await _take_picture(at.page, album / f"settings-{way}-narrow.png")
    assert await at.page.evaluate(OVERFLOW) == []
    await _look_at_a_pause_and_an_error(at, album / f"settings-{way}-error.png")


async def _look_at_a_pause_and_an_error(at: Desk, picture: Path) -> None:
    section = at.page.locator("section")
    await section.first.get_by_role("button").first.click()
    await expect(at.page.locator("section.paused")).to_be_visible()
    await at.page.locator("form.line").last.get_by_role("button").click()
    await expect(at.page.locator(".fault:not([hidden])")).to_be_visible()
    await _take_picture(at.page, picture)
    assert await at.page.evaluate(OVERFLOW) == []
    assert await at.accessibility_faults() == []


async def _take_picture(page: Page, picture: Path, *, full: bool = True) -> None:
    await page.screenshot(path=picture, full_page=full, animations="disabled")


def _address(identifier: str, channel: str, address: str, **more: str) -> dict[str, object]:
    given = {"address_id": identifier, "channel": channel, "address": address, "confirmed": True}
    return make_event("address.given", user_id="amira", **given, **more)


def _given(address: str) -> dict[str, str]:
    return {"channel": "email", "address": address}


async def _has_bounced(tidings: Tidings) -> bool:
    found = await tidings.get("/v1/addresses", "amira")
    return any(each["suppressed"] for each in found["addresses"])
