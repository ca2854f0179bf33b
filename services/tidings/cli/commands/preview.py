"""`tidings preview`: who would be told of an event, where, when and why."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click
import msgspec
from tidings.cli.commands.emit import DEFAULT_TENANT, field_pairs
from tidings.cli.commands.shared import console, error_console, with_settings
from tidings.cli.parameters import EVENT_TYPE, FIELD, ID
from tidings.cli.terminal.emit import event_from_fields
from tidings.cli.terminal.preview_lines import preview_lines
from tidings.contracts.codec import InvalidEvent
from tidings.contracts.http_bodies.previews import Preview
from tidings.processes.preview import Previewer
from tidings.runtime.errors import Permanent
from tidings.runtime.process import open_runtime
from tidings.runtime.settings import Settings

TIME = click.DateTime(("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"))
SOURCE = "/cli"
NAMES_OF_FILES = (".json", "-")


class PreviewFailed(Permanent):
    """An event cannot be previewed."""


@click.command()
@click.argument("type_", metavar="TYPE|EVENT.json", type=EVENT_TYPE)
@click.argument("fields", metavar="[FIELD=VALUE]…", type=FIELD, nargs=-1)
@click.option("--user", type=ID, help="Only what this user would get.")
@click.option("--tenant", type=ID, default=DEFAULT_TENANT, show_default=True)
@click.option("--actor", type=ID, help="Who did it.")
@click.option("--at", type=TIME, help="The moment, such as 2026-12-01T23:00 (UTC); else now.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the first mail there, as a page for the browser.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, as into a pipe.")
@with_settings
def preview(
    settings: Settings,
    type_: str,
    fields: tuple[str, ...],
    user: str | None,
    tenant: str,
    actor: str | None,
    at: datetime | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Tell who would be told of an event, where, when and why; nothing is sent or appended.

    The event is a TYPE with its fields, or a file with a CloudEvent (- for standard input).
    """
    if type_.endswith(NAMES_OF_FILES):
        if fields or actor:
            raise click.UsageError("a file has all of the event; leave out fields and --actor")
        event = _read_file(type_)
    else:
        event = _encode_event(type_, fields, actor)
    moment = at.replace(tzinfo=UTC) if at and not at.tzinfo else at

    async def ask() -> Preview:
        async with open_runtime(settings, "preview", limits="keep") as runtime:
            try:
                return await Previewer(runtime).preview(event, tenant, moment, user)
            except InvalidEvent as error:
                raise PreviewFailed(f"not a valid event: {error}") from None

    found = asyncio.run(ask())
    if as_json or not console.is_terminal:
        click.echo(msgspec.json.encode(found))
    else:
        for line in preview_lines(found):
            console.print(line)
    if html:
        _write_page(html, found)


def _read_file(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise PreviewFailed(f"{name} cannot be read: {error.strerror}") from None


def _encode_event(type_: str, fields: tuple[str, ...], actor: str | None) -> bytes:
    event = event_from_fields(type_, field_pairs(fields))
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": SOURCE,
            "type": type_,
            "data": event,
            **({"actor": actor} if actor else {}),
        }
    )


def _write_page(path: Path, preview: Preview) -> None:
    mails = [each.mail for each in preview.notifications if each.mail]
    if not mails:
        raise PreviewFailed(f"nobody would get a mail, so {path} is not written")
    try:
        path.write_text(mails[0].html, encoding="utf-8")
    except OSError as error:
        raise PreviewFailed(f"{path} cannot be written: {error.strerror}") from None
    error_console.print(f"the mail is in {path}", style="dim", markup=False)
