"""The bell, and what follows it: title, icon, app badge, sound and desktop."""

from __future__ import annotations

from playwright.async_api import expect

from tests.builders import make_announcement
from tests.driver import Tidings
from tests.web.desk import BELL, INBOX, open_desk
from tests.web.titles import announce_titles
from tests.web.visitor import Visitor

ICON = """() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#00f";
    pen.fillRect(0, 0, 32, 32);
    window.plain = canvas.toDataURL();
    window.icon = Object.assign(document.createElement("link"), { rel: "icon", href: plain });
    document.head.append(icon);
}"""
CORNERS = """async () => {
    const image = Object.assign(new Image(), { src: icon.href });
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    return [[47, 17], [10, 54]].map(([x, y]) => [...pen.getImageData(x, y, 1, 1).data.slice(0, 3)]);
}"""
RING = """() => {
    window.rung = 0;
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...at) { rung += 1; return start.apply(this, at); };
}"""
INSIDE = """() => {
    const { root } = document.querySelector("tidings-bell");
    const place = (selector) => root.querySelector(selector).getBoundingClientRect();
    const [bell, panel] = [place("button.bell"), place(".panel")];
    const isInsideHeight = panel.top >= bell.bottom && panel.bottom <= innerHeight;
    return isInsideHeight && panel.left >= 0 && panel.right <= innerWidth;
}"""
DESKTOP = """
    localStorage.setItem("tidings alerts", JSON.stringify({ sound: false, desktop: true }));
    window.shown_ = [];
    window.Notification = class {
        static permission = "granted";
        constructor(title, { tag }) {
            Object.assign(this, { title, tag, closed: false });
            shown_.push(this);
        }
        close() { this.closed = true; }
    };
"""


async def test_the_bell_says_how_many_are_new_and_nothing_when_there_are_none(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_desk(visitor, "amira", BELL)
    await expect(at.bell).to_have_accessible_name("Notifications, nothing new")
    await expect(at.page.locator(".badge")).to_be_hidden()

    await tidings.emit(
        *(make_announcement("amira", title=f"number {number}") for number in range(120))
    )

    await expect(at.bell).to_have_accessible_name("Notifications, 120 new")
    await expect(at.page.locator(".badge")).to_have_text("99+")


PLACE_IN_SHADOW = """() => {
    const root = document.querySelector("#host").attachShadow({ mode: "open" });
    root.innerHTML = `<style>
        tidings-bell { --tidings-bell: rgb(1, 2, 3); margin: 30px }
        tidings-bell::part(row) { outline: 3px solid rgb(4, 5, 6) }
    </style><tidings-bell></tidings-bell><tidings-bell lang="en_US"></tidings-bell>`;
}"""
COVERED_SHARE = """() => {
    const { root } = document.querySelector("#host").shadowRoot.querySelector("tidings-bell");
    const [icon, badge] = [".bell .icon", ".badge"].map((selector) =>
        root.querySelector(selector).getBoundingClientRect());
    const width = Math.min(icon.right, badge.right) - Math.max(icon.left, badge.left);
    const height = Math.min(icon.bottom, badge.bottom) - Math.max(icon.top, badge.top);
    return (Math.max(0, width) * Math.max(0, height)) / (icon.width * icon.height);
}"""


async def test_a_bell_takes_language_colour_and_styles_of_the_page_also_in_a_shadow_root(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_desk(visitor, "amira", f'<div id="host" lang="de_DE.UTF-8"></div>{BELL}')
    await at.evaluate(PLACE_IN_SHADOW)
    german, english, plain = at.bell.nth(0), at.bell.nth(1), at.bell.nth(2)
    covered = list[float]()
    for before, count in ((0, 3), (3, 120)):
        titles = (f"number {number}" for number in range(before, count))
        await tidings.emit(*(make_announcement("amira", title=title) for title in titles))
        await expect(german).to_have_accessible_name(f"Mitteilungen, {count} neue")
        covered.append(await at.evaluate(COVERED_SHARE))
    await german.click()

    await expect(english).to_have_accessible_name("Notifications, 120 new")
    await expect(german).to_have_css("color", "rgb(1, 2, 3)")
    await expect(plain).to_have_css(
        "color", await at.evaluate("getComputedStyle(document.body).color")
    )
    await expect(at.rows.first).to_have_css("outline-color", "rgb(4, 5, 6)")
    assert max(covered) < 0.15


async def test_opening_the_bell_moves_the_focus_in_and_escape_brings_it_back(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "one", "two")
    at = await open_desk(visitor, "amira", BELL)
    await at.bell.focus()

    await at.press_keys("Enter")
    await expect(at.rows.first).to_be_focused()
    inside = await at.bell.get_attribute("aria-expanded")
    await at.press_keys("Escape")

    assert inside == "true"
    await expect(at.bell).to_be_focused()
    await expect(at.bell).to_have_attribute("aria-expanded", "false")
    await at.bell.click()
    await at.page.mouse.click(5, 5)
    await expect(at.bell).to_have_attribute("aria-expanded", "false")


async def test_the_panel_is_within_the_window_and_leaves_the_bell_to_be_seen(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_desk(visitor, "amira", BELL)
    await at.bell.click()

    for height in (1000, 700, 500):
        await at.page.set_viewport_size({"width": 900, "height": height})
        await at.page.wait_for_function(INSIDE)


async def test_the_title_says_how_many_are_new_and_the_bell_links_to_a_page_of_all(
    visitor: Visitor, tidings: Tidings
) -> None:
    await announce_titles(tidings, "one", "two")
    at = await open_desk(visitor, "amira", '<tidings-bell title-count page="/all"></tidings-bell>')
    await expect(at.page).to_have_title("(2) Tidings")
    await at.evaluate("document.title = 'Elsewhere'")

    await at.bell.click()

    await expect(at.page.get_by_role("link", name="See all")).to_have_attribute(
        "href", f"{tidings.url}/all"
    )
    await at.wait_until("tidings.counts.unseen === 0")
    await expect(at.page).to_have_title("Elsewhere")


async def test_sound_and_desktop_are_off_until_somebody_turns_them_on(
    visitor: Visitor, tidings: Tidings
) -> None:
    await visitor.context.grant_permissions(["notifications"], origin=tidings.url)
    at, other = await open_desk(visitor, "amira", INBOX), await open_desk(visitor, "amira", INBOX)
    await at.evaluate(RING)
    await tidings.emit(make_announcement("amira", title="quiet"))
    await at.wait_until("tidings.counts.unread === 1")
    before = await at.evaluate("window.rung")

    await at.page.get_by_role("button", name="Settings").click()
    await at.page.get_by_role("checkbox", name="Play a sound").check()
    await at.page.get_by_role("checkbox", name="Show on the desktop").check()
    await other.page.get_by_role("button", name="Settings").click()
    await expect(
        other.page.get_by_role("checkbox", name="Play a sound")
    ).to_be_checked()  # what is asked for in one tab holds in all
    await other.page.close()
    on = await at.evaluate("window.rung")
    await tidings.emit(make_announcement("amira", title="still quiet", priority="low"))
    await at.wait_until("tidings.counts.unread === 2")
    await tidings.emit(make_announcement("amira", title="loud"))
    await at.wait_until(f"window.rung === {on} + 2")
    await tidings.emit(make_announcement("amira", title="alarming", priority="critical"))
    await at.wait_until(f"window.rung === {on} + 6")

    assert before == 0
    assert await at.evaluate("JSON.parse(localStorage.getItem('tidings alerts'))") == {
        "sound": True,
        "desktop": True,
    }


async def test_what_arrives_is_announced_and_the_bell_may_count_what_is_unread_on_the_app_too(
    visitor: Visitor, tidings: Tidings
) -> None:
    await visitor.context.add_init_script(
        "navigator.setAppBadge = async (count) => void (window.onApp = count);"
    )
    at = await open_desk(
        visitor, "amira", f'<tidings-bell count="unread" app-badge></tidings-bell>{INBOX}'
    )

    await tidings.emit(make_announcement("amira", title="one"))
    await expect(
        at.page.locator("main > tidings-inbox").get_by_role("status").filter(has_text="New: one")
    ).to_be_attached()
    await at.wait_until("tidings.counts.unseen === 0")

    await expect(at.bell).to_have_accessible_name("Notifications, 1 unread")
    assert await at.evaluate("window.onApp") == 1


async def test_the_page_s_icon_has_a_dot_while_something_is_new(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_desk(visitor, "amira", "<tidings-bell favicon-dot></tidings-bell>")
    await at.evaluate(ICON)
    await tidings.emit(make_announcement("amira", title="new"))
    await at.wait_until("icon.href !== plain")
    corners = await at.evaluate(CORNERS)

    await at.evaluate("tidings.markAll('seen')")
    await at.wait_until("icon.href === plain")
    await tidings.emit(make_announcement("amira", title="newer"))
    await at.wait_until("icon.href !== plain")
    await at.evaluate("document.querySelector('tidings-bell').removeAttribute('favicon-dot')")
    await at.evaluate("document.querySelector('tidings-bell').remove()")
    await at.wait_until("icon.href === plain")

    assert corners == [[217, 45, 58], [0, 0, 255]]


async def test_out_of_sight_it_shows_on_the_desktop_until_it_is_read(
    visitor: Visitor, tidings: Tidings
) -> None:
    await visitor.context.add_init_script(DESKTOP)
    at = await open_desk(visitor, "amira", BELL)
    await tidings.emit(make_announcement("amira", title="in sight"))
    await at.wait_until("tidings.counts.unread === 1")

    await at.evaluate(
        "(() => { Object.defineProperty(document, 'hidden', { get: () => true }); })()"
    )
    await tidings.emit(make_announcement("amira", title="out of sight"))
    await at.wait_until("window.shown_.length === 1")
    await at.evaluate("tidings.mark('read', tidings.notifications.map((it) => it.id))")
    await at.wait_until("window.shown_[0].closed")

    assert await at.evaluate(
        "window.shown_.map(({ title, tag }) => [title, tag === tidings.notifications[0].id])"
    ) == [["out of sight", True]]
