"""Settings sources: the options of a command, the environment, the data directory, the defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

PREFIX = "TIDINGS_"
RUNNING_FILE = "running.json"
DEFAULT_DATA_DIR = ".tidings"
OLD_NAMES: Mapping[str, str] = {
    "url": "client_url",
    "token": "client_token",
    "owned_partitions": "notifier_partitions",
    "topic_recipients": "topic_threshold_members",
    "cleanup_seconds": "sweep_interval_seconds",
    "lifetime_seconds": "connection_lifetime_seconds",
    "stale_seconds": "idle_peer_timeout_seconds",
    "send_seconds": "send_timeout_seconds",
    "drain_seconds": "drain_timeout_seconds",
    "presence_seconds": "presence_ttl_seconds",
    "ticket_seconds": "ticket_ttl_seconds",
    "idempotency_seconds": "idempotency_ttl_seconds",
    "jwks_refresh_seconds": "jwks_refresh_interval_seconds",
    "jwks_keep_seconds": "jwks_max_age_seconds",
}
"""Present names of renamed settings; a process that is given an old one refuses to start."""


class SettingsSources(NamedTuple):
    """Values by the name of their setting, and by origin; the first origin that has one wins."""

    options: Mapping[str, Any]
    environment: Mapping[str, Any]
    running: Mapping[str, Any]

    def settings(self) -> Settings:
        """Check the values; raises InvalidSettings."""
        return _convert({**self.running, **self.environment, **self.options})

    def origin_of(self, name: str) -> str:
        """Return where the value of a setting comes from."""
        if name in self.options:
            return "option"
        if name in self.environment:
            return "environment"
        return RUNNING_FILE if name in self.running else "default"


def read_sources(
    environment: Mapping[str, str] = os.environ, *, include_running: bool = True, **options: Any
) -> SettingsSources:
    """Read all sources; options that are None count as not given. Raises InvalidSettings.

    `include_running` adds the file by which a running `tidings up` tells its addresses and secret.
    """
    variables = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    chosen_options = {name: value for name, value in options.items() if value is not None}
    data_dir = Path(str({**variables, **chosen_options}.get("data_dir", DEFAULT_DATA_DIR)))
    running_values = _read_running(data_dir) if include_running else {}
    return SettingsSources(chosen_options, variables, running_values)


def load_settings(
    environment: Mapping[str, str] = os.environ, *, include_running: bool = True, **options: Any
) -> Settings:
    """Read all sources (see `read_sources`) and check the values; raises InvalidSettings."""
    return read_sources(environment, include_running=include_running, **options).settings()


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment variables that give a process these settings."""
    return {
        variable_of(name): str(value)
        for name, value in msgspec.structs.asdict(settings).items()
        if value is not None
    }


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def running_file_of(data_dir: Path) -> Path:
    """Return the file in which a running `tidings up` keeps its addresses and secret (mode 600)."""
    return data_dir / RUNNING_FILE


def _read_running(data_dir: Path) -> dict[str, Any]:
    file = running_file_of(data_dir)
    try:
        stored = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise InvalidSettings(f"{file} cannot be read: {error}") from None
    # An earlier version that was killed left this file behind, with the names of its time.
    return {OLD_NAMES.get(name, name): value for name, value in stored.items()}


def _convert(values: dict[str, Any]) -> Settings:
    unknown = [name for name in values if name not in Settings.__struct_fields__]
    if unknown:
        raise InvalidSettings(_unknown_setting(unknown[0]))
    try:
        return msgspec.convert(
            values, Settings, strict=False, dec_hook=lambda kind, value: kind(value)
        )
    except msgspec.ValidationError as error:
        raise InvalidSettings(_with_variable(str(error))) from None


def _unknown_setting(name: str) -> str:
    if new_name := OLD_NAMES.get(name):
        return f"{variable_of(name)} is now called {variable_of(new_name)}; rename it"
    known_names = ", ".join(Settings.__struct_fields__)
    return f"unknown setting {variable_of(name)}; known: {known_names}"


def _with_variable(message: str) -> str:
    """Name the variable in a message of msgspec, which ends in the path of the field."""
    reason, _, field = message.partition(" - at `$.")
    return f"{variable_of(field.rstrip('`'))}: {reason}"
