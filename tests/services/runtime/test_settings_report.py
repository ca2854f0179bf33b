"""The settings report: complete, documented, equal to the README's table, and without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields
from psycopg.conninfo import make_conninfo
from tidings.runtime import settings_report
from tidings.runtime.settings import Settings
from tidings.runtime.settings_report import (
    SECRETS,
    SettingReport,
    markdown_table,
    mask_secrets,
    report_settings,
    setting_descriptions,
)
from tidings.runtime.settings_sources import read_sources, running_file_of

README = Path(settings_report.__file__).with_name("README.md")
LINE_LIMIT_CHARACTERS = 100
PASSWORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).map(
    lambda text: f"hidden{text}hidden"
)


def report_of(tmp_path: Path, environment: dict[str, str]) -> dict[str, SettingReport]:
    """Return the report of these variables by the name of the variable, without the prefix."""
    sources = read_sources({"TIDINGS_DATA_DIR": str(tmp_path), **environment})
    return {setting.name.removeprefix("TIDINGS_"): setting for setting in report_settings(sources)}


def test_every_setting_has_one_line_of_documentation() -> None:
    descriptions = setting_descriptions()

    assert list(descriptions) == [field.name for field in fields(Settings)]
    for name, text in descriptions.items():
        assert text.endswith(".") and "\n" not in text and "|" not in text, name
        assert len(text) + len('    """"""') <= LINE_LIMIT_CHARACTERS, name


def test_the_table_of_the_readme_is_the_generated_one() -> None:
    assert f"\n{markdown_table()}\n" in README.read_text(encoding="utf-8")


def test_each_value_has_its_origin(tmp_path: Path) -> None:
    running = {"nats_url": "nats://running:1", "port": 1}
    running_file_of(tmp_path).write_text(json.dumps(running))

    report = report_of(tmp_path, {"TIDINGS_PORT": "2"})
    (option,) = (
        setting
        for setting in report_settings(read_sources({"TIDINGS_DATA_DIR": "/x"}, data_dir=tmp_path))
        if setting.name == "TIDINGS_DATA_DIR"
    )

    assert report["PORT"][1:4] == (2, "environment", 8000)
    assert report["NATS_URL"][1:4] == ("nats://running:1", "running.json", None)
    assert report["HOST"][1:4] == ("127.0.0.1", "default", "127.0.0.1")
    assert (option.value, option.origin) == (str(tmp_path), "option")


def test_secrets_are_masked(tmp_path: Path) -> None:
    variables = {f"TIDINGS_{name.upper()}": "hidden" for name in SECRETS}

    report = report_of(tmp_path, variables)

    assert all(report[name.upper()].value == "***" for name in SECRETS)
    assert report_of(tmp_path, {})["JWT_SECRET"].value is None


def test_every_setting_that_sounds_secret_is_masked() -> None:
    telling_words = ("secret", "password", "client_token", "private_key")

    assert set(SECRETS) == {
        field.name
        for field in fields(Settings)
        if any(word in field.name for word in telling_words)
    }


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("nats_url", "nats://a:1,nats://b:2", "nats://a:1,nats://b:2"),
        ("nats_url", "nats://u:hidden@a,nats://hidden@b", "nats://u:***@a,nats://***@b"),
        ("postgres_dsn", "postgresql://u:hid@den@h/d", "postgresql://u:***@h/d"),
        (
            "postgres_dsn",
            "postgresql://h/d?user=u&password=hidden",
            "postgresql://h/d?user=u&password=***",
        ),
        ("outbox_dsn", "host=h sslpassword = 'hid den' user=u", "host=h sslpassword=*** user=u"),
        ("outbox_dsn", "password='hidden", "password=***"),
        ("jwks_url", "https://u:hidden@h/keys", "https://u:***@h/keys"),
        ("host", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_passwords_in_addresses_are_masked(name: str, value: str, masked: str) -> None:
    assert mask_secrets(name, value) == masked


@given(PASSWORDS)
def test_no_part_of_a_password_is_shown_however_it_is_written(password: str) -> None:
    for address in (
        make_conninfo("", host="h", password=password, dbname="d"),
        f"postgresql://u:{quote(password, safe='')}@h/d",
        f"postgresql://h/d?password={quote(password, safe='')}",
        f"nats://u:{password}@h:4222",
    ):
        assert "hidden" not in str(mask_secrets("postgres_dsn", address))
