"""`tidings rules`: who is told what of which event."""

from __future__ import annotations

import click
import msgspec
from tidings.cli.commands.shared import console, error_console, exit_with_error
from tidings.cli.parameters import EVENT_TYPE
from tidings.contracts.codec import unknown_type_message
from tidings.domains import EVENTS, RULES
from tidings.notifier.rendering.texts import load_texts
from tidings.notifier.rules_report import ReportRow, markdown_table, report_rows


@click.command()
@click.option(
    "--locale", default="en", help="What the examples are written in; en and de are there."
)
@click.option("--event", type=EVENT_TYPE, help="Only the rules for this type of event.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table in Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print each rule as a line of JSON.")
def rules(locale: str, event: str | None, as_markdown: bool, as_json: bool) -> None:
    """Who is told what of which event; the fields of the event stand in braces."""
    texts = load_texts()
    if locale not in texts.locales:
        exit_with_error(f"there are no texts in {locale}, only in {', '.join(texts.locales)}")
    if event and all(shape.type != event for shape in EVENTS):
        exit_with_error(unknown_type_message(event))
    found = [row for row in report_rows(RULES, texts, locale) if event in (None, row.event)]
    if event and not found:
        error_console.print(f"no rule notifies a user of {event}", style="dim")
    if as_markdown:
        click.echo(markdown_table(iter(found)))
    elif as_json:
        for row in found:
            click.echo(msgspec.json.encode(row._asdict()))
    else:
        for row in found:
            _print(row)


def _print(row: ReportRow) -> None:
    console.print(f"[bold]{row.event}[/bold] → ", end="")
    console.print(row.tells, markup=False)
    actor = f"actor {row.actor}" if row.actor else ""
    how = ", ".join(filter(None, (row.category, row.level, row.priority, row.group, actor)))
    console.print(f"    {row.rule}: {how}" if how else f"    {row.rule}", style="dim", markup=False)
    console.print(f"    {row.title} · {row.message}\n" if row.title else "", markup=False)
