"""The store of mails: a file each, written whole or not at all, the oldest deleted first."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from tidings.mailbox.mail import ListedMail, subject_of

MAILS_LIMIT = 500
KEPT_LIMIT_BYTES = 64 * 1024 * 1024
SUFFIX = ".eml"
DRAFT_SUFFIX = ".new"
READ_LIMIT_BYTES = 128 * 1024
"""More than an envelope and the head of a mail, which make its line in the list."""
ENVELOPE = b"X-Tidings-Envelope: "
"""The first line of a file; the mail itself follows, as it came."""


class Envelope(Struct, frozen=True, kw_only=True):
    """Sender and recipients of a mail, as the client named them."""

    sender: str
    recipients: tuple[str, ...]


class MailStore:
    """The mails of a directory, the newest of them last.

    One process writes. `version` changes with every change, and whoever waits for one is woken; it
    begins with the time in milliseconds, so that a process never has that of the one before.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._mails: dict[str, ListedMail] = {}
        self._changed = asyncio.Event()
        self._ends = False
        self.version = time.time_ns() // 1_000_000
        for draft in directory.glob(f"*{DRAFT_SUFFIX}"):
            draft.unlink()
        for file in sorted(directory.glob(f"*{SUFFIX}")):
            with suppress(OSError, ValueError):
                self._list(file.stem, *_read_head(file))
        self._drop_oldest()

    def mails(self, recipient: str | None = None) -> Sequence[ListedMail]:
        """Return the mails, or those to a recipient, the newest first."""
        return [
            mail
            for mail in reversed(self._mails.values())
            if recipient is None or recipient in mail.recipients
        ]

    def content(self, id: str) -> bytes | None:
        """Return a mail as it came, None if there is none of this id."""
        if id not in self._mails:
            return None
        try:
            return self._file(id).read_bytes().partition(b"\n")[2]
        except FileNotFoundError:
            return None

    def add(self, sender: str, recipients: Sequence[str], content: bytes) -> str:
        """Keep a mail; returns its id. Raises OSError if it cannot be stored."""
        id = f"{time.time_ns():020}-{secrets.token_hex(4)}"
        envelope = Envelope(sender=sender, recipients=tuple(recipients))
        body = b"%b%b\n%b" % (ENVELOPE, msgspec.json.encode(envelope), content)
        draft = self._file(id).with_suffix(DRAFT_SUFFIX)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as stream:
            stream.write(body)
        draft.replace(self._file(id))
        self._list(id, body, len(body))
        self._drop_oldest()
        self._note_change()
        return id

    def delete_all(self) -> None:
        """Delete all mails."""
        for id in list(self._mails):
            self._delete(id)
        self._note_change()

    async def wait_for_change(self, version: int, seconds: float) -> None:
        """Wait until the store has another version, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.version == version and not self._ends:
                    await self._changed.wait()

    async def end_waits(self) -> None:
        """Wake whoever waits for a change; nobody waits from now on."""
        self._ends = True
        self._changed.set()

    def _list(self, id: str, body: bytes, size_bytes: int) -> None:
        first, _, content = body.partition(b"\n")
        envelope = msgspec.json.decode(first.removeprefix(ENVELOPE), type=Envelope)
        nanoseconds = int(id.partition("-")[0])
        self._mails[id] = ListedMail(
            id=id,
            received=datetime.fromtimestamp(nanoseconds / 1e9, UTC),
            sender=envelope.sender,
            recipients=envelope.recipients,
            subject=subject_of(content),
            size_bytes=size_bytes - len(first) - 1,
        )

    def _drop_oldest(self) -> None:
        size = sum(mail.size_bytes for mail in self._mails.values())
        while len(self._mails) > MAILS_LIMIT or size > KEPT_LIMIT_BYTES:
            oldest = next(iter(self._mails))
            size -= self._mails[oldest].size_bytes
            self._delete(oldest)

    def _delete(self, id: str) -> None:
        del self._mails[id]
        self._file(id).unlink(missing_ok=True)

    def _note_change(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _file(self, id: str) -> Path:
        return self._directory / f"{id}{SUFFIX}"


def _read_head(file: Path) -> tuple[bytes, int]:
    """Return the beginning of a file, and its size."""
    with file.open("rb") as stream:
        return stream.read(READ_LIMIT_BYTES), os.fstat(stream.fileno()).st_size
