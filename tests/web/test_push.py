"""Pushes in a real browser: registered by the page, pushed by the channels, shown by the worker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import CDPSession, Page, Worker, expect
from tidings.runtime.settings import Settings

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels
from tests.services.channels.push_service import Browser, PushService, serve_pushes
from tests.waiting import wait_until
from tests.web.desk import open_desk
from tests.web.visitor import Visitor
from tests.web_processes import run_web

SUBSCRIBE = """(given) => {
    let current = null;
    PushManager.prototype.getSubscription = async () => current;
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
        const text = applicationServerKey.replace(/-/g, "+").replace(/_/g, "/");
        const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
        const unsubscribe = async () => { current = null; return true; };
        const options = { applicationServerKey: bytes.buffer };
        current = { ...given, options, toJSON: () => given, unsubscribe };
        return current;
    };
}"""
"""Chromium's own push service cannot be reached: the subscription is one of the test's."""
ENABLE = """async () => {
    const { enablePush } = await import("/web/push.js");
    const getToken = () => window.token("alice");
    return enablePush({ client: window.tidings, getToken, app: "Desk" });
}"""
DISABLE = """async () => {
    const { disablePush } = await import("/web/push.js");
    await disablePush({ getToken: () => window.token("alice") });
}"""
RESUME = """async () => {
    const { resumePush } = await import("/web/push.js");
    await resumePush({ client: window.tidings, getToken: () => window.token("alice") });
}"""
CHANGE = """async (given) => {
    const event = new Event("pushsubscriptionchange");
    const done = new Promise((resolve) => { event.waitUntil = resolve; });
    const newSubscription = { toJSON: () => given };
    dispatchEvent(Object.assign(event, { newSubscription, oldSubscription: null }));
    await done;
}"""
"""A push service changes an endpoint when it likes, so the test does it."""
SHOWN = """async () => (await registration.getNotifications()).map(
    ({ title, body, tag, lang, actions, data }) => ({ title, body, tag, lang, actions, data }))"""
CLICK = """async ([tag, action]) => {
    const [notification] = await registration.getNotifications({ tag });
    const opened = [];
    Object.getPrototypeOf(clients).openWindow = async (url) => { opened.push(url); };
    WindowClient.prototype.focus = async function () { opened.push(this.url); };
    const event = new Event("notificationclick");
    const done = new Promise((resolve) => { event.waitUntil = resolve; });
    dispatchEvent(Object.assign(event, { notification, action }));
    await done;
    return opened;
}"""
"""A click of a person cannot be made from outside; what it does can be."""
HIDE = """() => {
    Object.defineProperty(document, "visibilityState", { get: () => "hidden", configurable: true });
}"""


SHOWN_SECONDS = 15.0
"""Less than the time after which Chromium closes a notification by itself."""
COUNT_SHOWN = """() => {
    self.times = 0;
    const { prototype } = ServiceWorkerRegistration;
    const { showNotification } = prototype;
    prototype.showNotification = async function (...given) {
        await showNotification.apply(this, given);
        self.times += 1;
    };
}"""
"""Chromium forgets what is shown while it lists what was shown, so no test polls that list."""
COUNT_QUESTIONS = """() => {
    window.questions = 0;
    navigator.serviceWorker.addEventListener("message", () => { window.questions += 1; });
}"""


class Desk(NamedTuple):
    """A browser that receives pushes: its page, and what the test keeps of its subscription."""

    tidings: Tidings
    page: Page
    cdp: CDPSession
    registration: str
    worker: Worker
    keys: Browser
    device: str

    async def deliver(self, content: dict[str, Any]) -> None:
        """Deliver a payload to the worker, as the browser does after decryption."""
        await self.cdp.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": self.tidings.url,
                "registrationId": self.registration,
                "data": json.dumps(content),
            },
        )

    async def shown(self, times: int = 0) -> list[dict[str, Any]]:
        """Return what is shown, once something was shown so many times."""

        async def was_shown() -> bool:
            return await self.worker.evaluate("times") >= times

        await wait_until(was_shown)
        return await self.worker.evaluate(SHOWN)

    def content(self, **more: Any) -> dict[str, Any]:
        """Return a payload for this browser."""
        content = {"id": "n-1", "tag": "n-1", "device": self.device, "locale": "de"}
        return {**content, "title": "Water the seedlings", **more}


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[PushService]:
    """Run a push service."""
    async with serve_pushes() as service:
        yield service


@pytest.fixture(scope="module")
async def pushing_url(chosen: Settings, url: str, service: PushService) -> AsyncIterator[str]:
    """Run an edge that has a key for web push; return its URL."""
    settings = service.settings_for(chosen)
    names = ("vapid_private_key", "vapid_subject")
    async with run_web(chosen, **{name: getattr(settings, name) for name in names}) as web:
        yield web.url


@pytest.fixture
async def desk(
    chromium: Chromium, tidings: Tidings, pushing_url: str, service: PushService
) -> AsyncIterator[Desk]:
    """Open a page in which Alice has enabled pushes, and which is out of sight."""
    context = await chromium.new_context(bypass_csp=True, permissions=["notifications"])
    async with Tidings(pushing_url, tidings.runtime, tidings.tenant) as pushing:
        visitor = Visitor(context, pushing)
        visitor.expected_errors = ("401",)  # the worker has no cookie, so the page acts for it
        tab = await visitor.open_tab("alice")
        await tab.until_live()
        cdp = await context.new_cdp_session(tab.page)
        registrations: list[str] = []
        cdp.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda found: registrations.extend(
                each["registrationId"] for each in found["registrations"]
            ),
        )
        await cdp.send("ServiceWorker.enable")
        keys = Browser(service.origin, tidings.tenant)
        await tab.page.evaluate(SUBSCRIBE, given_by(keys))
        enabled = await tab.page.evaluate(ENABLE)
        device = enabled["device"]
        await pushing.get("/v1/devices", "alice", after=enabled["sequence"])
        await tab.page.evaluate(HIDE)
        await wait_until(lambda: _is_there(registrations, context.service_workers))
        worker = context.service_workers[0]
        await worker.evaluate(COUNT_SHOWN)
        yield Desk(pushing, tab.page, cdp, registrations[-1], worker, keys, device)
        await context.close()
        assert visitor.unexpected_errors == []


def given_by(browser: Browser) -> dict[str, Any]:
    """Return a subscription as browsers give it."""
    found = browser.subscription
    keys = {"p256dh": found.p256dh, "auth": found.auth}
    return {"endpoint": found.endpoint, "keys": keys}


async def _is_there(*found: list[Any]) -> bool:
    return all(found)


async def test_an_event_is_pushed_to_a_browser_that_shows_it(
    desk: Desk, chosen: Settings, service: PushService
) -> None:
    (device,) = (await desk.tidings.get("/v1/devices", "alice"))["devices"]
    async with running_channels(service.settings_for(chosen), service.trusted):
        await desk.tidings.emit(make_announcement("alice", title="Water the seedlings"))
        (push,) = await service.wait_for(desk.keys.name)

    content = desk.keys.read(push)
    await desk.deliver(content)
    (shown,) = await desk.shown(times=1)

    assert (device["device_id"], device["app"]) == (desk.device, "Desk")
    assert (shown["title"], shown["tag"]) == ("Water the seedlings", content["id"])


async def test_a_push_with_the_same_tag_replaces_what_is_shown(desk: Desk) -> None:
    await desk.deliver(desk.content(title="First"))
    actions = [{"action": "done", "title": "Fertig"}]
    await desk.deliver(desk.content(title="Second", body="More", url="/a", actions=actions))

    (shown,) = await desk.shown(times=2)
    assert shown["title"] == "Second"
    assert shown["data"] == {"id": "n-1", "url": "/a"} and shown["body"] == "More"
    assert (shown["actions"][0]["action"], shown["lang"]) == ("done", "de")


async def test_a_click_opens_the_page_and_marks_the_notification_read(desk: Desk) -> None:
    await desk.tidings.emit(make_announcement("alice", title="Open me"))
    await desk.page.wait_for_function("tidings.notifications.length === 1")
    identifier = await desk.page.evaluate("tidings.notifications[0].id")
    await desk.deliver(desk.content(id=identifier, url="/web/blank.html?7"))
    assert await desk.shown(times=1)

    opened = await desk.worker.evaluate(CLICK, ["n-1", ""])

    assert opened == [f"{desk.tidings.url}/web/blank.html?7"]
    await desk.tidings.wait_for_counts("alice", unread=0)
    assert await desk.shown() == []


async def test_what_was_read_elsewhere_is_closed(desk: Desk) -> None:
    await desk.tidings.emit(make_announcement("alice"))
    await desk.page.wait_for_function("tidings.notifications.length === 1")
    identifier = await desk.page.evaluate("tidings.notifications[0].id")
    await desk.deliver(desk.content(id=identifier))
    assert await desk.shown(times=1)

    phone = await desk.tidings.connect("alice")
    await phone.live()
    await phone.mark("read", identifier)

    async def nothing_is_shown() -> bool:
        return await desk.shown() == []

    await wait_until(nothing_is_shown, SHOWN_SECONDS)


async def test_nothing_is_shown_beside_a_page_in_sight_or_for_another_person(desk: Desk) -> None:
    await desk.deliver(desk.content(tag="other", device="of-bob"))
    await desk.page.evaluate(COUNT_QUESTIONS)
    await desk.page.evaluate("delete document.visibilityState")
    await desk.deliver(desk.content(tag="seen"))
    await desk.page.wait_for_function("questions === 1")
    await desk.page.evaluate(HIDE)
    await desk.deliver(desk.content(tag="last"))

    assert [each["tag"] for each in await desk.shown(times=1)] == ["last"]


async def test_an_id_alone_is_shown_with_the_text_of_its_notification(desk: Desk) -> None:
    await desk.tidings.emit(make_announcement("alice", title="Fetched"))
    await desk.page.wait_for_function("tidings.notifications.length === 1")
    identifier = await desk.page.evaluate("tidings.notifications[0].id")

    await desk.deliver(desk.content(id=identifier, title=None))
    (shown,) = await desk.shown(times=1)

    assert shown["title"] == "Fetched"


async def test_a_browser_that_ends_pushes_is_no_device_any_more(desk: Desk) -> None:
    await desk.page.evaluate(DISABLE)

    async def no_device_is_left() -> bool:
        return (await desk.tidings.get("/v1/devices", "alice"))["devices"] == []

    await wait_until(no_device_is_left)


@pytest.mark.parametrize("has_cookie", [True, False])
async def test_a_changed_subscription_takes_the_place_of_the_old_one(
    desk: Desk, service: PushService, has_cookie: bool
) -> None:
    given = given_by(Browser(service.origin, f"{desk.tidings.tenant}-new"))
    if has_cookie:
        token = desk.tidings.token("alice")
        cookie: Any = {"name": "tidings_token", "value": token, "url": desk.tidings.url}
        await desk.page.context.add_cookies([cookie])

    await desk.worker.evaluate(CHANGE, given)
    if not has_cookie:  # the worker cannot say whose it is, so the next page does
        await desk.page.evaluate(SUBSCRIBE, given)
        await desk.page.evaluate(RESUME)

    async def another_device() -> bool:
        devices = (await desk.tidings.get("/v1/devices", "alice"))["devices"]
        return [each["device_id"] == desk.device for each in devices] == [False]

    await wait_until(another_device)


async def test_a_person_receives_pushes_on_a_device_until_they_say_no(
    chromium: Chromium, tidings: Tidings, pushing_url: str, service: PushService
) -> None:
    context = await chromium.new_context(bypass_csp=True, permissions=["notifications"])
    given = json.dumps(given_by(Browser(service.origin, tidings.tenant)))
    await context.add_init_script(f"({SUBSCRIBE})({given})")
    async with Tidings(pushing_url, tidings.runtime, tidings.tenant) as pushing:
        visitor = Visitor(context, pushing)
        at = await open_desk(visitor, "alice", "<tidings-preferences></tidings-preferences>")
        said = at.page.get_by_role("status")

        await at.page.get_by_role("button", name="Notify me on this device").click()
        await expect(said).to_have_text("This device shows notifications now.")
        await at.page.get_by_role("button", name="Send a test").click()
        await expect(said).to_contain_text("The test ")
        await expect(at.page.get_by_text("A browser")).to_be_visible()
        await at.page.get_by_role("button", name="No longer on this device").click()

        await expect(said).to_have_text("This device shows no notifications any more.")
        await expect(at.page.get_by_text("No device of yours shows")).to_be_visible()
        assert (await pushing.get("/v1/devices", "alice"))["devices"] == []
        await context.close()
        assert visitor.unexpected_errors == []
