"""`tidings settings`: the settings of an installation, and the origin of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tidings.runtime.settings_report import markdown_table

from tests.acceptance.command import Command
from tests.driver import SECRET


async def read_report(cli: Command, *words: str, **more: str) -> dict[str, dict[str, Any]]:
    """Return what `tidings settings --json` prints, by the name of the setting."""
    out = await cli.read_output("settings", "--json", *words, **more)
    return {report["name"]: report for report in map(json.loads, out.splitlines())}


async def test_each_setting_is_printed_with_its_value_and_origin(
    cli: Command, tmp_path: Path
) -> None:
    (tmp_path / "running.json").write_text(json.dumps({"outbox_dsn": "host=h password=hidden"}))

    report = await read_report(cli, "--data-dir", str(tmp_path), ring_bytes="1000")

    ring, outbox = report["TIDINGS_RING_BYTES"], report["TIDINGS_OUTBOX_DSN"]
    assert (ring["value"], ring["origin"], ring["default"]) == (1000, "environment", 67_108_864)
    assert (outbox["value"], outbox["origin"]) == ("host=h password=***", "running.json")
    assert report["TIDINGS_DATA_DIR"]["origin"] == "option"
    assert report["TIDINGS_DEMO"]["description"].startswith("Serve the demo page")


async def test_no_secret_is_printed(cli: Command, tmp_path: Path) -> None:
    for form in ((), ("--json",)):
        out = await cli.read_output(
            "settings", *form, ticket_secret="hidden", client_token="hidden"
        )

        assert SECRET not in out and "hidden" not in out and ":tests@" not in out


async def test_without_options_a_table_is_printed_whole(cli: Command, tmp_path: Path) -> None:
    origins = ",".join(f"https://{number}.example.org" for number in range(20))

    lines = (await cli.read_output("settings", allowed_origins=origins)).splitlines()

    (row,) = (line.split() for line in lines if "TIDINGS_ALLOWED_ORIGINS" in line)
    assert row == ["TIDINGS_ALLOWED_ORIGINS", origins, "environment"]
    (row,) = (line.split() for line in lines if "TIDINGS_JWT_SECRET" in line)
    assert row == ["TIDINGS_JWT_SECRET", "***", "environment"]


async def test_the_documentation_is_printed_as_a_table_in_markdown(cli: Command) -> None:
    assert await cli.read_output("settings", "--markdown") == f"{markdown_table()}\n"


async def test_a_wrong_setting_is_named(cli: Command) -> None:
    assert "TIDINGS_PORT: Expected `int`" in await cli.read_error("settings", port="many")
