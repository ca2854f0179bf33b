"""The gateway: events in every mode of CloudEvents over HTTP, stored unchanged, each once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.acceptance.problems import BATCH, LINES, ONE, post_events
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_stored_events

MODES = ("structured", "batch", "binary", "lines")


async def send_event(tidings: Tidings, mode: str, event: dict[str, Any]) -> httpx.Response:
    """Send one event in any mode."""
    match mode:
        case "structured":
            return await post_events(tidings, encode_json(event), ONE)
        case "batch":
            return await post_events(tidings, b"[" + encode_json(event) + b"]", BATCH)
        case "lines":
            return await post_events(tidings, encode_json(event) + b"\n", LINES)
        case _:
            attributes = {
                f"ce-{name}": quote(str(value), safe=":/")
                for name, value in event.items()
                if name != "data"
            }
            return await post_events(
                tidings, encode_json(event["data"]), "application/json", **attributes
            )


def flatten_ranges(ranges: list[list[int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


def encode_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize("mode", MODES)
async def test_an_event_is_stored_in_every_mode_and_the_answer_states_its_sequence(
    tidings: Tidings, mode: str
) -> None:
    event = make_event(
        "announcement.published",
        title="Grüße",
        message="…",
        to={"users": ["alice"]},
        actor="zoë",
        extra={"n": 1.50},
    )

    answer = (await send_event(tidings, mode, event)).json()

    (message,) = await read_stored_events(tidings)
    assert answer == {
        "events": 1,
        "appended": 1,
        "sequences": [[message.sequence, message.sequence]],
        "duplicates": [],
        "truncated": False,
    }
    content_type = {"datacontenttype": "application/json"} if mode == "binary" else {}
    assert json.loads(message.data) == {**event, **content_type, "tenant": tidings.tenant}
    assert (await tidings.wait_for_counts("alice", total=1))["unread"] == 1


@pytest.mark.parametrize("mode", ["structured", "batch", "lines"])
async def test_an_event_that_names_its_tenant_is_stored_byte_by_byte(
    tidings: Tidings, mode: str
) -> None:
    body = (
        b'{ "specversion":"1.0", "tenant":"%b", "id" : "1", "source":"/s",'
        b'"type":"announcement.published", "unknown" : 1e2,\t'
        b'"data":{"title":"\\u00fc\xc3\xbc","message":"","to":{"users":["alice"]},'
        b'"n":[1.50, 12345678901234567890123, 1E400]} }'
    ) % tidings.tenant.encode()
    requests = {
        "structured": (body, ONE),
        "batch": (b" [\n" + body + b" ] ", BATCH),
        "lines": (b"\r\n" + body + b"\r\n", LINES),
    }

    response = await post_events(tidings, *requests[mode])

    assert response.status_code == 200, response.text
    assert [message.data for message in await read_stored_events(tidings)] == [body]


async def test_an_event_without_tenant_gets_it_and_is_otherwise_unchanged(
    tidings: Tidings,
) -> None:
    body = (
        b'{"specversion":"1.0","id":"1","source":"/s",'
        b'"type":"announcement.published","tenant":null,'
        b'"data":{"title":"","message":"","to":{"users":["alice"]},'
        b'"n":[1.50,12345678901234567890123,1E400]}}'
    )

    response = await post_events(tidings, body, ONE)

    assert response.status_code == 200, response.text
    (message,) = await read_stored_events(tidings)
    assert message.data == body.replace(
        b'"tenant":null', b'"tenant":"%b"' % tidings.tenant.encode()
    )


async def test_json_lines_may_be_split_anywhere(tidings: Tidings) -> None:
    events = [
        make_announcement(f"user-{n % 7}", title=f"№ {n}", tenant=tidings.tenant)
        for n in range(5000)
    ]
    lines = [encode_json(event) for event in events]
    body, chance = b"\n".join(lines), random.Random(7)

    async def chunks() -> AsyncIterator[bytes]:
        offset = 0
        while offset < len(body):
            size = chance.choice((1, 2, 3, 50, 1000, 30_000))
            yield body[offset : offset + size]
            offset += size

    answer = (await post_events(tidings, chunks(), LINES)).json()

    messages = await read_stored_events(tidings)
    assert answer["events"] == answer["appended"] == 5000
    assert not answer["duplicates"]
    assert flatten_ranges(answer["sequences"]) == [message.sequence for message in messages]
    assert [message.data for message in messages] == lines


async def test_a_repeated_event_is_reported_as_a_duplicate_in_every_mode(tidings: Tidings) -> None:
    event = make_announcement("alice")
    (first,) = (await tidings.emit(event))["sequences"]

    answers = [(await send_event(tidings, mode, event)).json() for mode in MODES]

    assert [
        (answer["appended"], answer["sequences"], answer["duplicates"]) for answer in answers
    ] == [(0, [first], [[1, 1]])] * 4
    assert len(await read_stored_events(tidings)) == 1


@pytest.mark.parametrize("media_type", [BATCH, LINES])
async def test_duplicates_inside_one_request_are_stored_once_and_reported_by_place(
    tidings: Tidings, media_type: str
) -> None:
    stored, a, b = (
        make_announcement("alice"),
        make_announcement("alice"),
        make_announcement("alice"),
    )
    (place,) = (await tidings.emit(stored))["sequences"]
    events = [a, stored, a, b, b, b]
    body = encode_json(events) if media_type == BATCH else b"\n\n".join(map(encode_json, events))

    answer = (await post_events(tidings, body, media_type)).json()

    stored_at, at_a, at_b = (message.sequence for message in await read_stored_events(tidings))
    assert stored_at == place[0]
    assert (answer["events"], answer["appended"], answer["duplicates"]) == (6, 2, [[2, 3], [5, 6]])
    assert flatten_ranges(answer["sequences"]) == [at_a, stored_at, at_a, at_b, at_b, at_b]
    await tidings.wait_for_counts("alice", total=3)


async def test_repeated_lines_add_nothing(tidings: Tidings) -> None:
    events = [make_announcement("alice", title=str(n)) for n in range(1500)]
    first = await tidings.emit(*events)

    again = await tidings.emit(*events, new := make_announcement("alice", title="new"))

    assert (first["appended"], again["appended"], again["duplicates"]) == (1500, 1, [[1, 1500]])
    messages = await read_stored_events(tidings)
    assert len(messages) == 1501
    assert json.loads(messages[-1].data)["id"] == new["id"]


async def test_the_same_id_from_another_source_or_tenant_is_another_event(tidings: Tidings) -> None:
    event = make_announcement("alice", identifier="1")
    other_source = {**event, "source": "/tests/1"}
    escaped_id = {**event, "source": "/tests/1", "id": "%31/2"}
    async with Tidings(tidings.url, tidings.runtime) as neighbour:
        answers = [
            await driver.emit(event, other_source, escaped_id) for driver in (tidings, neighbour)
        ]

    assert [answer["appended"] for answer in answers] == [3, 3]


async def test_events_posted_at_the_same_time_are_each_stored_once(tidings: Tidings) -> None:
    events = [make_announcement("alice", title=str(n)) for n in range(40)]

    answers = await asyncio.gather(
        *(send_event(tidings, "structured", event) for event in events * 2)
    )

    assert sum(answer.json()["appended"] for answer in answers) == 40
    assert len(await read_stored_events(tidings)) == 40
    await tidings.wait_for_counts("alice", total=40)
