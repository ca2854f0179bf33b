"""Metrics, health and log lines of processes without HTTP routes: notifier, projector, outbox."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from tidings.client.appender import Appender
from tidings.client.jetstream import connect
from tidings.contracts.codec import encode
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import Mark
from tidings.contracts.subjects import DEAD_LETTERS, Person, Subjects
from tidings.outbox.table import create_tables

from tests.acceptance.faults import Installation, Process, Tenant
from tests.builders import make_announcement
from tests.metrics_page import check_documented, read_metrics, wait_for_metrics, wait_for_value
from tests.ports import find_free_port
from tests.waiting import wait_until

INSTALLATION_SETTINGS = {"metrics_port": 0}
SERVED_AT = re.compile(r"metrics are served at (http://[\d.:]+)/metrics")
SERVICES = ("notifier", "projector", "edge", "gateway")
PARTITIONS = 16
SUBJECTS = Subjects(PARTITIONS)


@pytest.fixture
async def tenant(installation: Installation) -> AsyncIterator[Tenant]:
    async with Tenant(installation) as tenant:
        yield tenant


async def metrics_url(process: Process) -> str:
    """Return the base URL of the metrics of a process, from its log, once it is there."""

    async def newest_url() -> str:
        return next(iter(reversed(SERVED_AT.findall(process.read_log()))), "")

    return await wait_until(newest_url)


async def url_of(installation: Installation, name: str) -> str:
    """Return the base URL of the metrics of a part of the installation."""
    process = installation.parts[name]
    assert isinstance(process, Process)
    return await metrics_url(process)


@asynccontextmanager
async def run_process(
    installation: Installation, *words: str, **settings: Any
) -> AsyncIterator[Process]:
    """Run another process of the installation while the block lasts."""
    process = installation.process(*words, log=f"other-{words[0]}", **settings)
    await process.start()
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def emit_and_wait(tenant: Tenant, user: str, count: int) -> None:
    """Announce something to a user `count` times, and wait until it is listed."""
    await tenant.emit(*(make_announcement(user, title="a secret title") for _ in range(count)))
    await tenant.wait_for_counts(user, total=count)


@pytest.mark.parametrize("name", SERVICES)
async def test_every_process_serves_documented_metrics_and_its_health(
    installation: Installation, name: str
) -> None:
    url = await url_of(installation, name)

    page = await wait_for_metrics(url, lambda page: page.value("tidings_ready") == 1)
    async with httpx.AsyncClient(base_url=url) as http:
        answers = {
            path: (await http.get(path)).status_code
            for path in ("/health/live", "/health/ready", "/other")
        }
        refused = (await http.post("/metrics")).status_code
        head = await http.head("/metrics")

    check_documented(page)
    for metric in ("tidings_tasks", "process_cpu_seconds_total", "process_resident_memory_bytes"):
        assert page.value(metric) > 0, metric
    assert page.value("tidings_ready") == page.value("tidings_nats_connected") == 1
    assert answers == {"/health/live": 200, "/health/ready": 200, "/other": 404}
    assert (refused, head.status_code, head.content) == (405, 200, b"")


async def test_a_notifier_counts_events_and_notifications_and_logs_their_ids(
    installation: Installation, tenant: Tenant
) -> None:
    url = await url_of(installation, "notifier")
    before = await read_metrics(url)

    await emit_and_wait(tenant, "amira", 1)
    (notification,) = await tenant.list_all("amira")
    await emit_and_wait(tenant, "omar", 5)
    await wait_for_value(
        url,
        before.value("tidings_notifications_created_total") + 6,
        "tidings_notifications_created_total",
    )

    after = await read_metrics(url)
    increase = after.value("tidings_events_processed_total") - before.value(
        "tidings_events_processed_total"
    )
    assert increase == 6
    for suffix in ("count", "sum"):
        name = f"tidings_event_processing_seconds_{suffix}"
        assert after.value(name) > before.value(name)
    await wait_for_value(url, 0, "tidings_follower_lag_messages", follower="notifier")
    log = installation.directory / "notifier.log"
    lines = await asyncio.to_thread(log.read_text)
    messages = [json.loads(line)["message"] for line in lines.splitlines()]
    ids = f"{notification['id']} (announcement.published) for user amira, tenant {tenant.tenant}"
    assert f"created notification {ids}" in messages
    assert "a secret title" not in lines


async def test_dead_letters_are_counted_and_shown(
    installation: Installation, tenant: Tenant
) -> None:
    url = await url_of(installation, "notifier")
    before = await read_metrics(url)

    async with connect(installation.nats.url, "tests") as jetstream:
        subject = SUBJECTS.event_subject(tenant.tenant, "announcement.published", None)
        await Appender(jetstream).append(NewMessage(subject, b"no event", id="bad"))
        await wait_for_value(
            url, before.value("tidings_dead_letters_total") + 1, "tidings_dead_letters_total"
        )
        state = (await jetstream.call_api(f"STREAM.INFO.{DEAD_LETTERS}"))["state"]

    assert state["messages"] >= 1
    await wait_for_value(url, state["messages"], "tidings_dead_letters_stored")


async def test_the_partitions_that_a_notifier_leads_pass_to_the_one_that_takes_over(
    installation: Installation,
) -> None:
    first = await url_of(installation, "notifier")
    await wait_for_value(first, PARTITIONS, "tidings_partitions_led")

    async with run_process(installation, "notifier") as other:
        second = await metrics_url(other)
        await wait_for_value(second, PARTITIONS, "tidings_partitions_led")
        # The first one notices that when it next writes; it writes the positions of idle
        # partitions after 300 s, so it surely notices now only in a partition with an event.
        async with Tenant(installation) as tenant:
            await emit_and_wait(tenant, "amira", 1)
        await wait_for_metrics(
            first, lambda page: page.value("tidings_partitions_led") < PARTITIONS
        )
    # The first one takes over again the partitions without a leader.
    async with Tenant(installation) as tenant:
        await emit_and_wait(tenant, "amira", 1)


async def test_a_projector_counts_batches_and_shows_its_lag_while_postgres_is_away(
    installation: Installation, tenant: Tenant
) -> None:
    url = await url_of(installation, "projector")
    inbox, follower = {"projection": "inbox"}, {"follower": "projection_inbox"}
    before = await read_metrics(url)

    await emit_and_wait(tenant, "amira", 3)

    after = await read_metrics(url)
    for name in (
        "tidings_projection_batches_total",
        "tidings_projection_batch_seconds_count",
        "tidings_projection_changes_total",
    ):
        assert after.value(name, **inbox) > before.value(name, **inbox), name
    await wait_for_value(url, 0, "tidings_follower_lag_messages", **follower)

    await installation.kill("postgres")
    async with connect(installation.nats.url, "tests") as jetstream:
        subject = SUBJECTS.inbox_subject(Person(tenant.tenant, "amira"))
        mark = Mark(state="read", at=datetime.now(UTC), ids=(str(uuid4()),))
        await Appender(jetstream).append(NewMessage(subject, encode(mark), id="mark"))
    await wait_for_metrics(
        url,
        lambda page: (
            page.value("tidings_follower_lag_messages", **follower) >= 1
            and page.value("tidings_follower_lag_seconds", **follower) > 1
            and page.value("tidings_postgres_errors_total")
            > before.value("tidings_postgres_errors_total")
        ),
    )
    await installation.start("postgres")
    await wait_for_value(url, 0, "tidings_follower_lag_messages", **follower)
    await wait_for_value(url, 0, "tidings_follower_lag_seconds", **follower)


async def test_a_relay_counts_events_and_shows_what_waits_while_nats_is_away(
    installation: Installation, tenant: Tenant
) -> None:
    dsn = installation.postgres.dsn
    await create_tables(dsn)

    async def emit_in_transaction(*statements: tuple[Any, Any]) -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            for statement in statements:
                await connection.execute(*statement)

    def insertion(text: str) -> tuple[Any, Any]:
        return "INSERT INTO tidings_outbox.waiting (event) VALUES (%s)", (text,)

    event = make_announcement("amira", title="from the outbox")
    async with run_process(installation, "outbox", outbox_dsn=dsn) as relay:
        url = await metrics_url(relay)
        await wait_for_value(url, 1, "tidings_outbox_leads")
        await emit_in_transaction(
            insertion(json.dumps({**event, "tenant": tenant.tenant})), insertion("no event")
        )
        await wait_for_value(url, 1, "tidings_outbox_relayed_total")
        await wait_for_value(url, 1, "tidings_outbox_refused_total")
        await wait_for_value(url, 1, "tidings_outbox_set_aside")
        await wait_for_value(url, 0, "tidings_outbox_lag_messages")
        check_documented(await read_metrics(url))

        await installation.kill("nats")
        await emit_in_transaction(
            insertion(json.dumps({**event, "id": "later", "tenant": tenant.tenant}))
        )
        await wait_for_metrics(
            url,
            lambda page: (
                page.value("tidings_outbox_lag_messages") == 1
                and page.value("tidings_outbox_lag_seconds") > 0
                and page.value("tidings_outbox_failures_total") >= 1
                and page.value("tidings_nats_connected") == 0
            ),
        )
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{url}/health/ready")).status_code == 503
            assert (await http.get(f"{url}/health/live")).status_code == 200
        await installation.start("nats")
        await wait_for_value(url, 2, "tidings_outbox_relayed_total")
        await wait_for_value(url, 0, "tidings_outbox_lag_messages")


async def test_each_worker_serves_its_own_metrics_on_the_next_port(
    installation: Installation,
) -> None:
    port = find_free_port(2)

    async with run_process(installation, "gateway", "--workers", "2", port=0, metrics_port=port):
        started = {
            (await read_metrics(f"http://127.0.0.1:{port + worker}")).value(
                "process_start_time_seconds"
            )
            for worker in range(2)
        }

    assert all(started)


async def test_a_metrics_port_that_is_taken_is_an_error_that_names_the_setting(
    installation: Installation,
) -> None:
    taken_port = int((await url_of(installation, "projector")).rpartition(":")[2])

    process = installation.process("projector", log="taken", metrics_port=taken_port)
    await process.spawn()

    assert await process.wait() == 1
    assert "choose another TIDINGS_METRICS_PORT, or 0" in process.read_log()
