"""The barbershop's own code and examples, taken out of its document, on Tidings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.frontends import BARBERSHOP as PATH
from tests.acceptance.frontends import FrontEnd, open_front_end, request_as_alice
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.products.barbershop import APPOINTMENT, EXAMPLES, add_staff, run_examples

BASE = "/api/v1/notifications"
FRAME_KINDS = {"appointment", "performance_alert", "training", "achievement", "system"}
LIST_KINDS = FRAME_KINDS | {"team_update", "revenue", "client"}
PRIORITIES = {"low", "medium", "high", "urgent"}


async def request(tidings: Tidings, method: str, path: str, **query: Any) -> Any:
    """Send a request of Alice's page, and return its JSON."""
    response = await request_as_alice(tidings, method, BASE + path, **query)
    assert response.status_code == 200, response.text
    return response.json()


def titles_on(page: FrontEnd) -> list[str]:
    """Return the titles of the notifications that a page was sent."""
    return [each["data"]["title"] for each in page.heard if each["type"] == "notification"]


async def expect_titles(page: FrontEnd, *titles: str) -> None:
    """Read until the last of these titles has come; no others may have come, and none twice."""
    while titles[-1] not in titles_on(page):
        await page.next("notification")
    await page.read_pending()
    assert titles_on(page) == [*titles]


async def test_the_documents_examples_arrive_as_documented(tidings: Tidings) -> None:
    await add_staff(tidings, "5", "alice")
    async with open_front_end(tidings, PATH) as page:
        await run_examples(tidings)
        await page.read_until("notification", count=3)
        frames = (await page.read_pending())[1:-1]

    booking, alert, update, update_notification = frames
    assert [frame.get("notification_type") for frame in frames] == [
        "appointment",
        "performance_alert",
        None,
        "system",
    ]
    assert booking["data"]["message"] == "New appointment booked with Noor"
    expected = {name: value for name, value in APPOINTMENT.items() if name != "user_id"}
    assert booking["data"]["type"] == "new_booking"
    for fields in (booking["data"], booking["data"]["data"]):
        assert {name: fields[name] for name in expected} == expected
    assert {
        name: alert["data"][name] for name in ("metric_type", "current_value", "threshold", "trend")
    } == {
        "metric_type": "booking_rate",
        "current_value": 85.5,
        "threshold": 90.0,
        "trend": "decreasing",
    }
    assert (update["type"], update["update_type"]) == ("team_update", "schedule_change")
    assert update["data"]["message"] == "Holiday hours in effect next week"
    assert update["data"]["details"] == {"days": ["2026-12-24"]}
    assert update["data"]["id"] == update_notification["data"]["id"]


async def test_the_text_of_a_rate_below_its_threshold_states_that_it_is_below_and_falls(
    tidings: Tidings,
) -> None:
    await add_staff(tidings, "5", "alice")
    async with open_front_end(tidings, PATH) as page:
        await run_examples(tidings)
        _, alert, _ = await page.read_until("notification", count=3)

    text = f"{alert['data']['title']} {alert['data']['message']}"
    assert "below the threshold of 90" in text and "decreasing" in text
    assert "exceeded" not in text and "beyond" not in text


async def test_times_are_in_the_readers_zone_and_the_raw_one_is_in_the_data(
    tidings: Tidings,
) -> None:
    await tidings.emit(
        make_event("user.joined", user_id="alice", locale="en", timezone="Europe/Berlin")
    )
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(make_event("appointment.reminder", **APPOINTMENT))
        data = (await page.next("notification"))["data"]

    assert APPOINTMENT["time"] not in data["message"] and "11:00" in data["message"]
    assert data["time"] == data["data"]["time"] == APPOINTMENT["time"]


@pytest.mark.parametrize(
    ("type_", "data", "kind", "word"), EXAMPLES, ids=[example[0] for example in EXAMPLES]
)
async def test_every_type_arrives_in_the_products_words(
    tidings: Tidings, type_: str, data: dict[str, Any], kind: str, word: str | None
) -> None:
    async with open_front_end(tidings, PATH) as page:
        await tidings.emit(make_event(type_, **data))
        frame = await page.next("notification")
        [item] = await request(tidings, "GET", "/")

    frame_data = frame["data"]
    assert frame["notification_type"] == kind and frame["timestamp"]
    assert frame_data["type"] == (word or type_) and frame_data["priority"] in PRIORITIES
    assert item["type"] in LIST_KINDS and item["id"] == frame_data["id"]
    assert item["action_url"] == frame_data.get("action_url") == data.get("action_url")
    if kind == "training":
        assert frame_data["module_name"] == "Colouring II"
    if kind == "achievement":
        assert (frame_data["amount"], frame_data["period"], frame_data["celebration"]) == (
            1000,
            "month",
            True,
        )
    if type_ == "notification.requested":
        assert item["type"] == "client"


async def test_a_barber_is_notified_leaves_returns_marks_and_deletes(tidings: Tidings) -> None:
    async with open_front_end(tidings, PATH) as page:
        assert (await page.next())["type"] == "connection"
        await tidings.emit(make_announcement("alice", title="first"))
        await page.next("notification")
        page.drop()
    await tidings.emit(*(make_announcement("alice", title=title) for title in ("a", "b", "c")))
    await tidings.wait_for_counts("alice", total=4)

    async with open_front_end(tidings, PATH) as back, open_front_end(tidings, PATH) as second_tab:
        await expect_titles(back, "a", "b", "c")
        listed = await request(tidings, "GET", "/", limit=20, offset=0)
        assert [item["title"] for item in listed] == ["c", "b", "a", "first"]
        assert await request(tidings, "GET", "/unread-count") == {"count": 4}
        await request(tidings, "PUT", f"/{listed[0]['id']}/read")
        await request(tidings, "DELETE", f"/{listed[1]['id']}")
        await tidings.wait_for_counts("alice", total=3, unread=2)
        assert [item["title"] for item in await request(tidings, "GET", "/unread")] == [
            "a",
            "first",
        ]
        await tidings.emit(make_announcement("alice", title="live"))
        await expect_titles(back, "a", "b", "c", "live")
        await second_tab.next("connection")
        while "live" not in titles_on(second_tab):
            await second_tab.next("notification")

        await request(tidings, "PUT", "/read-all")
        assert await request(tidings, "GET", "/", unread_only="true") == []
        await request(tidings, "DELETE", "/")
        assert await request(tidings, "GET", "") == []

    async with open_front_end(tidings, PATH) as again:
        await tidings.emit(make_announcement("alice", title="the only one"))
        await expect_titles(again, "the only one")


async def test_notifications_read_while_away_do_not_come_as_new(tidings: Tidings) -> None:
    await tidings.emit(*(make_announcement("alice", title=title) for title in ("read", "new")))
    await tidings.wait_for_counts("alice", total=2)
    _, oldest = await tidings.list_all("alice")
    await request_as_alice(tidings, "PUT", f"{BASE}/{oldest['id']}/read")
    await tidings.wait_for_counts("alice", unread=1)

    async with open_front_end(tidings, PATH) as page:
        await expect_titles(page, "new")
