"""Settings sources: the options of a command, the environment, the data directory, the defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from tidings.runtime.embedded.data_directory import holder_has_ended
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
PRODUCT_VARIABLES: Mapping[str, str] = {
    "WS_HEARTBEAT_INTERVAL": "set TIDINGS_HEARTBEAT_SECONDS",
    "WS_MAX_CONNECTIONS_PER_USER": "set TIDINGS_CONNECTIONS_PER_USER",
    "WS_RECONNECT_MAX_ATTEMPTS": "clients decide how often they reconnect; nothing to set here",
    "SSE_HEARTBEAT_INTERVAL": "set TIDINGS_HEARTBEAT_SECONDS",
    "SSE_CONNECTION_TIMEOUT": "set TIDINGS_CONNECTION_LIFETIME_SECONDS",
    "NOTIFICATION_RETENTION_DAYS": "set TIDINGS_RETENTION_DAYS",
    "NOTIFICATION_CLEANUP_INTERVAL": "set TIDINGS_SWEEP_INTERVAL_SECONDS",
    "MAX_NOTIFICATIONS_PER_USER": "set TIDINGS_NOTIFICATIONS_PER_USER",
    "REDIS_URL": "NATS (TIDINGS_NATS_URL) takes the place of Redis",
}
"""The instruction that replaces each variable of the five products' own servers.

Their `NEXT_PUBLIC_…` variables are not here: their front ends still read them.
"""


SERVICE_LINK = re.compile(
    r"TIDINGS(_[A-Z0-9_]+)?_"
    r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
    r"|ENV_.*)"
)
"""Names of the variables that Kubernetes and Docker give to all containers beside a service."""
SERVICE_LINK_PORT = re.compile(r"(tcp|udp|sctp)://")
"""The value of the one such variable, `…_PORT`, whose name may be that of a setting."""


CHOICES: Mapping[str, tuple[str, ...]] = {
    name: get_args(kind)
    for name, kind in get_type_hints(Settings).items()
    if get_origin(kind) is Literal
}
"""The values of each setting that has a fixed choice of them."""


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
    """Read all sources; raises InvalidSettings.

    Options that are None or empty count as not given, and so do empty variables, which compose
    files write for what is not set. Variables of service links are skipped. `include_running` adds
    the file by which a running `tidings up` tells its addresses and secret.
    """
    variables = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value.strip() and not is_service_link(name, value)
    }
    chosen_options = {name: value for name, value in options.items() if value not in (None, "")}
    data_dir = Path(str({**variables, **chosen_options}.get("data_dir", DEFAULT_DATA_DIR)))
    running_values = _read_running(data_dir) if include_running else {}
    return SettingsSources(chosen_options, variables, running_values)


def load_settings(
    environment: Mapping[str, str] = os.environ, *, include_running: bool = True, **options: Any
) -> Settings:
    """Read all sources (see `read_sources`) and check the values; raises InvalidSettings."""
    return read_sources(environment, include_running=include_running, **options).settings()


def is_service_link(name: str, value: str) -> bool:
    """Return whether a cluster gave us a variable because a service has a name like ours."""
    return bool(
        SERVICE_LINK.fullmatch(name)
        or (name.endswith(("_PORT", "_NAME")) and value.startswith("/"))
        or (name.endswith("_PORT") and SERVICE_LINK_PORT.match(value))
    )


def unread_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return a warning for each variable that looks meant for Tidings, but is not read.

    These are those of the products' own servers, in upper or lower case, as for the products, and
    those of service links, in one line.
    """
    links = [
        name
        for name, value in environment.items()
        if name.startswith(PREFIX) and is_service_link(name, value)
    ]
    said = f"{', '.join(sorted(links))}: not read, as they describe a service of the cluster"
    return [
        *(
            f"{name} is not read; {advice}"
            for name in environment
            if (advice := PRODUCT_VARIABLES.get(name.upper()))
        ),
        *([said] if links else []),
    ]


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
    if holder_has_ended(data_dir):  # it was killed, and its addresses lead nowhere
        return {}
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
    given = {**values, **{name: _folded(name, values[name]) for name in CHOICES if name in values}}
    try:
        return msgspec.convert(
            given, Settings, strict=False, dec_hook=lambda kind, value: kind(value)
        )
    except msgspec.ValidationError as error:
        raise InvalidSettings(_with_variable(str(error))) from None


def _folded(name: str, value: Any) -> Any:
    """Return the choice of a setting that differs from a value only in its case."""
    same = (choice for choice in CHOICES[name] if choice.lower() == str(value).strip().lower())
    return next(same, value)


def _unknown_setting(name: str) -> str:
    if new_name := OLD_NAMES.get(name):
        return f"{variable_of(name)} is now called {variable_of(new_name)}; rename it"
    known_names = ", ".join(Settings.__struct_fields__)
    return f"unknown setting {variable_of(name)}; known: {known_names}"


def _with_variable(message: str) -> str:
    """Name the variable in a message of msgspec, which ends in the path of the field."""
    reason, _, path = message.partition(" - at `$.")
    field = path.rstrip("`")
    advice = f"; give one of {', '.join(CHOICES[field])}" if field in CHOICES else ""
    return f"{variable_of(field)}: {reason}{advice}"
