"""Health of the channels: what the doctor says of relay, sender, clocks, deliveries and places."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr

from tidings.channels.decider.log_time import log_time
from tidings.channels.email.relay import RelayGreeting, Timeouts
from tidings.channels.email.sender import relay_of
from tidings.channels.email.smtp import SmtpClient
from tidings.channels.lanes import channels_of
from tidings.channels.results import answer_text
from tidings.client.addresses import http_url, is_loopback
from tidings.contracts.subjects import EVENTS, NOTIFICATIONS, TICKETS
from tidings.domains.addresses.forms import email_fault
from tidings.projections.deliveries.operator_queries import DELIVERY_HEALTH, SUPPRESSED_PLACES
from tidings.runtime.errors import TidingsError
from tidings.runtime.process import Runtime
from tidings.runtime.settings import Settings

Finding = tuple[str, bool, str]
"""A subject, whether it is well, and what was found or should be done."""
Check = Callable[[Runtime], Awaitable[Finding]]

OVERDUE_AFTER = timedelta(seconds=60)
"""A delivery waits for no longer while a leader works and the other side answers."""
FAILED_SINCE = timedelta(days=1)
CLOCKS_APART_LIMIT = timedelta(seconds=2)
SMALLEST_SIZE_BYTES = 1_000_000
"""A summary of 100 notifications has less."""
GREETING_TIMEOUTS = Timeouts(connect_seconds=5, command_seconds=5, dot_seconds=5)
STATEMENT_TIMEOUT = b"SET LOCAL statement_timeout = '15s'"


def channel_checks(settings: Settings) -> Sequence[Check]:
    """Return the checks of the channels that are set up; none without any."""
    channels = channels_of(settings)
    if not channels:
        return ()
    of_mails = (check_relay, check_sender) if "email" in channels else ()
    found = (*of_mails, check_clocks, check_overdue, check_doubtful, check_failed, check_places)
    return tuple(_guarded(each) for each in found)


def _guarded(check: Check) -> Check:
    """Return a check whose errors are findings."""

    async def guarded(runtime: Runtime) -> Finding:
        try:
            return await check(runtime)
        except TidingsError as error:
            return SUBJECTS[check], False, str(error)

    return guarded


async def check_relay(runtime: Runtime) -> Finding:
    """Return whether the relay of mails greets, encrypts, and takes mails of some size."""
    relay = relay_of(runtime.settings)._replace(timeouts=GREETING_TIMEOUTS)
    subject, name = SUBJECTS[check_relay], f"{relay.host}:{relay.port}"
    found = await SmtpClient(relay).greet()
    if not isinstance(found, RelayGreeting):
        said = answer_text(found.code, found.reply)
        return (
            subject,
            False,
            f"{name}: {said}; check the settings TIDINGS_SMTP_*",
        )
    encrypted = "with TLS" if found.encrypted else "without encryption"
    size = f"takes mails up to {found.size_bytes} bytes" if found.size_bytes else "states no SIZE"
    is_enough = not 0 < found.size_bytes < SMALLEST_SIZE_BYTES
    hint = "" if is_enough else "; summaries may be larger: raise the limit of the relay"
    return subject, is_enough, f"{name} greets {encrypted}, and {size}{hint}"


async def check_sender(runtime: Runtime) -> Finding:
    """Return whether other mail servers may take mails from the sender."""
    settings, subject = runtime.settings, SUBJECTS[check_sender]
    _, address = parseaddr(settings.email_from)
    domain = address.rpartition("@")[2]
    fault = email_fault(address) if address else "is missing"
    if fault is None and "." not in domain and not _is_local(settings):
        fault = f"is of `{domain}`, from which no other server takes mails"
    if fault:
        example = "state one of a domain of yours, such as `Tidings <tidings@example.org>`"
        return (
            subject,
            False,
            f"TIDINGS_EMAIL_FROM: the address in `{settings.email_from}` {fault}; {example}",
        )
    return (
        subject,
        True,
        f"{address}; let the relay sign (DKIM) also List-Unsubscribe and List-Unsubscribe-Post",
    )


def _is_local(settings: Settings) -> bool:
    return bool(settings.smtp_host) and is_loopback(http_url(settings.smtp_host or "", 0))


async def check_clocks(runtime: Runtime) -> Finding:
    """Return whether the clocks that stamp the logs and this host's agree.

    What is due is asked of the log's clock; one that is wrong delays or hurries quiet hours.
    """
    apart = dict[str, timedelta]()
    for stream in (EVENTS, NOTIFICATIONS, TICKETS):
        before = datetime.now(UTC)
        stamped = await log_time(runtime.jetstream, stream)
        after = datetime.now(UTC)
        apart[stream] = max(before - stamped, stamped - after, timedelta(0))
    worst = max(apart, key=lambda stream: apart[stream])
    seconds = apart[worst].total_seconds()
    if apart[worst] > CLOCKS_APART_LIMIT:
        words = f"that of the server that leads {worst} and this host's are {seconds:.1f} s apart"
        return SUBJECTS[check_clocks], False, f"{words}; let NTP set both"
    return SUBJECTS[check_clocks], True, f"those of NATS and this host agree to {seconds:.1f} s"


async def check_overdue(runtime: Runtime) -> Finding:
    """Return whether a delivery waits for longer than it should."""
    count, since, _, _ = await _read_health(runtime)
    subject = SUBJECTS[check_overdue]
    if not count:
        return subject, True, "none"
    return (
        subject,
        False,
        f"{count}, the oldest since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC;"
        " is `tidings channels` running? Its log says what it waits for",
    )


async def check_doubtful(runtime: Runtime) -> Finding:
    """Return how many deliveries may have arrived or not, and wait for an operator."""
    _, _, count, _ = await _read_health(runtime)
    words = f"{count}: `tidings deliveries --doubtful` lists them" if count else "none"
    return SUBJECTS[check_doubtful], True, words


async def check_failed(runtime: Runtime) -> Finding:
    """Return how many deliveries were given up in the last day."""
    *_, count = await _read_health(runtime)
    words = f"{count} in the last day: `tidings deliveries --failed` lists them"
    return SUBJECTS[check_failed], True, words if count else "none in the last day"


async def check_places(runtime: Runtime) -> Finding:
    """Return how many addresses, devices and endpoints nothing is sent to any more."""
    async with runtime.postgres.snapshot() as connection:
        await connection.execute(STATEMENT_TIMEOUT)
        row = await (await connection.execute(SUPPRESSED_PLACES.encode())).fetchone()
    count = row[0] if row else 0
    words = f"{count}, because messages came back or failed for days; their users were told"
    return SUBJECTS[check_places], True, words if count else "none"


async def _read_health(runtime: Runtime) -> tuple[int, datetime, int, int]:
    """Return the row of `DELIVERY_HEALTH`."""
    now = await log_time(runtime.jetstream)
    parameters = {"overdue": now - OVERDUE_AFTER, "since": now - FAILED_SINCE}
    async with runtime.postgres.snapshot() as connection:
        await connection.execute(STATEMENT_TIMEOUT)
        row = await (await connection.execute(DELIVERY_HEALTH.encode(), parameters)).fetchone()
    return row or (0, now, 0, 0)


SUBJECTS: dict[Check, str] = {
    check_relay: "mail relay",
    check_sender: "sender of mails",
    check_clocks: "clocks",
    check_overdue: "overdue deliveries",
    check_doubtful: "doubtful deliveries",
    check_failed: "failed deliveries",
    check_places: "suppressed addresses",
}
