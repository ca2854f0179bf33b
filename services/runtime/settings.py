"""Settings: read once from the environment (`TIDINGS_*`), checked, and passed on as a value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from services.runtime.errors import InvalidSettings

PREFIX = "TIDINGS_"
SECRET_LIMIT_CHARACTERS = 32
YEAR_SECONDS = 31_536_000

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=YEAR_SECONDS)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings; `TIDINGS_NATS_URL` sets `nats_url`, and so on."""

    nats_url: str | None = None
    postgres_dsn: str | None = None
    jwt_secret: str | None = None
    url: str | None = None
    token: str | None = None
    data_dir: Path = Path(".tidings")
    host: str = "127.0.0.1"
    port: Port = 8000
    log_level: str = "INFO"
    partitions: Annotated[int, Meta(ge=1, le=256)] = 16
    owned_partitions: str = "all"
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    retention_days: Positive = 30
    notifications_per_user: Positive = 1000
    topic_recipients: Annotated[int, Meta(ge=0)] = 1_000_000_000
    duplicate_window_seconds: Seconds = 120
    cleanup_seconds: Seconds = 3600
    heartbeat_seconds: Seconds = 25
    lifetime_seconds: Seconds = 3600
    stale_seconds: Seconds = 300
    send_seconds: Seconds = 60
    drain_seconds: Seconds = 10
    connections_per_user: Positive = 5
    connections_limit: Positive = 12_000
    idempotency_seconds: Seconds = 86_400
    idempotency_lease_seconds: Seconds = 60
    idempotency_keys_per_user: Positive = 10_000
    ring_bytes: Positive = 64 * 1024 * 1024
    snapshot_limit: Annotated[int, Meta(ge=1, le=200)] = 50
    postgres_connections: Positive = 8

    @property
    def nats(self) -> str:
        """The address of NATS; raises InvalidSettings."""
        return _required(self.nats_url, "TIDINGS_NATS_URL", "nats://127.0.0.1:4222")

    @property
    def postgres(self) -> str:
        """The address of Postgres; raises InvalidSettings."""
        return _required(self.postgres_dsn, "TIDINGS_POSTGRES_DSN", "postgresql://user:password@127.0.0.1/tidings")

    @property
    def secret(self) -> str:
        """The secret that signs tokens, at least 32 characters; raises InvalidSettings."""
        secret = _required(self.jwt_secret, "TIDINGS_JWT_SECRET", "32 random characters or more")
        if len(secret) < SECRET_LIMIT_CHARACTERS:
            raise InvalidSettings(f"TIDINGS_JWT_SECRET has {len(secret)} characters; HS256 needs at least {SECRET_LIMIT_CHARACTERS}")
        return secret

    @property
    def owned(self) -> tuple[int, ...]:
        """The partitions this notifier routes; raises InvalidSettings."""
        if self.owned_partitions == "all":
            return tuple(range(self.partitions))
        return tuple(_partition(text, self.partitions) for text in self.owned_partitions.split(","))


def settings(environment: Mapping[str, str] = os.environ, *, running: bool = True, **given: Any) -> Settings:
    """Read the environment; what a running `tidings up` says in its data directory fills the gaps. Raises InvalidSettings."""
    named = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    chosen = {**named, **{name: value for name, value in given.items() if value is not None}}
    found = _running(Path(str(chosen.get("data_dir", ".tidings")))) if running else {}
    return _settings({**found, **chosen})


def variables(chosen: Settings) -> dict[str, str]:
    """The environment that says the same."""
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in msgspec.structs.asdict(chosen).items() if value is not None}


def running_file(data_dir: Path) -> Path:
    """Where a running `tidings up` says how to reach it; readable by its user only."""
    return data_dir / "running.json"


def _running(data_dir: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(running_file(data_dir).read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise InvalidSettings(f"{running_file(data_dir)} cannot be read: {error}") from None


def _settings(values: dict[str, Any]) -> Settings:
    unknown = [name for name in values if name not in Settings.__struct_fields__]
    if unknown:
        raise InvalidSettings(f"unknown setting {PREFIX}{unknown[0].upper()}; known: {', '.join(Settings.__struct_fields__)}")
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise InvalidSettings(_sentence(str(error))) from None


def _sentence(message: str) -> str:
    reason, _, path = message.partition(" - at `$.")
    return f"{PREFIX}{path.rstrip('`').upper()}: {reason}"


def _required(value: str | None, name: str, example: str) -> str:
    if value is None:
        raise InvalidSettings(f"{name} is not set (for example: {example}); `tidings up` sets it by itself")
    return value


def _partition(text: str, partitions: int) -> int:
    if text.strip().isdecimal() and int(text) < partitions:
        return int(text)
    raise InvalidSettings(f"TIDINGS_OWNED_PARTITIONS: `{text}` is not a partition; give `all` or numbers below {partitions}, such as 0,1,2")
