"""Idempotency keys across real processes: every POST is done once, even if one is killed."""

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

from tests.acceptance.problems import BATCH, LINES, ONE, check_problem, post_events
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.streams import read_entries, read_stored_events
from tests.web_processes import run_web

MANY = 6000


def make_lines(count: int) -> bytes:
    return b"\n".join(
        json.dumps(make_announcement(f"user-{number % 50}", title=str(number))).encode()
        for number in range(count)
    )


async def post_mark(tidings: Tidings, key: str, **body: Any) -> httpx.Response:
    headers = {**tidings.headers("alice"), "Idempotency-Key": key}
    return await tidings.http.post("/v1/notifications/mark", json=body, headers=headers)


async def wait_until_claimed(tidings: Tidings) -> None:
    """Wait until a process has claimed a key of the tenant."""
    query = "SELECT 1 FROM tidings.idempotency WHERE tenant = %s"
    async with asyncio.timeout(15), tidings.runtime.postgres.connection() as connection:
        # Another process claims the key; nothing signals it.
        while not await (  # noqa: ASYNC110
            await connection.execute(query, (tidings.tenant,))
        ).fetchone():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("mode", ["structured", "batch", "binary", "lines"])
async def test_an_event_sent_again_with_its_key_gets_the_first_answer(
    tidings: Tidings, mode: str
) -> None:
    event, key = make_announcement("alice"), str(uuid4())
    attributes = {f"ce-{name}": value for name, value in event.items() if name != "data"}
    requests: dict[str, tuple[Any, str, dict[str, str]]] = {
        "structured": (event, ONE, {}),
        "batch": ([event], BATCH, {}),
        "lines": (event, LINES, {}),
        "binary": (event["data"], "application/json", attributes),
    }
    body, media_type, headers = requests[mode]

    answers = [
        await post_events(
            tidings, json.dumps(body).encode(), media_type, **headers, **{"Idempotency-Key": key}
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].json()["duplicates"] == []
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true"]


async def test_a_mark_without_an_op_sent_again_with_its_key_is_one_entry(tidings: Tidings) -> None:
    await tidings.emit(make_announcement("alice"))
    await tidings.wait_for_counts("alice", total=1)
    (note,) = await tidings.list_all("alice")
    key = str(uuid4())

    answers = [await post_mark(tidings, key, state="read", ids=[note["id"]]) for _ in range(3)]
    other_mark = await post_mark(tidings, key, state="unread", ids=[note["id"]])

    assert len({answer.text for answer in answers}) == 1
    assert check_problem(other_mark, 422)["field"] == "Idempotency-Key"
    assert len(await read_entries(tidings, "alice")) == 2


async def test_of_simultaneous_requests_with_one_key_one_is_done_and_the_others_get_409(
    tidings: Tidings,
) -> None:
    body, key = make_lines(MANY), str(uuid4())

    answers = await asyncio.gather(
        *(post_events(tidings, body, LINES, **{"Idempotency-Key": key}) for _ in range(3))
    )
    repeated = await post_events(tidings, body, LINES, **{"Idempotency-Key": key})

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert repeated.headers["Idempotent-Replayed"] == "true"
    assert repeated.json()["appended"] == len(await read_stored_events(tidings)) == MANY


async def test_another_process_takes_over_the_key_of_a_killed_one(
    tidings: Tidings, chosen: Settings
) -> None:
    body, key = make_lines(MANY), {"Idempotency-Key": str(uuid4())}
    async with (
        run_web(chosen, idempotency_lease_seconds=1.5) as victim,
        Tidings(victim.url, tidings.runtime, tidings.tenant) as driver,
    ):
        first = asyncio.create_task(post_events(driver, body, LINES, **key))
        await wait_until_claimed(tidings)
        os.kill(victim.pid, signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await first

    meanwhile = await post_events(tidings, body, LINES, **key)
    async with asyncio.timeout(20):
        # The lease of the killed process ends after a time, without a signal.
        while True:
            repeated = await post_events(tidings, body, LINES, **key)
            if repeated.status_code != 409:
                break
            await asyncio.sleep(0.05)

    check_problem(meanwhile, 409)
    assert repeated.status_code == 200, repeated.text
    assert repeated.json()["events"] == len(await read_stored_events(tidings)) == MANY
    assert (await post_events(tidings, body, LINES, **key)).json() == repeated.json()


async def test_without_postgres_a_request_with_a_key_is_refused_and_others_are_served(
    tidings: Tidings, chosen: Settings
) -> None:
    async with (
        run_web(chosen, postgres_dsn="postgresql://nobody@127.0.0.1:1/none") as running,
        Tidings(running.url, None, tidings.tenant) as driver,
    ):
        body = json.dumps(make_event("user.joined", user_id="a")).encode()

        with_key = await post_events(driver, body, ONE, **{"Idempotency-Key": "k"})
        without_key = await post_events(driver, body, ONE)

        assert check_problem(with_key, 503)
        assert with_key.headers["retry-after"]
        assert (without_key.status_code, without_key.json()["appended"]) == (200, 1)
