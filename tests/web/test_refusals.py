"""Browsers that refuse what a page asks for: everything works without it, and nothing spins."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web.conftest import chromium_path
from tests.web.desk import BELL, LAY_OUT, open_desk
from tests.web.titles import emit_titles
from tests.web.visitor import BLANK, Tab, Visitor

REFUSED = "new DOMException('refused', 'SecurityError')"
SHARING = {"SharedWorker": "worker", "no SharedWorker": "worker", "messages": "worker"}
COUNT_LOCKS = """{
    const { request } = LockManager.prototype;
    window.lockRequests = 0;
    LockManager.prototype.request = function (...given) {
        window.lockRequests += 1;
        return request.apply(this, given);
    };
}"""
REFUSALS = {
    "Notification": f"Notification.requestPermission = async () => {{ throw {REFUSED}; }};",
    "locks": f"LockManager.prototype.request = async () => {{ throw {REFUSED}; }};",
    "no locks": "delete Navigator.prototype.locks;",
    "SharedWorker": f"SharedWorker = class {{ constructor() {{ throw {REFUSED}; }} }};",
    "no SharedWorker": "delete window.SharedWorker;",
    "BroadcastChannel": f"BroadcastChannel = class {{ constructor() {{ throw {REFUSED}; }} }};",
    "messages": f"BroadcastChannel.prototype.postMessage = () => {{ throw {REFUSED}; }};",
    "IndexedDB": f"IDBFactory.prototype.open = () => {{ throw {REFUSED}; }};",
    "no IndexedDB": "delete window.indexedDB;",
    "storage": (
        f"Object.defineProperty(window, 'localStorage', {{ get() {{ throw {REFUSED}; }} }});"
    ),
    "service worker": (
        "Object.defineProperty(Navigator.prototype, 'serviceWorker',"
        f" {{ get() {{ throw {REFUSED}; }} }});"
    ),
}
"""What a browser refuses, by a script that runs before those of the page.

`Notification` comes first: the setting that it changes is every tab's.
"""
TURN_ON_ALERTS = """async () => {
    const { Alerts } = await import("/web/elements/alerts.js");
    const alerts = Alerts.forClient(tidings);
    const isRefused = Notification.requestPermission.toString().includes("refused");
    const isOn = isRefused && (await alerts.setEnabled("desktop", true));
    alerts.settings = { sound: true, desktop: true };
    window.shownOnDesktop = 0;
    window.Notification = class { constructor() { window.shownOnDesktop += 1; } close() {} };
    Object.defineProperty(document, "hidden", { get: () => true });
    return isOn;
}"""
BLOCK_SITE_DATA = {"profile": {"default_content_setting_values": {"cookies": 2}}}
"""Preferences of a Chromium in which sites may keep nothing."""
LOCKS_LIMIT = 10


async def test_whatever_a_browser_refuses_a_page_is_live_and_alerts_without_it(
    visitor: Visitor, tidings: Tidings
) -> None:
    tabs = dict[str, Tab]()
    for number, (refused, script) in enumerate(REFUSALS.items()):
        page = await visitor.new_page()
        await page.add_init_script(COUNT_LOCKS + script)
        await page.goto(f"{tidings.url}{BLANK}")
        await page.evaluate(LAY_OUT, [BELL, {}])
        await visitor.connect_page(page, f"user-{number}", share=SHARING.get(refused, "locks"))
        tabs[refused] = Tab(page)

    for tab in tabs.values():
        await tab.until_live()
        assert await tab.evaluate(TURN_ON_ALERTS) is False
    await tidings.emit(
        *(make_announcement(f"user-{number}", title="news") for number in range(len(tabs)))
    )

    for refused, tab in tabs.items():
        await tab.wait_until("tidings.counts.unread === 1 && window.shownOnDesktop === 1")
        assert await tab.evaluate("window.lockRequests") < LOCKS_LIMIT, refused


async def test_where_sites_may_keep_nothing_tabs_have_a_bell_that_rings_and_nothing_spins(
    tidings: Tidings, tmp_path: Path
) -> None:
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(BLOCK_SITE_DATA))
    await emit_titles(tidings, "one")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=chromium_path(), args=["--no-sandbox"], bypass_csp=True
        )
        await context.add_init_script(COUNT_LOCKS)
        blocked = Visitor(context, tidings)
        desks = [await open_desk(blocked, "amira", BELL) for _ in range(2)]
        kept = await desks[0].evaluate(
            "new Promise((done) => { const opening = indexedDB.open('a');"
            " opening.onerror = () => done(false); opening.onsuccess = () => done(true); })"
        )

        await desks[0].evaluate("tidings.mark('read', [tidings.notifications[0].id])")
        await emit_titles(tidings, "two")
        for desk in desks:
            await desk.wait_until("tidings.counts.total === 2 && tidings.counts.unread === 1")
            await expect(desk.bell).to_have_accessible_name("Notifications, 1 new")
            assert await desk.evaluate("window.lockRequests") < LOCKS_LIMIT
        await context.close()

    assert not kept
    assert blocked.unexpected_errors == []
