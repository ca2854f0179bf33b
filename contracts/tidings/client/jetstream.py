"""The connection to NATS: requests, publications and inboxes.

Only this module and `direct_client` use nats-py.
"""

# pyright: basic
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from tidings.client.direct_client import DirectClient, ReceivedMessage
from tidings.client.errors import (
    Permanent,
    TidingsError,
    Unauthorised,
    Unavailable,
)
from tidings.client.jetstream_errors import (
    ApiError,
    exception_of,
    is_authorization_violation,
    is_permissions_violation,
)

CONNECT_SECONDS = 30.0
REQUEST_SECONDS = 5.0
PROBE_INTERVAL_SECONDS = 2.0
PROBE_SECONDS = 3.0
PROBE_GRACE_SECONDS = 0.2
PAGES_IN_FLIGHT_LIMIT = 16
LEADER_READS_IN_FLIGHT_LIMIT = 16
CLOSE_SECONDS = 2.0
"""The time to send what is not sent yet when a connection is closed."""
SILENT_CONNECT_SECONDS = 2.0
"""After that time without a connection, the log says which address does not answer."""

CONNECTION_OPTIONS = {
    "max_reconnect_attempts": -1,
    "reconnect_time_wait": 0.25,
    "ping_interval": 10,
    "max_outstanding_pings": 2,
}

log = logging.getLogger("tidings.nats")


class JetStreamReply(msgspec.Struct):
    """The result fields that every answer of JetStream has."""

    error: ApiError | None = None
    seq: int = 0
    duplicate: bool = False
    count: int = 0


class JetStream:
    """One connection to NATS, opened by `connect`, which checks regularly that it is alive.

    `follower_count` and the slots bound what the server is asked to send at once: it cuts a
    connection that leaves more than its `max_pending` (64 MiB) unread.
    """

    def __init__(self, client: DirectClient) -> None:
        self._client = client
        self._replies: dict[str, asyncio.Future[bytes]] = {}
        self._tokens = count(1)
        self._prefix = ""
        self.follower_count = 0
        self.page_slots = asyncio.Semaphore(PAGES_IN_FLIGHT_LIMIT)
        self.leader_slots = asyncio.Semaphore(LEADER_READS_IN_FLIGHT_LIMIT)
        self.connection_changed = asyncio.Event()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.auth_rejected: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def connected(self) -> bool:
        """Return whether the connection is open."""
        return self._client.is_connected

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        timeout: float = REQUEST_SECONDS,
    ) -> bytes:
        """Send a request and return the answer.

        Raises Unavailable without an answer within `timeout` seconds, or if the connection breaks.
        """
        if not self._client.is_connected:
            raise Unavailable("NATS is not connected")
        loop = asyncio.get_running_loop()
        answer, token = loop.create_future(), str(next(self._tokens))
        self._replies[token] = answer
        timer = loop.call_later(
            timeout,
            _fail_reply,
            answer,
            f"no answer on {subject.split('.')[0]} within {timeout:.0f} seconds",
        )
        try:
            await self._client.publish(
                subject, data, reply=f"{self._prefix}.{token}", headers=headers
            )
            return await answer
        except (NatsError, OSError) as error:
            raise Unavailable(f"NATS: {type(error).__name__}") from None
        finally:
            timer.cancel()
            del self._replies[token]

    async def request_reply(
        self,
        subject: str,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        timeout: float = REQUEST_SECONDS,
    ) -> JetStreamReply:
        """Send a request to JetStream and return its answer; raises the exception of its error
        code.
        """
        reply = await self.request(subject, data, headers, timeout=timeout)
        answer = _reply_decoder.decode(reply)
        if answer.error:
            raise exception_of(answer.error)
        return answer

    async def call_api(
        self,
        api: str,
        body: Mapping[str, Any] | None = None,
        *,
        timeout: float = REQUEST_SECONDS,
    ) -> dict[str, Any]:
        """Call `$JS.API.<api>` and return the answer; raises the exception of its error code."""
        reply = await self.request(
            f"$JS.API.{api}",
            msgspec.json.encode(body) if body is not None else b"",
            timeout=timeout,
        )
        answer: dict[str, Any] = msgspec.json.decode(reply)
        if error := answer.get("error"):
            raise exception_of(msgspec.convert(error, ApiError))
        return answer

    async def write_protocol(self, wire: bytes) -> None:
        """Write publications that are already encoded in the protocol; raises Unavailable."""
        if not self._client.is_connected:
            raise Unavailable("NATS is not connected")
        if not self._client.write_at_once(wire):
            # nats-py can publish only one message a call, and encodes its headers each time.
            await self._client._send_command(wire)
            await self._client._flush_pending()

    async def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        """Publish one message, without acknowledgement; raises Unavailable."""
        if not self._client.is_connected:
            raise Unavailable("NATS is not connected")
        try:
            await self._client.publish(subject, data, reply=reply)
        except (NatsError, OSError) as error:
            raise Unavailable(f"NATS: {type(error).__name__}") from None

    @asynccontextmanager
    async def open_inbox(self, callback: Callable[[ReceivedMessage], None]) -> AsyncGenerator[str]:
        """Subscribe to all subjects under a new prefix, and yield the prefix."""
        prefix = self._client.new_inbox()
        async with self.subscribe(f"{prefix}.*", callback):
            yield prefix

    @asynccontextmanager
    async def subscribe(
        self, subject: str, callback: Callable[[ReceivedMessage], None]
    ) -> AsyncGenerator[None]:
        """Subscribe to a subject inside the block.

        The callback runs in the loop that reads the connection: it must neither block nor take
        long.
        """
        subscription = await self._client.subscribe(subject)
        self._client.inboxes[subscription._id] = callback
        try:
            yield
        finally:
            del self._client.inboxes[subscription._id]
            with suppress(NatsError, OSError):
                await subscription.unsubscribe()

    @asynccontextmanager
    async def receive_replies(self) -> AsyncGenerator[None]:
        """Receive the answers of requests inside the block."""
        async with self.open_inbox(self._receive_reply) as self._prefix:
            yield

    def fail_all_requests(self) -> None:
        """Fail all requests because the connection broke: their answers cannot arrive any more."""
        self.fail_requests(Unavailable("the connection to NATS broke"))
        self.connection_changed.set()
        self.connection_changed = asyncio.Event()

    def fail_requests(self, error: TidingsError) -> None:
        """Fail all requests with this error."""
        for answer in self._replies.values():
            if not answer.done():
                # One exception for each waiter: a traceback grows where an exception is raised.
                answer.set_exception(type(error)(str(error)))

    def handle_server_error(self, problem: str) -> None:
        """Handle an error that the server sent."""
        if is_authorization_violation(problem) and not self.auth_rejected.done():
            self.auth_rejected.set_result(None)
        if is_permissions_violation(problem):
            self.fail_requests(Unauthorised(f"NATS denies the request: {problem}"))

    def _receive_reply(self, message: ReceivedMessage) -> None:
        answer = self._replies.get(message.subject.rpartition(".")[2])
        if answer is None or answer.done():
            return
        if message.status:
            _fail_reply(answer, f"no service answers ({message.status})")
        else:
            answer.set_result(message.data)

    async def watch_connection(self) -> None:
        """Reconnect when the connection is open but dead; raises Permanent when NATS closes it for
        good.
        """
        while not self.closed.done():
            await asyncio.wait((self.closed,), timeout=PROBE_INTERVAL_SECONDS)
            if self._client.is_connected and not self.closed.done():
                await self._probe()
        raise Permanent("NATS closed the connection for good; its log has the reason")

    async def _probe(self) -> None:
        """Reconnect, to another server of a cluster, if this one is silent after a ping."""
        # A half-open connection accepts writes for minutes; only an answer proves it alive.
        # nats-py's `flush` cancels the future of its ping, and then an answer ends its reader.
        client, changed = self._client, self.connection_changed
        received_before = client.received_count
        with suppress(NatsError, OSError):
            pong = client.ping()
            await asyncio.wait((pong,), timeout=PROBE_SECONDS)
            # After a stall of this process the answer may be there, but not read yet.
            await asyncio.wait((pong,), timeout=PROBE_GRACE_SECONDS)
            # The answer may wait behind messages that a busy process has not read yet.
            is_alive = pong.done() or client.received_count > received_before
            if not is_alive and not changed.is_set():
                log.warning("NATS does not answer; reconnecting")
                await client.force_reconnect()


@asynccontextmanager
async def connect(
    url: str, name: str, token: str | None = None, *, seconds: float = CONNECT_SECONDS
) -> AsyncGenerator[JetStream]:
    """Connect, and stay connected inside the block.

    Raises Unauthorised, or Unavailable if the first connection takes more than `seconds`.
    """
    client = DirectClient()
    jetstream = JetStream(client)

    options = {
        "servers": [address.strip() for address in url.split(",")],
        "name": name,
        "token": token,
        **CONNECTION_OPTIONS,
        **_callbacks(client, jetstream),
    }
    await _connect_client(client, jetstream, options, seconds)
    watcher = asyncio.create_task(jetstream.watch_connection())
    try:
        async with jetstream.receive_replies():
            yield jetstream
    finally:
        watcher.cancel()
        with suppress(BaseException):
            await watcher
        await _close_client(client)


async def _close_client(client: DirectClient) -> None:
    """Send what is not sent yet, and close the connection."""
    # Without this limit nats-py waits until the server has read all, which a dead one never does.
    limit = asyncio.get_running_loop().call_later(CLOSE_SECONDS, client.abort)
    try:
        with suppress(NatsError, OSError):
            await client.close()
    finally:
        limit.cancel()


async def _connect_client(
    client: DirectClient, jetstream: JetStream, options: dict[str, Any], seconds: float
) -> None:
    connecting = asyncio.ensure_future(client.connect(**options))
    addresses = ", ".join(_without_credentials(address) for address in options["servers"])
    asyncio.get_running_loop().call_later(
        SILENT_CONNECT_SECONDS, _report_waiting, connecting, addresses, seconds
    )
    try:
        await asyncio.wait(
            (connecting, jetstream.auth_rejected),
            timeout=seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        # nats-py retries rejected credentials for ever; only its error callback reports them.
        if jetstream.auth_rejected.done():
            raise Unauthorised(
                "NATS rejects the credentials; check user, password or token in its address"
            )
        if not connecting.done():
            raise Unavailable(
                f"NATS cannot be reached at {addresses} within {seconds:.0f} seconds;"
                " check its address (TIDINGS_NATS_URL)"
            )
        await connecting
    except (NatsError, OSError) as problem:
        raise Unavailable(
            f"NATS cannot be reached at {addresses} ({type(problem).__name__});"
            " check its address (TIDINGS_NATS_URL)"
        ) from None
    finally:
        connecting.cancel()


def _report_waiting(connecting: asyncio.Future[None], addresses: str, seconds: float) -> None:
    if not connecting.done():
        log.warning("NATS does not answer at %s; trying for %.0f seconds", addresses, seconds)


def _without_credentials(address: str) -> str:
    """Return an address of NATS as it may be shown."""
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _fail_reply(answer: asyncio.Future[bytes], reason: str) -> None:
    if not answer.done():
        answer.set_exception(Unavailable(reason))


def _callbacks(client: Client, jetstream: JetStream) -> dict[str, Any]:
    """Return the callbacks for nats-py, which silently stops reading if one of them raises."""

    async def report_change(text: str) -> None:
        if not client.is_closed:
            log.warning(text)
        jetstream.fail_all_requests()

    async def disconnected() -> None:
        await report_change("NATS is disconnected")

    async def reconnected() -> None:
        await report_change("NATS is connected again")

    async def closed() -> None:
        if not jetstream.closed.done():
            jetstream.closed.set_result(None)

    async def error(problem: Exception) -> None:
        log.debug("NATS: %s", type(problem).__name__)
        jetstream.handle_server_error(str(problem))

    return {
        "disconnected_cb": disconnected,
        "reconnected_cb": reconnected,
        "closed_cb": closed,
        "error_cb": error,
    }


_reply_decoder = msgspec.json.Decoder(JetStreamReply)
