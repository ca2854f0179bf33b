"""Memory stays flat while people are connected, told, come and go; and nothing stays behind when they have gone."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
from tidings.contracts.subjects import Person
from tidings.runtime.settings import Settings

from tests.benchmarks.entries import Entry, notification
from tests.benchmarks.measure import raise_file_limit
from tests.benchmarks.soak import SETTINGS, Soak, soaked
from tests.benchmarks.system import listeners, write_tokens
from tests.driver import SECRET, Tidings
from tests.webs import web

IDLE, BUSY, PASSING = 400, 20, 20
PER_SECOND = 200.0
FILES = 4096
MEGABYTE = 1024 * 1024
SOON_FULL: dict[str, object] = {**SETTINGS, "ring_bytes": 64 * 1024, "notifications_per_user": 20}


def entries(people: list[Person], partitions: int) -> Entry:
    return lambda number, due: notification(number, people[number % len(people)], partitions, due)


async def test_the_edge_keeps_nothing_of_those_who_have_gone(
    tidings: Tidings, chosen: Settings, tmp_path: Path
) -> None:
    raise_file_limit(FILES)
    people = [Person(tidings.tenant, f"u{n}") for n in range(IDLE + BUSY + PASSING)]
    write_tokens(tmp_path / "tokens", people, SECRET)
    busy = entries(people[IDLE : IDLE + BUSY], chosen.partitions)
    async with web(chosen, **SOON_FULL) as edge:
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
            entry=busy,
            per_second=PER_SECOND,
            warm_up_seconds=3,
            seconds=5,
        )

        found = await soaked(soak)

    assert found.received == found.told
    assert found.crowded["tidings_connections"] >= IDLE + BUSY
    assert found.samples[-1][1] - found.samples[0][1] < MEGABYTE
    assert found.left_behind == {}


async def test_a_process_tells_what_it_holds(tidings: Tidings) -> None:
    before = await tidings.http.get("/metrics")
    await (await tidings.connect("ann")).live()

    after = await tidings.http.get("/metrics")

    assert after.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert connections(after) > connections(before)


def connections(answer: httpx.Response) -> float:
    (line,) = (line for line in answer.text.splitlines() if line.startswith("tidings_connections "))
    return float(line.split()[1])
