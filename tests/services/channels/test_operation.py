"""The channels in operation: its metrics, readiness, and leave of the relay."""

from __future__ import annotations

import asyncio

import httpx
from tidings.processes.compose import channels_process
from tidings.runtime.settings import Settings

from tests.driver import Tidings
from tests.metrics_page import check_documented, read_metrics, wait_for_value
from tests.ports import find_free_port
from tests.services.channels.mailbox import serve_mailbox, with_relay
from tests.services.channels.test_mails import announce, join
from tests.waiting import wait_until


async def test_the_process_counts_what_it_sends_and_says_that_it_is_ready(
    tidings: Tidings, chosen: Settings
) -> None:
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    address = await join(tidings)
    refused = await join(tidings, "unread", user="bob", after_seconds=1)

    async with serve_mailbox() as (mailbox, relay):
        mailbox.refusals[refused] = "550 5.7.1 no"
        settings = with_relay(chosen, relay, metrics_port=port)
        process = asyncio.create_task(channels_process(settings))
        try:
            await wait_until(lambda: _is_ready(url))
            await announce(tidings, "Counted")
            await mailbox.wait_for(address)
            await announce(tidings, "Refused", to={"users": ["bob"]})
            await wait_for_value(
                url, 1, "tidings_channel_attempts_total", channel="email", state="sent"
            )
            await wait_for_value(url, 1, "tidings_channel_attempts_total", state="failed")
            page = await read_metrics(url)
        finally:
            process.cancel()
            await asyncio.gather(process, return_exceptions=True)

    check_documented(page)
    assert page.value("tidings_channel_attempt_seconds_count", channel="email") == 2
    assert page.value("tidings_channel_lateness_seconds_count") == 1
    assert page.value("tidings_channel_lateness_seconds_bucket", le="600.0") == 1
    assert page.value("tidings_channel_oldest_waiting_seconds") >= 0
    for follower in ("channels", "channels news"):
        assert f'tidings_follower_lag_messages{{follower="{follower}"}}' in page.text
    assert mailbox.farewells == 1


async def _is_ready(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(f"{url}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False
