"""The metrics and log lines of an edge's connections: each one changes as documented."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tidings.contracts.close_codes import CloseCode
from tidings.runtime.settings import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.acceptance.rooms import make_driver_at
from tests.acceptance.test_connection_life import (
    BIG,
    connect_without_reading,
    read_to_close,
)
from tests.builders import make_announcement, make_event
from tests.driver import Tidings
from tests.metrics_page import (
    MetricsPage,
    check_documented,
    read_metrics,
    wait_for_metrics,
    wait_for_value,
)
from tests.web_processes import run_web

SOCKETS = {
    "field_service": "/ws",
    "barbershop": "/api/v1/ws",
    "chat": "/ws/notifications",
    "incidents": "/api/v1/ws/notifications",
}
WEBSOCKET = {"transport": "websocket", "dialect": "canonical"}
EVENT_STREAM = {"transport": "event_stream", "dialect": "canonical"}


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("edge") / "edge.log"


@pytest.fixture(scope="module")
async def edge_url(chosen: Settings, url: str, log_file: Path) -> AsyncIterator[str]:
    """Run an edge whose metrics only these tests move; return its URL."""
    async with run_web(
        chosen, log=log_file, send_timeout_seconds=1, heartbeat_seconds=0.5, metrics_port=0
    ) as edge:
        yield edge.url


@pytest.fixture
async def driver(tidings: Tidings, edge_url: str) -> AsyncIterator[Tidings]:
    """Return a driver of the test's tenant at that edge, and wait until no user is connected."""
    async with make_driver_at(tidings, edge_url) as driver:
        yield driver
    await wait_for_value(edge_url, 0, "tidings_connections")


@asynccontextmanager
async def open_front_end(driver: Tidings, dialect: str) -> AsyncIterator[None]:
    """Hold the connection of a product's front end open while the block lasts."""
    token = driver.token("amira")
    if path := SOCKETS.get(dialect):
        async with connect(f"{driver.url.replace('http', 'ws')}{path}?token={token}"):
            yield
    else:
        query = {"token": token}
        async with driver.http.stream("GET", "/notifications/stream", params=query) as response:
            assert response.status_code == 200
            yield


def read_text(file: Path) -> str:
    return file.read_text()


async def measure_increase(
    url: str, act: Callable[[], Awaitable[Any]], name: str, **labels: str
) -> float:
    """Return by how much a value grows with an action, once it has grown."""
    before = (await read_metrics(url)).value(name, **labels)
    await act()
    page = await wait_for_metrics(url, lambda page: page.value(name, **labels) > before)
    return page.value(name, **labels) - before


@pytest.mark.parametrize("dialect", [*SOCKETS, "volunteers"])
async def test_open_and_closed_connections_are_counted_by_transport_and_dialect(
    driver: Tidings, dialect: str
) -> None:
    transport = "websocket" if dialect in SOCKETS else "event_stream"
    labels = {"transport": transport, "dialect": dialect}
    before = await read_metrics(driver.url)

    async with open_front_end(driver, dialect):
        await wait_for_value(driver.url, 1, "tidings_open_connections", **labels)
    await wait_for_value(driver.url, 0, "tidings_open_connections", **labels)

    after = await read_metrics(driver.url)
    for name, more in (
        ("tidings_connections_opened_total", {}),
        ("tidings_connections_closed_total", {"code": "client"}),
        ("tidings_connection_seconds_count", {}),
    ):
        assert after.value(name, **labels, **more) == before.value(name, **labels, **more) + 1, name
    assert after.value("tidings_messages_sent_total", **labels) > 0


@pytest.mark.parametrize(("way", "labels"), [("socket", WEBSOCKET), ("events", EVENT_STREAM)])
async def test_connections_of_the_canonical_protocol_are_counted(
    driver: Tidings, way: str, labels: dict[str, str]
) -> None:
    before = await read_metrics(driver.url)

    async with getattr(driver, way)("amira") as client:
        await client.live()
        open_now = await read_metrics(driver.url)

    assert open_now.value("tidings_open_connections", **labels) == 1
    assert open_now.value("tidings_connections") == 1
    sent = open_now.value("tidings_messages_sent_total", **labels)
    assert sent >= before.value("tidings_messages_sent_total", **labels) + len(client.frames)


async def test_messages_of_clients_are_counted(driver: Tidings) -> None:
    client = await (await driver.connect("amira")).live()

    async def ping() -> None:
        await client.send({"type": "ping"})
        await client.send({"type": "ping"})

    await measure_increase(driver.url, ping, "tidings_messages_received_total", **WEBSOCKET)
    # One `auth` frame came before.
    await wait_for_metrics(
        driver.url,
        lambda page: page.value("tidings_messages_received_total", **WEBSOCKET) >= 3,
    )


async def test_a_client_that_returns_is_a_reconnect_and_a_new_one_is_not(driver: Tidings) -> None:
    def reconnects(page: MetricsPage) -> float:
        return page.value("tidings_reconnects_total", **WEBSOCKET)

    before = reconnects(await read_metrics(driver.url))

    async with driver.socket("newcomer") as client:
        await client.live()
        assert reconnects(await read_metrics(driver.url)) == before
    await wait_for_value(driver.url, 0, "tidings_connections")
    async with driver.socket("newcomer") as again:
        await again.live()
        assert reconnects(await read_metrics(driver.url)) == before + 1
    async with driver.socket("stranger", client.cursor) as resuming:
        await resuming.live()
        assert reconnects(await read_metrics(driver.url)) == before + 2


async def test_ends_are_counted_by_close_code_on_both_transports(driver: Tidings) -> None:
    async def send_nonsense() -> None:
        client = await (await driver.connect("amira")).live()
        await client.send("nonsense")
        assert await client.wait_for_close() == CloseCode.BAD_FRAME

    async def let_the_token_expire() -> None:
        driver.token_seconds = 2
        stream = await (await driver.stream("amira")).live()
        await stream.next("error")

    bad_frame, over = (str(int(each)) for each in (CloseCode.BAD_FRAME, CloseCode.TOKEN_OVER))
    name = "tidings_connections_closed_total"
    assert await measure_increase(driver.url, send_nonsense, name, code=bad_frame) == 1
    assert (
        await measure_increase(driver.url, let_the_token_expire, name, code=over, **EVENT_STREAM)
        == 1
    )


async def test_a_stuck_reader_is_a_heartbeat_failure_and_a_failed_delivery(
    driver: Tidings,
) -> None:
    cursor = (await driver.get("/v1/log", "stuck"))["cursor"]
    for _ in range(10):
        await driver.emit(*(make_announcement("stuck", message=BIG) for _ in range(10)))
    await driver.wait_for_counts("stuck", total=100)
    before = await read_metrics(driver.url)

    client = connect_without_reading(driver, "stuck", cursor)
    await wait_for_value(driver.url, 1, "tidings_connections")
    await wait_for_value(driver.url, 0, "tidings_connections")
    await read_to_close(client)

    after = await read_metrics(driver.url)
    for name, labels in (
        ("tidings_heartbeat_failures_total", {}),
        ("tidings_deliveries_total", {"outcome": "failure"}),
        ("tidings_connections_closed_total", {"code": str(int(CloseCode.TOO_SLOW))}),
    ):
        labels = {**WEBSOCKET, **labels}
        assert after.value(name, **labels) == before.value(name, **labels) + 1, name


async def test_a_delivery_counts_with_its_latency_and_a_replay_does_not(driver: Tidings) -> None:
    delivered = {**WEBSOCKET, "outcome": "success"}
    client = await (await driver.connect("amira")).live()
    before = await read_metrics(driver.url)

    await driver.emit(make_announcement("amira"))
    await client.until(1)
    after = await wait_for_metrics(
        driver.url,
        lambda page: (
            page.value("tidings_deliveries_total", **delivered)
            > before.value("tidings_deliveries_total", **delivered)
        ),
    )
    await (await driver.connect("amira", f"{(client.cursor or '').split('-')[0]}-0")).until(1)
    replayed = await read_metrics(driver.url)

    for name, labels in (
        ("tidings_deliveries_total", delivered),
        ("tidings_delivery_seconds_count", WEBSOCKET),
    ):
        assert after.value(name, **labels) == before.value(name, **labels) + 1
        assert replayed.value(name, **labels) == after.value(name, **labels)
    seconds = after.value("tidings_delivery_seconds_sum", **WEBSOCKET) - before.value(
        "tidings_delivery_seconds_sum", **WEBSOCKET
    )
    assert 0 < seconds < 30


async def test_the_unread_notifications_of_connected_users_are_a_distribution(
    driver: Tidings,
) -> None:
    await (await driver.connect("idle")).live()
    await driver.emit(*(make_announcement("busy") for _ in range(7)))
    await driver.wait_for_counts("busy", unread=7)
    await (await driver.connect("busy")).live()

    def is_shown(page: MetricsPage) -> bool:
        counts = [
            page.value("tidings_unread_notifications_bucket", le=le) for le in ("0", "5", "10")
        ]
        return (
            counts == [1, 1, 2]
            and page.value("tidings_unread_notifications_gsum") == 7
            and page.value("tidings_unread_notifications_gcount") == 2
        )

    await wait_for_metrics(driver.url, is_shown)


async def test_refused_handshakes_are_counted_by_reason(driver: Tidings) -> None:
    async def connect_without_token() -> None:
        with pytest.raises(InvalidStatus):
            async with connect(f"{driver.url.replace('http', 'ws')}/api/v1/ws?token=wrong"):
                pass

    async def stream_without_token() -> None:
        assert (await driver.http.get("/v1/stream")).status_code == 401

    async def send_a_wrong_token() -> None:
        async with connect(f"{driver.url.replace('http', 'ws')}/v1/socket") as socket:
            await socket.send(json.dumps({"type": "auth", "token": "wrong"}))
            await socket.wait_closed()

    name = "tidings_handshakes_rejected_total"
    for act, labels in (
        (connect_without_token, {"dialect": "barbershop", "reason": "401"}),
        (stream_without_token, {**EVENT_STREAM, "reason": "401"}),
        (send_a_wrong_token, {**WEBSOCKET, "reason": str(int(CloseCode.TOKEN_OVER))}),
    ):
        assert await measure_increase(driver.url, act, name, **labels) == 1, labels


async def test_events_requests_queries_and_the_ring_are_measured(driver: Tidings) -> None:
    event = make_event("announcement.published", identifier=uuid4().hex)
    valid = {**event, "data": make_announcement("amira")["data"]}
    before = await read_metrics(driver.url)

    await driver.emit(valid)
    await driver.emit(valid)
    refused = await driver.http.post(
        "/v1/events",
        json={**event, "data": {}},
        headers={**driver.headers(), "Content-Type": "application/cloudevents+json"},
    )
    await driver.wait_for_counts("amira", total=1)
    after = await wait_for_metrics(
        driver.url,
        lambda page: (
            page.value("tidings_ring_messages") > before.value("tidings_ring_messages")
            and page.value("tidings_ring_bytes") > before.value("tidings_ring_bytes")
        ),
    )

    assert refused.status_code == 400
    events = {"method": "POST", "route": "/v1/events"}
    for name, labels, increase in (
        ("tidings_events_published_total", {"outcome": "accepted"}, 1),
        ("tidings_events_published_total", {"outcome": "duplicate"}, 1),
        ("tidings_events_published_total", {"outcome": "refused"}, 1),
        ("tidings_publish_seconds_count", {}, 2),
        ("tidings_http_request_seconds_count", events, 3),
        ("tidings_http_responses_total", {"status": "4xx"}, 1),
    ):
        assert after.value(name, **labels) == before.value(name, **labels) + increase, (
            name,
            labels,
        )
    queries = "tidings_postgres_query_seconds_count"
    assert after.value(queries) > before.value(queries)
    assert after.value("tidings_ring_caught_up") == after.value("tidings_nats_connected") == 1


async def test_every_metric_has_a_type_and_a_help_text(driver: Tidings) -> None:
    page = await read_metrics(driver.url)

    check_documented(page)
    assert page.value("process_open_fds") > 0
    assert page.value("process_resident_memory_bytes") > 0
    assert page.value("tidings_tasks") > 0


async def test_the_log_names_a_connection_when_it_begins_and_ends_but_no_content(
    driver: Tidings, log_file: Path
) -> None:
    async with driver.socket("amira") as client:
        hello = await client.next("hello")
        await client.live()
        await driver.emit(make_announcement("amira", title="a secret title"))
        await client.until(1)
    await wait_for_value(driver.url, 0, "tidings_connections")

    text = read_text(log_file)
    lines = [json.loads(line) for line in text.splitlines()]
    messages = [line["message"] for line in lines if hello["connection"] in line["message"]]
    about = f"connection {hello['connection']} of user amira, tenant {driver.tenant}, canonical"
    assert [message.partition(" after ")[0] for message in messages] == [
        f"connected: {about}, websocket",
        f"disconnected: {about}, websocket, code client",
    ]
    assert "a secret title" not in text
