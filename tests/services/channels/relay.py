"""A relay on loopback (aiosmtpd) that behaves as the recipient's name says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

RCPT_REPLIES = {
    "greylisted": "450 4.7.1 try again later",
    "unknown": "550 5.1.1 <unknown@example.org>: user unknown in table",
    "bare": "550 no such user",
    "blocked": "550 5.7.1 blocked, see https://example.net",
    "full": "552 5.2.2 mailbox full",
    "disabled": "550 5.2.1 mailbox disabled",
    "sender": "550 5.1.8 sender's domain does not exist",
    "login": "530 5.7.0 Authentication required",
    "forwarded": "251 user not local; will forward",
    "long": "550-" + "5.1.1 " + "\r\n550-".join(["x" * 400] * 20) + "\r\n550 end",
}
DATA_REPLIES = {
    "spam": "554 5.7.1 looks like spam to spam@example.org",
    "later": "451 4.3.0 queue full",
    "closing": "421 4.3.2 shutting down",
}


class Behaviour:
    """The handler of aiosmtpd's hooks; it counts connections and keeps what it took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.took_one = asyncio.Event()
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.closing_for: set[str] = set()

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        """Answer EHLO as usual."""
        session.host_name = hostname
        return replies

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer as the recipient's name says; `once421` closes one connection."""
        name = address.partition("@")[0]
        if name == "once421" and name not in self.closing_for:
            self.closing_for.add(name)
            return "421 4.3.2 closing"
        if name == "always421":
            return "421 4.3.2 closing"
        envelope.rcpt_tos.append(address)
        return RCPT_REPLIES.get(name, "250 2.1.5 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail, or answer as the recipient's name says."""
        name = envelope.rcpt_tos[0].partition("@")[0]
        if name not in DATA_REPLIES:
            self.taken.append(envelope)
            self.took_one.set()
        if name == "hang":
            await asyncio.sleep(60)
        if name == "reset":
            reset_connection(server)
        if name == "endless":
            server._writer.write(b"250-" + b"x" * 2**20)  # pyright: ignore
            await asyncio.sleep(60)
        return DATA_REPLIES.get(name, "250 2.0.0 queued as 42")


class CountedSMTP(SMTP):
    """Counts its connections."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count one, but not when it turns to TLS."""
        behaviour: Behaviour = self.event_handler
        if self._original_transport is None:
            behaviour.connections += 1
            behaviour.open += 1
            behaviour.most_open = max(behaviour.most_open, behaviour.open)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count down."""
        self.event_handler.open -= 1
        super().connection_lost(error)


def reset_connection(server: SMTP) -> None:
    """Close with RST, as a relay does that is killed."""
    transport: Any = server.transport
    opened = transport.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    """Accept one password."""
    return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def run_relay(
    tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncGenerator[tuple[Behaviour, int]]:
    """Run a relay; return what it did, and its port."""
    behaviour = Behaviour()

    def make_protocol() -> SMTP:
        return CountedSMTP(
            behaviour, hostname="relay.test", tls_context=tls, loop=loop, timeout=60, **options
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(make_protocol, "127.0.0.1", 0)
    try:
        yield behaviour, server.sockets[0].getsockname()[1]
    finally:
        server.close()
