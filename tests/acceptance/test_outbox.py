"""The outbox: committed events reach the log once and in order, rolled-back events never."""

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
from msgspec import structs
from psycopg.conninfo import make_conninfo
from tidings.client.appender import commit_batch
from tidings.client.errors import EventRefused
from tidings.client.jetstream import connect
from tidings.client.outbox import Outbox
from tidings.contracts.messages import event_message
from tidings.contracts.subjects import EVENTS
from tidings.domains.announcements.events import Addressees
from tidings.domains.volunteers.events import TaskAssigned
from tidings.outbox.relay import Relay
from tidings.outbox.table import create_tables, lead_outbox, retry_refused
from tidings.runtime.embedded.nats_server import NatsServer
from tidings.runtime.log.install import install_streams
from tidings.runtime.log.state import stream_state
from tidings.runtime.process import Runtime, run_forever

from tests.acceptance.command import Command
from tests.builders import make_typed_announcement
from tests.driver import WAIT_SECONDS, Tidings
from tests.ports import find_free_port
from tests.streams import read_all, read_stored_events

TO_AMIRA = Addressees(users=("amira",))
ASSIGNED = TaskAssigned(task_id="1", task_title="Say hello", user_id="amira")


class Service(NamedTuple):
    """A domain service with its own Postgres database and outbox."""

    dsn: str
    tidings: Tidings
    outbox: Outbox

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            yield connection

    async def emit_all(self, *names: str) -> None:
        """Emit announcements with these names in one transaction."""
        async with self.connection() as connection:
            for name in names:
                await connection.execute(
                    *self.outbox.emit(make_typed_announcement(name, TO_AMIRA), id=name)
                )

    async def fetch_rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.connection() as connection:
            return await (await connection.execute(query.encode())).fetchall()

    @asynccontextmanager
    async def run_relay(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run a relay while the block lasts."""
        runtime, ready = self.tidings.runtime, asyncio.Event()
        relay = Relay(runtime.jetstream, self.dsn, runtime.settings.subjects)
        task = asyncio.create_task(run_forever("outbox", lambda: relay.run(ready.set)))
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def wait_until_empty(self) -> None:
        """Wait until no event waits in the outbox."""
        async with asyncio.timeout(WAIT_SECONDS):
            # Postgres signals nothing when the relay has emptied the table.
            while await self.fetch_rows(  # noqa: ASYNC110
                "SELECT FROM tidings_outbox.waiting LIMIT 1"
            ):
                await asyncio.sleep(0.02)

    async def read_log_ids(self) -> list[str]:
        """Return the ids of the tenant's events in the log."""
        return [
            json.loads(message.data)["id"] for message in await read_stored_events(self.tidings)
        ]


def make_names(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


@pytest.fixture(scope="module")
async def database(runtime: Runtime) -> str:
    """Create a Postgres database with an outbox, and return its DSN."""
    name = f"service_{uuid4().hex[:8]}"
    async with runtime.postgres.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    dsn = make_conninfo(runtime.settings.postgres, dbname=name)
    await create_tables(dsn)
    return dsn


@pytest.fixture
def service(database: str, tidings: Tidings) -> Service:
    """Return a service that emits for the tenant of the test."""
    return Service(database, tidings, Outbox(source="/task-service", tenant=tidings.tenant))


async def test_a_committed_event_is_in_the_log_and_a_rolled_back_one_is_not(
    service: Service,
) -> None:
    async with service.run_relay(), service.connection() as connection:
        await connection.execute("CREATE TEMPORARY TABLE task (id text)")
        with suppress(ZeroDivisionError):
            async with connection.transaction():
                await connection.execute(
                    *service.outbox.emit(make_typed_announcement("never", TO_AMIRA), id="never")
                )
                raise ZeroDivisionError
        async with connection.transaction():
            await connection.execute("INSERT INTO task VALUES ('1')")
            await connection.execute(*service.outbox.emit(ASSIGNED, actor="dina", id="assigned"))
        await connection.commit()
        await service.tidings.wait_for_counts("amira", total=1)
        await service.wait_until_empty()

    (message,) = await read_stored_events(service.tidings)
    assert json.loads(message.data) == {
        "specversion": "1.0",
        "id": "assigned",
        "source": "/task-service",
        "type": "task.assigned",
        "tenant": service.tidings.tenant,
        "actor": "dina",
        "data": {"task_id": "1", "task_title": "Say hello", "user_id": "amira"},
    }
    assert await service.fetch_rows("SELECT FROM tidings_outbox.refused") == []


def emit_synchronously_and_by_sql(service: Service) -> None:
    """Emit one event over a synchronous connection, and one by SQL alone."""
    data = json.dumps({"task_id": "2", "task_title": "…", "user_id": "amira"})
    with psycopg.connect(service.dsn) as connection:
        connection.execute(*service.outbox.emit(ASSIGNED, id="sync"))
        query = "SELECT tidings_outbox.emit('task.assigned', %s, '/sql', tenant => %s, id => 'sql')"
        assert connection.execute(query, (data, service.tidings.tenant)).fetchone() == ("sql",)


async def test_events_written_without_a_relay_by_any_means_are_relayed_in_order(
    service: Service,
) -> None:
    await asyncio.to_thread(emit_synchronously_and_by_sql, service)
    await service.emit_all(*make_names(*range(1200)))

    async with service.run_relay():
        await service.wait_until_empty()

    assert await service.read_log_ids() == ["sync", "sql", *make_names(*range(1200))]


async def test_a_transaction_that_saw_another_follows_it_even_if_it_began_before(
    service: Service,
) -> None:
    async with (
        service.run_relay(),
        service.connection() as early,
        service.connection() as late,
        service.connection() as open_,
    ):
        await early.execute("SELECT pg_current_xact_id()")
        await open_.execute(
            *service.outbox.emit(make_typed_announcement("open", TO_AMIRA), id="open")
        )
        await late.execute(
            *service.outbox.emit(make_typed_announcement("first", TO_AMIRA), id="first")
        )
        await late.commit()
        await early.execute(
            *service.outbox.emit(make_typed_announcement("second", TO_AMIRA), id="second")
        )
        await early.commit()
        await service.tidings.wait_for_counts("amira", total=2)
        await open_.commit()
        await service.wait_until_empty()

    assert await service.read_log_ids() == ["first", "second", "open"]


async def test_an_unacceptable_event_is_set_aside_with_the_reason_and_blocks_nothing(
    service: Service,
) -> None:
    async with service.connection() as connection:
        await connection.execute(
            "SELECT tidings_outbox.emit('task.asigned', '{}', '/sql', tenant => 'x')"
        )
        await connection.execute(
            "SELECT tidings_outbox.emit("
            "'task.assigned', '{\"task_id\": true}', '/sql', tenant => 'x')"
        )
        await connection.execute(
            "SELECT tidings_outbox.emit("
            '\'task.watched\', \'{"task_id": "1", "user_id": "u"}\', \'/sql\')'
        )
        await connection.execute(
            "INSERT INTO tidings_outbox.waiting (event) VALUES (repeat('x', 9000000))"
        )
        await connection.execute("INSERT INTO tidings_outbox.waiting (event) VALUES ('nonsense')")
    await service.emit_all("good")
    with pytest.raises(EventRefused, match=r"data\.user_id"):
        service.outbox.emit(TaskAssigned(task_id="1", task_title="", user_id=""))

    for _ in range(2):
        async with service.run_relay():
            await service.wait_until_empty()
        assert await retry_refused(service.dsn) == 5
    async with service.run_relay():
        await service.wait_until_empty()

    reasons = [
        row[0]
        for row in await service.fetch_rows("DELETE FROM tidings_outbox.refused RETURNING reason")
    ]
    assert [reason.partition(";")[0] for reason in reasons] == [
        "type: unknown type `task.asigned`",
        "data.task_id: must be text or an integer, not `true`",
        "tenant: missing",
        "the event has 9000000 bytes",
        "JSON is malformed: invalid character (byte 4)",
    ]
    assert await service.read_log_ids() == ["good"]


async def test_an_event_with_links_to_no_allowed_host_is_stored_without_them(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    event = make_typed_announcement("linked", TO_AMIRA)
    linked = structs.replace(event, entity_url="https://shop.example/7")
    more = {"entity": {"url": "https://shop.example/8", "id": "8"}}
    async with service.connection() as connection:
        await connection.execute(*service.outbox.emit(linked, id="linked", more=more))

    async with service.run_relay():
        await service.tidings.wait_for_counts("amira", total=1)
        await service.wait_until_empty()

    (message,) = await read_stored_events(service.tidings)
    data = json.loads(message.data)["data"]
    assert "entity_url" not in data
    assert data["entity"] == {"id": "8"}
    assert data["title"] == event.title
    assert "without 2 links; the last: " in caplog.text
    assert "`shop.example`" in caplog.text and "TIDINGS_LINK_HOSTS" in caplog.text


@pytest.mark.parametrize("last_step", ["written down", "stored"])
async def test_after_the_death_of_a_relay_at_any_step_the_next_one_continues_exactly(
    service: Service, last_step: str
) -> None:
    await service.emit_all(*make_names(*range(20)))
    jetstream, subjects = (
        service.tidings.runtime.jetstream,
        service.tidings.runtime.settings.subjects,
    )
    async with lead_outbox(service.dsn) as table:
        head = await stream_state(jetstream, EVENTS)
        batch = await table.next_batch([], {}, head)
        if last_step == "stored":
            drafts = [event_message(waiting.event.encode(), None, subjects) for waiting in batch]
            # Without ids, as if the stream had already forgotten them.
            await commit_batch(jetstream, [draft._replace(id=None) for draft in drafts])
    await service.emit_all("more")

    async with service.run_relay():
        await service.wait_until_empty()

    assert await service.read_log_ids() == [*make_names(*range(20)), "more"]


async def test_concurrent_changes_are_relayed_in_order_by_two_relays_of_which_one_dies(
    service: Service,
) -> None:
    async with service.connection() as connection:
        await connection.execute("CREATE TABLE counter (n int)")
        await connection.execute("INSERT INTO counter VALUES (0)")

    async def increment(times: int) -> None:
        async with service.connection() as connection:
            for _ in range(times):
                row = await (
                    await connection.execute("UPDATE counter SET n = n + 1 RETURNING n")
                ).fetchone()
                assert row
                await connection.execute(
                    *service.outbox.emit(
                        make_typed_announcement("counted", TO_AMIRA), id=str(row[0])
                    )
                )
                await connection.commit()

    async with service.run_relay() as first_relay, service.run_relay():
        await asyncio.gather(*(increment(40) for _ in range(5)))
        first_relay.cancel()
        await asyncio.wait((first_relay,))
        await asyncio.gather(*(increment(40) for _ in range(5)))
        await service.wait_until_empty()

    assert await service.read_log_ids() == make_names(*range(1, 401))


async def test_a_relay_reconnects_when_postgres_ends_its_connection(service: Service) -> None:
    async with service.run_relay() as relay:
        for first in range(0, 300, 100):
            await service.emit_all(*make_names(*range(first, first + 100)))
            await service.fetch_rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tidings-outbox' AND datname = current_database()"
            )
        await service.wait_until_empty()
        assert not relay.done()

    assert await service.read_log_ids() == make_names(*range(300))


@pytest.fixture
async def own_nats(tmp_path: Path, runtime: Runtime) -> AsyncIterator[NatsServer]:
    """Run a NATS server with the streams, which the test may kill."""
    nats = NatsServer(tmp_path, find_free_port())
    await nats.start()
    async with connect(nats.url, "tests") as jetstream:
        await install_streams(jetstream, runtime.settings)
    yield nats
    nats.kill()
    await nats.wait()


async def test_killing_the_relay_and_nats_loses_and_duplicates_nothing(
    service: Service, cli: Command, own_nats: NatsServer
) -> None:
    async def emit_in_turn() -> None:
        async with service.connection() as connection:
            for name in make_names(*range(1000)):
                await connection.execute(
                    *service.outbox.emit(make_typed_announcement(name, TO_AMIRA), id=name)
                )
                await connection.commit()

    emission = asyncio.create_task(emit_in_turn())
    for victim in ("relay", "nats"):
        async with cli.start("outbox", outbox_dsn=service.dsn, nats_url=own_nats.url) as relay:
            assert relay.stdout
            assert (
                await asyncio.wait_for(relay.stdout.readline(), 3 * WAIT_SECONDS)
                == b"ready outbox\n"
            )
            if victim == "relay":
                relay.kill()
                continue
            own_nats.kill()
            await own_nats.wait()
            await own_nats.start()
            await emission
            await service.wait_until_empty()

    async with connect(own_nats.url, "tests") as jetstream:
        messages = await read_all(jetstream, EVENTS, "events.>")
    assert [json.loads(message.data)["id"] for message in messages] == make_names(*range(1000))


async def test_the_command_creates_the_outbox_and_names_a_missing_one(
    runtime: Runtime, cli: Command
) -> None:
    name = f"service_{uuid4().hex[:8]}"
    async with runtime.postgres.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    dsn = make_conninfo(runtime.settings.postgres, dbname=name)

    result = await cli("outbox", "--dsn", dsn)
    assert result.code == 1
    assert result.out.startswith("failed there is no outbox in that database")
    assert (
        "there is no outbox in that database; make it with `tidings outbox --install`" in result.err
    )
    assert (
        await cli.read_output("outbox", "--dsn", dsn, "--install")
        == "the outbox is there: tidings_outbox.waiting\n"
    )
