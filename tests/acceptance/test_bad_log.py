"""A bad message in the log itself: buried once with the reason, and the events behind it go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from tidings.contracts import subjects
from tidings.runtime.append import Draft
from tidings.runtime.follow import Message

from tests.driver import Tidings, event, hello_to
from tests.streams import dead, entries, stored

pytestmark = pytest.mark.usefixtures("calm")

WAIT_SECONDS = 10
DEEP = b"[" * 20_000 + b"]" * 20_000


async def put(tidings: Tidings, body: bytes) -> int:
    """A message straight into EVENTS, past the gateway."""
    subject = subjects.event(
        tidings.tenant, "announcement.published", None, tidings.runtime.settings.partitions
    )
    return (await tidings.runtime.appender().append(Draft(subject, body))).sequence


async def buried(tidings: Tidings, sequence: int) -> Message:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if found := await dead(tidings, sequence):
                return found[0]
            await asyncio.sleep(0.05)


def good(tidings: Tidings, raw: bytes = b"0") -> bytes:
    return (
        json.dumps(hello_to("alice", tenant=tidings.tenant, more="here"))
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
                event("task.assigned", tenant=tidings.tenant, task_id="1")
            ).encode(),
            "data.task_title: Object missing",
        ),
        (
            lambda tidings: json.dumps(
                event("task.assigned", tenant=tidings.tenant, task_id=["grüße\r\nX: 1"])
            ).encode(),
            "data.task_id",
        ),
        (lambda _: json.dumps(hello_to("alice")).encode(), "tenant: missing"),
        (lambda tidings: good(tidings, b'"half a character: \xc3"'), "UTF-8"),
        (lambda tidings: good(tidings, DEEP), ""),
        (lambda tidings: good(tidings, b'"\\ud800"'), ""),
        (lambda tidings: good(tidings)[:-1] + b',"time":"yesterday"}', "time"),
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
async def test_a_bad_message_is_buried_once_and_those_behind_it_go_on(
    tidings: Tidings, make: Callable[[Tidings], bytes], reason: str
) -> None:
    body = make(tidings)
    await tidings.emit(hello_to("alice", title="before"))
    sequence = await put(tidings, body)
    await tidings.emit(hello_to("alice", title="behind"))

    grave = await buried(tidings, sequence)
    await tidings.eventually("alice", total=2)

    assert grave.data == body
    assert reason in grave.headers["Tidings-Reason"]
    assert grave.headers["Tidings-Sequence"] == str(sequence)
    assert [each["title"] for each in await tidings.listing("alice")] == ["behind", "before"]
    assert len(await dead(tidings, sequence)) == 1


async def test_an_unknown_type_is_carried_along_told_to_nobody_and_not_dead(
    tidings: Tidings,
) -> None:
    unknown = json.dumps(
        event("invoice.paid", tenant=tidings.tenant, user_id="alice", amount=3)
    ).encode()
    sequence = await put(tidings, unknown)
    await tidings.emit(hello_to("alice"))

    await tidings.eventually("alice", total=1)

    assert await dead(tidings, sequence) == []
    assert next(message.data for message in await stored(tidings)) == unknown
    assert len(await entries(tidings, "alice")) == 1


async def test_many_bad_messages_among_good_ones_lose_none_of_them(tidings: Tidings) -> None:
    graves = []
    for number in range(10):
        await tidings.emit(*(hello_to("alice", title=f"{number}.{n}") for n in range(5)))
        graves.append(await put(tidings, b"bad"))

    await tidings.eventually("alice", total=50)

    for sequence in graves:
        await buried(tidings, sequence)
        assert len(await dead(tidings, sequence)) == 1
    titles = [each["title"] for each in await tidings.listing("alice")]
    assert titles == [f"{number}.{n}" for number in reversed(range(10)) for n in reversed(range(5))]


async def test_the_same_event_put_into_the_log_twice_is_told_once(tidings: Tidings) -> None:
    body = good(tidings)
    first, second = await put(tidings, body), await put(tidings, body)
    await tidings.emit(hello_to("alice", title="behind"))

    await tidings.eventually("alice", total=2)

    assert first < second
    assert await dead(tidings, second) == []
    assert len(await entries(tidings, "alice")) == 2
