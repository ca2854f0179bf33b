"""`tidings rules`: who is told what of which event."""

from __future__ import annotations

import click
import msgspec
from tidings.cli.commands.shared import console, fail
from tidings.notifier.rules import RULES
from tidings.notifier.table import Row, markdown, rows
from tidings.notifier.texts import texts


@click.command()
@click.option(
    "--locale", default="en", help="What the examples are written in; en and de are there."
)
@click.option("--event", help="Only the rules for this type of event.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table in Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print each rule as a line of JSON.")
def rules(locale: str, event: str | None, as_markdown: bool, as_json: bool) -> None:
    """Who is told what of which event; the fields of the event stand in braces."""
    if locale not in texts().locales:
        fail(f"there are no texts in {locale}, only in {', '.join(texts().locales)}")
    found = (row for row in rows(RULES, locale) if event in (None, row.event))
    if as_markdown:
        click.echo(markdown(found))
    elif as_json:
        for row in found:
            click.echo(msgspec.json.encode(row._asdict()))
    else:
        for row in found:
            _print(row)


def _print(row: Row) -> None:
    console.print(f"[bold]{row.event}[/bold] → ", end="")
    console.print(row.tells, markup=False)
    how = ", ".join(filter(None, (row.category, row.level, row.priority, row.group)))
    console.print(f"    {row.rule}: {how}" if how else f"    {row.rule}", style="dim", markup=False)
    console.print(f"    {row.title} · {row.message}\n" if row.title else "", markup=False)
