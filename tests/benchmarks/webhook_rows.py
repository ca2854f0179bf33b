"""Measure webhooks: signed, posted by TLS to a hundred hosts, at most two at a time to each.

As a program it is the receiver, on 127.0.1.1 to 127.0.1.100: `until COUNT SECONDS` on its pipe
waits for so many requests, and prints their number and the seconds from the first to the last.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

from tests.benchmarks.delivery_log import MAIL_SETTINGS, append_events, append_notifications
from tests.benchmarks.measure import CpuTime, Row
from tests.benchmarks.processes import free_port, program
from tests.benchmarks.system import person, system

USERS = 1000
WEBHOOKS = 5000
"""For each host so few that none is put off."""
HOSTS = [f"127.0.1.{number}" for number in range(1, 101)]
LIMIT_SECONDS = 60.0


async def webhook_rows(share: float) -> AsyncIterator[Row]:
    """Measure how many webhooks a second reach their receivers."""
    count, port = int(WEBHOOKS * share), free_port()
    async with system("projector") as running:
        certificate = _issue_certificate(running.directory)
        command = (sys.executable, "-m", "tests.benchmarks.webhook_rows", str(port), certificate)
        async with program(*command, pipes=PIPE) as receiver:
            assert receiver.stdin and receiver.stdout
            await receiver.stdout.readline()
            settings = {
                "channel_secret": MAIL_SETTINGS["channel_secret"],
                "public_url": MAIL_SETTINGS["public_url"],
                "webhooks": "true",
                "webhook_allow": "127.0.0.0/8",
                "webhook_ports": port,
            }
            await append_events(running, _people(port))
            async with running.service("channels", **settings):
                pass
            await append_notifications(
                running, count, lambda n: person(n % USERS), lambda _: datetime.now(UTC)
            )
            async with running.service("channels", **settings) as pid:
                cpu_time = CpuTime(pid)
                receiver.stdin.write(f"until {count} {LIMIT_SECONDS}\n".encode())
                took: dict[str, Any] = json.loads(await receiver.stdout.readline())
                busy = cpu_time.microseconds_each(count)
    yield Row(
        figure=f"webhooks, signed, to {len(HOSTS)} hosts, log included",
        value=took["count"] / took["seconds"] if took["count"] else 0.0,
        unit="/s",
        limit=2000,
        at_least=True,
    )
    if took["count"] < count:
        yield Row(figure="… missing", value=count - took["count"], unit="", limit=0)
    yield Row(figure="… processor a webhook", value=busy, unit="µs")


def _people(port: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the events that give each user a confirmed webhook on one of the hosts."""
    events: list[tuple[str, str, dict[str, Any]]] = []
    for number in range(USERS):
        user = person(number)
        address = f"https://{HOSTS[number % len(HOSTS)]}:{port}/"
        given = {"address_id": "hook", "channel": "webhook", "address": address, "confirmed": True}
        wanted = {"of": "all", "channel": "webhook", "how": "now"}
        events += [
            (user.tenant, "address.given", {"user_id": user.user, **given}),
            (user.tenant, "preference.set", {"user_id": user.user, **wanted}),
        ]
    return events


def _issue_certificate(directory: Path) -> str:
    """Write a certificate of the hosts, which the processes of this run trust; return its file."""
    authority = trustme.CA()
    authorities, file = directory / "authorities.pem", directory / "receiver.pem"
    authority.cert_pem.write_to_path(authorities)
    authority.issue_cert(*HOSTS).private_key_and_cert_chain_pem.write_to_path(file)
    os.environ["SSL_CERT_FILE"] = str(authorities)
    return str(file)


async def _receive(port: int, certificate: str) -> None:
    times: list[float] = []
    arrived = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        await request.read()
        times.append(time.monotonic())
        arrived.set()
        return web.Response()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    for host in HOSTS:
        await web.TCPSite(runner, host, port, ssl_context=context).start()
    print("ready", flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async for line in lines:
        _, count, seconds = line.split()
        with suppress(TimeoutError):
            async with asyncio.timeout(float(seconds)):
                while len(times) < int(count):
                    arrived.clear()
                    await arrived.wait()
        took = times[-1] - times[0] if times else 0.0
        print(json.dumps({"count": len(times), "seconds": took}), flush=True)


if __name__ == "__main__":
    asyncio.run(_receive(int(sys.argv[1]), sys.argv[2]))
