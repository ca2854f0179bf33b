"""Bad events at the gateway: a clear answer, nothing stored, nothing broken."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.refused import BATCH, LINES, ONE, post, refused, unharmed
from tests.driver import Tidings, event, hello_to
from tests.streams import stored
from tests.webs import Web, web

MEGABYTE = 1024 * 1024
GOOD = {
    "specversion": "1.0",
    "id": "1",
    "source": "/s",
    "type": "task.assigned",
    "data": {"task_id": "1", "task_title": "", "user_id": "a"},
}
DEEP = b"[" * 20_000 + b"]" * 20_000


def having(**given: Any) -> bytes:
    """The good event with other attributes, or without those that are None."""
    return json.dumps(
        {name: value for name, value in {**GOOD, **given}.items() if value is not None}
    ).encode()


def data(**given: Any) -> bytes:
    return having(
        data={name: value for name, value in {**GOOD["data"], **given}.items() if value is not None}
    )


def spliced(raw: bytes) -> bytes:
    """The good event with a part in its data that nobody looks into."""
    return having(data={**GOOD["data"], "more": "here"}).replace(b'"here"', raw)


BAD = {
    "no JSON": (b"{nonsense", "", "malformed"),
    "empty": (b"", "", "truncated"),
    "a list": (b"[]", "", "Expected `object`"),
    "a number": (b"12", "", "Expected `object`"),
    "cut short": (having()[:-5], "", "truncated"),
    "two of them": (having() + having(), "", "malformed"),
    "no id": (having(id=None), "id", "missing required field"),
    "no data field": (data(user_id=None), "data.user_id", "missing required field"),
    "no data": (having(data=None), "data.task_id", "missing required field"),
    "a number for an id": (having(id=1), "id", "Expected `str`, got `int`"),
    "a wrong type in the data": (
        data(task_title=["x"]),
        "data.task_title",
        "Expected `str`, got `array`",
    ),
    "data that is a list": (having(data=[1]), "data", "Expected `object`"),
    "another CloudEvents": (having(specversion="0.3"), "specversion", "0.3"),
    "an unknown type": (having(type="task.asigned"), "type", "did you mean task.assigned, "),
    "a strange type": (having(type="Task Assigned"), "type", "words of a-z"),
    "a foreign language": (having(type="unheard.of"), "type", "known ones: "),
    "an empty id": (having(id=""), "id", "length >= 1"),
    "a long id": (having(id="x" * 129), "id", "length <= 128"),
    "NUL in an id": (having(id="a\0b"), "id", "control characters"),
    "a line break in an id": (having(id="a\r\nNats-TTL: 1s"), "id", "control characters"),
    "blanks around an id": (data(user_id=" a"), "data.user_id", "blanks at its ends"),
    "a blank in the source": (having(source="/a b"), "source", ""),
    "a moment without a zone": (having(time="2026-01-01T00:00:00"), "time", "timezone"),
    "no moment": (having(time="yesterday"), "time", "RFC3339"),
    "other data": (having(datacontenttype="text/xml"), "datacontenttype", "text/xml"),
    "a lone surrogate": (having(id="\ud800"), "", ""),
    "a lone surrogate deep inside": (spliced(b'"\\udc00"'), "", ""),
    "half a character": (spliced(b'"\xff"'), "", "UTF-8"),
    "a raw control character": (spliced(b'"\x01"'), "", "malformed"),
    "deep nesting": (spliced(DEEP), "", "nested too deeply"),
    "a huge number for hours": (
        having(
            type="timelog.approved",
            data={"timelog_id": "1", "user_id": "a", "project_id": "1", "hours": 0},
        ).replace(b'"hours": 0', b'"hours": 1e999'),
        "data.hours",
        "out of range",
    ),
    "not a number": (spliced(b"NaN"), "", "malformed"),
    "gzip": (gzip.compress(having()), "", "UTF-8"),
}


@pytest.mark.parametrize("tenant", [True, False], ids=["naming its tenant", "plain"])
@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_event_is_refused_by_line_and_field_in_every_mode(
    tidings: Tidings, bad: str, tenant: bool
) -> None:
    body, field, words = BAD[bad]
    if tenant and body.startswith(b'{"'):
        body = b'{"tenant":"%b",' % tidings.tenant.encode() + body[1:]
    line = body.replace(b"\n", b" ")

    alone = refused(await post(tidings, body), 400)
    batched = refused(
        await post(tidings, b"[" + having(id="0") + b"," + (body or b'""') + b"]", BATCH), 400
    )
    third = refused(await post(tidings, having(id="0") + b"\n\n" + (line or b"-"), LINES), 400)

    assert words in alone["detail"] or not words
    assert (alone.get("field", ""), alone["line"]) == (field, 1)
    assert batched.get("line", 2) == 2
    assert third["line"] == 3
    assert third.get("field", "") == (field if line else "")
    assert (
        alone["stored"]["events"] == batched["stored"]["events"] == third["stored"]["events"] == 0
    )
    await unharmed(tidings)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000, b"-0.0", b"12345678901234567890"])
async def test_numbers_that_nobody_can_hold_are_carried_along(
    tidings: Tidings, number: bytes
) -> None:
    before = (await tidings.get("/v1/log", "alice"))["cursor"]
    response = await post(
        tidings, spliced(number).replace(b'"user_id": "a"', b'"user_id": "alice"')
    )

    assert response.status_code == 200, response.text
    await tidings.eventually("alice", total=1)
    log = await tidings.http.get(
        "/v1/log", params={"after": before}, headers=tidings.headers("alice")
    )
    assert number in log.content


async def test_what_came_in_whole_units_before_a_bad_line_is_stored_and_named(
    tidings: Tidings,
) -> None:
    lines = [json.dumps(hello_to("alice")).encode() for _ in range(2500)]

    problem = refused(
        await post(tidings, b"\n".join([*lines[:2300], b"oops", *lines[2300:]]), LINES), 400
    )

    assert problem["line"] == 2301
    assert problem["stored"]["events"] == problem["stored"]["appended"] == 2000
    assert len(await stored(tidings)) == 2000
    again = (await post(tidings, b"\n".join(lines), LINES)).json()
    assert (again["events"], again["appended"], again["duplicates"]) == (2500, 500, [[1, 2000]])


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"[]", BATCH, 400),
        (b"", BATCH, 400),
        (b"{}", BATCH, 400),
        (b"\xff", BATCH, 400),
        (DEEP, BATCH, 400),
        (b"[" + b",".join([having()] * 1001) + b"]", BATCH, 413),
        (having(), "text/plain", 415),
        (having(), "application/json", 415),
        (having(), "", 415),
        (having(), "application/x-www-form-urlencoded", 415),
    ],
)
async def test_a_bad_request_is_refused(
    tidings: Tidings, body: bytes, media_type: str, status: int
) -> None:
    refused(await post(tidings, body, media_type), status)
    await unharmed(tidings)


async def test_a_packed_body_is_refused_by_its_header(tidings: Tidings) -> None:
    response = await post(tidings, gzip.compress(having()), **{"Content-Encoding": "gzip"})
    assert refused(response, 415)["field"] == "content-encoding"


@pytest.mark.parametrize("body", [b"", b"\n\n \r\n"])
async def test_no_lines_are_no_events(tidings: Tidings, body: bytes) -> None:
    assert (await post(tidings, body, LINES)).json()["events"] == 0


@pytest.mark.parametrize(
    ("body", "media_type", "attributes", "status", "field"),
    [
        (b"{oops", "application/json", {}, 400, "data"),
        (b'{"task_id":"\xff"}', "application/json", {}, 400, ""),
        (DEEP, "application/json", {}, 400, "data"),
        (b"<task/>", "text/xml", {}, 415, "content-type"),
        (b"{}", "application/json", {}, 400, "data.task_id"),
        (b"", "application/json", {"ce-type": "task.asigned"}, 400, "type"),
        (b"{}", "application/json", {"ce-id": ""}, 400, "id"),
        (b"{}", "application/json", {"ce-id": "%00"}, 400, "id"),
        (b"{}", "application/json", {"ce-specversion": "2"}, 400, "specversion"),
        (
            b"{}",
            "application/json",
            {"ce-tenant": "other", "ce-type": "user.joined"},
            400,
            "data.user_id",
        ),
        (
            b'{"user_id":"a"}',
            "application/json",
            {"ce-tenant": "other", "ce-type": "user.joined"},
            403,
            "tenant",
        ),
    ],
)
async def test_a_bad_event_in_binary_mode_is_refused(
    tidings: Tidings,
    body: bytes,
    media_type: str,
    attributes: dict[str, str],
    status: int,
    field: str,
) -> None:
    given = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/s",
        "ce-type": "task.assigned",
        **attributes,
    }
    assert refused(await post(tidings, body, media_type, **given), status).get("field", "") == field
    await unharmed(tidings)


async def test_an_event_of_a_foreign_tenant_is_refused_with_all_beside_it(tidings: Tidings) -> None:
    foreign = having(tenant="somebody-else")
    for body, media_type in (
        (foreign, ONE),
        (b"[" + having() + b"," + foreign + b"]", BATCH),
        (having() + b"\n" + foreign, LINES),
    ):
        problem = refused(await post(tidings, body, media_type), 403)
        assert problem["field"] == "tenant"
    await unharmed(tidings)


@pytest.fixture(scope="module")
async def alone(chosen: Settings) -> AsyncIterator[Web]:
    """A process whose memory nobody else uses."""
    async with web(chosen) as running:
        yield running


@pytest.mark.parametrize("mode", ["structured", "batch", "binary", "one line"])
async def test_fifty_megabytes_are_refused_quickly_in_little_memory(
    tidings: Tidings, alone: Web, mode: str
) -> None:
    media_type = {
        "structured": ONE,
        "batch": BATCH,
        "binary": "application/json",
        "one line": LINES,
    }[mode]
    attributes = (
        {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "task.assigned"}
        if mode == "binary"
        else {}
    )

    async def fifty() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * MEGABYTE

    async with Tidings(alone.url, tidings.runtime, tidings.tenant) as big:
        before, began = alone.peak_bytes, time.monotonic()

        response = await post(big, fifty(), media_type, **attributes)

        refused(response, 413)
        assert time.monotonic() - began < 3
        assert alone.peak_bytes - before < 20 * MEGABYTE
        await unharmed(big)


async def test_many_megabytes_of_lines_go_through_in_little_memory(
    tidings: Tidings, alone: Web
) -> None:
    async def lines() -> AsyncIterator[bytes]:
        for number in range(300):
            yield (
                json.dumps(event("user.joined", user_id=f"u{number}", more="x" * 100_000)).encode()
                + b"\n"
            )

    async with Tidings(alone.url, tidings.runtime, tidings.tenant) as big:
        before = alone.peak_bytes

        answer = (await post(big, lines(), LINES)).json()

        assert answer["appended"] == len(await stored(big)) == 300
        assert alone.peak_bytes - before < 150 * MEGABYTE
