"""The client of domain services: what it says is stored is stored, once and in order, and what it refuses it explains."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from contracts.client import (
    Closed,
    Emitted,
    EventRefused,
    Overloaded,
    TooLarge,
    Unauthorised,
    Unreachable,
)
from contracts.client import Tidings as Client
from contracts.events import AnnouncementPublished, TaskAssigned
from contracts.events.announcements import Addressees
from services.runtime.data_directory import PORTS, free
from services.runtime.settings import Settings
from tests.driver import Tidings
from tests.streams import stored
from tests.web import web

ASSIGNED = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")
ALIEN = ("jwt", "litestar", "psycopg", "psycopg_pool", "uvicorn", "uvloop", "websockets", "services", "projections")

STRANGER = """
import asyncio, sys
from contracts.client import Tidings
from contracts.events import TaskAssigned

async def main(url, token):
    async with Tidings(url, token, source="/stranger") as tidings:
        await tidings.emit(TaskAssigned(task_id="1", task_title="Say hello", user_id="amira"), id="from-afar")

asyncio.run(main(*sys.argv[1:]))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def client(tidings: Tidings, url: str | None = None, **more: object) -> Client:
    """A domain service's client for the test's tenant."""
    return Client(url or tidings.url, tidings.token(scope="emit"), source="/task-service", **more)  # type: ignore[arg-type]


def announcement(number: int) -> AnnouncementPublished:
    return AnnouncementPublished(title=str(number), message="", to=Addressees(users=("amira",)))


async def titles(tidings: Tidings) -> list[str]:
    """What the log has of the tenant's announcements."""
    return [json.loads(message.data)["data"]["title"] for message in await stored(tidings)]


async def test_what_a_service_emits_is_in_the_log_and_told(tidings: Tidings) -> None:
    async with client(tidings) as service:
        emitted = await service.emit(ASSIGNED, actor="dina", subject="task/1", more={"room": "7"})

    (message,) = await stored(tidings)
    body = json.loads(message.data)
    assert emitted == Emitted(body["id"], message.sequence, False)
    assert body == {
        "specversion": "1.0",
        "id": emitted.id,
        "source": "/task-service",
        "type": "task.assigned",
        "actor": "dina",
        "subject": "task/1",
        "tenant": tidings.tenant,
        "data": {"task_id": "1", "task_title": "Say hello", "user_id": "amira", "room": "7"},
    }
    await tidings.eventually("amira", total=1)


async def test_a_service_needs_nothing_that_the_servers_stand_on(tidings: Tidings) -> None:
    command = (sys.executable, "-c", STRANGER, tidings.url, tidings.token(scope="emit"))

    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    loaded = (await process.communicate())[0].decode().split()

    assert process.returncode == 0
    assert not {*ALIEN} & {*loaded}
    assert [json.loads(message.data)["id"] for message in await stored(tidings)] == ["from-afar"]


async def test_what_is_emitted_at_once_is_gathered_and_stored_in_the_order_of_the_calls(tidings: Tidings) -> None:
    async with client(tidings) as service:
        emitted = await asyncio.gather(*(service.emit(announcement(number)) for number in range(2500)))

    assert [message.sequence for message in await stored(tidings)] == [each.sequence for each in emitted]
    assert await titles(tidings) == [str(number) for number in range(2500)]


async def test_an_event_emitted_again_with_its_id_is_the_same_event(tidings: Tidings) -> None:
    async with client(tidings) as service:
        first = await service.emit(ASSIGNED, id="task-1-amira")
        again = await asyncio.gather(*(service.emit(ASSIGNED, id="task-1-amira") for _ in range(3)))

    assert again == [Emitted("task-1-amira", first.sequence, True)] * 3
    assert len(await stored(tidings)) == 1


async def test_a_wrong_event_is_refused_with_what_would_be_right_and_the_others_are_stored(tidings: Tidings) -> None:
    nameless = TaskAssigned(task_id="1", task_title="", user_id="")
    async with client(tidings) as service, client(tidings, tenant="another") as stray:
        outcomes = await asyncio.gather(
            *(service.emit(announcement(1)), service.emit(nameless, id="x"), service.emit(announcement(2))), return_exceptions=True
        )
        with pytest.raises(EventRefused, match="the token is for the tenant"):
            await stray.emit(ASSIGNED)
        with pytest.raises(TooLarge, match="at most 131072"):
            await service.emit(ASSIGNED, more={"blob": "x" * 200_000})

    refused = outcomes[1]
    assert isinstance(refused, EventRefused)
    assert (refused.id, refused.field, refused.reason) == ("x", "data.user_id", "Expected `str` of length >= 1")
    assert await titles(tidings) == ["1", "2"]


async def test_whoever_may_not_emit_is_told_so(tidings: Tidings) -> None:
    for token in (None, "nonsense", tidings.token(scope="inbox")):
        async with Client(tidings.url, token, source="/x") as service:
            with pytest.raises(Unauthorised, match="HTTP 40"):
                await service.emit(ASSIGNED)
    with pytest.raises(Closed):
        await service.emit(ASSIGNED)


async def test_when_nobody_answers_emit_waits_with_a_limit_and_says_which_event_is_in_doubt(tidings: Tidings) -> None:
    away = f"http://127.0.0.1:{next(port for port in PORTS if free(port))}"
    async with client(tidings, away, waiting_limit=2, patience_seconds=0.5) as service:
        outcomes = await asyncio.gather(*(service.emit(ASSIGNED, id=str(number)) for number in range(4)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Unreachable, Unreachable, Overloaded, Overloaded]
    assert str(outcomes[0]).startswith(f"event `0` is not acknowledged: {away} cannot be reached (ConnectError)")


async def test_a_gateway_killed_in_the_middle_and_a_limited_rate_lose_nothing_and_double_nothing(
    tidings: Tidings, chosen: Settings
) -> None:
    port = next(port for port in PORTS[100:] if free(port))
    emits: list[asyncio.Task[Emitted]] = []
    async with client(tidings, f"http://127.0.0.1:{port}", waiting_limit=400) as service:
        async with web(chosen, port=port, event_rate="2/1") as first:
            emits += [asyncio.create_task(service.emit(announcement(number))) for number in range(1000)]
            await asyncio.wait(emits, return_when=asyncio.FIRST_COMPLETED)
            os.kill(first.pid, signal.SIGKILL)
        async with web(chosen, port=port, event_rate="2/1"):
            emitted = await asyncio.gather(*emits)

    assert await titles(tidings) == [str(number) for number in range(1000)]
    assert [message.sequence for message in await stored(tidings)] == [each.sequence for each in emitted]
