"""A mail server that keeps what it is given, and channels that send to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, NamedTuple

import msgspec
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import Envelope
from tidings.channels.channels import run_channels
from tidings.channels.lanes import open_lanes
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings

ACCEPTED = "250 OK"


class ReceivedMail(NamedTuple):
    """A mail as the server took it; `sender`: the address that bounces go to."""

    recipient: str
    message: EmailMessage
    sender: str = ""

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The decoded text part."""
        part = self.message.get_body(("plain",))
        assert part
        return part.get_content()


class Mailbox:
    """Keeps all mails; `refusals`: what the server answers to the name of a recipient.

    `farewells`: how many connections ended by QUIT.
    """

    def __init__(self) -> None:
        self.mails: list[ReceivedMail] = []
        self.farewells = 0
        self.refusals: dict[str, str] = {}
        self._arrived = asyncio.Event()

    async def handle_DATA(  # noqa: N802  the name that aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        """Take a mail, as aiosmtpd's handlers do."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        sender = envelope.mail_from or ""
        self.mails.append(ReceivedMail(envelope.rcpt_tos[0], message, sender))
        self._arrived.set()
        return ACCEPTED

    async def handle_RCPT(  # noqa: N802  the name that aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take a recipient, or refuse it."""
        if refusal := self.refusals.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_QUIT(  # noqa: N802  the name that aiosmtpd calls
        self, _server: Any, _session: Any, _envelope: Envelope
    ) -> str:
        """Count a client that takes leave."""
        self.farewells += 1
        return "221 Bye"

    async def wait_for(self, recipient: str, count: int = 1) -> list[ReceivedMail]:
        """Return the mails of a recipient once there are `count`; raises TimeoutError."""
        async with asyncio.timeout(60):
            while len(found := self.of(recipient)) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return found

    def of(self, recipient: str) -> list[ReceivedMail]:
        """Return the mails of a recipient, the earliest first."""
        return [mail for mail in self.mails if mail.recipient == recipient]


@asynccontextmanager
async def serve_mailbox() -> AsyncIterator[tuple[Mailbox, int]]:
    """Run a mail server; yield what it keeps, and its port."""
    mailbox = Mailbox()
    controller = UnthreadedController(
        mailbox, hostname="127.0.0.1", port=0, loop=asyncio.get_running_loop()
    )
    server: Any = await controller._create_server()  # pyright: ignore[reportPrivateUsage]
    try:
        yield mailbox, server.sockets[0].getsockname()[1]
    finally:
        server.close()


def with_relay(settings: Settings, port: int, **more: Any) -> Settings:
    """Return settings by which mails go to a port of this machine."""
    return msgspec.structs.replace(
        settings,
        smtp_host="127.0.0.1",
        smtp_port=port,
        channel_secret="s" * 32,
        **more,
    )


@asynccontextmanager
async def running_channels(
    settings: Settings, tls_context: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Run the channels in this process while the block lasts; yields once they lead."""
    ready = asyncio.Event()
    async with (
        open_lanes(settings, tls_context) as lanes,
        open_runtime(settings, "channels") as runtime,
    ):
        task = asyncio.create_task(run_channels(runtime, lanes, ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
