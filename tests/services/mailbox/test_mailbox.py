"""The mailbox: takes any mail of a real client, keeps it, and shows it without running it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from tidings.mailbox import store as stores
from tidings.mailbox.mail import content_of
from tidings.mailbox.mailbox import run_mailbox
from tidings.mailbox.store import MailStore
from tidings.processes.mailbox_ports import MailboxPorts
from tidings.runtime.embedded.data_directory import DataDirectoryInUse
from tidings.runtime.settings import Settings

from tests.acceptance.faults import Process
from tests.services.mailbox.running import RunningMailbox, running_mailbox
from tests.waiting import wait_until

PLAIN = b"Subject: Hello\r\nFrom: a@x.example\r\nTo: b@x.example\r\n\r\nWater the seedlings\r\n"
MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
SLOW = (
    b"Content-Type: text/plain; charset=punycode\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
HOSTILE_SECONDS = 4.0
"""Most of what a hostile mail may take; without limits some of them take minutes."""


def _nested(depth: int) -> bytes:
    """Return the head of a mail of so many parts, each inside the one before."""
    return b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (each, each)
        for each in range(depth)
    )


def files_of(directory: Path, pattern: str) -> int:
    return len(list(directory.glob(pattern)))


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


async def test_a_reader_who_waits_does_not_delay_the_end(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as reader:
        async with running_mailbox(tmp_path) as mailbox:
            version = (await mailbox.client.get("/v1/mails")).json()["version"]
            query = {"after": version, "wait": 20}
            waiting = asyncio.create_task(
                reader.get(f"{mailbox.addresses.url}/v1/mails", params=query)
            )
            await asyncio.sleep(0.2)
            began = time.monotonic()
        assert time.monotonic() - began < 3
        assert (await waiting).json()["version"] == version


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
        (b"Subject: =?no-such?q?x?=\r\n\r\nx", "=?no-such?q?x?="),
        (b"Content-Type: text/plain; charset=no-such\r\nSubject: Odd\r\n\r\n\xff", "Odd"),
        (b"X: y\r\n" * 1000 + b"Subject: Late\r\n\r\nx", "Late"),
        (b"From: <<>@@\r\nDate: never\r\nSubject: Bad head\r\n\r\nx", "Bad head"),
        (b"Subject: Half\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA-", "Half"),
        (b"Subject: List\r\nTo: " + b"a@b.example,\r\n " * 100_000 + b"\r\n\r\nx", "List"),
        (b"Subject: Deep\r\n" + _nested(5000), "Deep"),
        (b"Subject: Slow\r\n" + SLOW + b"a-" + (b"abc" * 300 + b"=\r\n") * 600, "Slow"),
    ],
    ids=[
        *("empty", "nul", "codec", "charset", "headers", "syntax"),
        *("surrogate", "addresses", "nested", "punycode"),
    ],
)
async def test_a_hostile_mail_is_shown_as_far_as_it_can_be_read(
    mailbox: RunningMailbox, content: bytes, subject: str
) -> None:
    began = time.monotonic()
    await mailbox.send(content)
    (mail,) = await mailbox.mails()

    assert mail["subject"] == subject
    for view in ("", "/html", "/source"):
        assert (await mailbox.client.get(f"/v1/mails/{mail['id']}{view}")).status_code == 200
    assert time.monotonic() - began < HOSTILE_SECONDS


def test_a_mail_of_too_many_parts_is_shown_as_it_came() -> None:
    assert content_of(MIXED + b"--b\r\n\r\none\r\n" * 3).text == "one"
    assert content_of(MIXED + b"--b\r\n\r\none\r\n" * 2000).text.count("--b") == 2000


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


async def test_a_page_that_posts_to_the_smtp_port_leaves_no_mail(mailbox: RunningMailbox) -> None:
    lines = ("HELO x", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "DATA", "x", ".", "QUIT")
    async with httpx.AsyncClient() as page:
        with pytest.raises(httpx.HTTPError):
            await page.post(
                f"http://127.0.0.1:{mailbox.addresses.smtp_port}/",
                content="".join(f"{line}\r\n" for line in lines),
            )

    assert await mailbox.mails() == []


async def test_mails_are_there_after_a_restart_and_no_half_ones(tmp_path: Path) -> None:
    async with running_mailbox(tmp_path) as mailbox:
        await mailbox.send(PLAIN)
    (tmp_path / "9-aa.new").write_bytes(b"half")
    (tmp_path / "8-bb.eml").write_bytes(b"of another program")

    async with running_mailbox(tmp_path) as mailbox:
        assert [mail["subject"] for mail in await mailbox.mails()] == ["Hello"]
    assert files_of(tmp_path, "*.new") == 0


async def test_a_second_mailbox_on_the_same_mails_is_refused(
    mailbox: RunningMailbox, tmp_path: Path
) -> None:
    with pytest.raises(DataDirectoryInUse, match=f"{tmp_path} is in use"):
        await run_mailbox(Settings(), tmp_path, 0, 0, lambda _: None)


def test_up_has_a_mailbox_only_if_mails_have_no_other_way() -> None:
    assert MailboxPorts.choose(Settings())
    assert MailboxPorts.choose(Settings(smtp_host="smtp.example.org", demo=True)) is None
    assert MailboxPorts.choose(Settings(mailbox=False, demo=True)) is None


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
    words = ("mailbox", "--smtp-port", "0", "--port", "0", "--data-dir", str(tmp_path))
    process = Process(words, {}, tmp_path / "log")
    assert (await process.start()).startswith("http://127.0.0.1:")
    _, _, after = process.read_log().partition("TIDINGS_SMTP_PORT=")
    port = int(after.split()[0])
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


async def _is_true(value: bool) -> bool:
    return value
