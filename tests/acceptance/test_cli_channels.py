"""`tidings channels test`: one real message now, and what came of it; and the doctor's rows."""

from __future__ import annotations

from tests.acceptance.command import Command
from tests.services.channels.mailbox import serve_mailbox

ADDRESS = "you@example.org"


async def test_a_test_mail_leaves_and_the_answer_is_told(cli: Command) -> None:
    async with serve_mailbox() as (mailbox, port):
        cli.environment |= _relay(port)
        taken = await cli.read_output("channels", "test", "email", "--to", ADDRESS)
        mailbox.refusals["no@example.org"] = "550 5.1.1 <no@example.org> unknown"
        refused = await cli("channels", "test", "email", "--to", "no@example.org")

    (mail,) = mailbox.mails
    assert (mail.recipient, mail.subject) == (ADDRESS, "Mails work")
    assert taken == "✓ the other side took it: 250 OK\n"
    assert refused.code == 1
    assert refused.out == "✗ it was refused for good: 550 5.1.1 <address> unknown\n"


async def test_a_test_in_another_language(cli: Command) -> None:
    async with serve_mailbox() as (mailbox, port):
        cli.environment |= _relay(port)
        await cli.read_output("channels", "test", "email", "--to", ADDRESS, "--locale", "de")

    assert mailbox.mails[0].subject == "E-Mails kommen an"


async def test_a_test_webhook_is_guarded(cli: Command) -> None:
    cli.environment |= {"TIDINGS_CHANNEL_SECRET": "s" * 32}

    refused = await cli("channels", "test", "webhook", "--to", "https://127.0.0.1/hook")

    assert refused.code == 1
    assert "forbidden_address" in refused.out
    assert "signed with whsec_" in refused.out


async def test_what_is_not_set_up_is_named(cli: Command) -> None:
    mails = await cli.read_error("channels", "test", "email", "--to", ADDRESS)
    webhooks = await cli.read_error("channels", "test", "webhook", "--to", "https://x.example/")

    assert mails.startswith("error: mails are not set up here: set TIDINGS_SMTP_HOST")
    assert webhooks.startswith("error: webhooks are not set up here: set TIDINGS_WEBHOOKS=true")


async def test_the_doctor_looks_at_channels_that_are_set_up(cli: Command) -> None:
    without = await cli("doctor")
    async with serve_mailbox() as (_, port):
        cli.environment |= _relay(port)
        told = await cli("doctor")

    assert "mail relay" not in without.out
    assert f"✓ mail relay: 127.0.0.1:{port} greets without encryption" in told.out
    for subject in ("clocks", "doubtful deliveries", "failed deliveries", "suppressed addresses"):
        assert f"✓ {subject}: " in told.out


def _relay(port: int) -> dict[str, str]:
    return {
        "TIDINGS_SMTP_HOST": "127.0.0.1",
        "TIDINGS_SMTP_PORT": str(port),
        "TIDINGS_CHANNEL_SECRET": "s" * 32,
    }
