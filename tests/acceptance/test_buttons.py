"""Buttons: the first press becomes an event and shows on every device of the user."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from tidings.contracts.codec import decode_cloud_event
from tidings.contracts.subjects import EVENTS
from tidings.runtime.log.read import read

from tests.builders import make_event
from tests.driver import Client, Tidings

UNKNOWN = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"


async def press_button(
    tidings: Tidings, identifier: str, action: str, user: str = "alice"
) -> httpx.Response:
    return await tidings.http.post(
        f"/v1/notifications/{identifier}/actions/{action}", headers=tidings.headers(user)
    )


async def read_actions(tidings: Tidings, identifier: str) -> list[Any]:
    """Return the events that record the presses of the buttons of a notification."""
    subject = tidings.runtime.settings.subjects.event_subject(
        tidings.tenant, "notification.acted", identifier
    )
    return [
        decode_cloud_event(message.data)
        for message in await read(tidings.runtime.jetstream, EVENTS, subject, after=0)
    ]


async def assign_task(tidings: Tidings, *users: str) -> dict[str, str]:
    """Assign a task to each user, and return the id of their notification by user."""
    await tidings.emit(
        *(
            make_event("task.assigned", task_id="1", task_title="Water", user_id=user)
            for user in users
        )
    )
    for user in users:
        await tidings.wait_for_counts(user, total=1)
    return {user: (await tidings.list_all(user))[0]["id"] for user in users}


async def wait_until_acted(client: Client, identifier: str) -> None:
    while "acted" not in client.notifications[identifier]:
        await client.next("entries", "snapshot")


@pytest.fixture
async def note(tidings: Tidings) -> str:
    """Return the id of a notification of Alice's that has two buttons."""
    return (await assign_task(tidings, "alice"))["alice"]


async def test_a_press_is_an_event_and_shows_on_every_device(tidings: Tidings, note: str) -> None:
    desk, phone = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.stream("alice")).live(),
    )
    start, notifications = (
        desk.cursor or "",
        {identifier: {**notification} for identifier, notification in desk.notifications.items()},
    )

    answer = await press_button(tidings, note, "accept")

    assert (answer.status_code, answer.json()) == (200, {"id": note, "action": "accept"})
    for device in (desk, phone):
        await wait_until_acted(device, note)
    ((fact,), (note_in_list,)) = await read_actions(tidings, note), await tidings.list_all("alice")
    assert (fact.type, fact.actor, fact.tenant) == ("notification.acted", "alice", tidings.tenant)
    assert b'"action":"accept"' in bytes(fact.data)
    assert note_in_list["actions"] == [
        {"name": "accept", "label": "Accept"},
        {"name": "decline", "label": "Decline"},
    ]
    new_client = await (await tidings.connect("alice")).live()
    replay = await tidings.replay("alice", start, notifications)
    actions = [device.notifications[note]["acted"] for device in (desk, phone, new_client, replay)]
    assert [*actions, note_in_list["acted"]] == ["accept"] * 5
    assert desk.counts["unread"] == 1


async def test_only_the_first_press_counts(tidings: Tidings, note: str) -> None:
    desk = await (await tidings.connect("alice")).live()

    at_once = await asyncio.gather(*(press_button(tidings, note, "decline") for _ in range(5)))
    other_at_once = await press_button(tidings, note, "accept")
    await wait_until_acted(desk, note)
    repeated, other_later = (
        await press_button(tidings, note, "decline"),
        await press_button(tidings, note, "accept"),
    )

    assert {(answer.status_code, answer.text) for answer in (*at_once, repeated)} == {
        (200, repeated.text)
    }
    for refusal in (other_at_once, other_later):
        assert (refusal.status_code, refusal.json()["reason"]) == (409, "decline")
    assert len(await read_actions(tidings, note)) == 1
    assert [entry["state"] for entry in desk.entries if entry["entry"] == "mark"] == ["acted"]


async def test_the_buttons_of_another_user_and_unknown_buttons_answer_alike(
    tidings: Tidings,
) -> None:
    notes = await assign_task(tidings, "alice", "bob")

    unknown, foreign = (
        await press_button(tidings, UNKNOWN, "accept"),
        await press_button(tidings, notes["bob"], "accept"),
    )
    no_button, no_id = (
        await press_button(tidings, notes["alice"], "explode"),
        await press_button(tidings, "1", "accept"),
    )

    assert unknown.json() == foreign.json() == no_button.json()
    assert {notification.status_code for notification in (unknown, foreign, no_button, no_id)} == {
        404
    }
    assert not await read_actions(tidings, notes["alice"]) + await read_actions(
        tidings, notes["bob"]
    )


async def test_neither_a_producer_nor_a_mark_can_state_a_press(tidings: Tidings, note: str) -> None:
    data = {
        "notification_id": note,
        "user_id": "alice",
        "action": "accept",
        "notification_type": "task.assigned",
    }
    mark = {"state": "acted", "ids": [note], "action": "accept"}

    headers = {**tidings.headers(), "Content-Type": "application/cloudevents+json"}
    event_answer = await tidings.http.post(
        "/v1/events", json=make_event("notification.acted", **data), headers=headers
    )
    mark_answer = await tidings.http.post(
        "/v1/notifications/mark", json=mark, headers=tidings.headers("alice")
    )

    assert (event_answer.status_code, mark_answer.status_code) == (403, 400)
    assert "acted" not in (await tidings.list_all("alice"))[0]


async def test_a_button_is_labelled_in_the_locale_of_its_reader(tidings: Tidings) -> None:
    await tidings.emit(make_event("user.joined", user_id="dora", locale="de"))

    await assign_task(tidings, "dora")

    (notification,) = await tidings.list_all("dora")
    assert [action["label"] for action in notification["actions"]] == ["Annehmen", "Ablehnen"]
