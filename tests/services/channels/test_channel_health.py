"""The doctor's findings about channels, on a real relay, and on rows of the read models."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tidings.channels.operators.health import channel_checks
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings

from tests.driver import Tidings
from tests.services.channels.mailbox import running_channels, serve_mailbox, with_relay
from tests.services.channels.relay import run_relay
from tests.services.channels.test_delivery_requests import wait_for_state
from tests.services.channels.test_mails import announce, join


async def found(runtime: Runtime, **settings: Any) -> dict[str, tuple[bool, str]]:
    """Return the findings of all checks, by their subject."""
    changed = msgspec.structs.replace(runtime.settings, **settings)
    own = Runtime(changed, runtime.jetstream, runtime.postgres, runtime.epochs, runtime.own_ids)
    findings = [await check(own) for check in channel_checks(changed)]
    return {subject: (healthy, message) for subject, healthy, message in findings}


def test_without_channels_nothing_is_checked() -> None:
    assert channel_checks(Settings()) == ()


async def test_a_relay_is_greeted_and_its_sender_judged(tidings: Tidings) -> None:
    async with run_relay() as (_, port):
        told = await found(tidings.runtime, smtp_host="127.0.0.1", smtp_port=port)
    gone = await found(
        tidings.runtime, smtp_host="127.0.0.1", smtp_port=port, email_from="Tidings <@>"
    )
    elsewhere = await found(tidings.runtime, smtp_host="smtp.invalid", smtp_port=port)

    assert told["mail relay"][0]
    assert "greets without encryption, and takes mails up to" in told["mail relay"][1]
    assert told["sender of mails"][0]
    assert told["clocks"] == (True, "those of NATS and this host agree to 0.0 s")
    assert not gone["mail relay"][0]
    assert not gone["sender of mails"][0]
    assert "from which no other server takes mails" in elsewhere["sender of mails"][1]


async def test_a_relay_that_takes_only_small_mails_is_told(tidings: Tidings) -> None:
    async with run_relay(data_size_limit=20_000) as (_, port):
        told = await found(tidings.runtime, smtp_host="127.0.0.1", smtp_port=port)

    assert told["mail relay"] == (
        False,
        f"127.0.0.1:{port} greets without encryption, and takes mails up to 20000 bytes;"
        " summaries may be larger: raise the limit of the relay",
    )


async def test_what_failed_and_what_waits_too_long_is_counted(
    tidings: Tidings, chosen: Settings, url: str
) -> None:
    async with serve_mailbox() as (mailbox, port):
        settings = with_relay(chosen, port)
        async with running_channels(settings):
            address = await join(tidings)
            mailbox.refusals[address] = f"550 5.1.1 <{address}> no such user"
            await announce(tidings, "Hello")
            await wait_for_state(tidings, "failed")
        told = await found(tidings.runtime, smtp_host="127.0.0.1", smtp_port=port)
    async with tidings.runtime.postgres.connection() as connection:
        await connection.execute(
            b"UPDATE deliveries.delivery SET state = 'ordered', changed = now() - interval '1 hour'"
            b" WHERE tenant = %s",
            (tidings.tenant,),
        )
    late = await found(tidings.runtime, smtp_host="127.0.0.1", smtp_port=port)
    async with tidings.runtime.postgres.connection() as connection:
        await connection.execute(
            b"UPDATE deliveries.delivery SET state = 'failed' WHERE tenant = %s", (tidings.tenant,)
        )

    assert "`tidings deliveries --failed` lists them" in told["failed deliveries"][1]
    assert told["suppressed addresses"][1] != "none"
    assert not late["overdue deliveries"][0]
    assert "is `tidings channels` running?" in late["overdue deliveries"][1]


async def test_a_server_that_fails_is_a_finding(tidings: Tidings) -> None:
    runtime = tidings.runtime
    async with runtime.postgres.connection() as connection:
        await connection.execute(b"ALTER SCHEMA deliveries RENAME TO deliveries_away")
    try:
        told = await found(runtime, smtp_host="127.0.0.1", smtp_port=1)
    finally:
        async with runtime.postgres.connection() as connection:
            await connection.execute(b"ALTER SCHEMA deliveries_away RENAME TO deliveries")

    assert not told["overdue deliveries"][0]
    assert "deliveries" in told["overdue deliveries"][1]


pytestmark = pytest.mark.usefixtures("url")
