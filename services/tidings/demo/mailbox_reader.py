"""The mailbox reader: the mails of a story's users, from the mailbox of this machine."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
from msgspec import Struct
from tidings.runtime.http.problem import Problem

TIMEOUT_SECONDS = 5.0


class UserMails(Struct, frozen=True, kw_only=True):
    """The mails of a user, the newest first; `mailbox` is the page that shows all of them."""

    address: str
    mailbox: str
    mails: list[dict[str, Any]]


class MailboxReader:
    """Reads mails over HTTP; without a mailbox there are none to read."""

    def __init__(self, url: str | None) -> None:
        self._url = url

    async def mails_to(self, address: str) -> UserMails:
        """Return the mails to an address; raises Problem."""
        answer = await self._read("/v1/mails", to=address)
        return UserMails(address=address, mailbox=self._url or "", mails=answer["mails"])

    async def mail_to(self, address: str, id: str) -> Any:
        """Return headers and text of a mail to an address; raises Problem."""
        if not any(mail["id"] == id for mail in (await self.mails_to(address)).mails):
            raise Problem(404, "not found", "there is no such mail")
        return await self._read(f"/v1/mails/{id}")

    async def _read(self, path: str, **query: str) -> Any:
        if self._url is None:
            raise Problem(404, "not found", "no mailbox runs here; `tidings up --demo` runs one")
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                answer = await client.get(f"{self._url}{path}", params=query)
                answer.raise_for_status()
        except httpx.HTTPError:
            raise Problem(503, "unavailable", "the mailbox does not answer; try again") from None
        return msgspec.json.decode(answer.content)
