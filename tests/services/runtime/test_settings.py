"""Settings: a wrong value is reported by the name of its variable."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import fields
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings
from tidings.runtime.settings_sources import (
    OLD_NAMES,
    PREFIX,
    PRODUCT_VARIABLES,
    load_settings,
    running_file_of,
    unread_variables,
    variable_of,
)

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
    ) == (5, 30, 300, 3600)
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


@pytest.mark.parametrize(
    ("variable", "advice"),
    [
        ("WS_HEARTBEAT_INTERVAL", "set TIDINGS_HEARTBEAT_SECONDS"),
        ("WS_MAX_CONNECTIONS_PER_USER", "set TIDINGS_CONNECTIONS_PER_USER"),
        ("WS_RECONNECT_MAX_ATTEMPTS", "nothing to set here"),
        ("SSE_HEARTBEAT_INTERVAL", "set TIDINGS_HEARTBEAT_SECONDS"),
        ("SSE_CONNECTION_TIMEOUT", "set TIDINGS_CONNECTION_LIFETIME_SECONDS"),
        ("NOTIFICATION_RETENTION_DAYS", "set TIDINGS_RETENTION_DAYS"),
        ("NOTIFICATION_CLEANUP_INTERVAL", "set TIDINGS_SWEEP_INTERVAL_SECONDS"),
        ("MAX_NOTIFICATIONS_PER_USER", "set TIDINGS_NOTIFICATIONS_PER_USER"),
        ("REDIS_URL", "NATS (TIDINGS_NATS_URL) takes the place of Redis"),
    ],
)
def test_a_variable_of_a_product_is_named_with_what_took_its_place(
    variable: str, advice: str
) -> None:
    (warning,) = unread_variables({"PATH": "/bin", variable: "1"})
    (lower_case,) = unread_variables({variable.lower(): "1"})

    assert warning.startswith(f"{variable} is not read; ") and warning.endswith(advice)
    assert lower_case == warning.replace(variable, variable.lower(), 1)


def test_each_setting_that_a_products_variable_is_replaced_by_exists() -> None:
    known = {variable_of(field.name) for field in fields(Settings)}
    named = {
        name for advice in PRODUCT_VARIABLES.values() for name in re.findall(r"TIDINGS_\w+", advice)
    }

    assert len(named) == 7 and named <= known
    assert unread_variables({"NEXT_PUBLIC_WS_URL": "ws://a", "TIDINGS_PORT": "1"}) == []


KEYED = "barbershop=cuts, https://sign.in/?a=b = acme ,rest"


def test_a_default_is_chosen_by_issuer_then_by_dialect_then_for_all_others(
    tmp_path: Path,
) -> None:
    tenants = read_settings(tmp_path, DEFAULT_TENANT=KEYED).default_tenants
    only_chat = read_settings(tmp_path, DEFAULT_SCOPE="chat=inbox emit").default_scopes

    assert tenants.value_for("https://sign.in/?a=b", "barbershop") == "acme"
    assert tenants.value_for("elsewhere", "barbershop") == "cuts"
    assert tenants.value_for("barbershop", "chat") == "rest"
    assert tenants.value_for(None, None) == tenants.value_for(["rest"], None) == "rest"
    assert only_chat.value_for(None, "chat") == "inbox emit"
    assert only_chat.value_for(None, None) is only_chat.value_for(None, "incidents") is None
    assert read_settings(tmp_path).default_tenants.value_for("any", "chat") is None


def test_the_dialect_of_a_tenant_may_be_set(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, DIALECTS=" barbershop = a, b; incidents=c ;")

    assert settings.dialect_by_tenant == {"a": "barbershop", "b": "barbershop", "c": "incidents"}


def test_the_names_of_claims_may_be_set_each_by_itself(tmp_path: Path) -> None:
    some = read_settings(tmp_path, TOKEN_CLAIMS="tenant=org, scope = scp").claim_names

    assert some == ("sub", "org", "scp")
    assert read_settings(tmp_path).claim_names == ("sub", "tenant", "scope")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DEFAULT_TENANT", "a,b", "`b` is the second value without a key"),
        ("DEFAULT_TENANT", "chat=a,chat=b", "`chat=b` repeats its key"),
        ("DEFAULT_TENANT", "=a", "`=a` has no key"),
        ("DEFAULT_TENANT", "chat=", "`` is not a tenant"),
        ("DEFAULT_TENANT", "a\tb", "is not a tenant; give an id"),
        ("DEFAULT_TENANT", "barber=a", "`barber` is neither a dialect (field_service, barbershop"),
        ("DEFAULT_SCOPE", "chat=inbox,read", "`read` is not a scope; give words of inbox, emit"),
        ("DEFAULT_SCOPE", "chat=", "`` is not a scope"),
        ("DIALECTS", "barber=a", "`barber` is not a dialect; give one of field_service"),
        ("DIALECTS", "chat=a;incidents=b,a", "the tenant `a` is named twice"),
        ("DIALECTS", "chat=", "`chat=` names no tenant"),
        ("DIALECTS", "incidents", "`incidents` names no tenant"),
        ("DIALECTS", "chat=a\tb", "is not a tenant; give an id"),
        ("TOKEN_CLAIMS", "user", "`user` does not name a claim; give each of user, tenant, scope"),
        ("TOKEN_CLAIMS", "sub=id", "`sub=id` does not name a claim"),
        ("TOKEN_CLAIMS", "user=a,user=b", "`user=b` does not name a claim"),
        ("TOKEN_CLAIMS", "user=tenant", "names one claim twice"),
    ],
)
def test_a_wrong_setting_of_tokens_is_named_at_the_start(
    tmp_path: Path, name: str, value: str, reason: str
) -> None:
    settings = read_settings(
        tmp_path, JWT_SECRET=SECRET, JWT_ISSUER="https://sign.in/", **{name: value}
    )

    with pytest.raises(InvalidSettings) as refusal:
        settings.check_access(tickets=False)

    assert str(refusal.value).startswith(f"TIDINGS_{name}: ") and reason in str(refusal.value)


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


@pytest.mark.parametrize("text", ["16", "-1", "0,x", "0,,1", "1.0", "²", "0-3", "ALL"])
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
