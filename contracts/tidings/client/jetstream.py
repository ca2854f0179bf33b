"""The connection to NATS: requests, publications and inboxes; the only module that touches nats-py."""

# pyright: basic
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, NamedTuple

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from tidings.client.errors import (
    Permanent,
    Refused,
    TidingsError,
    Unauthorised,
    Unavailable,
    WrongSequence,
)

CONNECT_SECONDS = 30.0
REQUEST_SECONDS = 5.0
LIVENESS_SECONDS = 5.0
WRONG_SEQUENCE = (10071, 10164)
UNWELCOME = "authorization violation"
FORBIDDEN = "permissions violation"
TRANSIENT = (10008, 10023, 10077, 10176, 10210, 10211)

PATIENCE = {
    "max_reconnect_attempts": -1,
    "reconnect_time_wait": 0.25,
    "ping_interval": 10,
    "max_outstanding_pings": 2,
}

log = logging.getLogger("tidings.nats")


class Delivery(NamedTuple):
    """What was delivered to an inbox; its header block (ADR-4) is taken apart only when somebody asks."""

    subject: str
    data: bytes
    head: bytes
    reply: str

    @property
    def status(self) -> int:
        """The inline status of a control message, 0 for data."""
        return int(self.head[9:12]) if self.head[8:9] == b" " else 0

    @property
    def description(self) -> str:
        """The words behind the status."""
        return self.head[13:].partition(b"\r\n")[0].decode(errors="replace")

    @property
    def headers(self) -> dict[str, str]:
        """The headers."""
        return headers(self.head)


def headers(head: bytes) -> dict[str, str]:
    """A header block as a mapping."""
    lines = head.decode(errors="replace").split("\r\n")[1:]
    return {
        name: value.strip()
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    }


class DirectClient(Client):
    """nats-py, but what comes for an inbox of ours goes straight to its callback.

    By itself it takes every header apart, puts each message into a queue and wakes a task for it: 9 of the 16 µs that a
    followed message costs (measured, nats-py 2.16), in the one loop that everything here goes through.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inboxes: dict[int, Callable[[Delivery], None]] = {}

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> None:
        received = self.inboxes.get(sid)
        if received is None:
            await super()._process_msg(sid, subject, reply, data, headers)
            return
        try:
            received(Delivery(subject.decode(), data, headers or b"", reply.decode()))
        except Exception:  # what escapes here would end the reading of everything, without a word
            log.exception("a message could not be taken")


class ApiError(msgspec.Struct):
    """An error as the JetStream API states it."""

    code: int
    err_code: int = 0
    description: str = ""


class Answer(msgspec.Struct):
    """The part of every JetStream answer that says whether it worked."""

    error: ApiError | None = None
    seq: int = 0
    duplicate: bool = False
    count: int = 0


class JetStream:
    """One connection to NATS. Opened by `connect`, which keeps watch that it is alive."""

    def __init__(self, client: DirectClient) -> None:
        self._client = client
        self._answers: dict[str, asyncio.Future[bytes]] = {}
        self._tokens = count(1)
        self._prefix = ""
        self.changed = asyncio.Event()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unwelcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def connected(self) -> bool:
        """Whether requests have somebody to go to."""
        return self._client.is_connected

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        timeout: float = REQUEST_SECONDS,
    ) -> bytes:
        """Ask and wait for the answer; raises Unavailable when nobody answers in time (seconds) or the connection breaks."""
        if not self._client.is_connected:
            raise Unavailable("NATS is not connected")
        loop = asyncio.get_running_loop()
        answer, token = loop.create_future(), str(next(self._tokens))
        self._answers[token] = answer
        timer = loop.call_later(
            timeout,
            _fail,
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
            del self._answers[token]

    async def ask(
        self,
        subject: str,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        timeout: float = REQUEST_SECONDS,
    ) -> Answer:
        """Ask JetStream; raises what its error code means."""
        reply = await self.request(subject, data, headers, timeout=timeout)
        answer = _answer.decode(reply)
        if answer.error:
            raise failure(answer.error)
        return answer

    async def call(self, api: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call `$JS.API.<api>` and return the whole answer; raises what its error code means."""
        reply = await self.request(
            f"$JS.API.{api}", msgspec.json.encode(body) if body is not None else b""
        )
        answer: dict[str, Any] = msgspec.json.decode(reply)
        if error := answer.get("error"):
            raise failure(msgspec.convert(error, ApiError))
        return answer

    async def send(self, wire: bytes) -> None:
        """Write publications already spelled in the protocol; raises Unavailable."""
        if not self._client.is_connected:
            raise Unavailable("NATS is not connected")
        await self._client._send_command(wire)
        await self._client._flush_pending()

    async def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        """Publish one ephemeral message; raises Unavailable."""
        if not self._client.is_connected:
            raise Unavailable("NATS is not connected")
        try:
            await self._client.publish(subject, data, reply=reply)
        except (NatsError, OSError) as error:
            raise Unavailable(f"NATS: {type(error).__name__}") from None

    @asynccontextmanager
    async def inbox(self, received: Callable[[Delivery], None]) -> AsyncGenerator[str]:
        """A subject prefix of our own; whatever is sent to `<prefix>.<anything>` goes to the callback."""
        prefix = self._client.new_inbox()
        async with self.subscribed(f"{prefix}.*", received):
            yield prefix

    @asynccontextmanager
    async def subscribed(
        self, subject: str, received: Callable[[Delivery], None]
    ) -> AsyncGenerator[None]:
        """What is published on a subject while the block lasts goes to the callback, which must neither wait nor take long."""
        subscription = await self._client.subscribe(subject)
        self._client.inboxes[subscription._id] = received
        try:
            yield
        finally:
            del self._client.inboxes[subscription._id]
            with suppress(NatsError, OSError):
                await subscription.unsubscribe()

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[None]:
        """Take answers to requests while the block lasts."""
        async with self.inbox(self._answered) as self._prefix:
            yield

    def broken(self) -> None:
        """The connection is another one or none: whoever waits for an answer waits in vain."""
        self.give_up(Unavailable("the connection to NATS broke"))
        self.changed.set()
        self.changed = asyncio.Event()

    def give_up(self, error: TidingsError) -> None:
        """Whoever waits for an answer is told why there will be none."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(type(error)(str(error)))

    def told(self, problem: str) -> None:
        """What the server said is wrong."""
        if UNWELCOME in problem.lower() and not self.unwelcome.done():
            self.unwelcome.set_result(None)
        if FORBIDDEN in problem.lower():
            self.give_up(Unauthorised(f"NATS does not allow it: {problem}"))

    def _answered(self, delivery: Delivery) -> None:
        answer = self._answers.get(delivery.subject.rpartition(".")[2])
        if answer is None or answer.done():
            return
        if delivery.status:
            _fail(answer, f"nobody answers ({delivery.status})")
        else:
            answer.set_result(delivery.data)

    async def watch(self) -> None:
        """Notice a connection that looks open and is dead, and open it anew; ends with Permanent when NATS closes it for good."""
        while not self.closed.done():
            await asyncio.wait((self.closed,), timeout=LIVENESS_SECONDS)
            if self._client.is_connected and not self.closed.done():
                await self._probe()
        raise Permanent("NATS closed the connection for good; see its log for the reason")

    async def _probe(self) -> None:
        try:
            await self._client.flush(timeout=int(LIVENESS_SECONDS))
        except (TimeoutError, NatsError, OSError):
            log.warning("NATS does not answer; connecting anew")
            with suppress(NatsError, OSError):
                await self._client.force_reconnect()


@asynccontextmanager
async def connect(url: str, name: str, token: str | None = None) -> AsyncGenerator[JetStream]:
    """Connect and keep connected, without end; raises Unauthorised, or Unavailable if the first time takes over 30 seconds."""
    client = DirectClient()
    jetstream = JetStream(client)

    options = {
        "servers": url.split(","),
        "name": name,
        "token": token,
        **PATIENCE,
        **_callbacks(client, jetstream),
    }
    await _connected(client, jetstream, options)
    watcher = asyncio.create_task(jetstream.watch())
    try:
        async with jetstream.answering():
            yield jetstream
    finally:
        watcher.cancel()
        with suppress(BaseException):
            await watcher
        with suppress(NatsError, OSError):
            await client.close()


async def _connected(client: DirectClient, jetstream: JetStream, options: dict[str, Any]) -> None:
    connecting = asyncio.ensure_future(client.connect(**options))
    try:
        await asyncio.wait(
            (connecting, jetstream.unwelcome),
            timeout=CONNECT_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if jetstream.unwelcome.done():
            raise Unauthorised(
                "NATS does not let us in; are user, password or token of its address right?"
            )
        if not connecting.done():
            raise Unavailable(
                f"NATS cannot be reached within {CONNECT_SECONDS:.0f} seconds; is its address right (TIDINGS_NATS_URL)?"
            )
        await connecting
    except (NatsError, OSError) as problem:
        raise Unavailable(
            f"NATS cannot be reached ({type(problem).__name__}); is its address right (TIDINGS_NATS_URL)?"
        ) from None
    finally:
        connecting.cancel()


def _fail(answer: asyncio.Future[bytes], reason: str) -> None:
    if not answer.done():
        answer.set_exception(Unavailable(reason))


def _callbacks(client: Client, jetstream: JetStream) -> dict[str, Any]:
    """What nats-py calls; none of these may raise, or its reading ends without a word."""

    async def changed(words: str) -> None:
        if not client.is_closed:
            log.warning(words)
        jetstream.broken()

    async def disconnected() -> None:
        await changed("NATS is away")

    async def reconnected() -> None:
        await changed("NATS is back")

    async def closed() -> None:
        if not jetstream.closed.done():
            jetstream.closed.set_result(None)

    async def error(problem: Exception) -> None:
        log.debug("NATS: %s", type(problem).__name__)
        jetstream.told(str(problem))

    return {
        "disconnected_cb": disconnected,
        "reconnected_cb": reconnected,
        "closed_cb": closed,
        "error_cb": error,
    }


def failure(error: ApiError) -> Exception:
    """The exception that a JetStream error code means."""
    text = f"{error.description} ({error.err_code})"
    if error.err_code in WRONG_SEQUENCE:
        return WrongSequence(text)
    if error.err_code in TRANSIENT or error.code in (429, 503):
        return Unavailable(text)
    return Refused(text)


_answer = msgspec.json.Decoder(Answer)
__all__ = ["ApiError", "Delivery", "JetStream", "connect", "failure"]
