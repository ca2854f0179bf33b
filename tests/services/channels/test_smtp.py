"""SMTP against a real relay: only a lost answer to the final dot leaves a doubt."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from tidings.channels.email.compose import ComposedMail
from tidings.channels.email.relay import Relay, Timeouts
from tidings.channels.email.smtp import SmtpClient
from tidings.channels.results import Deferred, Doubtful, Failed, LanePaused, SendResult, Sent

from tests.services.channels.mails import compose, make_notification
from tests.services.channels.relay import Behaviour, authenticate, run_relay

QUICK = Timeouts(connect_seconds=2, command_seconds=2, dot_seconds=0.5)


def mail_to(name: str, message: str = "Water the seedlings") -> ComposedMail:
    """Return a mail that the relay treats as the name says."""
    return compose(make_notification(message=message), recipient=f"{name}@example.org")


@asynccontextmanager
async def open_client(port: int, **changes: Any) -> AsyncIterator[SmtpClient]:
    """Open a client of a relay on loopback."""
    relay = Relay("127.0.0.1", port, tls="off", timeouts=QUICK, local_name="here.test")
    client = SmtpClient(relay._replace(**changes))
    try:
        yield client
    finally:
        await client.aclose()


async def send_one(name: str) -> tuple[SendResult, Behaviour]:
    """Send one mail to a fresh relay."""
    async with run_relay() as (behaviour, port), open_client(port) as client:
        return await client.send_mail(mail_to(name)), behaviour


async def test_a_mail_arrives_as_it_was_composed() -> None:
    mail = mail_to("alice", "one\n.\n..two\n.three\n\nFrom here")

    async with run_relay() as (behaviour, port), open_client(port) as client:
        result = await client.send_mail(mail)

    assert result == Sent(code="250 2.0.0", reply="2.0.0 queued as 42")
    (taken,) = behaviour.taken
    assert taken.content == mail.content
    assert (taken.mail_from, taken.rcpt_tos) == (mail.sender, ["alice@example.org"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("greylisted", "450 4.7.1"),
        ("later", "451 4.3.0"),
        ("always421", "421 4.3.2"),
        ("closing", "421 4.3.2"),
    ],
)
async def test_a_temporary_refusal_defers(name: str, code: str) -> None:
    result, behaviour = await send_one(name)

    assert isinstance(result, Deferred) and result.code == code
    assert result.after_seconds is None and not behaviour.taken


@pytest.mark.parametrize(
    ("name", "code", "gone"),
    [
        ("unknown", "550 5.1.1", True),
        ("bare", "550", True),
        ("disabled", "550 5.2.1", True),
        ("blocked", "550 5.7.1", False),
        ("full", "552 5.2.2", False),
        ("sender", "550 5.1.8", False),
        ("spam", "554 5.7.1", False),
    ],
)
async def test_of_final_refusals_only_a_missing_mailbox_suppresses(
    name: str, code: str, gone: bool
) -> None:
    result, _ = await send_one(name)

    assert isinstance(result, Failed) and result.code == code
    assert (result.reason, result.suppress) == (("gone", "bounced") if gone else ("refused", None))


async def test_a_relay_that_forwards_has_taken_it() -> None:
    assert isinstance((await send_one("forwarded"))[0], Sent)


@pytest.mark.parametrize("name", ["hang", "reset", "endless"])
async def test_only_a_lost_answer_to_the_dot_is_doubtful(name: str) -> None:
    result, behaviour = await send_one(name)

    assert isinstance(result, Doubtful)
    assert len(behaviour.taken) == 1
    assert result.code == {"hang": "timeout", "endless": "malformed_reply"}.get(
        name, "disconnected"
    )


async def test_replies_are_cut_and_name_no_address() -> None:
    for name in ("unknown", "spam", "long"):
        result, _ = await send_one(name)

        assert isinstance(result, Failed)
        assert len(result.reply) <= 300 and "@" not in result.reply
        assert "\n" not in result.reply and "unknown@" not in result.reply


async def test_a_demand_to_log_in_pauses_the_lane() -> None:
    result, _ = await send_one("login")

    assert isinstance(result, LanePaused) and result.code == "530 5.7.0"


async def test_a_wrong_password_pauses_the_lane_and_a_right_one_sends() -> None:
    certificates = Certificates("127.0.0.1")
    encrypted = {"tls": "starttls", "tls_context": certificates.client}
    async with run_relay(certificates.relay, authenticator=authenticate, auth_required=True) as (
        behaviour,
        port,
    ):
        async with open_client(port, **encrypted, user="tidings", password="wrong") as client:
            wrong = await client.send_mail(mail_to("alice"))
        async with open_client(port, **encrypted) as client:
            none = await client.send_mail(mail_to("alice"))
        async with open_client(port, **encrypted, user="tidings", password="right") as client:
            right = await client.send_mail(mail_to("alice"))

    assert isinstance(wrong, LanePaused) and wrong.code.startswith("535")
    assert isinstance(none, LanePaused) and none.code.startswith("530")
    assert isinstance(right, Sent) and len(behaviour.taken) == 1
    assert "wrong" not in wrong.reply


async def test_mails_share_connections_of_which_there_are_at_most_so_many() -> None:
    async with run_relay() as (behaviour, port), open_client(port, connections=3) as client:
        results = await asyncio.gather(*(client.send_mail(mail_to("alice")) for _ in range(30)))
        again = await client.send_mail(mail_to("alice"))

    assert all(isinstance(each, Sent) for each in (*results, again))
    assert len(behaviour.taken) == 31
    assert behaviour.connections <= 3 and behaviour.most_open <= 3


async def test_a_refused_mail_leaves_its_connection_to_the_next() -> None:
    async with run_relay() as (behaviour, port), open_client(port, connections=1) as client:
        results = [
            await client.send_mail(mail_to(name))
            for name in ("unknown", "greylisted", "spam", "alice")
        ]

    assert isinstance(results[-1], Sent) and behaviour.connections == 1


async def test_a_connection_that_closed_meanwhile_is_replaced_at_once() -> None:
    async with run_relay() as (behaviour, port), open_client(port, connections=1) as client:
        await client.send_mail(mail_to("alice"))
        in_the_middle = await client.send_mail(mail_to("once421"))

    assert isinstance(in_the_middle, Sent)
    assert len(behaviour.taken) == behaviour.connections == 2


async def test_a_connection_is_renewed_after_so_many_mails() -> None:
    async with (
        run_relay() as (behaviour, port),
        open_client(port, connections=1, mails_limit=2) as client,
    ):
        for _ in range(5):
            assert isinstance(await client.send_mail(mail_to("alice")), Sent)

    assert behaviour.connections == 3


async def test_no_relay_defers() -> None:
    async with run_relay() as (_, port):
        pass
    async with open_client(port) as client:
        assert isinstance(await client.send_mail(mail_to("alice")), Deferred)


async def test_a_relay_that_never_greets_defers_in_time() -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    begun = time.monotonic()
    async with open_client(port, timeouts=QUICK._replace(connect_seconds=0.3)) as client:
        result = await client.send_mail(mail_to("alice"))
    server.close()

    assert isinstance(result, Deferred) and result.code == "timeout"
    assert time.monotonic() - begun < 5


class Certificates:
    """An authority, and contexts of a relay with a name, and of a client that trusts it."""

    def __init__(self, name: str) -> None:
        authority = trustme.CA()
        self.relay = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(self.relay)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


async def test_a_mail_goes_out_encrypted_to_a_relay_with_a_valid_certificate() -> None:
    certificates = Certificates("127.0.0.1")

    async with (
        run_relay(certificates.relay, require_starttls=True) as (behaviour, port),
        open_client(port, tls="starttls", tls_context=certificates.client) as client,
    ):
        result = await client.send_mail(mail_to("alice"))

    assert isinstance(result, Sent) and len(behaviour.taken) == 1


@pytest.mark.parametrize("wrong", ["name", "authority"])
async def test_nothing_is_sent_under_a_wrong_certificate(wrong: str) -> None:
    certificates = Certificates("other.test" if wrong == "name" else "127.0.0.1")
    trusted = certificates.client if wrong == "name" else ssl.create_default_context()

    async with (
        run_relay(certificates.relay) as (behaviour, port),
        open_client(port, tls="starttls", tls_context=trusted) as client,
    ):
        result = await client.send_mail(mail_to("alice"))

    assert isinstance(result, Deferred) and result.code == "tls"
    assert not behaviour.taken


async def test_without_starttls_the_lane_pauses_and_nothing_is_sent() -> None:
    async with run_relay() as (behaviour, port), open_client(port, tls="starttls") as client:
        result = await client.send_mail(mail_to("alice"))

    assert isinstance(result, LanePaused) and result.code == "no_starttls"
    assert not behaviour.taken


async def test_a_cancelled_mail_gives_its_connection_up() -> None:
    async with run_relay() as (behaviour, port), open_client(port, connections=1) as client:
        task = asyncio.create_task(client.send_mail(mail_to("hang")))
        await behaviour.took_one.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert isinstance(await client.send_mail(mail_to("alice")), Sent)
        assert behaviour.connections == 2
