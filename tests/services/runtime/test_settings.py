"""Settings: what is wrong with one is said by the name of its variable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import fields
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import PREFIX, Settings, running_file, settings

SECRET = "x" * 32


def read(tmp_path: Path, **variables: str) -> Settings:
    """Settings from these variables, in a directory where nothing runs."""
    return settings(
        {
            "TIDINGS_DATA_DIR": str(tmp_path),
            "HOME": "/",
            **{f"{PREFIX}{name}": value for name, value in variables.items()},
        }
    )


def test_without_any_variable_there_is_a_default_for_what_can_have_one(tmp_path: Path) -> None:
    chosen = read(tmp_path)

    assert (
        chosen.port,
        chosen.partitions,
        chosen.retention_days,
        chosen.notifications_per_user,
    ) == (8000, 16, 30, 1000)
    assert (
        chosen.connections_per_user,
        chosen.heartbeat_seconds,
        chosen.stale_seconds,
        chosen.cleanup_seconds,
    ) == (5, 25, 300, 3600)
    assert chosen.owned == tuple(range(16))


def test_variables_are_read_as_what_they_set(tmp_path: Path) -> None:
    chosen = read(
        tmp_path,
        PORT="0",
        HEARTBEAT_SECONDS="0.5",
        NATS_URL="nats://a:1,nats://b:2",
        PARTITIONS="4",
        OWNED_PARTITIONS="0, 3",
    )

    assert (chosen.port, chosen.heartbeat_seconds, chosen.nats, chosen.owned) == (
        0,
        0.5,
        "nats://a:1,nats://b:2",
        (0, 3),
    )
    assert chosen.data_dir == tmp_path


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
    with pytest.raises(InvalidSettings) as refused:
        read(tmp_path, **{name: value})

    assert str(refused.value) == f"TIDINGS_{name}: {reason}"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_a_time_that_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(InvalidSettings, match="TIDINGS_HEARTBEAT_SECONDS"):
        read(tmp_path, HEARTBEAT_SECONDS=value)


def test_an_unknown_variable_is_refused_with_all_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read(tmp_path, PARTITION="16")

    assert str(refused.value).startswith("unknown setting TIDINGS_PARTITION; known: ")
    assert all(field.name in str(refused.value) for field in fields(Settings))


@pytest.mark.parametrize(
    ("name", "property_"),
    [("NATS_URL", "nats"), ("POSTGRES_DSN", "postgres"), ("JWT_SECRET", "secret")],
)
def test_what_must_be_set_is_asked_for_by_its_name_when_it_is_needed(
    tmp_path: Path, name: str, property_: str
) -> None:
    chosen = read(tmp_path)

    with pytest.raises(
        InvalidSettings,
        match=rf"TIDINGS_{name} is not set .for example: .*; `tidings up` sets it by itself",
    ):
        getattr(chosen, property_)


def test_a_demonstration_needs_the_secret_that_signs_tokens(tmp_path: Path) -> None:
    elsewhere = read(tmp_path, JWKS_URL="https://issuer.example/keys", DEMO="true")

    with pytest.raises(InvalidSettings, match="TIDINGS_JWT_SECRET is not set"):
        elsewhere.check_access(tickets=False)


def test_a_short_secret_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refused:
        _ = read(tmp_path, JWT_SECRET="hunter2").secret

    assert str(refused.value) == "TIDINGS_JWT_SECRET has 7 characters; HS256 needs at least 32"
    assert read(tmp_path, JWT_SECRET=SECRET).secret == SECRET


@pytest.mark.parametrize("owned", ["16", "-1", "0,x", "", "0,,1", "1.0", "²", "0-3", "ALL"])
def test_partitions_that_are_none_are_named(tmp_path: Path, owned: str) -> None:
    chosen = read(tmp_path, OWNED_PARTITIONS=owned)

    with pytest.raises(
        InvalidSettings,
        match=r"TIDINGS_OWNED_PARTITIONS: `.*` is not a partition; give `all` or numbers below 16",
    ):
        _ = chosen.owned


def test_what_is_running_fills_the_gaps_and_what_is_given_comes_first(tmp_path: Path) -> None:
    running_file(tmp_path).write_text(
        json.dumps({"nats_url": "nats://running:1", "port": 1, "host": "running"})
    )
    environment = {
        "TIDINGS_DATA_DIR": str(tmp_path),
        "TIDINGS_PORT": "2",
        "TIDINGS_HOST": "environment",
    }

    chosen = settings(environment, host="given", port=None)
    alone = settings(environment, running=False)

    assert (chosen.nats, chosen.port, chosen.host) == ("nats://running:1", 2, "given")
    assert alone.nats_url is None


@pytest.mark.parametrize("noise", [b"{", b"", b"\xff", b"[]", b"3", b'{"url":"\xff"}'])
def test_a_file_that_says_nothing_is_named(tmp_path: Path, noise: bytes) -> None:
    running_file(tmp_path).write_bytes(noise)

    with pytest.raises(InvalidSettings) as refused:
        read(tmp_path)

    assert str(refused.value).startswith(f"{running_file(tmp_path)} cannot be read: ")
