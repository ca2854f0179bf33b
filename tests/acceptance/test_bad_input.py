"""Bad events at the gateway: a clear answer, nothing stored, no harm to good events."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.problems import BATCH, LINES, ONE, check_problem, check_unharmed, post_events
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_stored_events
from tests.web_processes import WebProcess, run_web

MEGABYTE = 1024 * 1024
GOOD = {
    "specversion": "1.0",
    "id": "1",
    "source": "/s",
    "type": "task.assigned",
    "data": {"task_id": "1", "task_title": "", "user_id": "a"},
}
DEEP = b"[" * 20_000 + b"]" * 20_000


def encode_event_with(**attributes: Any) -> bytes:
    """Encode the good event with other attributes; an attribute that is None is left out."""
    return json.dumps(
        {name: value for name, value in {**GOOD, **attributes}.items() if value is not None}
    ).encode()


def encode_data_with(**fields: Any) -> bytes:
    return encode_event_with(
        data={
            name: value for name, value in {**GOOD["data"], **fields}.items() if value is not None
        }
    )


def splice_data(raw: bytes) -> bytes:
    """Encode the good event with raw bytes in an unknown field of its data."""
    return encode_event_with(data={**GOOD["data"], "more": "here"}).replace(b'"here"', raw)


BAD = {
    "no JSON": (b"{nonsense", "", "malformed"),
    "empty": (b"", "", "truncated"),
    "a list": (b"[]", "", "Expected `object`"),
    "a number": (b"12", "", "Expected `object`"),
    "cut short": (encode_event_with()[:-5], "", "truncated"),
    "two of them": (encode_event_with() + encode_event_with(), "", "malformed"),
    "no id": (encode_event_with(id=None), "id", "missing required field"),
    "no data field": (encode_data_with(user_id=None), "data.user_id", "missing required field"),
    "no data": (encode_event_with(data=None), "data.task_id", "missing required field"),
    "a number for an id": (encode_event_with(id=1), "id", "Expected `str`, got `int`"),
    "a wrong type in the data": (
        encode_data_with(task_title=["x"]),
        "data.task_title",
        "Expected `str`, got `array`",
    ),
    "data that is a list": (encode_event_with(data=[1]), "data", "Expected `object`"),
    "another CloudEvents": (encode_event_with(specversion="0.3"), "specversion", "0.3"),
    "an unknown type": (
        encode_event_with(type="task.asigned"),
        "type",
        "did you mean task.assigned, ",
    ),
    "a strange type": (encode_event_with(type="Task Assigned"), "type", "words of a-z"),
    "a foreign language": (encode_event_with(type="unheard.of"), "type", "known ones: "),
    "an empty id": (encode_event_with(id=""), "id", "length >= 1"),
    "a long id": (encode_event_with(id="x" * 129), "id", "length <= 128"),
    "NUL in an id": (encode_event_with(id="a\0b"), "id", "control characters"),
    "a line break in an id": (
        encode_event_with(id="a\r\nNats-TTL: 1s"),
        "id",
        "control characters",
    ),
    "blanks around an id": (encode_data_with(user_id=" a"), "data.user_id", "blanks at its ends"),
    "a blank in the source": (encode_event_with(source="/a b"), "source", ""),
    "a moment without a zone": (encode_event_with(time="2026-01-01T00:00:00"), "time", "timezone"),
    "no moment": (encode_event_with(time="yesterday"), "time", "RFC3339"),
    "other data": (encode_event_with(datacontenttype="text/xml"), "datacontenttype", "of JSON"),
    "a lone surrogate": (encode_event_with(id="\ud800"), "", ""),
    "a lone surrogate deep inside": (splice_data(b'"\\udc00"'), "", ""),
    "half a character": (splice_data(b'"\xff"'), "", "UTF-8"),
    "a raw control character": (splice_data(b'"\x01"'), "", "malformed"),
    "deep nesting": (splice_data(DEEP), "", "nested too deeply"),
    "a huge number for hours": (
        encode_event_with(
            type="timelog.approved",
            data={"timelog_id": "1", "user_id": "a", "project_id": "1", "hours": 0},
        ).replace(b'"hours": 0', b'"hours": 1e999'),
        "data.hours",
        "out of range",
    ),
    "not a number": (splice_data(b"NaN"), "", "malformed"),
    "gzip": (gzip.compress(encode_event_with()), "", "UTF-8"),
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

    single = check_problem(await post_events(tidings, body), 400)
    batch = check_problem(
        await post_events(
            tidings, b"[" + encode_event_with(id="0") + b"," + (body or b'""') + b"]", BATCH
        ),
        400,
    )
    lines = check_problem(
        await post_events(tidings, encode_event_with(id="0") + b"\n\n" + (line or b"-"), LINES), 400
    )

    assert words in single["detail"] or not words
    assert (single.get("field", ""), single["line"]) == (field, 1)
    assert batch.get("line", 2) == 2
    assert lines["line"] == 3
    assert lines.get("field", "") == (field if line else "")
    assert single["stored"]["events"] == batch["stored"]["events"] == lines["stored"]["events"] == 0
    await check_unharmed(tidings)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000, b"-0.0", b"12345678901234567890"])
async def test_numbers_beyond_the_range_of_a_double_are_passed_on_unchanged(
    tidings: Tidings, number: bytes
) -> None:
    before = (await tidings.get("/v1/log", "alice"))["cursor"]
    response = await post_events(
        tidings, splice_data(number).replace(b'"user_id": "a"', b'"user_id": "alice"')
    )

    assert response.status_code == 200, response.text
    await tidings.wait_for_counts("alice", total=1)
    log = await tidings.http.get(
        "/v1/log", params={"after": before}, headers=tidings.headers("alice")
    )
    assert number in log.content


async def test_complete_batches_before_a_bad_line_are_stored_and_reported(
    tidings: Tidings,
) -> None:
    lines = [json.dumps(make_announcement("alice")).encode() for _ in range(2500)]

    problem = check_problem(
        await post_events(tidings, b"\n".join([*lines[:2300], b"oops", *lines[2300:]]), LINES), 400
    )

    assert problem["line"] == 2301
    # Lines are stored 1000 at a time: two whole batches precede the bad line.
    assert problem["stored"]["events"] == problem["stored"]["appended"] == 2000
    assert len(await read_stored_events(tidings)) == 2000
    again = (await post_events(tidings, b"\n".join(lines), LINES)).json()
    assert (again["events"], again["appended"], again["duplicates"]) == (2500, 500, [[1, 2000]])


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", BATCH, 400),
        (b"{}", BATCH, 400),
        (b"\xff", BATCH, 400),
        (DEEP, BATCH, 400),
        (b"[" + b",".join([encode_event_with()] * 1001) + b"]", BATCH, 413),
        (encode_event_with(), "text/plain", 415),
        (encode_event_with(), "application/json", 415),
        (encode_event_with(), "", 415),
        (encode_event_with(), "application/x-www-form-urlencoded", 415),
    ],
)
async def test_a_bad_request_is_refused(
    tidings: Tidings, body: bytes, media_type: str, status: int
) -> None:
    check_problem(await post_events(tidings, body, media_type), status)
    await check_unharmed(tidings)


async def test_a_compressed_body_is_refused_by_its_header(tidings: Tidings) -> None:
    response = await post_events(
        tidings, gzip.compress(encode_event_with()), **{"Content-Encoding": "gzip"}
    )
    assert check_problem(response, 415)["field"] == "content-encoding"


@pytest.mark.parametrize("body", [b"", b"\n\n \r\n"])
async def test_no_lines_are_no_events(tidings: Tidings, body: bytes) -> None:
    assert (await post_events(tidings, body, LINES)).json()["events"] == 0


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
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/s",
        "ce-type": "task.assigned",
        **attributes,
    }
    assert (
        check_problem(await post_events(tidings, body, media_type, **headers), status).get(
            "field", ""
        )
        == field
    )
    await check_unharmed(tidings)


async def test_an_event_of_another_tenant_is_refused_with_its_whole_batch(tidings: Tidings) -> None:
    foreign = encode_event_with(tenant="somebody-else")
    for body, media_type in (
        (foreign, ONE),
        (b"[" + encode_event_with() + b"," + foreign + b"]", BATCH),
        (encode_event_with() + b"\n" + foreign, LINES),
    ):
        problem = check_problem(await post_events(tidings, body, media_type), 403)
        assert problem["field"] == "tenant"
    await check_unharmed(tidings)


@pytest.fixture(scope="module")
async def web(chosen: Settings) -> AsyncIterator[WebProcess]:
    """Run a process that no other test uses, because its memory is measured."""
    async with run_web(chosen) as running:
        yield running


@pytest.mark.parametrize("mode", ["structured", "batch", "binary", "one line"])
async def test_fifty_megabytes_are_refused_quickly_in_little_memory(
    tidings: Tidings, web: WebProcess, mode: str
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

    async def send_megabytes() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * MEGABYTE

    async with Tidings(web.url, tidings.runtime, tidings.tenant) as big:
        before, began = web.peak_bytes, time.monotonic()

        response = await post_events(big, send_megabytes(), media_type, **attributes)

        check_problem(response, 413)
        assert time.monotonic() - began < 3
        assert web.peak_bytes - before < 20 * MEGABYTE
        await check_unharmed(big)


async def test_many_megabytes_of_lines_are_stored_in_little_memory(
    tidings: Tidings, web: WebProcess
) -> None:
    async def lines() -> AsyncIterator[bytes]:
        for number in range(300):
            yield (
                json.dumps(
                    make_event("user.joined", user_id=f"u{number}", more="x" * 100_000)
                ).encode()
                + b"\n"
            )

    async with Tidings(web.url, tidings.runtime, tidings.tenant) as big:
        before = web.peak_bytes

        answer = (await post_events(big, lines(), LINES)).json()

        assert answer["appended"] == len(await read_stored_events(big)) == 300
        assert web.peak_bytes - before < 150 * MEGABYTE
