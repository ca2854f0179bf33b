"""The command line: `tidings …`."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contracts.subjects import Person
from projections import PROJECTIONS
from services import compose, demo
from services.analyst import doctor as doctor_
from services.analyst import events as events_
from services.projector.rebuild import rebuild as rebuild_
from services.runtime.auth import issue
from services.runtime.errors import TidingsError
from services.runtime.process import open_runtime, run, until_stopped
from services.runtime.settings import Settings, settings
from services.terminal.emit import Emitter, NotEmitted, event, lines_of
from services.terminal.listen import Listener, SignedOut, printable, remember, show
from services.up import up as up_

DAY_SECONDS = 86_400
QUIET = {"tidings.process", "tidings.follow"}

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False)


def reads_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the settings, and end it with one clear line when something is wrong."""

    @click.option(
        "--data-dir", type=click.Path(path_type=Path), help="Where a running `tidings up` keeps its data (TIDINGS_DATA_DIR, .tidings)."
    )
    @functools.wraps(command)
    def wrapped(data_dir: Path | None, **given: Any) -> None:
        try:
            command(settings(data_dir=data_dir), **given)
        except (TidingsError, NotEmitted, SignedOut) as problem:
            errors.print(f"[red]error:[/red] {problem}", markup=True, soft_wrap=True)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Tidings: facts in, each person's durable log out."""


@main.command()
@click.option("--port", type=int, help="Where to listen; 0 for any free port.")
@click.option("--host", help="On which address to listen.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where to keep the data (.tidings).")
@click.option("--demo", "with_demo", is_flag=True, help="Feed it believable events.")
def up(port: int | None, host: str | None, data_dir: Path | None, with_demo: bool) -> None:
    """Run everything: embedded NATS and Postgres, and every service."""
    logging.basicConfig(level="WARNING", handlers=[RichHandler(console=errors, show_path=False)], format="%(message)s")
    try:
        chosen = settings(running=False, port=port, host=host, data_dir=data_dir)
        asyncio.run(until_stopped(_up(chosen, with_demo)))
    except TidingsError as problem:
        errors.print(f"[red]error:[/red] {problem}", soft_wrap=True)
        sys.exit(1)


async def _up(chosen: Settings, with_demo: bool) -> None:
    began = time.monotonic()
    errors.print(f"[dim]starting NATS, Postgres and the services in {chosen.data_dir} …[/dim]")
    async with up_(chosen) as url:
        errors.print(f"[dim]started in {time.monotonic() - began:.1f} s; the services write to {chosen.data_dir / 'services.log'}[/dim]")
        click.echo(f"ready {url}")
        if with_demo:
            running = settings(data_dir=chosen.data_dir)
            errors.print(demo.where_to_look(running))
            await demo.play(running, errors)
        await asyncio.Event().wait()


def _service(name: str, help_: str, work: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    @main.command(name, help=help_)
    @reads_settings
    def _(chosen: Settings) -> None:  # pyright: ignore[reportUnusedFunction]
        sys.exit(run(work(chosen), chosen))


_service("notifier", "Run the notifier: from events to each person's log.", compose.notifier)
_service("projector", "Run the projector: from the log to rows.", compose.projector)
_service("edge", "Run the edge: where browsers connect.", lambda chosen: compose.web(chosen, ("edge",)))
_service("gateway", "Run the gateway: takes events over HTTP.", lambda chosen: compose.web(chosen, ("gateway",)))
_service("web", "Run edge and gateway on one port.", lambda chosen: compose.web(chosen, ("edge", "gateway")))


@main.command()
@click.option("--user", required=True, help="Whose token.")
@click.option("--tenant", default="demo", show_default=True)
@click.option("--scope", default="inbox emit", show_default=True, help="What it permits, words separated by blanks.")
@click.option("--days", type=float, default=1, show_default=True, help="For how long.")
@reads_settings
def token(chosen: Settings, user: str, tenant: str, scope: str, days: float) -> None:
    """Print a development token."""
    click.echo(issue(Person(tenant, user), scope, chosen.secret, time.time(), days * DAY_SECONDS))


@main.command()
@click.argument("type_", metavar="[TYPE]", required=False)
@click.argument("fields", metavar="[FIELD=VALUE]…", nargs=-1)
@click.option("--file", help="JSON lines of CloudEvents instead, .gz too; - for standard input.")
@click.option("--tenant", default="demo", show_default=True)
@click.option("--id", "identifier", help="The event's id; the same id is taken once.")
@click.option("--source", default="/cli", show_default=True)
@click.option("--actor", help="Who did it.")
@click.option("--subject", help="What it is about, such as task/456.")
@reads_settings
def emit(chosen: Settings, type_: str | None, fields: tuple[str, ...], file: str | None, tenant: str, **attributes: Any) -> None:
    """Append one event, or with --file many; run again after an interruption, nothing is doubled."""
    if bool(type_) == bool(file):
        raise click.UsageError("give either a TYPE and its fields, or --file")
    work = _emit_file(chosen, file, tenant) if file else _emit_one(chosen, tenant, event(str(type_), _pairs(fields), **attributes))
    asyncio.run(work)


def _pairs(fields: tuple[str, ...]) -> dict[str, str]:
    for field in fields:
        if "=" not in field:
            raise click.UsageError(f"`{field}` is not FIELD=VALUE")
    return {name: value for name, _, value in (field.partition("=") for field in fields)}


def _emitter(chosen: Settings, client: httpx.AsyncClient, tenant: str) -> Emitter:
    token = chosen.token or issue(Person(tenant, "cli"), "emit", chosen.secret, time.time(), DAY_SECONDS)
    return Emitter(client, token, lambda problem: errors.print(problem, style="dim", markup=False, soft_wrap=True))


def _url(chosen: Settings) -> str:
    return chosen.url or f"http://{chosen.host}:{chosen.port}"


async def _emit_one(chosen: Settings, tenant: str, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=_url(chosen)) as client:
        receipt = await _emitter(chosen, client, tenant).emit(body)
    word = "appended" if receipt["appended"] else "known already,"
    click.echo(f"{word} at sequence {receipt['sequences'][0][0]}")


async def _emit_file(chosen: Settings, path: str, tenant: str) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("events"), TimeElapsedColumn())
    total = await asyncio.to_thread(lambda: sum(1 for _ in lines_of(path))) if path != "-" and errors.is_terminal else None
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task("emitting", total=total)
        async with httpx.AsyncClient(base_url=_url(chosen)) as client:
            emitter = _emitter(chosen, client, tenant)
            events, new = await emitter.emit_lines(lines_of(path), lambda done, _: progress.update(task, completed=done))
    click.echo(f"{events} events: {new} appended, {events - new} known already")


@main.command()
@click.option("--user", required=True, help="Whose log.")
@click.option("--tenant", default="demo", show_default=True)
@click.option("--after", help="A cursor: show what came after it instead of a snapshot.")
@click.option("--cursor-file", type=click.Path(path_type=Path), help="Keep the cursor here, and go on from it.")
@click.option("--json", "as_json", is_flag=True, help="Print each frame as a line of JSON.")
@reads_settings
def listen(chosen: Settings, user: str, tenant: str, after: str | None, cursor_file: Path | None, as_json: bool) -> None:
    """Follow a person's log; comes back by itself and shows what was missed."""
    cursor = after or (cursor_file.read_text().strip() if cursor_file and cursor_file.exists() else None)
    token = chosen.token or issue(Person(tenant, user), "inbox", chosen.secret, time.time(), 30 * DAY_SECONDS)
    asyncio.run(_listen(Listener(_url(chosen), token, cursor), cursor_file, as_json))


async def _listen(listener: Listener, cursor_file: Path | None, as_json: bool) -> None:
    async for frame, text in listener.frames():
        if not as_json:
            show(console, frame)
        elif text:
            click.echo(text)
        if cursor_file:
            remember(cursor_file, listener.cursor)


@main.group()
def events() -> None:
    """Look at the log of events."""


@events.command()
@click.option("--tenant")
@click.option("--type", "type_", help="Only events of this type.")
@click.option("--after", type=int, help="Begin after this sequence instead of now.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines.")
@reads_settings
def tail(chosen: Settings, tenant: str | None, type_: str | None, after: int | None, as_json: bool) -> None:
    """Follow the log of events."""

    async def follow() -> None:
        async with open_runtime(chosen, "tail") as runtime:
            async for message in events_.tail(runtime, tenant, type_, after):
                _print_event(message, as_json)

    asyncio.run(follow())


@events.command()
@click.option("--tenant")
@click.option("--type", "type_", help="Only events of this type.")
@click.option("--after", type=int, default=0, help="Begin after this sequence.")
@reads_settings
def export(chosen: Settings, tenant: str | None, type_: str | None, after: int) -> None:
    """Write all events as JSON lines, as they are in the log."""

    async def write() -> None:
        async with open_runtime(chosen, "export") as runtime:
            async for message in events_.export(runtime, tenant, type_, after):
                sys.stdout.buffer.write(b" ".join(message.data.splitlines()) + b"\n")
        sys.stdout.buffer.flush()

    try:
        asyncio.run(write())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_event(message: Any, as_json: bool) -> None:
    if as_json:
        click.echo(message.data)
        return
    console.print(f"{message.sequence:>8}  {printable(_told(message.data))}")


def _told(body: bytes) -> str:
    """An event in one line; one that cannot be read, as it is."""
    try:
        cloud = msgspec.json.decode(body, type=dict[str, Any])
        fields = msgspec.convert(cloud.get("data", {}), dict[str, Any])
    except msgspec.DecodeError:
        return body.decode(errors="replace")
    data = ", ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
    return f"{cloud.get('tenant')}  {cloud.get('type')}  {data}"


@main.command()
@click.argument("projection", type=click.Choice([projection.name for projection in PROJECTIONS]))
@reads_settings
def rebuild(chosen: Settings, projection: str) -> None:
    """Build a read model anew from the log beside the live one, then swap them."""
    chosen_projection = next(each for each in PROJECTIONS if each.name == projection)

    async def work() -> tuple[str, str]:
        with Progress(console=errors, disable=not errors.is_terminal) as progress:
            task = progress.add_task(f"rebuilding {projection}")
            async with open_runtime(chosen, "rebuild") as runtime:
                return await rebuild_(runtime, chosen_projection, lambda done, of: progress.update(task, completed=done, total=of))

    before, after = asyncio.run(work())
    click.echo(f"{projection}: {after} is live; {before} is gone")


@main.command()
@reads_settings
def doctor(chosen: Settings) -> None:
    """Look at every part and say how it is."""

    async def look() -> bool:
        well = True
        async for finding in doctor_.findings(chosen):
            sign = "[green]✓[/green]" if finding.well else "[red]✗[/red]"
            console.print(f"{sign} {finding.what}: ", finding.words, sep="", soft_wrap=True)
            well = well and finding.well
        return well

    sys.exit(0 if asyncio.run(look()) else 1)


if __name__ == "__main__":
    main()
