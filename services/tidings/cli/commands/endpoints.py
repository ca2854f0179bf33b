"""`tidings endpoints`: the webhooks of tenants, for operators."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import click
from tidings.cli.commands.shared import console, with_settings
from tidings.cli.groups import CommandGroup
from tidings.cli.parameters import ID
from tidings.contracts.messages import OwnEventSubject, own_event_message
from tidings.contracts.subjects import NOTIFICATIONS
from tidings.domains.endpoints.events import EndpointReplayed
from tidings.runtime.errors import Permanent
from tidings.runtime.log.read import last_message
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings

TIME = click.DateTime(("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"))


class UnknownEndpoint(Permanent):
    """A tenant has no endpoint of this id, or nothing was ever posted to it."""


@click.group(cls=CommandGroup)
def endpoints() -> None:
    """Look after the webhooks of tenants."""


@endpoints.command()
@click.argument("endpoint", type=ID)
@click.option("--tenant", type=ID, required=True)
@click.option("--since", type=TIME, required=True, help="Such as 2026-12-01T08:00:00 (UTC).")
@with_settings
def replay(settings: Settings, endpoint: str, tenant: str, since: datetime) -> None:
    """Post the events of an endpoint since a time again, in order, each with its id."""
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)

    async def ask() -> int:
        async with open_runtime(settings, "endpoints", limits="keep") as runtime:
            await _require_known(runtime, tenant, endpoint)
            event = EndpointReplayed(endpoint_id=endpoint, since=moment)
            message = own_event_message(
                event,
                tenant,
                OwnEventSubject("endpoint", endpoint),
                actor=None,
                id=str(uuid4()),
                at=datetime.now(UTC),
                subjects=settings.subjects,
            )
            return (await runtime.appender().append(message)).sequence

    console.print(f"asked for by event {asyncio.run(ask())}; `tidings channels` posts them")


async def _require_known(runtime: Runtime, tenant: str, endpoint: str) -> None:
    subject = runtime.settings.subjects.endpoint_subject(tenant, endpoint)
    if await last_message(runtime.jetstream, NOTIFICATIONS, subject) is None:
        raise UnknownEndpoint(
            f"nothing was ever posted to an endpoint `{endpoint}` of the tenant `{tenant}`"
        )
