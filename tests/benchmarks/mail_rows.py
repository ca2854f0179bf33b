"""Measure mails: how many a second, how soon after an append, and what the bell pays for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from statistics import median

from aiosmtplib import SMTP
from tidings.channels.email.compose import ComposedMail, Composer, MailOrder, MailSender
from tidings.channels.email.return_path import ReturnPaths
from tidings.channels.templates import MailTemplates
from tidings.contracts.notifications import Notification
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens

from tests.benchmarks.backbone import connected, paced_latency
from tests.benchmarks.delivery_log import MAIL_SETTINGS, append_notifications, set_up_people
from tests.benchmarks.event_kinds import ANNOUNCEMENT, encode_event
from tests.benchmarks.event_kinds import USERS as BELL_USERS
from tests.benchmarks.mail_sink import MailSink, mail_sink
from tests.benchmarks.measure import CpuTime, Latency, Row, percentile
from tests.benchmarks.system import System, append_paced, person, system

USERS = 1000
MAILS = 4000
CONNECTIONS = 4
PACED_PER_SECOND = 20.0
PACED_SECONDS = 15.0
BELL_RATE = 200.0
BELL_SECONDS = 8.0
BELL_ROUNDS = 3
DELIVERY = "00000000-0000-4000-8000-0000000000d1"
LIMIT_SECONDS = 120.0


async def mail_rows(share: float) -> AsyncIterator[Row]:
    """Measure mails beside their library alone; from append to wire; the bell with and without."""
    mails = int(MAILS * share)
    async with mail_sink() as sink, system("projector", "notifier") as running:
        settings = {**MAIL_SETTINGS, "smtp_port": sink.port, "smtp_connections": CONNECTIONS}
        await set_up_people(running, range(USERS), "now")
        async with running.service("channels", **settings):
            pass
        alone = await _library_alone(sink, mails)
        await append_notifications(
            running, mails, lambda n: person(n % USERS), lambda _: datetime.now(UTC)
        )
        await sink.reset()
        async with running.service("channels", **settings) as pid:
            cpu_time = CpuTime(pid)
            took = await sink.until(mails, LIMIT_SECONDS)
            busy = cpu_time.microseconds_each(mails)
            rate = took["count"] / took["seconds"]
            yield Row(
                figure=f"mails, composed, over {CONNECTIONS} connections, log included",
                value=rate,
                unit="/s",
                limit=300,
                at_least=True,
            )
            if took["count"] < mails:
                yield Row(figure="… missing", value=mails - took["count"], unit="", limit=0)
            yield Row(figure="… processor a mail", value=busy, unit="µs")
            yield Row(
                figure="… aiosmtplib and aiosmtpd alone, one mail composed", value=alone, unit="/s"
            )
            yield Row(figure="… ours ÷ theirs", value=rate / alone, unit="×")
            async for row in _append_to_wire(running, sink, share):
                yield row
    async for row in _bell(share):
        yield row


async def _library_alone(sink: MailSink, mails: int) -> float:
    """Measure the mails a second of aiosmtplib over connections that are kept."""
    mail = _composed()
    await sink.reset()

    async def send() -> None:
        async with SMTP(hostname="127.0.0.1", port=sink.port, start_tls=False) as smtp:
            for _ in range(mails // CONNECTIONS):
                await smtp.sendmail(mail.sender, [mail.recipient], mail.content)

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    took = await sink.until(mails // CONNECTIONS * CONNECTIONS, LIMIT_SECONDS)
    return took["count"] / took["seconds"]


def _composed() -> ComposedMail:
    """Return a mail as the channels compose it."""
    secret = MAIL_SETTINGS["channel_secret"]
    sender = MailSender(
        address=MAIL_SETTINGS["email_from"],
        name="Tidings",
        product="Tidings",
        public_url=MAIL_SETTINGS["public_url"],
        product_url=None,
        tokens=UnsubscribeTokens(secret),
        return_paths=ReturnPaths(secret, MAIL_SETTINGS["email_bounces"]),
    )
    notification = Notification(
        id=DELIVERY,
        type="announcement.published",
        category="system_announcement",
        title="Task assigned",
        message="You have been assigned to task: Water the seedlings",
        tenant="bench-0",
        user="u0",
        created=datetime.now(UTC),
    )
    order = MailOrder(
        delivery=DELIVERY,
        recipient="u0@example.org",
        notifications=(notification,),
        total=1,
        moment=notification.created,
        category=notification.category,
    )
    return Composer(sender, MailTemplates()).compose_mail(order)


async def _append_to_wire(running: System, sink: MailSink, share: float) -> AsyncIterator[Row]:
    """Measure from the append of an event to its mail, at a steady rate."""
    await sink.reset()
    count = await append_paced(
        running.runtime.appender(), _stamped, PACED_PER_SECOND, PACED_SECONDS * share
    )
    times = (await sink.until(count, LIMIT_SECONDS))["milliseconds"]
    yield Row(
        figure=f"event appended → mail on the wire, {PACED_PER_SECOND:.0f}/s, p50",
        value=percentile(times, 0.5),
        unit="ms",
        limit=25,
    )
    yield Row(figure="… p99", value=percentile(times, 0.99), unit="ms")


def _stamped(number: int, due: int) -> bytes:
    """Encode an announcement whose title ends with the moment it was sent."""
    user = person(number % USERS)
    return encode_event(
        "announcement.published",
        user.tenant,
        {"title": f"Sent {due}", "message": "Hello", "to": {"users": [user.user]}},
    )


async def _bell(share: float) -> AsyncIterator[Row]:
    """Measure the bell in turns without channels and with everybody's mails waiting to be read."""
    async with (
        mail_sink() as sink,
        system("notifier", "projector", "edge") as running,
        connected(running, ANNOUNCEMENT) as crowd_clients,
    ):
        settings = {**MAIL_SETTINGS, "smtp_port": sink.port}
        await set_up_people(running, range(BELL_USERS), "unread", after_seconds=600)
        measured: dict[bool, list[Latency]] = {False: [], True: []}
        for turn in range(2 * BELL_ROUNDS):
            async with AsyncExitStack() as stack:
                if with_channels := bool(turn % 2):
                    await stack.enter_async_context(running.service("channels", **settings))
                paced = await paced_latency(
                    running, crowd_clients, ANNOUNCEMENT, BELL_RATE, BELL_SECONDS * share
                )
                measured[with_channels].append(paced.latency)
    off, on = ([each.p50_milliseconds for each in measured[key]] for key in (False, True))
    yield Row(
        figure=f"bell at {BELL_RATE:.0f}/s, p50, without channels", value=median(off), unit="ms"
    )
    yield Row(figure="… with channels, everybody by e-mail", value=median(on), unit="ms")
    yield Row(figure="… on ÷ off", value=median(on) / median(off), unit="×", limit=1.1)
