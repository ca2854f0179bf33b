"""The sender to products that Apprise knows, of an allow-list; it needs the extra `chat`.

Apprise opens connections of its own, so only products whose hosts nobody can state are allowed.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from tidings.channels.chat.bodies import MESSAGE_LIMIT_CHARACTERS, ChatText
from tidings.channels.results import Deferred, Failed, SendResult, Sent
from tidings.contracts.graphemes import cut_text
from tidings.domains.addresses.forms import apprise_fault

THREADS = 4
SENT, REFUSED = "sent", "not_taken"


class AppriseSender:
    """Sends texts in threads; Apprise says only whether a text was taken, not why it was not."""

    def __init__(self, apprise: Any) -> None:
        self._apprise = apprise
        self._slots = asyncio.Semaphore(THREADS)

    async def send_text(self, address: str, text: ChatText) -> SendResult:
        """Send a text to an address of the allow-list; raises nothing but cancellation."""
        if apprise_fault(address):
            return Failed(reason="invalid", code="url")
        async with self._slots:
            return await asyncio.to_thread(self._send, address, text)

    def _send(self, address: str, text: ChatText) -> SendResult:
        asset = self._apprise.AppriseAsset(async_mode=False, secure_logging=True)
        sender = self._apprise.Apprise(asset=asset)
        if not sender.add(address):
            return Failed(reason="invalid", code="url")
        message = cut_text(text.message, MESSAGE_LIMIT_CHARACTERS)
        body = "\n".join(part for part in (message, text.link) if part) or text.title
        taken = sender.notify(
            body=body, title=text.title, body_format=self._apprise.NotifyFormat.TEXT
        )
        return Sent(code=SENT) if taken else Deferred(code=REFUSED)


def open_apprise_sender() -> AppriseSender | None:
    """Return a sender, None if Apprise is not installed."""
    try:
        return AppriseSender(import_module("apprise"))
    except ImportError:
        return None
