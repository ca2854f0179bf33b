"""Settings: a wrong value is reported by the name of its variable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import fields
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import OLD_NAMES, PREFIX, load_settings, running_file_of

SECRET = "x" * 32


def read_settings(tmp_path: Path, **variables: str) -> Settings:
    """Return the settings from these variables, in a directory where nothing runs."""
    return load_settings(
        {
            "TIDINGS_DATA_DIR": str(tmp_path),
            "HOME": "/",
            **{f"{PREFIX}{name}": value for name, value in variables.items()},
        }
    )


def test_without_variables_the_settings_have_their_defaults(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)

    assert (
        settings.port,
        settings.partitions,
        settings.retention_days,
        settings.notifications_per_user,
    ) == (8000, 16, 30, 1000)
    assert (
        settings.connections_per_user,
        settings.heartbeat_seconds,
        settings.idle_peer_timeout_seconds,
        settings.sweep_interval_seconds,
    ) == (5, 25, 300, 3600)
    assert settings.notifier_partition_numbers == tuple(range(16))


def test_variables_are_converted_to_their_types(tmp_path: Path) -> None:
    settings = read_settings(
        tmp_path,
        PORT="0",
        HEARTBEAT_SECONDS="0.5",
        NATS_URL="nats://a:1,nats://b:2",
        PARTITIONS="4",
        NOTIFIER_PARTITIONS="0, 3",
    )

    assert (
        settings.port,
        settings.heartbeat_seconds,
        settings.nats,
        settings.notifier_partition_numbers,
    ) == (
        0,
        0.5,
        "nats://a:1,nats://b:2",
        (0, 3),
    )
    assert settings.data_dir == tmp_path


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "http", "Expected `int`, got `str`"),
        ("PORT", "65536", "Expected `int` <= 65535"),
        ("PORT", "", "Expected `int`, got `str`"),
        ("PARTITIONS", "0", "Expected `int` >= 1"),
        ("PARTITIONS", "257", "Expected `int` <= 256"),
        ("REPLICAS", "6", "Expected `int` <= 5"),
        ("RETENTION_DAYS", "1.5", "Expected `int`, got `str`"),
        ("HEARTBEAT_SECONDS", "0", "Expected `float` > 0.0"),
        ("HEARTBEAT_SECONDS", "-1", "Expected `float` > 0.0"),
        ("HEARTBEAT_SECONDS", "soon", "Expected `float`, got `str`"),
        ("SNAPSHOT_LIMIT", "201", "Expected `int` <= 200"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    tmp_path: Path, name: str, value: str, reason: str
) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        read_settings(tmp_path, **{name: value})

    assert str(refusal.value) == f"TIDINGS_{name}: {reason}"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_a_time_that_is_not_a_number_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(InvalidSettings, match="TIDINGS_HEARTBEAT_SECONDS"):
        read_settings(tmp_path, HEARTBEAT_SECONDS=value)


def test_an_unknown_variable_is_refused_with_all_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        read_settings(tmp_path, PARTITION="16")

    assert str(refusal.value).startswith("unknown setting TIDINGS_PARTITION; known: ")
    assert all(field.name in str(refusal.value) for field in fields(Settings))


@pytest.mark.parametrize(("old_name", "new_name"), OLD_NAMES.items())
def test_an_old_name_is_refused_with_its_new_one(
    tmp_path: Path, old_name: str, new_name: str
) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        read_settings(tmp_path, **{old_name.upper(): "1"})

    assert str(refusal.value) == (
        f"TIDINGS_{old_name.upper()} is now called TIDINGS_{new_name.upper()}; rename it"
    )
    names = {field.name for field in fields(Settings)}
    assert new_name in names and old_name not in names


def test_a_running_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    running_file_of(tmp_path).write_text(json.dumps({"url": "http://running:1"}))

    assert read_settings(tmp_path).client_url == "http://running:1"


@pytest.mark.parametrize(
    ("name", "property_"),
    [("NATS_URL", "nats"), ("POSTGRES_DSN", "postgres"), ("JWT_SECRET", "secret")],
)
def test_a_missing_required_setting_is_named_when_it_is_needed(
    tmp_path: Path, name: str, property_: str
) -> None:
    settings = read_settings(tmp_path)

    with pytest.raises(
        InvalidSettings,
        match=rf"TIDINGS_{name} is not set .for example: .*; "
        "`tidings up` sets it, for commands with the same",
    ):
        getattr(settings, property_)


def test_a_demonstration_needs_the_secret_that_signs_tokens(tmp_path: Path) -> None:
    elsewhere = read_settings(tmp_path, JWKS_URL="https://issuer.example/keys", DEMO="true")

    with pytest.raises(InvalidSettings, match="TIDINGS_JWT_SECRET is not set"):
        elsewhere.check_access(tickets=False)


def test_a_short_secret_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        _ = read_settings(tmp_path, JWT_SECRET="hunter2").secret

    assert str(refusal.value) == "TIDINGS_JWT_SECRET has 7 characters; HS256 needs at least 32"
    assert read_settings(tmp_path, JWT_SECRET=SECRET).secret == SECRET


@pytest.mark.parametrize("text", ["16", "-1", "0,x", "", "0,,1", "1.0", "²", "0-3", "ALL"])
def test_invalid_partitions_are_named(tmp_path: Path, text: str) -> None:
    settings = read_settings(tmp_path, NOTIFIER_PARTITIONS=text)

    with pytest.raises(
        InvalidSettings,
        match=r"TIDINGS_NOTIFIER_PARTITIONS: `.*` is not a partition; "
        r"give `all` or numbers below 16",
    ):
        _ = settings.notifier_partition_numbers


def test_arguments_override_variables_which_override_the_running_file(tmp_path: Path) -> None:
    running_file_of(tmp_path).write_text(
        json.dumps({"nats_url": "nats://running:1", "port": 1, "host": "running"})
    )
    environment = {
        "TIDINGS_DATA_DIR": str(tmp_path),
        "TIDINGS_PORT": "2",
        "TIDINGS_HOST": "environment",
    }

    settings = load_settings(environment, host="given", port=None)
    without_running = load_settings(environment, include_running=False)

    assert (settings.nats, settings.port, settings.host) == ("nats://running:1", 2, "given")
    assert without_running.nats_url is None


@pytest.mark.parametrize("noise", [b"{", b"", b"\xff", b"[]", b"3", b'{"url":"\xff"}'])
def test_an_unreadable_running_file_is_named(tmp_path: Path, noise: bytes) -> None:
    running_file_of(tmp_path).write_bytes(noise)

    with pytest.raises(InvalidSettings) as refusal:
        read_settings(tmp_path)

    assert str(refusal.value).startswith(f"{running_file_of(tmp_path)} cannot be read: ")
