"""`tidings deliveries`: what leaves beyond the page, and why; for operators."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import click
import msgspec
from tidings.channels.explain.explainer import ExplainedEntry, Explainer
from tidings.channels.http.delivery_reader import DeliveryReader, OwnedDelivery, OwnedPage
from tidings.channels.http.delivery_requests import (
    DeliveryRequests,
    RequestRefused,
    UnknownDelivery,
)
from tidings.channels.http.settings_reader import SettingsReader
from tidings.cli.commands.shared import (
    console,
    data_dir_option,
    error_console,
    with_settings,
)
from tidings.cli.groups import CommandGroup
from tidings.cli.parameters import ID
from tidings.cli.terminal.delivery_lines import (
    deliveries_table,
    delivery_lines,
    explained_lines,
    heading_lines,
)
from tidings.contracts.channels import PREFERENCE_CHANNEL_OF
from tidings.contracts.deliveries import Request
from tidings.contracts.http_bodies.deliveries import DeliveryState
from tidings.runtime.process import Runtime, open_runtime
from tidings.runtime.settings import Settings

TABLE_COLUMNS = 140
"""A narrower terminal gets a list: the table would break ids and times."""
LIMIT_DELIVERIES = 1000

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print lines of JSON, as into a pipe."
)
DELIVERIES = click.argument("deliveries", metavar="DELIVERY…", type=click.UUID, nargs=-1)


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.option("--user", type=ID, help="Only those to this user.")
@click.option("--tenant", type=ID, help="Only those of this tenant.")
@click.option("--notification", type=click.UUID, help="Only those that tell of it.")
@click.option("--channel", type=click.Choice([*PREFERENCE_CHANNEL_OF, "escalation"]))
@click.option("--failed", is_flag=True, help="Only those that were given up.")
@click.option("--doubtful", is_flag=True, help="Only those that may have arrived or not.")
@click.option("--limit", type=click.IntRange(1, LIMIT_DELIVERIES), default=50, show_default=True)
@json_option
@data_dir_option
@click.pass_context
def deliveries(context: click.Context, **given: Any) -> None:
    """List what was sent, is held or was dropped beyond the page; the newest change first."""
    if context.invoked_subcommand is None:
        _list_deliveries(**given)


@with_settings
def _list_deliveries(
    settings: Settings,
    failed: bool,
    doubtful: bool,
    as_json: bool,
    notification: UUID | None,
    **filters: Any,
) -> None:
    states = [name for name, given in (("failed", failed), ("doubtful", doubtful)) if given]
    wanted = {**filters, "states": states or None, "notification": notification}
    values = {name: value for name, value in wanted.items() if value is not None}

    async def read() -> OwnedPage:
        async with open_runtime(settings, "deliveries", limits="keep") as runtime:
            return await _reader(runtime).read_owned(values)

    page = asyncio.run(read())
    if as_json or not console.is_terminal:
        for each in page.deliveries:
            click.echo(_json_line(each))
    else:
        _print_deliveries(page.deliveries)
    if not page.deliveries:
        error_console.print("no such deliveries", style="dim")
    if page.next:
        error_console.print("there are older ones: narrow it down, or raise --limit", style="dim")


@deliveries.command()
@click.argument("delivery", type=click.UUID)
@json_option
@with_settings
def explain(settings: Settings, delivery: UUID, as_json: bool) -> None:
    """Tell all that was decided about one delivery and done, and on what.

    Each decision is made again from what it says that it was made on; exit code 1 if another one
    follows.
    """

    async def read() -> tuple[OwnedDelivery, list[ExplainedEntry]]:
        async with open_runtime(settings, "deliveries", limits="keep") as runtime:
            found = await _reader(runtime).find(str(delivery))
            if found is None:
                raise UnknownDelivery(f"there is no delivery {delivery}")
            return found, await Explainer(runtime).explain(found.person, found.status.id)

    found, explained = asyncio.run(read())
    if as_json or not console.is_terminal:
        for each in explained:
            click.echo(msgspec.json.encode({**each._asdict(), "differs": each.differs}))
    else:
        _print_lines(heading_lines(found))
        for each in explained:
            _print_lines(explained_lines(each, found.status.id))
    sys.exit(1 if any(each.differs for each in explained) else 0)


@deliveries.command()
@DELIVERIES
@with_settings
def retry(settings: Settings, deliveries: tuple[UUID, ...]) -> None:
    """Decide anew about deliveries that failed, were dropped or are doubtful.

    Each is sent only if nothing keeps it from that now, such as that it was read.
    """
    _request(settings, deliveries, "retry")


@deliveries.command()
@DELIVERIES
@with_settings
def cancel(settings: Settings, deliveries: tuple[UUID, ...]) -> None:
    """Drop deliveries that were not sent; what is being sent is not repeated."""
    _request(settings, deliveries, "cancel")


def _request(settings: Settings, deliveries: Sequence[UUID], request: Request) -> None:
    """Ask for something about each delivery; refusals are told, and do not keep from the rest."""
    if not deliveries:
        raise click.UsageError("give the ids of deliveries, as `tidings deliveries` lists them")

    async def ask() -> bool:
        all_done = True
        async with open_runtime(settings, "deliveries", limits="keep") as runtime:
            requests = DeliveryRequests(runtime)
            for each in deliveries:
                try:
                    found = await requests.request(str(each), request)
                except (UnknownDelivery, RequestRefused) as problem:
                    error_console.print("[red]error:[/red]", str(problem))
                    all_done = False
                else:
                    console.print(f"{found.status.id} {_done(request, found.status.state)}")
        return all_done

    sys.exit(0 if asyncio.run(ask()) else 1)


def _done(request: Request, state: DeliveryState) -> str:
    """Return what a request came to, which may have found a delivery under way."""
    if request == "retry":
        return "is decided about anew"
    under_way = {
        "claimed": "is being sent; it is dropped if that fails",
        "sent": "was sent at the same moment",
    }
    return under_way.get(state, "is cancelled")


def _reader(runtime: Runtime) -> DeliveryReader:
    return DeliveryReader(runtime, SettingsReader(runtime))


def _json_line(delivery: OwnedDelivery) -> bytes:
    return msgspec.json.encode({"tenant": delivery.tenant, **msgspec.to_builtins(delivery.status)})


def _print_deliveries(deliveries: Sequence[OwnedDelivery]) -> None:
    if console.width >= TABLE_COLUMNS and deliveries:
        console.print(deliveries_table(deliveries), soft_wrap=False)
        return
    for each in deliveries:
        _print_lines(delivery_lines(each))


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line)
