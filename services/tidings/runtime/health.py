"""Health: what a process needs from its servers, tried for real at intervals.

A connection that is open proves little: a server whose disk was full answers and stores nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from uuid import uuid4

import msgspec
from tidings.client.appender import Appender
from tidings.client.direct_client import ReceivedMessage
from tidings.client.errors import QueueFull, StreamFull
from tidings.client.jetstream import JetStream
from tidings.contracts.http_bodies.results import AppendResult
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import HEALTH, TICKETS, probe_subject
from tidings.runtime.errors import TidingsError, Unavailable
from tidings.runtime.log.read import last_message

PROBE_INTERVAL_SECONDS = 3.0
PROBE_TIMEOUT_SECONDS = 8.0
FAILED_APPEND_SECONDS = 15.0
TOLERATED_FAILURES = 1
"""An election of the cluster, or a restart of Postgres, may fail a single probe or append."""
REPORT_INTERVAL_SECONDS = 1.0
REPLY_PREFIX = "_INBOX."
"""A report goes to an inbox only, never to a subject whose messages a stream keeps."""
FREEZE_ADVICE = "if its disk was full, give it room and restart that nats-server"

log = logging.getLogger("tidings.health")

Probe = Callable[[], Awaitable[None]]
"""Tries one thing; raises TidingsError with the reason."""


class HealthReport(msgspec.Struct, frozen=True):
    """What a process answers on the subject `HEALTH`: no problems means that it is ready."""

    service: str
    host: str
    pid: int
    problems: tuple[str, ...] = ()


class HealthProblem(NamedTuple):
    """What a process lacks: for everyone, and with the reason for its operator."""

    public: str
    reason: str


class _Outcome(NamedTuple):
    failures: int = 0
    reason: str = ""
    ever_succeeded: bool = False


class Health:
    """The problems of one process; `run` tries the probes and answers requests for them."""

    def __init__(self, service: str, jetstream: JetStream, probes: Mapping[str, Probe]) -> None:
        self._service = service
        self._jetstream = jetstream
        self._probes = probes
        self._outcomes = dict.fromkeys(probes, _Outcome())
        self._reported: Sequence[str] = ()
        self._reply = ""
        self._asked = asyncio.Event()

    def problems(self) -> list[HealthProblem]:
        """Return why requests should not be sent here; empty if they should."""
        if not self._jetstream.connected:
            return [HealthProblem("NATS is not connected", "NATS is not connected")]
        return [
            HealthProblem(
                f"{name} cannot be used; this process's log and `tidings doctor` say why",
                outcome.reason,
            )
            for name, outcome in self._outcomes.items()
            if outcome.failures > (TOLERATED_FAILURES if outcome.ever_succeeded else 0)
        ]

    async def run(self, own_problems: Callable[[], Sequence[HealthProblem]]) -> None:
        """Try the probes until cancelled; `own_problems` are those that its reports state."""
        async with (
            self._jetstream.subscribe(HEALTH, self._receive_request),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._probe_forever())
            group.create_task(self._report_forever(own_problems))

    async def _probe_forever(self) -> None:
        while True:
            await asyncio.gather(*map(self._try_probe, self._probes))
            self._log_change()
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)

    def _receive_request(self, message: ReceivedMessage) -> None:
        if message.reply.startswith(REPLY_PREFIX):
            self._reply = message.reply
            self._asked.set()

    async def _report_forever(self, own_problems: Callable[[], Sequence[HealthProblem]]) -> None:
        """Answer the newest request, at most one in each interval."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._report(self._reply, [problem.reason for problem in own_problems()])
            await asyncio.sleep(REPORT_INTERVAL_SECONDS)

    async def _try_probe(self, name: str) -> None:
        before = self._outcomes[name]
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                await self._probes[name]()
            outcome = _Outcome(ever_succeeded=True)
        except TimeoutError:
            outcome = before._replace(
                failures=before.failures + 1,
                reason=f"{name}: no answer within {PROBE_TIMEOUT_SECONDS:.0f} seconds",
            )
        except Exception as error:  # a probe must not end the others, whatever it meets
            known = isinstance(error, TidingsError)
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            outcome = before._replace(failures=before.failures + 1, reason=f"{name}: {reason}")
        self._outcomes[name] = outcome

    def _log_change(self) -> None:
        problems = [problem.reason for problem in self.problems()]
        if problems != self._reported:
            if problems:
                log.warning("%s is not ready: %s", self._service, "; ".join(problems))
            else:
                log.info("%s is ready again", self._service)
        self._reported = problems

    async def _report(self, reply: str, problems: Sequence[str]) -> None:
        report = HealthReport(self._service, socket.gethostname(), os.getpid(), tuple(problems))
        try:
            await self._jetstream.publish(reply, msgspec.json.encode(report))
        except TidingsError as error:
            log.debug("health is not answered: %s", error)


class _FailedAppends(NamedTuple):
    """The appends of a kind that failed since the last one that was stored."""

    failures: int = 0
    failed_at: float = 0.0
    reason: str = ""


class AppendWatch:
    """Whether the appends of a process are stored, by the first token of their subject.

    It costs nothing and needs no probe, which in EVENTS would stay for ever.
    """

    def __init__(self) -> None:
        self._failures: dict[str, _FailedAppends] = {}

    def record(self, subject: str, error: Unavailable | None) -> None:
        """Record the outcome of an append."""
        kind = subject.partition(".")[0]
        if error:
            failures = self._failures.get(kind, _FailedAppends()).failures + 1
            self._failures[kind] = _FailedAppends(failures, time.monotonic(), str(error))
        elif self._failures:
            self._failures.pop(kind, None)

    async def probe(self) -> None:
        """Raise Unavailable if several appends failed, the last of them a moment ago."""
        for kind, (failures, failed_at, reason) in self._failures.items():
            is_recent = time.monotonic() - failed_at < FAILED_APPEND_SECONDS
            if is_recent and failures > TOLERATED_FAILURES:
                raise Unavailable(f"{kind}.> is not stored ({reason}); {FREEZE_ADVICE}")


class WatchedAppender(Appender):
    """An appender whose outcomes are watched."""

    def __init__(self, jetstream: JetStream, watch: AppendWatch, replicas: int = 1) -> None:
        super().__init__(jetstream, replicas)
        self._watch = watch

    async def append(self, draft: NewMessage) -> AppendResult:
        """Append one message, as Appender does."""
        with self._watched(draft.subject):
            return await super().append(draft)

    async def append_batch(self, drafts: Sequence[NewMessage]) -> list[AppendResult]:
        """Append messages, as Appender does."""
        with self._watched(drafts[0].subject if drafts else ""):
            return await super().append_batch(drafts)

    @contextmanager
    def _watched(self, subject: str) -> Generator[None]:
        try:
            yield
        except (QueueFull, StreamFull):  # the log works; what waits in the queue is recorded
            raise
        except Unavailable as error:
            self._watch.record(subject, error)
            raise
        self._watch.record(subject, None)


def log_probe(jetstream: JetStream) -> Probe:
    """Return the probe that appends a message, and reads it back from the leader.

    Its subject keeps one message, and only for minutes, so the stream does not grow.
    """
    subject = probe_subject(uuid4().hex)

    async def probe() -> None:
        await check_append(jetstream, subject)

    return probe


async def check_append(jetstream: JetStream, subject: str) -> None:
    """Append a message to a subject of TICKETS and read it back; raises Unavailable."""
    draft = NewMessage(subject, uuid4().hex.encode())
    try:
        answer = await jetstream.request_reply(draft.subject, draft.data)
    except Unavailable as error:
        raise Unavailable(f"stream {TICKETS} stores nothing ({error}); {FREEZE_ADVICE}") from None
    found = await last_message(jetstream, TICKETS, subject)
    if found is None or (found.sequence, found.data) != (answer.seq, draft.data):
        raise Unavailable(f"stream {TICKETS} does not return what it stored at {answer.seq}")


async def collect_reports(jetstream: JetStream, seconds: float) -> list[HealthReport]:
    """Return the reports of all processes that answer in time; raises Unavailable."""
    reports: list[HealthReport] = []

    def receive(message: ReceivedMessage) -> None:
        if message.status:  # no process listens
            return
        reports.append(msgspec.json.decode(message.data, type=HealthReport))

    async with jetstream.open_inbox(receive) as inbox:
        await jetstream.publish(HEALTH, b"", f"{inbox}.report")
        await asyncio.sleep(seconds)
    return reports
