"""The ack writer: the newest ack of each device is appended, once, and no ack gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import pytest
from tidings.contracts.codec import decode_delivery_receipt
from tidings.contracts.messages import BATCH_LIMIT_MESSAGES, NewMessage
from tidings.contracts.notifications import SENT_DEVICE
from tidings.contracts.subjects import Person
from tidings.edge.delivery import ack_writer
from tidings.edge.delivery.ack_writer import AckWriter
from tidings.runtime.errors import Unavailable

from tests.services.edge.fake_log import ANN, BOB, EPOCH, SUBJECTS, cursor_at


class Stream(NamedTuple):
    """A user's stream, as an ack needs it."""

    newest_sequence: int


class FakeHub:
    """The streams of connected users."""

    def __init__(self) -> None:
        self.streams: dict[Person, Stream] = {}

    def stream_of(self, person: Person) -> Stream | None:
        return self.streams.get(person)


class FakeAppender:
    """Keeps the batches that were appended; it may be away, or wait until the test opens it."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[str, str, str]]] = []
        self.is_away = False
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def append_batch(self, drafts: Sequence[NewMessage]) -> list[Any]:
        await self.is_open.wait()
        if self.is_away:
            raise Unavailable("NATS is away")
        receipts = [(draft.subject, decode_delivery_receipt(draft.data)) for draft in drafts]
        self.batches.append(
            [(subject, receipt.device, receipt.cursor) for subject, receipt in receipts]
        )
        return []


class Acks:
    """An ack writer with fakes of what it uses."""

    def __init__(self) -> None:
        self.hub = FakeHub()
        self.appender = FakeAppender()
        self.writer = AckWriter(cast(Any, self.appender), cast(Any, self.hub), EPOCH, SUBJECTS)

    def record(self, person: Person, device: str, *sequences: int) -> None:
        for sequence in sequences:
            self.writer.record_ack(person, device, cursor_at(sequence))


def receipt(person: Person, device: str, sequence: int) -> tuple[str, str, str]:
    return SUBJECTS.receipt_subject(person), device, f"{EPOCH}-{sequence}"


async def test_the_newest_ack_of_each_device_is_appended_once() -> None:
    acks = Acks()
    acks.record(ANN, "phone", 3, 7, 5)
    acks.record(ANN, "laptop", 2)
    acks.record(BOB, "phone", 4)

    await acks.writer.flush()
    await acks.writer.flush()

    assert acks.appender.batches == [
        [receipt(ANN, "phone", 7), receipt(ANN, "laptop", 2), receipt(BOB, "phone", 4)]
    ]


async def test_an_ack_that_is_not_newer_than_the_appended_one_is_ignored() -> None:
    acks = Acks()
    acks.record(ANN, "phone", 7)
    await acks.writer.flush()

    acks.record(ANN, "phone", 6, 7)
    await acks.writer.flush()
    assert len(acks.appender.batches) == 1

    acks.record(ANN, "phone", 8)
    await acks.writer.flush()
    assert acks.appender.batches[1:] == [[receipt(ANN, "phone", 8)]]


async def test_an_ack_beyond_the_newest_entry_is_recorded_as_that_entry() -> None:
    acks = Acks()
    acks.hub.streams[ANN] = Stream(5)
    acks.record(ANN, "phone", 9)
    acks.record(BOB, "phone", 9)

    assert acks.writer.acknowledged_sequence(ANN, "phone") == 5
    assert acks.writer.acknowledged_sequence(BOB, "phone") == 9
    await acks.writer.flush()
    acks.record(ANN, "phone", 12)
    await acks.writer.flush()

    assert acks.appender.batches == [[receipt(ANN, "phone", 5), receipt(BOB, "phone", 9)]]


async def test_acks_that_cannot_be_appended_wait_for_the_next_flush() -> None:
    acks = Acks()
    acks.appender.is_away = True
    acks.record(ANN, "phone", 3)
    await acks.writer.flush()
    assert acks.writer.acknowledged_sequence(ANN, "phone") == 3

    acks.appender.is_away = False
    acks.record(ANN, "phone", 4)
    await acks.writer.flush()

    assert acks.appender.batches == [[receipt(ANN, "phone", 4)]]


async def test_an_ack_that_comes_during_the_append_is_appended_next() -> None:
    acks = Acks()
    acks.appender.is_open.clear()
    acks.record(ANN, "phone", 3)
    flush = asyncio.create_task(acks.writer.flush())
    await asyncio.sleep(0)
    acks.record(ANN, "phone", 4)
    acks.appender.is_open.set()

    await flush

    assert acks.appender.batches == [[receipt(ANN, "phone", 3)], [receipt(ANN, "phone", 4)]]


async def test_a_batch_has_a_limited_number_of_acks() -> None:
    acks = Acks()
    for number in range(BATCH_LIMIT_MESSAGES + 1):
        acks.record(ANN, f"device-{number}", 1)

    await acks.writer.flush()

    assert [len(batch) for batch in acks.appender.batches] == [BATCH_LIMIT_MESSAGES, 1]


async def test_beyond_the_limit_of_devices_only_waiting_devices_are_updated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ack_writer, "DEVICES_LIMIT", 2)
    acks = Acks()
    for device in ("one", "two", "three"):
        acks.record(ANN, device, 1)
    acks.record(ANN, "one", 2)

    await acks.writer.flush()

    assert acks.appender.batches == [[receipt(ANN, "one", 2), receipt(ANN, "two", 1)]]


async def test_what_was_sent_to_a_user_who_leaves_is_appended_alone_and_at_once() -> None:
    acks = Acks()
    acks.writer.record_sent(ANN, 5)
    acks.record(ANN, "phone", 4)
    acks.writer.record_sent(BOB, 6)

    await acks.writer.flush_sent(ANN)
    await acks.writer.flush_sent(ANN)

    assert acks.appender.batches == [[receipt(ANN, SENT_DEVICE, 5)]]
    await acks.writer.flush()
    assert acks.appender.batches[1:] == [[receipt(ANN, "phone", 4), receipt(BOB, SENT_DEVICE, 6)]]


async def test_a_user_can_leave_while_the_log_is_away_and_the_ack_waits() -> None:
    acks = Acks()
    acks.appender.is_away = True
    acks.writer.record_sent(ANN, 5)

    await acks.writer.flush_sent(ANN)

    acks.appender.is_away = False
    await acks.writer.flush()
    assert acks.appender.batches == [[receipt(ANN, SENT_DEVICE, 5)]]


@pytest.mark.parametrize("name", ["FLUSH_TIMEOUT_SECONDS", "EXIT_FLUSH_TIMEOUT_SECONDS"])
async def test_a_flush_gives_up_when_the_log_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ack_writer, name, 0.01)
    acks = Acks()
    acks.appender.is_open.clear()
    acks.writer.record_sent(ANN, 5)

    async with asyncio.timeout(5):
        if name == "FLUSH_TIMEOUT_SECONDS":
            await acks.writer.flush_sent(ANN)
        else:
            await acks.writer.flush_before_exit()

    assert acks.appender.batches == []
    acks.appender.is_open.set()
