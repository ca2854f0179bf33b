"""`tidings settings`: every setting, its value and where that comes from."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich import box
from rich.markup import escape
from rich.table import Table
from tidings.cli.commands.shared import (
    PipeConsole,
    console,
    data_dir_option,
    exit_with_error,
)
from tidings.runtime.errors import TidingsError
from tidings.runtime.settings_report import (
    SettingReport,
    display_text,
    markdown_table,
    report_settings,
)
from tidings.runtime.settings_sources import read_sources

PIPE_WIDTH = 1000
"""Columns of the table where standard output is no terminal: no value is wrapped or cut."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print each setting as a line of JSON.")
@click.option(
    "--markdown", "as_markdown", is_flag=True, help="Print the documentation's table in Markdown."
)
@data_dir_option
def settings(data_dir: Path | None, as_json: bool, as_markdown: bool) -> None:
    """Print every setting with its value and origin; secrets are masked."""
    if as_markdown:
        click.echo(markdown_table())
        return
    try:
        reports = tuple(report_settings(read_sources(data_dir=data_dir)))
    except TidingsError as problem:
        exit_with_error(problem)
    if as_json:
        for report in reports:
            click.echo(msgspec.json.encode(report._asdict()))
    else:
        output = console if console.is_terminal else PipeConsole(width=PIPE_WIDTH, highlight=False)
        output.print(_table(reports), soft_wrap=False)


def _table(reports: tuple[SettingReport, ...]) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("origin")
    for report in reports:
        style = "dim" if report.origin == "default" else ""
        value = escape(display_text(report.value))
        table.add_row(report.name, value, report.origin, style=style)
    return table
