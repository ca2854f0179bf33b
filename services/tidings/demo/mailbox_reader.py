"""The mailbox reader: the mails of a story's users, from the mailbox of this machine."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx
import msgspec
from msgspec import Struct
from tidings.runtime.http.problem import Problem

TIMEOUT_SECONDS = 5.0


class UserMails(Struct, frozen=True, kw_only=True):
    """The mails of a user, the newest first; `mailbox` is the page that shows all of them.

    It is empty if no mailbox runs here; then nobody gets mails.
    """

    address: str
    mailbox: str
    mails: list[dict[str, Any]]


class MailPage(NamedTuple):
    """The HTML of a mail, and the Content-Security-Policy under which nothing of it runs."""

    content: bytes
    policy: str


class MailboxReader:
    """Reads mails over HTTP; without a mailbox there are none to read."""

    def __init__(self, url: str | None) -> None:
        self._url = url

    async def mails_to(self, address: str) -> UserMails:
        """Return the mails to an address; raises Problem."""
        if self._url is None:
            return UserMails(address=address, mailbox="", mails=[])
        answer = await self._read("/v1/mails", to=address)
        return UserMails(address=address, mailbox=self._url, mails=answer["mails"])

    async def mail_to(self, address: str, id: str) -> Any:
        """Return headers and text of a mail to an address; raises Problem."""
        await self._require_mail(address, id)
        return await self._read(f"/v1/mails/{id}")

    async def html_to(self, address: str, id: str) -> MailPage:
        """Return the HTML of a mail to an address; raises Problem."""
        await self._require_mail(address, id)
        answer = await self._fetch(f"/v1/mails/{id}/html")
        return MailPage(answer.content, answer.headers["content-security-policy"])

    async def _require_mail(self, address: str, id: str) -> None:
        if not any(mail["id"] == id for mail in (await self.mails_to(address)).mails):
            raise Problem(404, "not found", "there is no such mail")

    async def _read(self, path: str, **query: str) -> Any:
        return msgspec.json.decode((await self._fetch(path, **query)).content)

    async def _fetch(self, path: str, **query: str) -> httpx.Response:
        if self._url is None:
            raise Problem(404, "not found", "no mailbox runs here; `tidings up --demo` runs one")
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                answer = await client.get(f"{self._url}{path}", params=query)
                answer.raise_for_status()
        except httpx.HTTPError:
            raise Problem(503, "unavailable", "the mailbox does not answer; try again") from None
        return answer
