"""A client of nats-py that writes and calls back without its queues."""

# pyright: basic
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nats.aio.client import PING_PROTO, Client
from nats.aio.transport import TcpTransport
from tidings.client.addresses import credentials_of

DIRECT_WRITE_LIMIT_BYTES = 64 * 1024
"""The transport's high-water mark: what it has to send at most when it is written to directly."""

log = logging.getLogger("tidings.nats")


class ReceivedMessage(NamedTuple):
    """A message of a subscription; its header block (ADR-4) is parsed only on demand."""

    subject: str
    data: bytes
    raw_headers: bytes
    reply: str

    @property
    def status(self) -> int:
        """Return the inline status of a control message, 0 for data."""
        # A status follows the version directly: `NATS/1.0 503`.
        return int(self.raw_headers[9:12]) if self.raw_headers[8:9] == b" " else 0

    @property
    def description(self) -> str:
        """Return the text after the status."""
        return self.raw_headers[13:].partition(b"\r\n")[0].decode(errors="replace")

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers."""
        return parse_headers(self.raw_headers)


def parse_headers(head: bytes) -> dict[str, str]:
    """Return a header block as a mapping."""
    lines = head.decode(errors="replace").split("\r\n")[1:]
    return {
        name: value.strip()
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    }


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Return headers as a header block (ADR-4)."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"NATS/1.0\r\n{lines}\r\n".encode()


def encode_publication(subject: str, reply: str, data: bytes, head: bytes) -> bytes:
    """Return a `PUB`, or an `HPUB` if there is a header block, of the NATS client protocol."""
    if not head:
        return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply.encode(), len(data), data)
    size = len(head)
    return b"HPUB %b %b %d %d\r\n%b%b\r\n" % (
        subject.encode(),
        reply.encode(),
        size,
        size + len(data),
        head,
        data,
    )


class DirectClient(Client):
    """Writes publications to the transport itself, and calls the callbacks of `inboxes` directly
    with each message; the rest is nats-py.

    nats-py parses every header, puts each message into a queue and wakes a task for it. That is 9
    of the 16 µs that a followed message costs (measured, nats-py 2.16), in the one event loop of
    the process. A publication it puts into another queue, and wakes another task.
    """

    def __init__(self) -> None:
        super().__init__()
        self._has_token = False
        self.inboxes: dict[int, Callable[[ReceivedMessage], None]] = {}

    def _connect_command(self) -> bytes:
        """Give the server the credentials of its URL decoded, which nats-py does not do."""
        uri = self._current_server.uri if self._current_server else None
        if uri and uri.username is not None and not self._has_token:
            user, password = credentials_of(uri.username, uri.password)
            credentials = {"token": user} if password is None else {"user": user}
            self.options |= {"token": None, "user": None, "password": password} | credentials
        return super()._connect_command()

    async def connect(self, *args: Any, **options: Any) -> None:
        """Connect; a `token` comes before the credentials of URLs."""
        self._has_token = options.get("token") is not None
        await super().connect(*args, **options)

    @property
    def received_count(self) -> int:
        """Return how many messages have been received."""
        return self.stats["in_msgs"]

    def ping(self) -> asyncio.Future[bool]:
        """Send a ping, and return what its answer completes."""
        pong: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._transport is not None:
            # `_send_ping` waits for room in the queue of the flusher, which may be blocked.
            self._pongs.append(pong)
            self._transport.write(PING_PROTO)
        return pong

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        reply: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Publish a message; nats-py does it whenever it could not be written at once."""
        if _is_plain(subject, reply, headers or {}) and len(payload) <= self._max_payload:
            head = encode_headers(headers) if headers else b""
            if self.write_at_once(encode_publication(subject, reply, payload, head)):
                self.stats["out_msgs"] += 1
                self.stats["out_bytes"] += len(payload)
                return
        await super().publish(subject, payload, reply, headers)

    def write_at_once(self, wire: bytes) -> bool:
        """Write commands of the protocol, if nothing waits before them; return whether it did.

        The order is kept: what nats-py holds back goes first, and so it then takes these too. They
        are for nats-py as well while the connection is not open, being drained, closed or full:
        it raises, or waits.
        """
        transport = self._transport
        if (
            self._pending
            or self._status != Client.CONNECTED
            or not isinstance(transport, TcpTransport)
            or transport._io_writer is None
        ):
            return False
        writer = transport._io_writer
        if writer.is_closing() or (
            writer.transport.get_write_buffer_size() + len(wire) > DIRECT_WRITE_LIMIT_BYTES
        ):
            return False
        writer.write(wire)
        return True

    def abort(self) -> None:
        """Drop the connection, with all that is not sent yet."""
        if isinstance(self._transport, TcpTransport) and self._transport._io_writer:
            self._transport._io_writer.transport.abort()

    async def _attempt_reconnect(self) -> None:
        """Connect again; nats-py would first wait until the old server has read all bytes."""
        self.abort()
        await super()._attempt_reconnect()

    async def _process_connect_init(self) -> None:
        """Close the socket of a server that accepts but does not greet, unlike nats-py."""
        try:
            await super()._process_connect_init()
        except BaseException:
            if self._transport is not None:
                self._transport.close()
            raise

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> None:
        callback = self.inboxes.get(sid)
        if callback is None:
            await super()._process_msg(sid, subject, reply, data, headers)
            return
        self.stats["in_msgs"] += 1
        try:
            callback(ReceivedMessage(subject.decode(), data, headers or b"", reply.decode()))
        except Exception:  # else nats-py stops reading the connection
            log.exception("a callback failed")


def _is_plain(subject: str, reply: str, headers: Mapping[str, str]) -> bool:
    """Return whether a publication has nothing that nats-py would refuse or change."""
    return (
        _is_subject(subject)
        and (not reply or _is_subject(reply))
        and all(_is_header_name(name) for name in headers)
        and all(value.isprintable() and value == value.strip() for value in headers.values())
    )


def _is_subject(text: str) -> bool:
    """Return whether a text is printable ASCII without blanks, and not empty."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _is_header_name(text: str) -> bool:
    """Return whether a text has letters and digits of ASCII and hyphens only."""
    return text.isascii() and text.replace("-", "").isalnum()
