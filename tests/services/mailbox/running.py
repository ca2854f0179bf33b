"""A mailbox that runs in the process of the tests, and a client of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiosmtplib
import httpx
from tidings.mailbox.mailbox import MailboxAddresses, run_mailbox
from tidings.runtime.settings import Settings


class RunningMailbox(NamedTuple):
    """A mailbox that runs, and a client of it."""

    addresses: MailboxAddresses
    client: httpx.AsyncClient

    async def send(self, content: bytes, *recipients: str) -> None:
        """Send a mail by a real SMTP client."""
        to = recipients or ("b@x.example",)
        await aiosmtplib.send(
            content,
            sender="a@x.example",
            recipients=[*to],
            hostname="127.0.0.1",
            port=self.addresses.smtp_port,
            start_tls=False,
        )

    async def mails(self, **query: Any) -> list[dict[str, Any]]:
        """Return the list of mails."""
        return (await self.client.get("/v1/mails", params=query)).json()["mails"]


@asynccontextmanager
async def running_mailbox(directory: Path) -> AsyncIterator[RunningMailbox]:
    """Run a mailbox that keeps its mails in a directory."""
    ready: asyncio.Future[MailboxAddresses] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_mailbox(Settings(), directory, 0, 0, ready.set_result))
    try:
        await asyncio.wait((ready, task), return_when=asyncio.FIRST_COMPLETED)
        addresses = ready.result() if ready.done() else task.result()
        assert addresses
        async with httpx.AsyncClient(base_url=addresses.url) as client:
            yield RunningMailbox(addresses, client)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
