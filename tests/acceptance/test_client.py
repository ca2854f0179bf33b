"""The client of domain services: what it says is stored is stored, once and in order, and what it refuses it explains."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tidings.client import (
    Closed,
    Emitted,
    EventRefused,
    Overloaded,
    TooLarge,
    Unauthorised,
    Unreachable,
)
from tidings.client import Tidings as Client
from tidings.contracts.events import AnnouncementPublished, TaskAssigned
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.subjects import EVENTS
from tidings.runtime.data_directory import PORTS, free
from tidings.runtime.embedded_nats import NatsServer
from tidings.runtime.follow import Message
from tidings.runtime.install import install
from tidings.runtime.jetstream import JetStream, connect
from tidings.runtime.read import read
from tidings.runtime.settings import Settings

from tests.driver import Tidings
from tests.streams import stored
from tests.webs import web

ASSIGNED = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")
ALIEN = (
    "jwt",
    "litestar",
    "psycopg",
    "psycopg_pool",
    "uvicorn",
    "uvloop",
    "websockets",
    "services",
    "projections",
)

STRANGER = """
import asyncio, sys
from tidings.client import Tidings
from tidings.contracts.events import TaskAssigned

async def main(url, token, tenant):
    async with Tidings(url, token or None, source="/stranger", tenant=tenant) as tidings:
        await tidings.emit(TaskAssigned(task_id="1", task_title="Say hello", user_id="amira"), id="from-afar")

asyncio.run(main(*sys.argv[1:]))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


WAYS = ("http", "nats")


def client(tidings: Tidings, way: str = "http", url: str = "", **more: object) -> Client:
    """A domain service's client for the test's tenant."""
    address, token = at(tidings, way)
    return Client(
        url or address,
        (lambda: token) if token else None,
        **{"source": "/task-service", "tenant": tidings.tenant, **more},
    )  # type: ignore[arg-type]


def at(tidings: Tidings, way: str) -> tuple[str, str]:
    """Where one comes in, and the token that is asked for there."""
    return (
        (tidings.url, tidings.token(scope="emit"))
        if way == "http"
        else (tidings.runtime.settings.nats, "")
    )


def announcement(number: int) -> AnnouncementPublished:
    return AnnouncementPublished(title=str(number), message="", to=Addressees(users=("amira",)))


async def titles(tidings: Tidings) -> list[str]:
    """What the log has of the tenant's announcements."""
    return [json.loads(message.data)["data"]["title"] for message in await stored(tidings)]


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_service_emits_is_in_the_log_and_told(tidings: Tidings, way: str) -> None:
    async with client(tidings, way) as service:
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


@pytest.mark.parametrize("way", WAYS)
async def test_a_service_needs_nothing_that_the_servers_stand_on(
    tidings: Tidings, way: str
) -> None:
    command = (sys.executable, "-c", STRANGER, *at(tidings, way), tidings.tenant)

    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    loaded = (await process.communicate())[0].decode().split()

    assert process.returncode == 0
    assert not {*ALIEN} & {*loaded}
    assert [json.loads(message.data)["id"] for message in await stored(tidings)] == ["from-afar"]


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_emitted_at_once_is_gathered_and_stored_in_the_order_of_the_calls(
    tidings: Tidings, way: str
) -> None:
    async with client(tidings, way) as service:
        emitted = await asyncio.gather(
            *(service.emit(announcement(number)) for number in range(2500))
        )

    assert [message.sequence for message in await stored(tidings)] == [
        each.sequence for each in emitted
    ]
    assert await titles(tidings) == [str(number) for number in range(2500)]


@pytest.mark.parametrize("way", WAYS)
async def test_an_event_emitted_again_with_its_id_is_the_same_event(
    tidings: Tidings, way: str
) -> None:
    async with client(tidings, way) as service:
        first = await service.emit(ASSIGNED, id="task-1-amira")
        again = await asyncio.gather(*(service.emit(ASSIGNED, id="task-1-amira") for _ in range(3)))

    assert again == [Emitted("task-1-amira", first.sequence, True)] * 3
    assert len(await stored(tidings)) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_a_wrong_event_is_refused_with_what_would_be_right_and_the_others_are_stored(
    tidings: Tidings, way: str
) -> None:
    nameless = TaskAssigned(task_id="1", task_title="", user_id="")
    async with client(tidings, way) as service:
        outcomes = await asyncio.gather(
            *(
                service.emit(announcement(1)),
                service.emit(nameless, id="x"),
                service.emit(announcement(2)),
            ),
            return_exceptions=True,
        )
        with pytest.raises(TooLarge, match="at most 131072"):
            await service.emit(ASSIGNED, more={"blob": "x" * 200_000})

    refused = outcomes[1]
    assert isinstance(refused, EventRefused)
    assert (refused.id, refused.field, refused.reason) == (
        "x",
        "data.user_id",
        "Expected `str` of length >= 1",
    )
    assert await titles(tidings) == ["1", "2"]


async def test_an_event_of_another_tenant_is_refused_by_itself(tidings: Tidings) -> None:
    async with client(tidings, tenant="another") as stray:
        with pytest.raises(
            EventRefused,
            match=f"tenant: the token is for the tenant `{tidings.tenant}`, the event for `another`",
        ):
            await stray.emit(ASSIGNED)


async def test_whoever_may_not_emit_is_told_so(tidings: Tidings) -> None:
    for token in (None, "nonsense", tidings.token(scope="inbox")):
        async with Client(tidings.url, token, source="/x") as service:
            with pytest.raises(Unauthorised, match="HTTP 40"):
                await service.emit(ASSIGNED)
    with pytest.raises(Closed):
        await service.emit(ASSIGNED)
    with pytest.raises(Unauthorised, match="NATS does not let us in"):
        async with client(tidings, url=tidings.runtime.settings.nats.replace("@", "x@")):
            pass


async def test_when_nobody_answers_emit_waits_with_a_limit_and_says_which_event_is_in_doubt(
    tidings: Tidings,
) -> None:
    away = f"http://127.0.0.1:{next(port for port in PORTS if free(port))}"
    async with client(tidings, "http", away, waiting_limit=2, patience_seconds=0.5) as service:
        outcomes = await asyncio.gather(
            *(service.emit(ASSIGNED, id=str(number)) for number in range(4)), return_exceptions=True
        )

    assert [type(outcome) for outcome in outcomes] == [
        Unreachable,
        Unreachable,
        Overloaded,
        Overloaded,
    ]
    assert str(outcomes[0]).startswith(
        f"event `0` is not acknowledged: {away} cannot be reached (ConnectError)"
    )


async def test_a_gateway_killed_in_the_middle_and_back_with_a_limited_rate_loses_nothing_and_doubles_nothing(
    tidings: Tidings, chosen: Settings
) -> None:
    port, loop = next(port for port in PORTS[100:] if free(port)), asyncio.get_running_loop()
    async with client(tidings, "http", f"http://127.0.0.1:{port}") as service:
        async with web(chosen, port=port) as first:
            emits = [
                asyncio.create_task(service.emit(announcement(number))) for number in range(1000)
            ]
            await asyncio.wait(emits, return_when=asyncio.FIRST_COMPLETED)
            os.kill(first.pid, signal.SIGKILL)
        async with web(chosen, port=port, event_rate="2/4"):
            emitted = await asyncio.gather(*emits)
            before = loop.time()
            emitted += [await service.emit(announcement(number)) for number in range(1000, 1003)]

    assert loop.time() - before >= 2, "Retry-After asks for two seconds"
    assert await titles(tidings) == [str(number) for number in range(1003)]
    assert [message.sequence for message in await stored(tidings)] == [
        each.sequence for each in emitted
    ]


class Guarded(NatsServer):
    """A NATS where somebody may do all but write events."""

    def _configuration(self) -> dict[str, object]:
        given = super()._configuration()
        denied = {
            "user": "meek",
            "password": "meek",
            "permissions": {"publish": {"deny": ["events.>"]}},
        }
        return {**given, "authorization": {"users": [given["authorization"], denied]}}


async def test_whom_nats_does_not_let_write_is_told_so(tmp_path: Path, chosen: Settings) -> None:
    nats = Guarded(tmp_path, next(port for port in PORTS[400:] if free(port)))
    await nats.start()
    async with connect(nats.url, "tests") as jetstream:
        await install(jetstream, chosen)

    async with Client(
        f"nats://meek:meek@127.0.0.1:{nats.port}", source="/x", tenant="acme"
    ) as service:
        with pytest.raises(Unauthorised, match="NATS does not allow it"):
            await service.emit(ASSIGNED)

    nats.kill()
    await nats.wait()


async def test_nats_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    tmp_path: Path, chosen: Settings
) -> None:
    nats = NatsServer(tmp_path, next(port for port in PORTS[200:] if free(port)))
    await nats.start()
    async with connect(nats.url, "tests") as jetstream:
        await install(jetstream, chosen)
        async with Client(
            nats.url, source="/task-service", tenant="acme", waiting_limit=300
        ) as service:
            emits = [
                asyncio.create_task(service.emit(announcement(number))) for number in range(3000)
            ]
            await asyncio.wait(emits[:500])
            nats.kill()
            await nats.wait()
            await nats.start()
            emitted = await asyncio.gather(*emits)
        found = await everything(jetstream)
    nats.kill()
    await nats.wait()

    assert [json.loads(message.data)["data"]["title"] for message in found] == [
        str(number) for number in range(3000)
    ]
    assert [message.sequence for message in found] == [each.sequence for each in emitted]


async def everything(jetstream: JetStream) -> list[Message]:
    """All events of all tenants."""
    found: list[Message] = []
    while page := await read(
        jetstream, EVENTS, "events.>", after=found[-1].sequence if found else 0
    ):
        found += page
    return found
