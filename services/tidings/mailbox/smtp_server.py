"""The SMTP server of the mailbox: keeps each mail that it is given, and passes none on."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP
from tidings.mailbox.store import MailStore

MAIL_LIMIT_BYTES = 2 * 1024 * 1024
RECIPIENTS_LIMIT = 100
SILENCE_LIMIT_SECONDS = 60.0

log = logging.getLogger("tidings.mailbox")


class MailKeeper:
    """Handles the commands of a client; the names of the methods are those of aiosmtpd."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_RCPT(  # noqa: N802
        self, _: Any, __: Any, envelope: Any, address: str, ___: Any
    ) -> str:
        """Take any recipient."""
        if len(envelope.rcpt_tos) >= RECIPIENTS_LIMIT:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail; what cannot be kept now may be sent again."""
        try:
            id = self._store.add(envelope.mail_from or "", envelope.rcpt_tos, envelope.content)
        except OSError as error:
            log.error("a mail cannot be kept: %s", error)
            return "452 4.3.1 the mail cannot be kept now"
        return f"250 2.0.0 kept as {id}"


@asynccontextmanager
async def serve_smtp(store: MailStore, listener: socket.socket) -> AsyncGenerator[None]:
    """Serve SMTP on a socket while the block lasts."""
    loop = asyncio.get_running_loop()
    keeper = MailKeeper(store)

    def protocol() -> SMTP:
        return SMTP(
            keeper,
            data_size_limit=MAIL_LIMIT_BYTES,
            enable_SMTPUTF8=True,
            timeout=SILENCE_LIMIT_SECONDS,
            hostname="localhost",
            ident="Tidings mailbox",
            loop=loop,
        )

    server = await loop.create_server(protocol, sock=listener)
    try:
        yield
    finally:
        server.close()
