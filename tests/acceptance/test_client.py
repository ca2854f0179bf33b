"""The client of domain services: an acknowledged event is stored once and in order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tidings.client import (
    ClientClosed,
    EmittedEvent,
    EventRefused,
    Overloaded,
    TooLarge,
    Unauthorised,
    Unreachable,
)
from tidings.client import Tidings as Client
from tidings.client.jetstream import connect
from tidings.contracts.subjects import EVENTS
from tidings.domains.announcements.events import Addressees
from tidings.domains.volunteers.events import TaskAssigned
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.log.install import install_streams
from tidings.runtime.settings import Settings

from tests.builders import make_typed_announcement
from tests.driver import Tidings
from tests.ports import find_free_port
from tests.streams import read_all, read_stored_events
from tests.web_processes import run_web

ASSIGNED = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")
SERVER_PACKAGES = (
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

STANDALONE_SERVICE = """
import asyncio, sys
from tidings.client import Tidings
from tidings.domains.volunteers.events import TaskAssigned

async def main(url, token, tenant):
    async with Tidings(url, token or None, source="/stranger", tenant=tenant) as tidings:
        assigned = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")
        await tidings.emit(assigned, id="from-afar")

asyncio.run(main(*sys.argv[1:]))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


TO_AMIRA = Addressees(users=("amira",))
WAYS = ("http", "nats")


def make_client(tidings: Tidings, way: str = "http", url: str = "", **options: object) -> Client:
    """Return a domain service's client for the tenant of the test."""
    address, token = address_for(tidings, way)
    return Client(
        url or address,
        (lambda: token) if token else None,
        **{"source": "/task-service", "tenant": tidings.tenant, **options},
    )  # type: ignore[arg-type]


def address_for(tidings: Tidings, way: str) -> tuple[str, str]:
    """Return the address of a transport, and the token that it needs."""
    return (
        (tidings.url, tidings.token(scope="emit"))
        if way == "http"
        else (tidings.runtime.settings.nats, "")
    )


async def read_titles(tidings: Tidings) -> list[str]:
    """Return the titles of the tenant's announcements in the log."""
    return [
        json.loads(message.data)["data"]["title"] for message in await read_stored_events(tidings)
    ]


@pytest.mark.parametrize("way", WAYS)
async def test_an_emitted_event_is_in_the_log_and_notifies(tidings: Tidings, way: str) -> None:
    async with make_client(tidings, way) as service:
        result = await service.emit(ASSIGNED, actor="dina", subject="task/1", more={"room": "7"})

    (message,) = await read_stored_events(tidings)
    body = json.loads(message.data)
    assert result == EmittedEvent(body["id"], message.sequence, False)
    assert body == {
        "specversion": "1.0",
        "id": result.id,
        "source": "/task-service",
        "type": "task.assigned",
        "actor": "dina",
        "subject": "task/1",
        "tenant": tidings.tenant,
        "data": {"task_id": "1", "task_title": "Say hello", "user_id": "amira", "room": "7"},
    }
    await tidings.wait_for_counts("amira", total=1)


@pytest.mark.parametrize("way", WAYS)
async def test_a_service_imports_no_package_of_the_servers(tidings: Tidings, way: str) -> None:
    command = (sys.executable, "-c", STANDALONE_SERVICE, *address_for(tidings, way), tidings.tenant)

    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    modules = (await process.communicate())[0].decode().split()

    assert process.returncode == 0
    assert not {*SERVER_PACKAGES} & {*modules}
    assert [json.loads(message.data)["id"] for message in await read_stored_events(tidings)] == [
        "from-afar"
    ]


@pytest.mark.parametrize("way", WAYS)
async def test_concurrent_emits_are_stored_in_the_order_of_the_calls(
    tidings: Tidings, way: str
) -> None:
    async with make_client(tidings, way) as service:
        events = await asyncio.gather(
            *(service.emit(make_typed_announcement(number, TO_AMIRA)) for number in range(2500))
        )

    assert [message.sequence for message in await read_stored_events(tidings)] == [
        notification.sequence for notification in events
    ]
    assert await read_titles(tidings) == [str(number) for number in range(2500)]


@pytest.mark.parametrize("way", WAYS)
async def test_an_event_emitted_again_with_its_id_is_the_same_event(
    tidings: Tidings, way: str
) -> None:
    async with make_client(tidings, way) as service:
        first = await service.emit(ASSIGNED, id="task-1-amira")
        again = await asyncio.gather(*(service.emit(ASSIGNED, id="task-1-amira") for _ in range(3)))

    assert again == [EmittedEvent("task-1-amira", first.sequence, True)] * 3
    assert len(await read_stored_events(tidings)) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_an_invalid_event_is_refused_with_the_reason_and_the_others_are_stored(
    tidings: Tidings, way: str
) -> None:
    nameless = TaskAssigned(task_id="1", task_title="", user_id="")
    async with make_client(tidings, way) as service:
        outcomes = await asyncio.gather(
            *(
                service.emit(make_typed_announcement(1, TO_AMIRA)),
                service.emit(nameless, id="x"),
                service.emit(make_typed_announcement(2, TO_AMIRA)),
            ),
            return_exceptions=True,
        )
        with pytest.raises(TooLarge, match="at most 131072"):
            await service.emit(ASSIGNED, more={"blob": "x" * 200_000})

    refusal = outcomes[1]
    assert isinstance(refusal, EventRefused)
    assert (refusal.id, refusal.field, refusal.reason) == (
        "x",
        "data.user_id",
        "Expected `str` of length >= 1",
    )
    assert await read_titles(tidings) == ["1", "2"]


async def test_an_event_of_another_tenant_is_refused(tidings: Tidings) -> None:
    async with make_client(tidings, tenant="another") as stray:
        with pytest.raises(
            EventRefused,
            match=f"tenant: the token is for the tenant `{tidings.tenant}`, "
            "the event for `another`",
        ):
            await stray.emit(ASSIGNED)


async def test_an_unauthorised_service_is_refused(tidings: Tidings) -> None:
    for token in (None, "nonsense", tidings.token(scope="inbox")):
        async with Client(tidings.url, token, source="/x") as service:
            with pytest.raises(Unauthorised, match="HTTP 40"):
                await service.emit(ASSIGNED)
    with pytest.raises(ClientClosed):
        await service.emit(ASSIGNED)
    with pytest.raises(Unauthorised, match="NATS rejects the credentials"):
        async with make_client(tidings, url=tidings.runtime.settings.nats.replace("@", "x@")):
            pass


async def test_an_unreachable_gateway_limits_waiting_emits_and_names_the_unacknowledged_event(
    tidings: Tidings,
) -> None:
    away = f"http://127.0.0.1:{find_free_port()}"
    async with make_client(tidings, "http", away, waiting_limit=2, patience_seconds=0.5) as service:
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


async def test_a_gateway_killed_and_restarted_with_a_rate_limit_loses_and_duplicates_nothing(
    tidings: Tidings, chosen: Settings
) -> None:
    port, loop = (
        find_free_port(),
        asyncio.get_running_loop(),
    )
    async with make_client(tidings, "http", f"http://127.0.0.1:{port}") as service:
        async with run_web(chosen, port=port) as first:
            emits = [
                asyncio.create_task(service.emit(make_typed_announcement(number, TO_AMIRA)))
                for number in range(1000)
            ]
            await asyncio.wait(emits, return_when=asyncio.FIRST_COMPLETED)
            os.kill(first.pid, signal.SIGKILL)
        async with run_web(chosen, port=port, event_rate="2/4"):
            events = await asyncio.gather(*emits)
            before = loop.time()
            events += [
                await service.emit(make_typed_announcement(number, TO_AMIRA))
                for number in range(1000, 1003)
            ]

    assert loop.time() - before >= 2, "emit did not wait for the two seconds of Retry-After"
    assert await read_titles(tidings) == [str(number) for number in range(1003)]
    assert [message.sequence for message in await read_stored_events(tidings)] == [
        notification.sequence for notification in events
    ]


class PublishDeniedNats(NatsServer):
    """A NATS server with a user who may do everything except publish events."""

    def _configuration(self) -> dict[str, object]:
        configuration: Any = super()._configuration()
        user = {
            "user": "meek",
            "password": "meek",
            "permissions": {"publish": {"deny": ["events.>"]}},
        }
        users = configuration["authorization"]["users"]
        return {**configuration, "authorization": {"users": [*users, user]}}


async def test_a_service_without_publish_permission_is_refused(
    tmp_path: Path, chosen: Settings
) -> None:
    nats = PublishDeniedNats(tmp_path, find_free_port())
    await nats.start()
    async with connect(nats.url, "tests") as jetstream:
        await install_streams(jetstream, chosen)

    async with Client(
        f"nats://meek:meek@127.0.0.1:{nats.port}", source="/x", tenant="acme"
    ) as service:
        with pytest.raises(Unauthorised, match="NATS denies the request"):
            await service.emit(ASSIGNED)

    nats.kill()
    await nats.wait()


async def test_a_nats_killed_and_restarted_loses_and_duplicates_nothing(
    tmp_path: Path, chosen: Settings
) -> None:
    nats = NatsServer(tmp_path, find_free_port())
    await nats.start()
    async with connect(nats.url, "tests") as jetstream:
        await install_streams(jetstream, chosen)
        async with Client(
            nats.url, source="/task-service", tenant="acme", waiting_limit=300
        ) as service:
            emits = [
                asyncio.create_task(service.emit(make_typed_announcement(number, TO_AMIRA)))
                for number in range(3000)
            ]
            await asyncio.wait(emits[:500])
            nats.kill()
            await nats.wait()
            await nats.start()
            events = await asyncio.gather(*emits)
        messages = await read_all(jetstream, EVENTS, "events.>")
    nats.kill()
    await nats.wait()

    assert [json.loads(message.data)["data"]["title"] for message in messages] == [
        str(number) for number in range(3000)
    ]
    assert [message.sequence for message in messages] == [
        notification.sequence for notification in events
    ]
