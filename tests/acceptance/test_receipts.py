"""Delivery confirmation: what devices say they have is written down, and shown beside what was seen and read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tidings.analyst.receipts import Confirmation, NoSuchEvent, receipts
from tidings.contracts.closing import Code
from tidings.contracts.subjects import NOTIFICATIONS, Person, receipt
from tidings.runtime.read import read

from tests.acceptance.command import Command
from tests.acceptance.refused import refused
from tests.driver import Client, Tidings, hello_to
from tests.streams import stored

WAIT_SECONDS = 15


async def confirmed(tidings: Tidings, event: str, user: str, device: str) -> Confirmation:
    """What is known of a person once that device has it."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = {each.user: each for each in await receipts(tidings.runtime, event)}
            if user in found and found[user].device == device:
                return found[user]
            await asyncio.sleep(0.05)


async def written(tidings: Tidings, user: str) -> list[dict[str, Any]]:
    """The receipts in the log."""
    subject = receipt(Person(tidings.tenant, user), tidings.runtime.settings.partitions)
    return [
        json.loads(message.data)
        for message in await read(tidings.runtime.jetstream, NOTIFICATIONS, subject, after=0)
    ]


async def until_written(tidings: Tidings, user: str, cursor: str) -> list[dict[str, Any]]:
    """The receipts in the log, once the last of them says that."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if (found := await written(tidings, user)) and found[-1]["cursor"] == cursor:
                return found
            await asyncio.sleep(0.05)


async def post(tidings: Tidings, user: str, body: dict[str, Any] | bytes) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return await tidings.http.post("/v1/acks", content=content, headers=tidings.headers(user))


@pytest.fixture
async def alice(tidings: Tidings) -> Client:
    return await (await tidings.connect("alice")).live()


async def test_an_analyst_sees_who_was_told_who_has_it_and_who_read_it(
    tidings: Tidings, alice: Client
) -> None:
    await tidings.emit(event := hello_to("alice", "bob", "carol"))
    await alice.until(1)
    (message,) = await stored(tidings)
    bob = await (await tidings.stream("bob")).live()
    bob_hello = next(frame for frame in bob.seen if frame["type"] == "hello")

    await alice.send({"type": "ack", "cursor": alice.cursor})
    assert (
        await post(tidings, "bob", {"device": "bob's phone", "cursor": bob.cursor})
    ).status_code == 202
    await alice.mark("read", *alice.shown)
    of_alice = await confirmed(
        tidings,
        str(message.sequence),
        "alice",
        next(f for f in alice.seen if f["type"] == "hello")["connection"],
    )
    of_bob = await confirmed(
        tidings, f"{tidings.tenant}//tests/{event['id']}", "bob", "bob's phone"
    )
    await tidings.eventually("alice", unread=0)

    found = {each.user: each for each in await receipts(tidings.runtime, str(message.sequence))}
    assert list(found) == ["alice", "bob", "carol"]
    assert of_alice.delivered and of_alice.delivered >= of_alice.told
    assert found["alice"].read and found["alice"].seen and not of_bob.read
    assert found["carol"] == Confirmation("carol", found["carol"].told, None, None, None, None)
    assert bob_hello["user"] == "bob"


async def test_of_many_acks_in_a_row_few_are_written_and_the_newest_is_among_them(
    tidings: Tidings, alice: Client
) -> None:
    cursors = list[str]()
    for count in range(30):
        await tidings.emit(hello_to("alice"))
        await alice.until(count + 1)
        cursors.append(str(alice.cursor))
        await alice.send({"type": "ack", "cursor": alice.cursor})
    await alice.send({"type": "ack", "cursor": cursors[3]})

    found = await until_written(tidings, "alice", cursors[-1])

    assert len(found) < 10
    assert [each["cursor"] for each in found] == sorted(
        {each["cursor"] for each in found}, key=cursors.index
    )


async def test_what_devices_have_takes_no_room_in_the_persons_own_log(
    tidings: Tidings, alice: Client
) -> None:
    start = str(alice.cursor)
    await tidings.emit(hello_to("alice"))
    await alice.until(1)
    await alice.send({"type": "ack", "cursor": alice.cursor})
    await until_written(tidings, "alice", str(alice.cursor))

    replayed = await tidings.replay("alice", start)

    assert len(replayed.entries) == 1


async def test_a_device_that_says_its_name_keeps_it_from_connection_to_connection(
    tidings: Tidings,
) -> None:
    phone = await (await tidings.connect("alice", device="phone")).live()
    await tidings.emit(hello_to("alice"))
    await phone.until(1)
    await phone.send({"type": "ack", "cursor": phone.cursor})
    await until_written(tidings, "alice", str(phone.cursor))
    await tidings.emit(hello_to("alice"))
    again = await tidings.connect("alice", phone.cursor, device="phone")
    await again.until(1)
    await again.send({"type": "ack", "cursor": again.cursor})

    found = await until_written(tidings, "alice", str(again.cursor))

    assert [each["device"] for each in found] == ["phone", "phone"]


@pytest.mark.parametrize("device", ["", "a\nb", "x" * 129])
async def test_a_name_that_is_none_is_refused(tidings: Tidings, device: str) -> None:
    stream = await tidings.http.get(
        "/v1/stream", params={"device": device}, headers=tidings.headers("alice")
    )
    socket = await tidings.connect("alice", device=device)

    refused(stream, 400)
    assert await socket.closed() == Code.BAD_FRAME


@pytest.mark.parametrize(
    "cursor",
    ["0123abcd-1", "{epoch}-9999999999", "{epoch}-1.5.99999999"],
    ids=["epoch", "ahead", "middle"],
)
async def test_what_was_not_sent_cannot_be_acknowledged(
    tidings: Tidings, alice: Client, cursor: str
) -> None:
    cursor = cursor.format(epoch=str(alice.cursor).split("-")[0])

    await alice.send({"type": "ack", "cursor": cursor})

    error = await alice.next("error")
    assert error["code"] == "ack" and not error["retry"]
    refused(await post(tidings, "alice", {"device": "phone", "cursor": cursor}), 400, 409)
    assert await written(tidings, "alice") == []


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
async def test_an_ack_that_makes_no_sense_is_refused(
    tidings: Tidings, body: dict[str, Any] | bytes
) -> None:
    refused(await post(tidings, "alice", body), 400)


@pytest.mark.parametrize("event", ["999999999", "0", "acme//tests/none", "nonsense", "", "٣"])
async def test_an_event_that_is_not_there_is_called_so(tidings: Tidings, event: str) -> None:
    with pytest.raises(NoSuchEvent):
        await receipts(tidings.runtime, event)


async def test_the_command_prints_the_receipts_of_an_event(tidings: Tidings, cli: Command) -> None:
    await tidings.emit(event := hello_to("alice", "bob"))
    await tidings.eventually("bob", total=1)
    name = f"{tidings.tenant}//tests/{event['id']}"

    lines = await cli.well("receipts", "--event", name, "--json")
    table = await cli.well("receipts", "--event", name)
    unknown = await cli.refused("receipts", "--event", f"{name}0")

    assert [json.loads(line)["user"] for line in lines.splitlines()] == ["alice", "bob"]
    assert "2 told, 0 delivered, 0 read" in table
    assert "there is no event" in unknown
