"""The transactional outbox: what a service commits is in the log, once and in order, whatever dies; what it rolls back is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from tidings.client.errors import EventRefused
from tidings.client.outbox import Outbox
from tidings.contracts.draft import draft
from tidings.contracts.events import AnnouncementPublished, TaskAssigned
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.subjects import EVENTS
from tidings.outbox.relay import Relay
from tidings.outbox.table import again, led, make
from tidings.runtime.append import commit
from tidings.runtime.data_directory import PORTS, free
from tidings.runtime.embedded_nats import NatsServer
from tidings.runtime.follow import Message, state
from tidings.runtime.install import install
from tidings.runtime.jetstream import JetStream, connect
from tidings.runtime.process import Runtime, persist
from tidings.runtime.read import read

from tests.acceptance.command import Command
from tests.driver import WAIT_SECONDS, Tidings
from tests.streams import stored

ASSIGNED = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")


class Service(NamedTuple):
    """A domain service with a Postgres of its own, and its outbox."""

    dsn: str
    tidings: Tidings
    outbox: Outbox

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            yield connection

    async def write(self, *names: str) -> None:
        """Announce these, in one transaction."""
        async with self.connection() as connection:
            for name in names:
                await connection.execute(*self.outbox.emit(announcement(name), id=name))

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.connection() as connection:
            return await (await connection.execute(query.encode())).fetchall()

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[asyncio.Task[None]]:
        """A relay that works while the block lasts."""
        runtime, ready = self.tidings.runtime, asyncio.Event()
        relay = Relay(runtime.jetstream, self.dsn, runtime.settings.partitions)
        task = asyncio.create_task(persist("outbox", lambda: relay.run(ready.set)))
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def empty(self) -> None:
        """Wait until nothing waits."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self.rows("SELECT FROM tidings_outbox.waiting LIMIT 1"):  # noqa: ASYNC110  the answer is Postgres's
                await asyncio.sleep(0.02)

    async def log(self) -> list[str]:
        """The ids of what the log has."""
        return [json.loads(message.data)["id"] for message in await stored(self.tidings)]


def announcement(name: str) -> AnnouncementPublished:
    return AnnouncementPublished(title=name, message="", to=Addressees(users=("amira",)))


def numbered(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


@pytest.fixture(scope="module")
async def database(runtime: Runtime) -> str:
    """A Postgres database of a service's own."""
    name = f"service_{uuid4().hex[:8]}"
    async with runtime.postgres.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    dsn = psycopg.conninfo.make_conninfo(runtime.settings.postgres, dbname=name)
    await make(dsn)
    return dsn


@pytest.fixture
def service(database: str, tidings: Tidings) -> Service:
    """The service, writing for the test's tenant."""
    return Service(database, tidings, Outbox(source="/task-service", tenant=tidings.tenant))


async def test_what_is_committed_is_told_and_what_is_rolled_back_never_was(
    service: Service,
) -> None:
    async with service.relaying(), service.connection() as connection:
        await connection.execute("CREATE TEMPORARY TABLE task (id text)")
        with suppress(ZeroDivisionError):
            async with connection.transaction():
                await connection.execute(*service.outbox.emit(announcement("never"), id="never"))
                raise ZeroDivisionError
        async with connection.transaction():
            await connection.execute("INSERT INTO task VALUES ('1')")
            await connection.execute(*service.outbox.emit(ASSIGNED, actor="dina", id="assigned"))
        await connection.commit()
        await service.tidings.eventually("amira", total=1)
        await service.empty()

    (message,) = await stored(service.tidings)
    assert json.loads(message.data) == {
        "specversion": "1.0",
        "id": "assigned",
        "source": "/task-service",
        "type": "task.assigned",
        "tenant": service.tidings.tenant,
        "actor": "dina",
        "data": {"task_id": "1", "task_title": "Say hello", "user_id": "amira"},
    }
    assert await service.rows("SELECT FROM tidings_outbox.refused") == []


def write_otherwise(service: Service) -> None:
    """Two events: by a synchronous connection, and by SQL alone."""
    data = json.dumps({"task_id": "2", "task_title": "…", "user_id": "amira"})
    with psycopg.connect(service.dsn) as connection:
        connection.execute(*service.outbox.emit(ASSIGNED, id="sync"))
        question = (
            "SELECT tidings_outbox.emit('task.assigned', %s, '/sql', tenant => %s, id => 'sql')"
        )
        assert connection.execute(question, (data, service.tidings.tenant)).fetchone() == ("sql",)


async def test_what_was_written_while_no_relay_ran_by_whatever_means_comes_in_order(
    service: Service,
) -> None:
    await asyncio.to_thread(write_otherwise, service)
    await service.write(*numbered(*range(1200)))

    async with service.relaying():
        await service.empty()

    assert await service.log() == ["sync", "sql", *numbered(*range(1200))]


async def test_a_transaction_that_knew_of_another_comes_after_it_though_it_began_before(
    service: Service,
) -> None:
    async with (
        service.relaying(),
        service.connection() as early,
        service.connection() as late,
        service.connection() as open_,
    ):
        await early.execute("SELECT pg_current_xact_id()")
        await open_.execute(*service.outbox.emit(announcement("open"), id="open"))
        await late.execute(*service.outbox.emit(announcement("first"), id="first"))
        await late.commit()
        await early.execute(*service.outbox.emit(announcement("second"), id="second"))
        await early.commit()
        await service.tidings.eventually("amira", total=2)
        await open_.commit()
        await service.empty()

    assert await service.log() == ["first", "second", "open"]


async def test_what_can_never_be_accepted_is_set_aside_with_the_reason_and_blocks_nothing(
    service: Service,
) -> None:
    async with service.connection() as connection:
        await connection.execute(
            "SELECT tidings_outbox.emit('task.asigned', '{}', '/sql', tenant => 'x')"
        )
        await connection.execute(
            "SELECT tidings_outbox.emit('task.assigned', '{\"task_id\": 1}', '/sql', tenant => 'x')"
        )
        await connection.execute(
            'SELECT tidings_outbox.emit(\'task.watched\', \'{"task_id": "1", "user_id": "u"}\', \'/sql\')'
        )
        await connection.execute(
            "INSERT INTO tidings_outbox.waiting (event) VALUES (repeat('x', 9000000))"
        )
        await connection.execute("INSERT INTO tidings_outbox.waiting (event) VALUES ('nonsense')")
    await service.write("good")
    with pytest.raises(EventRefused, match=r"data\.user_id"):
        service.outbox.emit(TaskAssigned(task_id="1", task_title="", user_id=""))

    for _ in range(2):
        async with service.relaying():
            await service.empty()
        assert await again(service.dsn) == 5
    async with service.relaying():
        await service.empty()

    reasons = [
        row[0] for row in await service.rows("DELETE FROM tidings_outbox.refused RETURNING reason")
    ]
    assert [reason.partition(";")[0] for reason in reasons] == [
        "type: unknown type `task.asigned`",
        "data.task_id: Expected `str`, got `int`",
        "tenant: missing",
        "the event has 9000000 bytes",
        "JSON is malformed: invalid character (byte 4)",
    ]
    assert await service.log() == ["good"]


@pytest.mark.parametrize("reached", ["written down", "stored"])
async def test_a_relay_that_died_at_any_step_is_followed_by_one_that_finds_out(
    service: Service, reached: str
) -> None:
    await service.write(*numbered(*range(20)))
    jetstream, partitions = (
        service.tidings.runtime.jetstream,
        service.tidings.runtime.settings.partitions,
    )
    async with led(service.dsn) as table:
        head = await state(jetstream, EVENTS)
        batch = await table.next([], {}, head)
        if reached == "stored":
            drafts = [draft(each.event.encode(), None, partitions) for each in batch]
            await commit(
                jetstream, [each._replace(id=None) for each in drafts]
            )  # so long ago that their ids are forgotten
    await service.write("more")

    async with service.relaying():
        await service.empty()

    assert await service.log() == [*numbered(*range(20)), "more"]


async def test_what_many_change_in_turn_comes_in_the_order_of_the_changes_though_two_relays_carry_it_and_one_dies(
    service: Service,
) -> None:
    async with service.connection() as connection:
        await connection.execute("CREATE TABLE counter (n int)")
        await connection.execute("INSERT INTO counter VALUES (0)")

    async def count(times: int) -> None:
        async with service.connection() as connection:
            for _ in range(times):
                row = await (
                    await connection.execute("UPDATE counter SET n = n + 1 RETURNING n")
                ).fetchone()
                assert row
                await connection.execute(
                    *service.outbox.emit(announcement("counted"), id=str(row[0]))
                )
                await connection.commit()

    async with service.relaying() as one, service.relaying():
        await asyncio.gather(*(count(40) for _ in range(5)))
        one.cancel()
        await asyncio.wait((one,))
        await asyncio.gather(*(count(40) for _ in range(5)))
        await service.empty()

    assert await service.log() == numbered(*range(1, 401))


async def test_postgres_that_ends_the_connection_is_gone_back_to(service: Service) -> None:
    async with service.relaying() as relay:
        for first in range(0, 300, 100):
            await service.write(*numbered(*range(first, first + 100)))
            await service.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tidings-outbox' AND datname = current_database()"
            )
        await service.empty()
        assert not relay.done()

    assert await service.log() == numbered(*range(300))


@pytest.fixture
async def own_nats(tmp_path: Path, runtime: Runtime) -> AsyncIterator[NatsServer]:
    """A NATS that a test may kill, with the streams."""
    nats = NatsServer(tmp_path, next(port for port in PORTS[300:] if free(port)))
    await nats.start()
    async with connect(nats.url, "tests") as jetstream:
        await install(jetstream, runtime.settings)
    yield nats
    nats.kill()
    await nats.wait()


async def test_relay_and_nats_killed_again_and_again_lose_nothing_and_double_nothing(
    service: Service, cli: Command, own_nats: NatsServer
) -> None:
    async def write() -> None:
        async with service.connection() as connection:
            for name in numbered(*range(1000)):
                await connection.execute(*service.outbox.emit(announcement(name), id=name))
                await connection.commit()

    writing = asyncio.create_task(write())
    for killed in ("relay", "nats"):
        async with cli.running("outbox", outbox_dsn=service.dsn, nats_url=own_nats.url) as relay:
            assert relay.stdout
            assert (
                await asyncio.wait_for(relay.stdout.readline(), 3 * WAIT_SECONDS)
                == b"ready outbox\n"
            )
            if killed == "relay":
                relay.kill()
                continue
            own_nats.kill()
            await own_nats.wait()
            await own_nats.start()
            await writing
            await service.empty()

    async with connect(own_nats.url, "tests") as jetstream:
        found = await everything(jetstream)
    assert [json.loads(message.data)["id"] for message in found] == numbered(*range(1000))


async def everything(jetstream: JetStream) -> list[Message]:
    """All events of all tenants."""
    found: list[Message] = []
    while page := await read(
        jetstream, EVENTS, "events.>", after=found[-1].sequence if found else 0
    ):
        found += page
    return found


async def test_the_command_makes_the_outbox_and_says_what_is_missing(
    runtime: Runtime, cli: Command
) -> None:
    name = f"service_{uuid4().hex[:8]}"
    async with runtime.postgres.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    dsn = psycopg.conninfo.make_conninfo(runtime.settings.postgres, dbname=name)

    ended = await cli("outbox", "--dsn", dsn)
    assert (ended.code, ended.out) == (1, "")
    assert (
        "there is no outbox in that database; make it with `tidings outbox --install`" in ended.err
    )
    assert (
        await cli.well("outbox", "--dsn", dsn, "--install")
        == "the outbox is there: tidings_outbox.waiting\n"
    )
