"""The gateway: events in every mode of CloudEvents over HTTP, stored as they were sent, each once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.driver import Tidings, event, hello_to
from tests.streams import stored

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
MODES = ("structured", "batch", "binary", "lines")


async def post(
    tidings: Tidings, body: bytes | AsyncIterator[bytes], media_type: str, **headers: str
) -> httpx.Response:
    return await tidings.http.post(
        "/v1/events",
        content=body,
        headers={**tidings.headers(), "Content-Type": media_type, **headers},
    )


async def send(tidings: Tidings, mode: str, one: dict[str, Any]) -> httpx.Response:
    """One event in any mode."""
    match mode:
        case "structured":
            return await post(tidings, encoded(one), ONE)
        case "batch":
            return await post(tidings, b"[" + encoded(one) + b"]", BATCH)
        case "lines":
            return await post(tidings, encoded(one) + b"\n", LINES)
        case _:
            attributes = {
                f"ce-{name}": quote(str(value), safe=":/")
                for name, value in one.items()
                if name != "data"
            }
            return await post(tidings, encoded(one["data"]), "application/json", **attributes)


def flat(ranges: list[list[int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


def encoded(one: Any) -> bytes:
    return json.dumps(one, ensure_ascii=False).encode()


@pytest.mark.parametrize("mode", MODES)
async def test_an_event_arrives_in_every_mode_and_the_answer_says_where(
    tidings: Tidings, mode: str
) -> None:
    one = event(
        "announcement.published",
        title="Grüße",
        message="…",
        to={"users": ["alice"]},
        actor="zoë",
        extra={"n": 1.50},
    )

    answer = (await send(tidings, mode, one)).json()

    (message,) = await stored(tidings)
    assert answer == {
        "events": 1,
        "appended": 1,
        "sequences": [[message.sequence, message.sequence]],
        "duplicates": [],
        "truncated": False,
    }
    assert json.loads(message.data) == {**one, "tenant": tidings.tenant}
    assert (await tidings.eventually("alice", total=1))["unread"] == 1


@pytest.mark.parametrize("mode", ["structured", "batch", "lines"])
async def test_what_names_its_tenant_is_stored_byte_by_byte(tidings: Tidings, mode: str) -> None:
    body = (
        b'{ "specversion":"1.0", "tenant":"%b", "id" : "1", "source":"/s","type":"announcement.published", "unknown" : 1e2,\t'
        b'"data":{"title":"\\u00fc\xc3\xbc","message":"","to":{"users":["alice"]},"n":[1.50, 12345678901234567890123, 1E400]} }'
    ) % tidings.tenant.encode()
    wrapped = {
        "structured": (body, ONE),
        "batch": (b" [\n" + body + b" ] ", BATCH),
        "lines": (b"\r\n" + body + b"\r\n", LINES),
    }

    response = await post(tidings, *wrapped[mode])

    assert response.status_code == 200, response.text
    assert [message.data for message in await stored(tidings)] == [body]


async def test_what_does_not_name_its_tenant_gets_it_and_keeps_the_rest_as_it_was(
    tidings: Tidings,
) -> None:
    body = (
        b'{"specversion":"1.0","id":"1","source":"/s","type":"announcement.published","tenant":null,'
        b'"data":{"title":"","message":"","to":{"users":["alice"]},"n":[1.50,12345678901234567890123,1E400]}}'
    )

    response = await post(tidings, body, ONE)

    assert response.status_code == 200, response.text
    (message,) = await stored(tidings)
    assert message.data == body.replace(
        b'"tenant":null', b'"tenant":"%b"' % tidings.tenant.encode()
    )


async def test_json_lines_may_be_cut_anywhere(tidings: Tidings) -> None:
    events = [hello_to(f"user-{n % 7}", title=f"№ {n}", tenant=tidings.tenant) for n in range(5000)]
    lines = [encoded(each) for each in events]
    body, cut = b"\n".join(lines), random.Random(7)

    async def chunks() -> AsyncIterator[bytes]:
        at = 0
        while at < len(body):
            size = cut.choice((1, 2, 3, 50, 1000, 30_000))
            yield body[at : at + size]
            at += size

    answer = (await post(tidings, chunks(), LINES)).json()

    messages = await stored(tidings)
    assert answer["events"] == answer["appended"] == 5000
    assert not answer["duplicates"]
    assert flat(answer["sequences"]) == [message.sequence for message in messages]
    assert [message.data for message in messages] == lines


async def test_the_same_event_again_is_named_a_duplicate_in_every_mode(tidings: Tidings) -> None:
    one = hello_to("alice")
    (first,) = (await tidings.emit(one))["sequences"]

    answers = [(await send(tidings, mode, one)).json() for mode in MODES]

    assert [
        (answer["appended"], answer["sequences"], answer["duplicates"]) for answer in answers
    ] == [(0, [first], [[1, 1]])] * 4
    assert len(await stored(tidings)) == 1


@pytest.mark.parametrize("media_type", [BATCH, LINES])
async def test_duplicates_inside_one_request_are_stored_once_and_named_by_place(
    tidings: Tidings, media_type: str
) -> None:
    known, a, b = hello_to("alice"), hello_to("alice"), hello_to("alice")
    (place,) = (await tidings.emit(known))["sequences"]
    sent = [a, known, a, b, b, b]
    body = encoded(sent) if media_type == BATCH else b"\n\n".join(map(encoded, sent))

    answer = (await post(tidings, body, media_type)).json()

    at_known, at_a, at_b = (message.sequence for message in await stored(tidings))
    assert at_known == place[0]
    assert (answer["events"], answer["appended"], answer["duplicates"]) == (6, 2, [[2, 3], [5, 6]])
    assert flat(answer["sequences"]) == [at_a, at_known, at_a, at_b, at_b, at_b]
    await tidings.eventually("alice", total=3)


async def test_a_thousand_lines_again_add_nothing(tidings: Tidings) -> None:
    events = [hello_to("alice", title=str(n)) for n in range(1500)]
    first = await tidings.emit(*events)

    again = await tidings.emit(*events, new := hello_to("alice", title="new"))

    assert (first["appended"], again["appended"], again["duplicates"]) == (1500, 1, [[1, 1500]])
    messages = await stored(tidings)
    assert len(messages) == 1501
    assert json.loads(messages[-1].data)["id"] == new["id"]


async def test_the_same_id_from_another_source_or_tenant_is_another_event(tidings: Tidings) -> None:
    one = hello_to("alice", identifier="1")
    other = {**one, "source": "/tests/1"}
    tricky = {**one, "source": "/tests/1", "id": "%31/2"}
    async with Tidings(tidings.url, tidings.runtime) as neighbour:
        answers = [await each.emit(one, other, tricky) for each in (tidings, neighbour)]

    assert [answer["appended"] for answer in answers] == [3, 3]


async def test_events_posted_at_the_same_time_are_all_stored_once(tidings: Tidings) -> None:
    events = [hello_to("alice", title=str(n)) for n in range(40)]

    answers = await asyncio.gather(*(send(tidings, "structured", each) for each in events * 2))

    assert sum(answer.json()["appended"] for answer in answers) == 40
    assert len(await stored(tidings)) == 40
    await tidings.eventually("alice", total=40)
