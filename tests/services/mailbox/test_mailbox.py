"""The mailbox: takes any mail of a real client, keeps it, and shows it without running it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiosmtplib
import httpx
import pytest
from playwright.async_api import Browser, expect
from tidings.mailbox import store as stores
from tidings.mailbox.mailbox import MailboxAddresses, run_mailbox
from tidings.mailbox.store import MailStore
from tidings.runtime.settings import Settings

from tests.waiting import wait_until
from tests.web.conftest import chromium as chromium

PLAIN = b"Subject: Hello\r\nFrom: a@x.example\r\nTo: b@x.example\r\n\r\nWater the seedlings\r\n"
EVIL = (
    b"Subject: <script>alert(1)</script>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p id=seen>Read me</p><script>document.title='ran'</script>"
    b"<img src=http://127.0.0.1:1/x.png onerror=\"document.title='ran'\">"
    b"<a href=https://x.example/>Open</a>\r\n"
)


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


def files_of(directory: Path, pattern: str) -> int:
    return len(list(directory.glob(pattern)))


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


@pytest.fixture
async def mailbox(tmp_path: Path) -> AsyncIterator[RunningMailbox]:
    async with running_mailbox(tmp_path) as running:
        yield running


async def test_a_mail_is_listed_and_read_with_all_that_it_says(mailbox: RunningMailbox) -> None:
    await mailbox.send(PLAIN, "b@x.example", "c@x.example")
    (mail,) = await mailbox.mails()
    content = (await mailbox.client.get(f"/v1/mails/{mail['id']}")).json()
    source = (await mailbox.client.get(f"/v1/mails/{mail['id']}/source")).content

    assert (mail["subject"], mail["sender"]) == ("Hello", "a@x.example")
    assert mail["recipients"] == ["b@x.example", "c@x.example"]
    assert content["text"].strip() == "Water the seedlings"
    assert {"name": "From", "value": "a@x.example"} in content["headers"]
    assert source.strip() == PLAIN.strip()
    assert await mailbox.mails(to="c@x.example") == [mail]
    assert await mailbox.mails(to="d@x.example") == []


async def test_a_reader_who_waits_is_told_of_a_new_mail(mailbox: RunningMailbox) -> None:
    before = (await mailbox.client.get("/v1/mails")).json()["version"]
    waiting = asyncio.create_task(mailbox.mails(after=before, wait=20))
    await asyncio.sleep(0.1)
    assert not waiting.done()

    await mailbox.send(PLAIN)

    assert len(await waiting) == 1


@pytest.mark.parametrize(
    ("content", "subject"),
    [
        (b"\r\n", ""),
        (b"Subject: =?utf-8?q?=00=07Caf=C3=A9?=\r\n\r\nx", "Café"),
        (b"Subject: =?no-such?q?x?=\r\n\r\nx", "x"),
        (b"Content-Type: text/plain; charset=no-such\r\nSubject: Odd\r\n\r\n\xff", "Odd"),
        (b"X: y\r\n" * 1000 + b"Subject: Late\r\n\r\nx", "Late"),
        (b"From: <<>@@\r\nDate: never\r\nSubject: Bad head\r\n\r\nx", "Bad head"),
    ],
    ids=["empty", "nul", "codec", "charset", "headers", "syntax"],
)
async def test_a_hostile_mail_is_shown_as_far_as_it_can_be_read(
    mailbox: RunningMailbox, content: bytes, subject: str
) -> None:
    await mailbox.send(content)
    (mail,) = await mailbox.mails()

    assert mail["subject"] == subject
    for view in ("", "/html", "/source"):
        assert (await mailbox.client.get(f"/v1/mails/{mail['id']}{view}")).status_code == 200


async def test_deeply_nested_parts_do_no_harm(mailbox: RunningMailbox) -> None:
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (depth, depth)
        for depth in range(200)
    )
    await mailbox.send(b"Subject: Deep\r\n" + nested)

    (mail,) = await mailbox.mails()
    assert (await mailbox.client.get(f"/v1/mails/{mail['id']}")).status_code == 200


async def test_a_mail_that_is_too_large_is_refused_and_not_kept(mailbox: RunningMailbox) -> None:
    with pytest.raises(aiosmtplib.SMTPResponseException) as refusal:
        await mailbox.send(PLAIN + b"x" * 3 * 1024 * 1024)

    assert refusal.value.code == 552
    assert await mailbox.mails() == []


async def test_a_page_of_another_name_or_site_gets_nothing(mailbox: RunningMailbox) -> None:
    await mailbox.send(PLAIN)
    rebound = await mailbox.client.get("/v1/mails", headers={"Host": "evil.example"})
    foreign = await mailbox.client.delete("/v1/mails", headers={"Sec-Fetch-Site": "cross-site"})

    assert (rebound.status_code, foreign.status_code) == (421, 403)
    assert len(await mailbox.mails()) == 1
    assert (await mailbox.client.delete("/v1/mails")).status_code == 204
    assert await mailbox.mails() == []


async def test_mails_are_there_after_a_restart_and_no_half_ones(tmp_path: Path) -> None:
    async with running_mailbox(tmp_path) as mailbox:
        await mailbox.send(PLAIN)
    (tmp_path / "9-aa.new").write_bytes(b"half")
    (tmp_path / "8-bb.eml").write_bytes(b"of another program")

    async with running_mailbox(tmp_path) as mailbox:
        assert [mail["subject"] for mail in await mailbox.mails()] == ["Hello"]
    assert files_of(tmp_path, "*.new") == 0


async def test_the_oldest_mails_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MAILS_LIMIT", 3)
    kept = MailStore(tmp_path)
    ids = [kept.add("a@x.example", ["b@x.example"], b"x" * 100) for _ in range(5)]
    assert [mail.id for mail in kept.mails()] == ids[:1:-1]

    monkeypatch.setattr(stores, "KEPT_LIMIT_BYTES", 250)
    last = kept.add("a@x.example", ["b@x.example"], b"x" * 100)

    assert [mail.id for mail in kept.mails()] == [last, ids[-1]]
    assert files_of(tmp_path, "*.eml") == 2


async def test_a_killed_mailbox_lists_only_whole_mails(tmp_path: Path) -> None:
    command = (sys.executable, "-P", "-m", "tidings.cli", "mailbox", "--smtp-port", "0")
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--port", "0", "--data-dir", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    lines = [await process.stderr.readline() for _ in range(3)]
    assert (await process.stdout.readline()).startswith(b"ready http://127.0.0.1:")
    port = int(lines[2].rpartition(b"=")[2])
    acknowledged = 0

    async def send_until_it_ends() -> None:
        nonlocal acknowledged
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            while True:
                await client.sendmail("a@x.example", ["b@x.example"], PLAIN + b"line\r\n" * 10_000)
                acknowledged += 1

    sending = asyncio.create_task(send_until_it_ends())
    await wait_until(lambda: _is_true(acknowledged >= 5))
    process.kill()
    await process.wait()
    await asyncio.gather(sending, return_exceptions=True)

    kept = MailStore(tmp_path / "mail")
    assert len(kept.mails()) >= acknowledged
    assert {mail.size_bytes for mail in kept.mails()} == {kept.mails()[0].size_bytes}


async def test_its_page_shows_mails_as_they_come_and_runs_nothing_of_them(
    mailbox: RunningMailbox, chromium: Browser
) -> None:
    page = await chromium.new_page(viewport={"width": 320, "height": 640})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(mailbox.addresses.url)
    await expect(page.get_by_text("No mail yet.")).to_be_visible()

    await mailbox.send(EVIL)
    await page.get_by_role("button", name="<script>alert(1)</script>").click()
    frame = page.frame_locator("#html")

    await expect(frame.locator("#seen")).to_have_text("Read me")
    await expect(page.get_by_role("heading", level=2)).to_have_text("<script>alert(1)</script>")
    assert await page.title() == "Mailbox · Tidings"
    assert await frame.locator("html").evaluate("document.title") == ""
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="<script>alert(1)</script>")).to_be_focused()
    await page.close()
    assert errors == []


async def _is_true(value: bool) -> bool:
    return value
