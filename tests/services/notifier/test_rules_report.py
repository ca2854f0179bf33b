"""The report of the rules: the printed tables match the rules."""

from __future__ import annotations

from pathlib import Path

import pytest
import tidings.domains
from click.testing import CliRunner
from tidings.cli.root import root
from tidings.contracts.codec import encode
from tidings.contracts.event import Event
from tidings.domains import EVENTS, RULES
from tidings.notifier.rules_report import markdown_table, report_rows
from tidings.notifier.sample_event import sample_event

from tests.services.notifier.facts import TEXTS

README = Path(tidings.domains.__file__).with_name("README.md")


def print_rules(*arguments: str) -> str:
    """Return what `tidings rules` prints."""
    result = CliRunner().invoke(root, ["rules", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_in_the_readme_is_the_printed_one() -> None:
    table = print_rules("--markdown")

    assert table in README.read_text(encoding="utf-8")
    assert table.strip() == markdown_table(report_rows(RULES, TEXTS, "en"))


def test_the_command_prints_the_notifications_of_one_event_in_another_locale() -> None:
    output = print_rules("--event", "work_order.updated", "--locale", "de")

    assert "work_order.updated → tenant#office, work_order:{work_order_id}#technician\n" in output
    assert "work_order_office_alert: office_alert, error, critical, actor told\n" in output
    assert "Auftrag geändert · Auftrag {work_order_id} hat jetzt den Status: {status}\n" in output
    assert "task.assigned" not in output


def test_a_locale_without_texts_is_refused() -> None:
    result = CliRunner().invoke(root, ["rules", "--locale", "fr"])

    assert result.exit_code == 1
    assert "there are no texts in fr, only in de, en" in result.output


@pytest.mark.parametrize("locale", ["de", "en"])
def test_every_rule_has_a_row_with_a_text_or_an_effect(locale: str) -> None:
    rows = list(report_rows(RULES, TEXTS, locale))

    assert [row.rule for row in rows] == [rule.name for rule in RULES]
    assert all(
        (row.title and row.message) or row.tells.startswith(("takes back from {", "shows {"))
        for row in rows
    )
    assert all(row.tells for row in rows)


def test_a_row_states_whether_the_actor_is_notified() -> None:
    actors = {row.rule: row.actor for row in report_rows(RULES, TEXTS, "en")}

    assert actors["task_status_changed"] == actors["work_order_status"] == "told"
    assert actors["incident_created"] == actors["appointment_booked"] == "not told"
    assert actors["message_posted"] == "not told: {sender_id}"
    assert actors["task_no_longer_yours"] == actors["button_pressed"] == ""


@pytest.mark.parametrize("shape", EVENTS, ids=lambda shape: shape.type)
def test_a_sample_names_the_fields_of_its_type(shape: type[Event]) -> None:
    whole = encode(sample_event(shape, whole=True).event).decode()

    assert all(f"{{{name}}}" in whole for name in shape.__struct_fields__ if name.endswith("_id"))
