"""Memory stays flat while clients connect and leave, and nothing of them remains."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from tidings.contracts.subjects import Person, Subjects
from tidings.runtime.settings import Settings

from tests.benchmarks.entries import Entry, notification
from tests.benchmarks.measure import raise_file_limit
from tests.benchmarks.soak import SETTINGS, Soak, measure_soak
from tests.benchmarks.system import listeners, write_tokens
from tests.driver import SECRET, Tidings
from tests.web_processes import run_web

IDLE, BUSY, PASSING = 400, 20, 20
PER_SECOND = 200.0
FILES = 4096
MEGABYTE = 1024 * 1024
SOAKS = 3
"""A loaded machine may not fill all caches before the first one; a leak grows in each."""
SMALL_LIMITS: dict[str, Any] = {**SETTINGS, "ring_bytes": 64 * 1024, "notifications_per_user": 20}


def make_entry_for(people: list[Person], subjects: Subjects) -> Entry:
    return lambda number, due: notification(number, people[number % len(people)], subjects, due)


async def test_the_edge_keeps_nothing_of_clients_that_have_left(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    raise_file_limit(FILES)
    people = [Person(tidings.tenant, f"u{n}") for n in range(IDLE + BUSY + PASSING)]
    write_tokens(tmp_path / "tokens", people, SECRET)
    make_entry = make_entry_for(people[IDLE : IDLE + BUSY], chosen.subjects)
    async with run_web(chosen, **SMALL_LIMITS) as edge:
        port, tokens = urlsplit(edge.url).port or 0, tmp_path / "tokens"
        soak = Soak(
            url=edge.url,
            pid=edge.pid,
            idle=listeners(port, tokens, websockets=IDLE // 2, streams=IDLE // 2),
            busy=listeners(port, tokens, websockets=BUSY, first=IDLE),
            passing=listeners(
                port, tokens, websockets=PASSING // 2, streams=PASSING // 2, first=IDLE + BUSY
            ),
            appender=tidings.runtime.appender(),
            entry=make_entry,
            per_second=PER_SECOND,
            warm_up_seconds=3,
            seconds=5,
        )

        growths = list[int]()
        while len(growths) < SOAKS and not any(growth < MEGABYTE for growth in growths):
            result = await measure_soak(soak)
            growths.append(result.samples[-1][1] - result.samples[0][1])

            assert result.received_count == result.sent_count
            assert result.during["tidings_connections"] >= IDLE + BUSY
            assert result.left_behind == {}

    assert growths[-1] < MEGABYTE, growths


async def test_a_process_reports_its_connections(tidings: Tidings) -> None:
    before = await tidings.http.get("/metrics")
    await (await tidings.connect("ann")).live()

    after = await tidings.http.get("/metrics")

    assert after.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert read_connection_count(after) > read_connection_count(before)


def read_connection_count(answer: httpx.Response) -> float:
    (line,) = (line for line in answer.text.splitlines() if line.startswith("tidings_connections "))
    return float(line.split()[1])
