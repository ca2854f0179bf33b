"""Checks of the servers and processes: NATS, Postgres, the streams, and the services."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from tidings.analyst.finding import Finding
from tidings.client.errors import StreamNotFound
from tidings.client.jetstream import JetStream, connect
from tidings.client.proxies import proxied_transport, proxy_note
from tidings.contracts.cursor import epoch_of
from tidings.contracts.messages import EVENT_LIMIT_BYTES
from tidings.contracts.subjects import (
    DEAD_LETTERS,
    EVENTS,
    NOTIFICATIONS,
    TICKETS,
    probe_subject,
)
from tidings.runtime.embedded.nats_server import SYSTEM_DIRECTORY, NatsServer, health_problem
from tidings.runtime.errors import TidingsError, Unavailable
from tidings.runtime.health import HealthReport, check_append, collect_reports
from tidings.runtime.readmodels.connect_failure import connect_failure
from tidings.runtime.settings import Settings

CONNECT_SECONDS = 5.0
REPORT_SECONDS = 1.5
"""More than the second that a process lets pass between two reports."""
HTTP_TIMEOUT_SECONDS = 5.0
STREAMS = (EVENTS, NOTIFICATIONS, TICKETS, DEAD_LETTERS)
SERVICES = {
    "notifier": "events reach nobody",
    "projector": "lists and counts stay as they are",
    "edge": "no client can connect",
}
"""The services of every installation, and what it means that none of them runs."""


async def check_nats(settings: Settings) -> Finding:
    """Return whether NATS stores: it appends a message, and reads it back from the leader."""
    try:
        async with connect(settings.nats, "tidings-doctor", seconds=CONNECT_SECONDS) as jetstream:
            if problem := await _embedded_problem(settings):
                return Finding("NATS", False, f"answers, but {problem}")
            await jetstream.call_api("INFO")
            subject = probe_subject(f"doctor-{socket.gethostname()}-{os.getpid()}")
            try:
                await jetstream.call_api(f"STREAM.INFO.{TICKETS}")
            except StreamNotFound:
                return Finding("NATS", True, "answers, with JetStream")
            await check_append(jetstream, subject)
    except TidingsError as error:
        return Finding("NATS", False, str(error))
    return Finding("NATS", True, "answers, with JetStream, and stores")


async def _embedded_problem(settings: Settings) -> str | None:
    """Return what the embedded server says of itself, if the address is its own."""
    directory = Path(settings.data_dir) / NatsServer.name
    port = directory / "port"
    try:
        embedded = port.read_text() if (directory / SYSTEM_DIRECTORY).exists() else None
    except OSError:
        return None
    if embedded is None or embedded != str(urlsplit(settings.nats.split(",")[0]).port):
        return None
    return await health_problem(directory, int(embedded))


async def check_postgres(settings: Settings) -> Finding:
    """Return whether Postgres takes our connection, by its own words."""
    try:
        async with await psycopg.AsyncConnection.connect(
            settings.postgres, connect_timeout=int(CONNECT_SECONDS), autocommit=True
        ) as connection:
            row = await (await connection.execute("SHOW server_version")).fetchone()
    except psycopg.Error as error:
        reason = connect_failure(settings.postgres, error)
        return Finding("Postgres", False, f"{reason}; check its address (TIDINGS_POSTGRES_DSN)")
    return Finding("Postgres", True, f"answers, version {row[0] if row else '?'}")


async def check_streams(jetstream: JetStream) -> tuple[Finding, dict[str, str]]:
    """Return the finding about the streams, and the epoch of each that exists."""
    epochs: dict[str, str] = {}
    described: list[str] = []
    problems: list[str] = []
    for name in STREAMS:
        try:
            info = await jetstream.call_api(f"STREAM.INFO.{name}")
        except StreamNotFound:
            problems.append(f"{name} does not exist; start the services, which create it")
            continue
        except Unavailable as error:
            problems.append(f"{name}: {error}")
            continue
        epochs[name] = epoch_of(info["created"])
        described.append(f"{name} at {info['state']['last_seq']} (epoch {epochs[name]})")
        problems += _replica_problems(name, info.get("cluster") or {})
        problems += _room_problems(name, info)
    return Finding("streams", not problems, ", ".join(problems or described)), epochs


def _replica_problems(name: str, cluster: dict[str, Any]) -> list[str]:
    replicas = cluster.get("replicas") or ()
    lost = [str(replica.get("name")) for replica in replicas if replica.get("offline")]
    problems = [f"{name}: its replica on {server} is offline" for server in lost]
    return problems if cluster.get("leader") or not replicas else [f"{name} has no leader"]


def _room_problems(name: str, info: dict[str, Any]) -> list[str]:
    """Return a problem if a limited stream may refuse the next event."""
    limit, stored = info["config"].get("max_bytes", -1), info["state"]["bytes"]
    if limit <= 0 or limit - stored >= EVENT_LIMIT_BYTES:
        return []
    return [
        f"{name} has reached its limit of {limit} bytes and refuses events; raise"
        f" TIDINGS_{name}_LIMIT_BYTES and restart a process"
    ]


async def check_services(jetstream: JetStream) -> Finding:
    """Return whether each service runs, as its processes answer themselves."""
    reports = await collect_reports(jetstream, REPORT_SECONDS)
    running = [part for report in reports for part in _parts(report)]
    problems = [
        f"no {service} answers, so {consequence}; start `tidings {service}` (`tidings up` runs"
        f" all); if one ended, its log says why"
        for service, consequence in SERVICES.items()
        if service not in running
    ]
    problems += [
        f"{report.service} (process {report.pid} on {report.host}) is not ready:"
        f" {'; '.join(report.problems)}"
        for report in reports
        if report.problems
    ]
    counts = ", ".join(f"{name} {running.count(name)}" for name in sorted({*running}))
    return Finding("services", not problems, "; ".join(problems) or f"running: {counts}")


def _parts(report: HealthReport) -> list[str]:
    """Return the services of a process: that of `tidings web` is `edge-gateway`."""
    return report.service.split("-")


async def check_http(settings: Settings) -> Finding:
    """Return what the edge answers to `/health/ready`."""
    url = settings.base_url
    try:
        async with httpx.AsyncClient(
            timeout=HTTP_TIMEOUT_SECONDS, transport=proxied_transport(url)
        ) as client:
            response = await client.get(f"{url}/health/ready")
    except TidingsError as error:
        return Finding("edge", False, str(error))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(
            "edge", False, f"{url} does not answer{proxy_note(url)} ({type(error).__name__})"
        )
    try:
        answer = response.json()
    except ValueError:
        return Finding("edge", False, f"{url} is not an edge of Tidings")
    status = answer.get("status") if response.status_code == 200 else answer.get("detail")
    return Finding("edge", response.status_code == 200, f"{url} is {_words(status)}")


def _words(status: object) -> str:
    return "ready" if status == "ready" else f"not ready: {status}"
