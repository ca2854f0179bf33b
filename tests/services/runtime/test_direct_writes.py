"""Direct writes: a publication goes to the transport at once if that changes nothing but time."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.transport import TcpTransport
from nats.errors import Error
from tidings.client.appender import Appender, commit_batch
from tidings.client.direct_client import DIRECT_WRITE_LIMIT_BYTES, DirectClient
from tidings.client.errors import Unavailable
from tidings.client.jetstream import JetStream
from tidings.contracts.messages import NewMessage
from tidings.runtime.process import Runtime

from tests.own_stream import OwnStream
from tests.streams import read_all

MAX_PAYLOAD = 100


class FakeWriter:
    """Records what is written; `buffered` bytes are not sent yet."""

    def __init__(self) -> None:
        self.written = b""
        self.buffered = 0
        self.is_closed = False
        self.transport = self

    def write(self, wire: bytes) -> None:
        self.written += wire

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.is_closed


def make_client(kind: type[Client] = DirectClient) -> tuple[Any, FakeWriter]:
    """Return a client that believes to be connected, and what its transport writes to."""
    client: Any = kind()
    writer: Any = FakeWriter()
    client._transport = TcpTransport()
    client._transport._io_writer = client._transport._io_reader = writer
    client._status = Client.CONNECTED
    client._flush_queue = asyncio.Queue()
    client._flusher_task = asyncio.get_running_loop().create_future()
    client._max_payload, client._max_pending_size = MAX_PAYLOAD, 1 << 20
    return client, writer


async def test_a_publication_is_written_before_its_first_wait() -> None:
    client, writer = make_client()
    publication = client.publish("a.b", b"data", "reply", {"Nats-Msg-Id": "1"})

    with pytest.raises(StopIteration):
        publication.send(None)

    assert writer.written == b"HPUB a.b reply 28 32\r\nNATS/1.0\r\nNats-Msg-Id: 1\r\n\r\ndata\r\n"
    assert client._pending == []
    assert (client.stats["out_msgs"], client.stats["out_bytes"]) == (1, 4)


_odd_text = st.text(st.sampled_from("aZ0-.*>: \r\n\t\x00\x7f_(é\u00a0"), max_size=6)


@given(
    subject=_odd_text,
    reply=_odd_text,
    payload=st.binary(max_size=MAX_PAYLOAD + 20),
    headers=st.none() | st.dictionaries(_odd_text, _odd_text, max_size=3),
)
async def test_the_bytes_and_the_refusals_are_those_of_nats_py(
    subject: str, reply: str, payload: bytes, headers: dict[str, str] | None
) -> None:
    outcomes: list[object] = []
    for kind in (Client, DirectClient):
        client, writer = make_client(kind)
        try:
            await client.publish(subject, payload, reply, headers or None)
        except Error as error:
            outcomes.append(type(error))
        else:
            outcomes.append(writer.written + b"".join(client._pending))

    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "obstacle", ["pending", "full", "too large", "closing", "web socket", "no transport"]
)
async def test_nats_py_publishes_what_cannot_be_written_at_once(obstacle: str) -> None:
    client, writer = make_client()
    payload = b"data"
    match obstacle:
        case "pending":
            await client._send_command(b"PING\r\n")
        case "full":
            writer.buffered = DIRECT_WRITE_LIMIT_BYTES
        case "too large":
            client._max_payload = DIRECT_WRITE_LIMIT_BYTES
            payload = b"x" * DIRECT_WRITE_LIMIT_BYTES
        case "closing":
            writer.is_closed = True
        case "web socket":
            client._transport = object()
        case _:
            client._transport._io_writer = None

    await client.publish("a", payload)

    assert writer.written == b""
    assert client._pending[-1].endswith(payload + b"\r\n")
    assert client._flush_queue.qsize() == 1


@pytest.mark.parametrize("status", [Client.CLOSED, Client.DRAINING_PUBS, Client.RECONNECTING])
async def test_a_connection_that_is_not_open_is_not_written_to(status: int) -> None:
    client, writer = make_client()
    client._status, client._max_pending_size = status, 0

    with pytest.raises(Error):
        await client.publish("a", b"data")

    assert writer.written == b""


async def test_messages_are_stored_in_the_order_of_their_calls(
    runtime: Runtime, stream: OwnStream, connection: JetStream
) -> None:
    # Large ones are left to nats-py, and small ones that follow them must not overtake them.
    sizes = random.Random(7).choices((10, 1000, DIRECT_WRITE_LIMIT_BYTES), (20, 4, 1), k=600)
    subject = stream.subject("x")

    requests = [
        asyncio.create_task(
            connection.request_reply(subject, f"{number:>{size}}".encode(), timeout=30)
        )
        for number, size in enumerate(sizes)
    ]
    sequences = [(await request).seq for request in requests]

    assert sequences == [*range(1, len(sizes) + 1)]
    stored = await read_all(runtime.jetstream, stream.name, stream.subject(">"))
    assert [int(message.data) for message in stored] == [*range(len(sizes))]


async def test_batches_and_lone_messages_keep_their_order_too(
    runtime: Runtime, stream: OwnStream, connection: JetStream
) -> None:
    appender = Appender(connection)
    expected: list[int] = []
    for first in range(0, 300, 30):
        numbers = [*range(first, first + 30)]
        drafts = [NewMessage(stream.subject("x"), f"{n:>4000}".encode()) for n in numbers]
        await asyncio.gather(commit_batch(connection, drafts[:29]), appender.append(drafts[29]))
        expected += numbers

    stored = await read_all(runtime.jetstream, stream.name, stream.subject(">"))
    assert sorted(int(message.data) for message in stored) == expected


async def test_a_cancelled_request_leaves_nothing_behind(connection: JetStream) -> None:
    request = asyncio.create_task(connection.request("silent.service", timeout=30))
    await asyncio.sleep(0)
    request.cancel()
    await asyncio.wait([request])

    assert request.cancelled()
    assert connection._replies == {}  # type: ignore[reportPrivateUsage]
    assert await connection.call_api("INFO")


async def test_a_request_fails_when_the_connection_breaks_after_it_was_written(
    runtime: Runtime, connection: JetStream
) -> None:
    # This process itself subscribes to the subject, and answers nothing.
    async with connection.subscribe("silent.service", lambda _: None):
        request = asyncio.create_task(connection.request("silent.service", timeout=30))
        await asyncio.sleep(0.05)

        connection._client.abort()  # type: ignore[reportPrivateUsage]

        with pytest.raises(Unavailable, match="the connection to NATS broke"):
            await asyncio.wait_for(request, 5)
