"""Idempotency keys over real processes: every POST is done once, whoever is asked again, whoever was killed, whatever is away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.refused import BATCH, LINES, ONE, post, refused
from tests.driver import Tidings, event, hello_to
from tests.streams import entries, stored
from tests.webs import web

MANY = 6000


def lines(count: int) -> bytes:
    return b"\n".join(
        json.dumps(hello_to(f"user-{number % 50}", title=str(number))).encode()
        for number in range(count)
    )


async def mark(tidings: Tidings, key: str, **body: Any) -> httpx.Response:
    headers = {**tidings.headers("alice"), "Idempotency-Key": key}
    return await tidings.http.post("/v1/notifications/mark", json=body, headers=headers)


async def claimed(tidings: Tidings) -> None:
    """Wait until some process has begun to work behind a key of the tenant."""
    query = "SELECT 1 FROM tidings.idempotency WHERE tenant = %s"
    async with asyncio.timeout(15), tidings.runtime.postgres.connection() as connection:
        while not await (await connection.execute(query, (tidings.tenant,))).fetchone():  # noqa: ASYNC110  it is another process's
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("mode", ["structured", "batch", "binary", "lines"])
async def test_an_event_sent_again_with_its_key_gets_the_first_receipt(
    tidings: Tidings, mode: str
) -> None:
    one, key = hello_to("alice"), str(uuid4())
    attributes = {f"ce-{name}": value for name, value in one.items() if name != "data"}
    sent: dict[str, tuple[Any, str, dict[str, str]]] = {
        "structured": (one, ONE, {}),
        "batch": ([one], BATCH, {}),
        "lines": (one, LINES, {}),
        "binary": (one["data"], "application/json", attributes),
    }
    body, media_type, headers = sent[mode]

    answers = [
        await post(
            tidings, json.dumps(body).encode(), media_type, **headers, **{"Idempotency-Key": key}
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].json()["duplicates"] == []
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true"]


async def test_a_mark_without_an_op_sent_again_with_its_key_is_one_entry(tidings: Tidings) -> None:
    await tidings.emit(hello_to("alice"))
    await tidings.eventually("alice", total=1)
    (note,) = await tidings.listing("alice")
    key = str(uuid4())

    answers = [await mark(tidings, key, state="read", ids=[note["id"]]) for _ in range(3)]
    other = await mark(tidings, key, state="unread", ids=[note["id"]])

    assert len({answer.text for answer in answers}) == 1
    assert refused(other, 422)["field"] == "Idempotency-Key"
    assert len(await entries(tidings, "alice")) == 2


async def test_at_the_same_time_one_is_done_and_the_others_wait(tidings: Tidings) -> None:
    body, key = lines(MANY), str(uuid4())

    answers = await asyncio.gather(
        *(post(tidings, body, LINES, **{"Idempotency-Key": key}) for _ in range(3))
    )
    later = await post(tidings, body, LINES, **{"Idempotency-Key": key})

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert later.headers["Idempotent-Replayed"] == "true"
    assert later.json()["appended"] == len(await stored(tidings)) == MANY


async def test_who_was_killed_at_work_is_succeeded_by_another_process(
    tidings: Tidings, chosen: Settings
) -> None:
    body, key = lines(MANY), {"Idempotency-Key": str(uuid4())}
    async with (
        web(chosen, idempotency_lease_seconds=1.5) as doomed,
        Tidings(doomed.url, tidings.runtime, tidings.tenant) as driver,
    ):
        first = asyncio.create_task(post(driver, body, LINES, **key))
        await claimed(tidings)
        os.kill(doomed.pid, signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await first

    meanwhile = await post(tidings, body, LINES, **key)
    async with asyncio.timeout(20):
        while (later := await post(tidings, body, LINES, **key)).status_code == 409:  # noqa: ASYNC110  a lease ends by itself
            await asyncio.sleep(0.05)

    refused(meanwhile, 409)
    assert later.status_code == 200, later.text
    assert later.json()["events"] == len(await stored(tidings)) == MANY
    assert (await post(tidings, body, LINES, **key)).json() == later.json()


async def test_when_postgres_is_away_a_key_is_refused_and_the_rest_goes_on(
    tidings: Tidings, chosen: Settings
) -> None:
    async with (
        web(chosen, postgres_dsn="postgresql://nobody@127.0.0.1:1/none") as lame,
        Tidings(lame.url, None, tidings.tenant) as driver,
    ):
        body = json.dumps(event("user.joined", user_id="a")).encode()

        keyed = await post(driver, body, ONE, **{"Idempotency-Key": "k"})
        unkeyed = await post(driver, body, ONE)

        assert refused(keyed, 503)
        assert keyed.headers["retry-after"]
        assert (unkeyed.status_code, unkeyed.json()["appended"]) == (200, 1)
