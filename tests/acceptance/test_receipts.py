"""Delivery receipts: which devices have a notification, and who has seen and read it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tidings.analyst.receipts import Confirmation, NoSuchEvent, find_receipts
from tidings.contracts.close_codes import CloseCode
from tidings.contracts.cursor import Cursor
from tidings.contracts.subjects import NOTIFICATIONS, Person
from tidings.runtime.log.read import read

from tests.acceptance.command import Command
from tests.acceptance.problems import check_problem
from tests.builders import make_announcement
from tests.driver import Client, Tidings
from tests.streams import read_stored_events

WAIT_SECONDS = 15


async def wait_for_confirmation(
    tidings: Tidings, event: str, user: str, device: str
) -> Confirmation:
    """Wait until a user has a confirmation from a device, and return it."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            confirmations = {
                confirmation.user: confirmation
                for confirmation in await find_receipts(tidings.runtime, event)
            }
            if user in confirmations and confirmations[user].device == device:
                return confirmations[user]
            await asyncio.sleep(0.05)


async def read_written_receipts(tidings: Tidings, user: str) -> list[dict[str, Any]]:
    """Return the receipts of a user in the log."""
    subject = tidings.runtime.settings.subjects.receipt_subject(Person(tidings.tenant, user))
    return [
        json.loads(message.data)
        for message in await read(tidings.runtime.jetstream, NOTIFICATIONS, subject, after=0)
    ]


async def wait_for_receipt(tidings: Tidings, user: str, cursor: str) -> list[dict[str, Any]]:
    """Wait until the last receipt in the log is at this cursor, and return all receipts."""
    sequence = Cursor.parse(cursor).sequence
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            receipts = await read_written_receipts(tidings, user)
            if receipts and Cursor.parse(receipts[-1]["cursor"]).sequence == sequence:
                return receipts
            await asyncio.sleep(0.05)


async def post_ack(tidings: Tidings, user: str, body: dict[str, Any] | bytes) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return await tidings.http.post("/v1/acks", content=content, headers=tidings.headers(user))


@pytest.fixture
async def alice(tidings: Tidings) -> Client:
    return await (await tidings.connect("alice")).live()


async def test_an_analyst_sees_who_was_notified_who_received_it_and_who_read_it(
    tidings: Tidings, alice: Client
) -> None:
    await tidings.emit(event := make_announcement("alice", "bob", "carol"))
    await alice.until(1)
    (message,) = await read_stored_events(tidings)
    bob = await (await tidings.stream("bob")).live()
    bob_hello = next(frame for frame in bob.frames if frame["type"] == "hello")

    await alice.send({"type": "ack", "cursor": alice.cursor})
    assert (
        await post_ack(tidings, "bob", {"device": "bob's phone", "cursor": bob.cursor})
    ).status_code == 202
    await alice.mark("read", *alice.visible_ids)
    of_alice = await wait_for_confirmation(
        tidings,
        str(message.sequence),
        "alice",
        next(f for f in alice.frames if f["type"] == "hello")["connection"],
    )
    of_bob = await wait_for_confirmation(
        tidings, f"{tidings.tenant}//tests/{event['id']}", "bob", "bob's phone"
    )
    await tidings.wait_for_counts("alice", unread=0)

    confirmations = {
        confirmation.user: confirmation
        for confirmation in await find_receipts(tidings.runtime, str(message.sequence))
    }
    assert list(confirmations) == ["alice", "bob", "carol"]
    assert of_alice.delivered and of_alice.delivered >= of_alice.told
    assert confirmations["alice"].read and confirmations["alice"].seen and not of_bob.read
    assert confirmations["carol"] == Confirmation(
        "carol", confirmations["carol"].told, None, None, None, None
    )
    assert bob_hello["user"] == "bob"


async def test_of_many_acks_in_a_row_few_are_written_including_the_newest(
    tidings: Tidings, alice: Client
) -> None:
    cursors = list[str]()
    for count in range(30):
        await tidings.emit(make_announcement("alice"))
        await alice.until(count + 1)
        cursors.append(str(alice.cursor))
        await alice.send({"type": "ack", "cursor": alice.cursor})
    await alice.send({"type": "ack", "cursor": cursors[3]})

    receipts = await wait_for_receipt(tidings, "alice", cursors[-1])

    assert len(receipts) < 10
    sequences = [Cursor.parse(receipt["cursor"]).sequence for receipt in receipts]
    assert sequences == sorted({*sequences})
    assert {*sequences} <= {Cursor.parse(cursor).sequence for cursor in cursors}


async def test_receipts_are_not_in_the_log_of_the_user(tidings: Tidings, alice: Client) -> None:
    start = str(alice.cursor)
    await tidings.emit(make_announcement("alice"))
    await alice.until(1)
    await alice.send({"type": "ack", "cursor": alice.cursor})
    await wait_for_receipt(tidings, "alice", str(alice.cursor))

    replay = await tidings.replay("alice", start)

    assert len(replay.entries) == 1


async def test_a_named_device_keeps_its_name_across_connections(
    tidings: Tidings,
) -> None:
    phone = await (await tidings.connect("alice", device="phone")).live()
    await tidings.emit(make_announcement("alice"))
    await phone.until(1)
    await phone.send({"type": "ack", "cursor": phone.cursor})
    await wait_for_receipt(tidings, "alice", str(phone.cursor))
    await tidings.emit(make_announcement("alice"))
    again = await tidings.connect("alice", phone.cursor, device="phone")
    await again.until(1)
    await again.send({"type": "ack", "cursor": again.cursor})

    receipts = await wait_for_receipt(tidings, "alice", str(again.cursor))

    assert [receipt["device"] for receipt in receipts] == ["phone", "phone"]


@pytest.mark.parametrize("device", ["", "a\nb", "x" * 129])
async def test_an_invalid_device_name_is_refused(tidings: Tidings, device: str) -> None:
    stream = await tidings.http.get(
        "/v1/stream", params={"device": device}, headers=tidings.headers("alice")
    )
    socket = await tidings.connect("alice", device=device)

    check_problem(stream, 400)
    assert await socket.wait_for_close() == CloseCode.BAD_FRAME


@pytest.mark.parametrize(
    "cursor",
    ["0123abcd-1", "{epoch}-9999999999", "{epoch}-1.5.99999999"],
    ids=["epoch", "ahead", "middle"],
)
async def test_a_cursor_that_was_not_sent_cannot_be_acknowledged(
    tidings: Tidings, alice: Client, cursor: str
) -> None:
    cursor = cursor.format(epoch=str(alice.cursor).split("-")[0])

    await alice.send({"type": "ack", "cursor": cursor})

    error = await alice.next("error")
    assert error["code"] == "ack" and not error["retry"]
    check_problem(await post_ack(tidings, "alice", {"device": "phone", "cursor": cursor}), 400, 409)
    assert await read_written_receipts(tidings, "alice") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        {"device": "phone"},
        {"cursor": "0123abcd-1"},
        {"device": "a\0b", "cursor": "0123abcd-1"},
        {"device": "phone", "cursor": "0123abcd-007"},
        {"device": "x" * 129, "cursor": "0123abcd-1"},
    ],
    ids=str,
)
async def test_an_invalid_ack_is_refused(tidings: Tidings, body: dict[str, Any] | bytes) -> None:
    check_problem(await post_ack(tidings, "alice", body), 400)


@pytest.mark.parametrize("event", ["999999999", "0", "acme//tests/none", "nonsense", "", "٣"])
async def test_an_unknown_event_is_reported(tidings: Tidings, event: str) -> None:
    with pytest.raises(NoSuchEvent):
        await find_receipts(tidings.runtime, event)


async def test_the_command_prints_the_receipts_of_an_event(tidings: Tidings, cli: Command) -> None:
    await tidings.emit(event := make_announcement("alice", "bob"))
    await tidings.wait_for_counts("bob", total=1)
    name = f"{tidings.tenant}//tests/{event['id']}"

    lines = await cli.read_output("receipts", "--event", name, "--json")
    table = await cli.read_output("receipts", "--event", name)
    unknown = await cli.read_error("receipts", "--event", f"{name}0")

    assert [json.loads(line)["user"] for line in lines.splitlines()] == ["alice", "bob"]
    assert "2 told, 0 delivered, 0 read" in table
    assert "there is no event" in unknown
