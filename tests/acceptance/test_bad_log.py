"""A bad message in the log: one dead letter with the reason, and later events are routed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from tidings.contracts.messages import NewMessage
from tidings.runtime.log.follow import StreamMessage

from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_dead_letters, read_entries, read_stored_events

pytestmark = pytest.mark.usefixtures("calm")

WAIT_SECONDS = 10
DEEP = b"[" * 20_000 + b"]" * 20_000


async def append_raw(tidings: Tidings, body: bytes) -> int:
    """Append a message to EVENTS past the gateway, and return its sequence."""
    subject = tidings.runtime.settings.subjects.event_subject(
        tidings.tenant, "announcement.published", None
    )
    return (await tidings.runtime.appender().append(NewMessage(subject, body))).sequence


async def wait_for_dead_letter(tidings: Tidings, sequence: int) -> StreamMessage:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if letters := await read_dead_letters(tidings, sequence):
                return letters[0]
            await asyncio.sleep(0.05)


def encode_good_event(tidings: Tidings, raw: bytes = b"0") -> bytes:
    return (
        json.dumps(make_announcement("alice", tenant=tidings.tenant, more="here"))
        .encode()
        .replace(b'"here"', raw)
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: b"", "truncated"),
        (lambda _: b"{nonsense", "malformed"),
        (lambda _: b"\xff\xfe\x00", ""),
        (lambda _: b"[]", "Expected `object`"),
        (lambda _: DEEP, ""),
        (
            lambda tidings: json.dumps(
                make_event("task.assigned", tenant=tidings.tenant, task_id="1")
            ).encode(),
            "data.task_title: Object missing",
        ),
        (
            lambda tidings: json.dumps(
                make_event("task.assigned", tenant=tidings.tenant, task_id=["grüße\r\nX: 1"])
            ).encode(),
            "data.task_id",
        ),
        (lambda _: json.dumps(make_announcement("alice")).encode(), "tenant: missing"),
        (lambda tidings: encode_good_event(tidings, b'"half a character: \xc3"'), "UTF-8"),
        (lambda tidings: encode_good_event(tidings, DEEP), ""),
        (lambda tidings: encode_good_event(tidings, b'"\\ud800"'), ""),
        (lambda tidings: encode_good_event(tidings)[:-1] + b',"time":"yesterday"}', "time"),
    ],
    ids=[
        "empty",
        "no JSON",
        "no text",
        "a list",
        "deep",
        "missing",
        "wrong",
        "no tenant",
        "no UTF-8",
        "deep inside",
        "surrogate",
        "time",
    ],
)
async def test_a_bad_message_becomes_one_dead_letter_and_later_events_are_routed(
    tidings: Tidings, make: Callable[[Tidings], bytes], reason: str
) -> None:
    body = make(tidings)
    await tidings.emit(make_announcement("alice", title="before"))
    sequence = await append_raw(tidings, body)
    await tidings.emit(make_announcement("alice", title="behind"))

    dead_letter = await wait_for_dead_letter(tidings, sequence)
    await tidings.wait_for_counts("alice", total=2)

    assert dead_letter.data == body
    assert reason in dead_letter.headers["Tidings-Reason"]
    assert dead_letter.headers["Tidings-Sequence"] == str(sequence)
    assert [notification["title"] for notification in await tidings.list_all("alice")] == [
        "behind",
        "before",
    ]
    assert len(await read_dead_letters(tidings, sequence)) == 1


async def test_an_unknown_type_is_kept_without_notification_or_dead_letter(
    tidings: Tidings,
) -> None:
    unknown = json.dumps(
        make_event("invoice.paid", tenant=tidings.tenant, user_id="alice", amount=3)
    ).encode()
    sequence = await append_raw(tidings, unknown)
    await tidings.emit(make_announcement("alice"))

    await tidings.wait_for_counts("alice", total=1)

    assert await read_dead_letters(tidings, sequence) == []
    assert next(message.data for message in await read_stored_events(tidings)) == unknown
    assert len(await read_entries(tidings, "alice")) == 1


async def test_bad_messages_between_good_ones_lose_no_good_one(tidings: Tidings) -> None:
    sequences = []
    for number in range(10):
        await tidings.emit(*(make_announcement("alice", title=f"{number}.{n}") for n in range(5)))
        sequences.append(await append_raw(tidings, b"bad"))

    await tidings.wait_for_counts("alice", total=50)

    for sequence in sequences:
        await wait_for_dead_letter(tidings, sequence)
        assert len(await read_dead_letters(tidings, sequence)) == 1
    titles = [notification["title"] for notification in await tidings.list_all("alice")]
    assert titles == [f"{number}.{n}" for number in reversed(range(10)) for n in reversed(range(5))]


async def test_an_event_that_is_in_the_log_twice_notifies_once(tidings: Tidings) -> None:
    body = encode_good_event(tidings)
    first, second = await append_raw(tidings, body), await append_raw(tidings, body)
    await tidings.emit(make_announcement("alice", title="behind"))

    await tidings.wait_for_counts("alice", total=2)

    assert first < second
    assert await read_dead_letters(tidings, second) == []
    assert len(await read_entries(tidings, "alice")) == 2
