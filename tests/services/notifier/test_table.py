"""The table of rules: what a command prints of them is what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tidings.cli.main import main
from tidings.contracts.codec import encode
from tidings.contracts.events import EVENTS
from tidings.contracts.events.base import Event
from tidings.notifier.rules import RULES
from tidings.notifier.sample import sample
from tidings.notifier.table import markdown, rows

README = Path(__file__).parents[3] / "services" / "tidings" / "notifier" / "rules" / "README.md"


def printed(*arguments: str) -> str:
    """What `tidings rules` prints."""
    ended = CliRunner().invoke(main, ["rules", *arguments])
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_the_table_that_people_read_is_the_one_the_command_prints() -> None:
    table = printed("--markdown")

    assert table in README.read_text(encoding="utf-8")
    assert table.strip() == markdown(rows(RULES, "en"))


def test_the_command_tells_of_one_event_what_all_are_told_in_another_locale() -> None:
    said = printed("--event", "work_order.updated", "--locale", "de")

    assert (
        "work_order.updated → tenant#office, work_order:{work_order_id}#technician, not the actor\n"
        in said
    )
    assert "work_order_office_alert: OFFICE_ALERT, error, critical\n" in said
    assert "Auftrag geändert · Auftrag {work_order_id} hat jetzt den Status: {status}\n" in said
    assert "task.assigned" not in said


def test_a_locale_without_texts_is_refused() -> None:
    ended = CliRunner().invoke(main, ["rules", "--locale", "fr"])

    assert ended.exit_code == 1
    assert "there are no texts in fr, only in de, en" in ended.output


@pytest.mark.parametrize("locale", ["de", "en"])
def test_every_rule_has_a_row_that_says_something(locale: str) -> None:
    found = list(rows(RULES, locale))

    assert [row.rule for row in found] == [rule.name for rule in RULES]
    assert all(
        (row.title and row.message) or row.tells.startswith(("takes back from {", "shows {"))
        for row in found
    )
    assert all(row.tells for row in found)


@pytest.mark.parametrize("shape", EVENTS, ids=lambda shape: shape.type)
def test_a_sample_names_the_fields_of_its_type(shape: type[Event]) -> None:
    whole = encode(sample(shape, whole=True).event).decode()

    assert all(f"{{{name}}}" in whole for name in shape.__struct_fields__ if name.endswith("_id"))
