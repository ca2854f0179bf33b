"""Half-open connections: the server is gone, but the connection to it stays open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from nats.aio.transport import TcpTransport
from tidings.client import jetstream as jetstream_module
from tidings.client.jetstream import JetStream, connect
from tidings.runtime.errors import Unavailable
from tidings.runtime.process import Runtime

from tests.waiting import wait_until

HOST = "127.0.0.1"
LIMIT_SECONDS = 10
PROBE_SECONDS = 0.3
STUCK_SECONDS = 0.2
UNSENT_MESSAGES = 48
"""Of 1 MB each: more than the buffers of the operating system take."""


class Relay:
    """Relays connections to NATS until it falls silent: then it reads nothing from clients."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.connection_count = 0
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_reading(self) -> None:
        """Leave the connections open, but read nothing from them, and accept no others."""
        self._may_read.clear()
        self.stop_listening()

    def stop_listening(self) -> None:
        assert self._server
        self._server.close()

    async def stop(self) -> None:
        self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.create_task(self._relay(reader, writer)))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        upstream = await asyncio.open_connection(self._address.hostname, self._address.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, upstream[1], self._may_read))
                group.create_task(self._copy(upstream[0], writer))
        except* OSError:
            pass
        finally:
            writer.transport.abort()
            upstream[1].transport.abort()

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        may_copy: asyncio.Event | None = None,
    ) -> None:
        while data := await reader.read(65536):
            if may_copy:
                await may_copy.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def run_relays(url: str, count: int) -> AsyncGenerator[list[Relay]]:
    async with AsyncExitStack() as stack:
        relays = [Relay(url) for _ in range(count)]
        for relay in relays:
            await relay.start()
            stack.push_async_callback(relay.stop)
        yield relays


def addresses(runtime: Runtime, relays: list[Relay]) -> str:
    """Return the address of NATS through each relay."""
    url = runtime.settings.nats
    own = urlsplit(url).netloc.rpartition("@")[2]
    return ",".join(url.replace(own, f"{HOST}:{relay.port}") for relay in relays)


async def send_much(jetstream: JetStream) -> None:
    for _ in range(UNSENT_MESSAGES):
        with suppress(Exception):
            await jetstream.publish("tests.half-open", b"x" * 1_000_000)


async def is_stuck(jetstream: JetStream) -> bool:
    """Return whether there are bytes to send, and the operating system takes no more of them."""
    transport = jetstream._client._transport
    assert isinstance(transport, TcpTransport) and transport._io_writer
    before = transport._io_writer.transport.get_write_buffer_size()
    await asyncio.sleep(STUCK_SECONDS)
    return 0 < before == transport._io_writer.transport.get_write_buffer_size()


@pytest.fixture
def fast_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream_module, "PROBE_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(jetstream_module, "PROBE_SECONDS", PROBE_SECONDS)


@pytest.mark.usefixtures("fast_probes")
async def test_a_client_leaves_a_server_that_does_not_read_what_is_sent(runtime: Runtime) -> None:
    async with run_relays(runtime.settings.nats, 2) as relays:
        async with connect(addresses(runtime, relays), "tests-half-open") as jetstream:
            (used,) = [relay for relay in relays if relay.connection_count]
            (other,) = [relay for relay in relays if relay is not used]
            changed = jetstream.connection_changed

            used.stop_reading()
            sending = asyncio.create_task(send_much(jetstream))
            async with asyncio.timeout(LIMIT_SECONDS):
                await changed.wait()
                await wait_until(lambda: gets_answers(jetstream))
            await sending

        assert other.connection_count == 1


async def gets_answers(jetstream: JetStream) -> bool:
    try:
        await jetstream.call_api("INFO")
    except Unavailable:
        return False
    return True


async def test_a_connection_is_closed_though_its_server_does_not_read(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_module, "CLOSE_SECONDS", 0.5)
    async with run_relays(runtime.settings.nats, 1) as relays, asyncio.timeout(LIMIT_SECONDS):
        async with connect(addresses(runtime, relays), "tests-half-open") as jetstream:
            relays[0].stop_reading()
            sending = asyncio.create_task(send_much(jetstream))
            await wait_until(lambda: is_stuck(jetstream))
        sending.cancel()


@pytest.mark.usefixtures("fast_probes")
async def test_messages_prove_that_a_server_is_alive_whose_answer_does_not_come(
    runtime: Runtime,
) -> None:
    async with (
        run_relays(runtime.settings.nats, 1) as relays,
        connect(addresses(runtime, relays), "tests-half-open") as jetstream,
    ):
        subject = f"tests.half-open.{relays[0].port}"
        async with jetstream.subscribe(subject, lambda _: None):
            await jetstream.call_api("INFO")  # so the subscription is known
            changed = jetstream.connection_changed

            relays[0].stop_reading()
            for _ in range(20):
                await runtime.jetstream.publish(subject, b"")
                await asyncio.sleep(PROBE_SECONDS / 4)
            assert not changed.is_set()

            async with asyncio.timeout(LIMIT_SECONDS):
                await changed.wait()
