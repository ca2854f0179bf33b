"""The preferences in a real browser: choices and whose word holds, times, addresses, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from playwright.async_api import Locator, expect
from tidings.contracts.categories import CATEGORIES
from tidings.contracts.channels import PREFERENCE_CHANNELS
from tidings.contracts.deliveries import DroppedCode, HeldCode

from tests.driver import Tidings
from tests.services.channels.test_preferences_api import ADMIN, change, choice, send
from tests.waiting import wait_until
from tests.web.desk import Desk, open_desk
from tests.web.test_looks import album as album
from tests.web.visitor import Visitor

PREFERENCES = '<tidings-preferences categories="task incident message"></tidings-preferences>'
LABEL_WIDTHS = """() => {
    const { root } = document.querySelector("tidings-preferences");
    const pen = document.createElement("canvas").getContext("2d");
    const arrow = 24;
    return [...root.querySelectorAll("select")].filter((it) => it.checkVisibility()).map((it) => {
        pen.font = getComputedStyle(it).font;
        const text = it.selectedOptions[0].text;
        return [text, it.clientWidth - 2 * 9 - arrow - pen.measureText(text).width];
    }).filter(([, room]) => room < 0);
}"""


MESSAGES = (
    Path(__file__).parents[2] / "services" / "tidings" / "edge" / "web" / "elements" / "messages"
)


def test_every_code_category_and_channel_of_the_contract_has_words() -> None:
    named = {
        "reason": (*get_args(HeldCode), *get_args(DroppedCode)),
        "category": CATEGORIES,
        "channel": PREFERENCE_CHANNELS,
    }
    words = (MESSAGES / "en-settings.js").read_text()

    names = [kind + name.title().replace("_", "") for kind, all in named.items() for name in all]

    assert [name for name in names if f"    {name}:" not in words] == []


async def open_preferences(visitor: Visitor, **way: str) -> Desk:
    """Open a page with Alice's preferences, and wait until they are shown."""
    at = await open_desk(visitor, "alice", PREFERENCES, **way)
    await expect(at.page.get_by_role("table")).to_be_visible()
    return at


def chosen(at: Desk, name: str) -> Locator:
    """Return the list of a cell."""
    return at.page.get_by_role("combobox", name=name, exact=True)


async def task_mail(tidings: Tidings) -> dict[str, Any]:
    """Return how Alice wants mails of tasks, as the edge says."""
    return choice(await tidings.get("/v1/preferences", "alice"), "task", "email")


async def test_a_choice_shows_at_once_and_says_whose_word_it_is(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_preferences(visitor)
    said = at.page.get_by_role("status")
    await expect(chosen(at, "Tasks: E-mail")).to_have_value("digest")

    await chosen(at, "Tasks: E-mail").select_option("If unread for 1 hour")

    await expect(said).to_have_text("Saved.")
    stated = await task_mail(tidings)
    assert (stated["how"], stated["after_seconds"]) == ("unread", 3600)
    await at.page.get_by_role("button", name="Your choice: why? Tasks, E-mail").press("Enter")
    why = at.page.get_by_role("dialog", name="Tasks: E-mail")
    event = stated["because"]["event"]
    await expect(why).to_contain_text(f"You chose it for Tasks (E-mail). (Event {event})")
    await why.get_by_role("button", name="Use the default instead").click()
    await expect(chosen(at, "Tasks: E-mail")).to_have_value("digest")
    assert (await task_mail(tidings))["because"]["row"] == "installed default"


async def test_what_the_tenant_requires_cannot_be_chosen_and_says_so(
    visitor: Visitor, tidings: Tidings
) -> None:
    required = {"of": "category:incident", "channel": "email", "how": "now", "required": True}
    sequence = await change(tidings, required, user="root", scope=ADMIN, of="tenant")
    await tidings.get("/v1/preferences", "alice", after=sequence)
    at = await open_preferences(visitor)
    row = at.page.get_by_role("row", name="Incidents")

    await expect(row.get_by_role("cell").first).to_contain_text("Required by your organisation")
    await expect(chosen(at, "Incidents: E-mail")).to_have_count(0)
    await row.get_by_role("button").first.click()

    await expect(at.page.get_by_role("dialog")).to_contain_text("You cannot change it.")
    await at.press_keys("Escape")
    await expect(row.get_by_role("button").first).to_be_focused()


async def test_a_refused_change_is_taken_back_with_a_word_about_it(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("412", "409", "ERR_INTERNET_DISCONNECTED", "WebSocket")
    at = await open_preferences(visitor)
    said, tasks = at.page.get_by_role("status"), chosen(at, "Tasks: E-mail")

    await change(tidings, {"of": "category:task", "channel": "email", "how": "now"})
    await tasks.select_option("Never")
    await expect(said).to_contain_text("changed elsewhere meanwhile")
    await expect(tasks).to_have_value("now")
    await visitor.context.set_offline(True)
    await tasks.select_option("Never")
    await expect(said).to_contain_text("There is no connection now")
    await expect(tasks).to_have_value("now")
    await visitor.context.set_offline(False)
    required = {"of": "category:task", "channel": "email", "how": "now", "required": True}
    sequence = await change(tidings, required, user="root", scope=ADMIN, of="tenant")
    await tidings.get("/v1/preferences", "alice", after=sequence)
    await at.page.route("**/v1/preferences", _without_condition)
    await tasks.select_option("Never")

    await expect(said).to_contain_text("Your organisation requires this")
    await expect(tasks).to_have_count(0)
    assert (await task_mail(tidings))["how"] == "now"


async def _without_condition(route: Any) -> None:
    headers = {name: value for name, value in route.request.headers.items() if name != "if-match"}
    await route.continue_(headers=headers)


async def test_quiet_hours_and_a_pause_are_set_by_keys_alone(
    visitor: Visitor, tidings: Tidings
) -> None:
    at = await open_preferences(visitor)
    said = at.page.get_by_role("status")
    await at.page.get_by_role("button", name="Add a quiet time").press("Enter")
    window = at.page.get_by_role("group", name="Quiet time 1")
    await expect(window.get_by_label("From")).to_be_focused()
    await at.press_keys("Shift+Tab", "Enter")
    await window.get_by_role("checkbox", name="Friday").press("Space")
    await window.get_by_label("From").fill("23:30")
    await expect(window.get_by_text("the next day")).to_be_visible()
    await at.page.get_by_role("button", name="Add a quiet time").press("Enter")
    second = at.page.get_by_role("group", name="Quiet time 2")
    await second.get_by_label("Until").fill("22:00")
    await at.page.get_by_role("button", name="Save", exact=True).last.press("Enter")
    await expect(said).to_have_text("The end must differ from the beginning.")
    await expect(second.get_by_label("Until")).to_be_focused()
    await second.get_by_role("button", name="Monday to Friday").press("Enter")
    await second.get_by_label("From").fill("12:00")
    await second.get_by_label("Until").fill("00:00")

    await at.page.get_by_role("button", name="Save", exact=True).last.press("Enter")
    await expect(said).to_have_text("Saved.")
    await at.page.get_by_role("button", name="For 1 hour").press("Enter")
    await expect(at.page.get_by_role("button", name="End the pause")).to_be_focused()
    await expect(said).to_have_text("Saved.")

    shown = await tidings.get("/v1/preferences", "alice")
    weekend_and_friday = ["fri", "sat", "sun"]
    workdays = ["mon", "tue", "wed", "thu", "fri"]
    assert shown["quiet_hours"]["windows"] == [
        {"days": weekend_and_friday, "begin": "23:30", "until": "07:00"},
        {"days": workdays, "begin": "12:00", "until": "24:00"},
    ]
    assert shown["pause"] is not None
    await expect(at.page.get_by_text("By the clocks of UTC.")).to_be_visible()
    await at.press_keys("Enter")
    await expect(at.page.get_by_role("button", name="For 1 hour")).to_be_focused()
    await wait_until(lambda: _has_no_pause(tidings))


async def _has_no_pause(tidings: Tidings) -> bool:
    return (await tidings.get("/v1/preferences", "alice"))["pause"] is None


async def test_summaries_leave_when_it_was_said_and_exceptions_can_be_removed(
    visitor: Visitor, tidings: Tidings
) -> None:
    await change(tidings, {"of": "entity:task:456", "how": "never"})
    at = await open_preferences(visitor)
    await at.page.get_by_label("How often").select_option("Every week")
    await chosen(at, "On").select_option("Friday")
    await at.page.get_by_label("At", exact=True).fill("17:30")

    await at.page.get_by_role("button", name="Save", exact=True).first.click()
    await expect(at.page.get_by_text("Summaries come every Friday at 05:30")).to_be_visible()
    await expect(at.page.get_by_role("status")).to_have_text("Saved.")
    await at.page.get_by_role("button", name="Remove the exception for task 456").click()
    await expect(at.page.get_by_role("heading", name="Exceptions")).to_be_hidden()

    assert (await task_mail(tidings))["digest"] == {"every": "weekly", "at": "17:30", "day": "fri"}
    await wait_until(lambda: _has_no_exception(tidings))


async def _has_no_exception(tidings: Tidings) -> bool:
    stated = (await tidings.get("/v1/preferences", "alice"))["preferences"]
    return all(each["of"].startswith("category:") for each in stated)


async def test_an_address_is_given_waits_and_is_removed_and_a_wrong_one_is_said(
    visitor: Visitor, tidings: Tidings
) -> None:
    visitor.expected_errors = ("422",)
    at = await open_preferences(visitor)
    section = at.page.get_by_role("region", name="Your addresses")
    field = section.get_by_label("E-mail address")
    await expect(section).to_contain_text("no mail can reach you")
    await field.fill("alice at home")
    await field.press("Enter")
    await expect(section.locator(".fault")).to_contain_text("That cannot be used")
    await expect(field).to_be_focused()

    await field.fill("alice@example.org")
    await field.press("Enter")

    item = section.get_by_role("listitem").filter(has_text="alice@example.org")
    await expect(item).to_contain_text("Waits for you")
    await expect(field).to_have_value("")
    (given,) = (await tidings.get("/v1/addresses", "alice"))["addresses"]
    assert (given["address"], given["confirmed"]) == ("alice@example.org", False)
    await section.get_by_role("button", name="Remove alice@example.org").click()
    await expect(item).to_have_count(0)
    await wait_until(lambda: _has_no_address(tidings))


async def _has_no_address(tidings: Tidings) -> bool:
    return not (await tidings.get("/v1/addresses", "alice"))["addresses"]


async def test_nothing_is_cut_in_a_narrow_window_in_german(
    visitor: Visitor, tidings: Tidings, album: Path
) -> None:
    night = {"days": ["mon", "tue"], "begin": "22:00", "until": "07:00"}
    await send(tidings, "PUT", "/v1/quiet-hours", {"windows": [night]})
    await change(tidings, {"of": "all", "channel": "push", "how": "unread", "after_seconds": 600})
    at = await open_preferences(visitor, lang="de")
    await at.page.set_viewport_size({"width": 320, "height": 900})
    await at.evaluate("document.body.style.padding = '8px'")
    await at.page.screenshot(path=album / "preferences-narrow.png", full_page=True)

    assert await at.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await at.page.evaluate(LABEL_WIDTHS) == []
    assert await at.accessibility_faults() == []
