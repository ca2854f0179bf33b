"""Buttons: pressed once, by whom they were shown to; an event for whoever acts upon it, and the same on every device."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from tidings.contracts.codec import decode
from tidings.contracts.subjects import EVENTS
from tidings.contracts.subjects import event as subject_of
from tidings.runtime.read import read

from tests.driver import Client, Tidings, event

UNKNOWN = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"


async def press(
    tidings: Tidings, identifier: str, action: str, user: str = "alice"
) -> httpx.Response:
    return await tidings.http.post(
        f"/v1/notifications/{identifier}/actions/{action}", headers=tidings.headers(user)
    )


async def stated(tidings: Tidings, identifier: str) -> list[Any]:
    """The events that say which button of a notification was pressed."""
    subject = subject_of(
        tidings.tenant, "notification.acted", identifier, tidings.runtime.settings.partitions
    )
    return [
        decode(message.data)
        for message in await read(tidings.runtime.jetstream, EVENTS, subject, after=0)
    ]


async def told(tidings: Tidings, *users: str) -> dict[str, str]:
    """The id of what each was told."""
    await tidings.emit(
        *(event("task.assigned", task_id="1", task_title="Water", user_id=user) for user in users)
    )
    for user in users:
        await tidings.eventually(user, total=1)
    return {user: (await tidings.listing(user))[0]["id"] for user in users}


async def until_acted(client: Client, identifier: str) -> None:
    while "acted" not in client.notifications[identifier]:
        await client.next("entries", "snapshot")


@pytest.fixture
async def note(tidings: Tidings) -> str:
    """The id of a notification of Alice's with two buttons."""
    return (await told(tidings, "alice"))["alice"]


async def test_a_button_pressed_is_an_event_and_shows_on_every_device(
    tidings: Tidings, note: str
) -> None:
    desk, phone = (
        await (await tidings.connect("alice")).live(),
        await (await tidings.stream("alice")).live(),
    )
    away, known = desk.cursor or "", {each: {**held} for each, held in desk.notifications.items()}

    pressed = await press(tidings, note, "accept")

    assert (pressed.status_code, pressed.json()) == (200, {"id": note, "action": "accept"})
    for device in (desk, phone):
        await until_acted(device, note)
    ((fact,), (listed,)) = await stated(tidings, note), await tidings.listing("alice")
    assert (fact.type, fact.actor, fact.tenant) == ("notification.acted", "alice", tidings.tenant)
    assert b'"action":"accept"' in bytes(fact.data)
    assert listed["actions"] == [
        {"name": "accept", "label": "Accept"},
        {"name": "decline", "label": "Decline"},
    ]
    later = await (await tidings.connect("alice")).live()
    replayed = await tidings.replay("alice", away, known)
    shown = [each.notifications[note]["acted"] for each in (desk, phone, later, replayed)]
    assert [*shown, listed["acted"]] == ["accept"] * 5
    assert desk.counts["unread"] == 1


async def test_only_the_first_press_counts(tidings: Tidings, note: str) -> None:
    desk = await (await tidings.connect("alice")).live()

    at_once = await asyncio.gather(*(press(tidings, note, "decline") for _ in range(5)))
    other_at_once = await press(tidings, note, "accept")
    await until_acted(desk, note)
    again, other = await press(tidings, note, "decline"), await press(tidings, note, "accept")

    assert {(each.status_code, each.text) for each in (*at_once, again)} == {(200, again.text)}
    for refused in (other_at_once, other):
        assert (refused.status_code, refused.json()["reason"]) == (409, "decline")
    assert len(await stated(tidings, note)) == 1
    assert [entry["state"] for entry in desk.entries if entry["entry"] == "mark"] == ["acted"]


async def test_nobody_learns_of_buttons_that_are_not_theirs(tidings: Tidings) -> None:
    notes = await told(tidings, "alice", "bob")

    never, foreign = (
        await press(tidings, UNKNOWN, "accept"),
        await press(tidings, notes["bob"], "accept"),
    )
    no_button, no_id = (
        await press(tidings, notes["alice"], "explode"),
        await press(tidings, "1", "accept"),
    )

    assert never.json() == foreign.json() == no_button.json()
    assert {each.status_code for each in (never, foreign, no_button, no_id)} == {404}
    assert not await stated(tidings, notes["alice"]) + await stated(tidings, notes["bob"])


async def test_what_was_pressed_can_be_said_neither_by_a_producer_nor_by_a_mark(
    tidings: Tidings, note: str
) -> None:
    data = {
        "notification_id": note,
        "user_id": "alice",
        "action": "accept",
        "notification_type": "task.assigned",
    }
    mark = {"state": "acted", "ids": [note], "action": "accept"}

    headers = {**tidings.headers(), "Content-Type": "application/cloudevents+json"}
    forged = await tidings.http.post(
        "/v1/events", json=event("notification.acted", **data), headers=headers
    )
    marked = await tidings.http.post(
        "/v1/notifications/mark", json=mark, headers=tidings.headers("alice")
    )

    assert (forged.status_code, marked.status_code) == (403, 400)
    assert "acted" not in (await tidings.listing("alice"))[0]


async def test_a_button_speaks_the_language_of_its_reader(tidings: Tidings) -> None:
    await tidings.emit(event("user.joined", user_id="dora", locale="de"))

    await told(tidings, "dora")

    (listed,) = await tidings.listing("dora")
    assert [each["label"] for each in listed["actions"]] == ["Annehmen", "Ablehnen"]
