"""Settings: read once from the environment (`TIDINGS_*`), checked, and passed on as a value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from tidings.runtime.errors import InvalidSettings

PREFIX = "TIDINGS_"
SECRET_LIMIT_CHARACTERS = 32
YEAR_SECONDS = 31_536_000

Network = IPv4Network | IPv6Network
Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=YEAR_SECONDS)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings; `TIDINGS_NATS_URL` sets `nats_url`, and so on."""

    nats_url: str | None = None
    postgres_dsn: str | None = None
    outbox_dsn: str | None = None
    jwt_secret: str | None = None
    jwks_url: str | None = None
    jwks_refresh_seconds: Seconds = 300
    jwks_cooldown_seconds: Seconds = 5
    jwks_keep_seconds: Seconds = 86_400
    jwt_audience: str | None = None
    jwt_issuer: str | None = None
    jwt_leeway_seconds: Annotated[float, Meta(ge=0, le=300)] = 5
    token_lifetime_limit_seconds: Seconds = YEAR_SECONDS
    token_cookie: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\Z")] = "tidings_token"
    ticket_secret: str | None = None
    ticket_seconds: Annotated[int, Meta(ge=1, le=120)] = 30
    allowed_origins: str = ""
    trusted_proxies: str = ""
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    connections_per_address: Positive | None = None
    connect_rate: str = "600/60"
    frame_rate: str = "3000/60"
    request_rate: str = "6000/60"
    ticket_rate: str = "120/60"
    event_rate: str = "off"
    url: str | None = None
    token: str | None = None
    data_dir: Path = Path(".tidings")
    host: str = "127.0.0.1"
    port: Port = 8000
    log_level: str = "INFO"
    demo: bool = False
    partitions: Annotated[int, Meta(ge=1, le=256)] = 16
    owned_partitions: str = "all"
    edge_partitions: str = "all"
    reuse_port: bool = False
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    retention_days: Positive = 30
    notifications_per_user: Positive = 1000
    topic_recipients: Annotated[int, Meta(ge=0)] = 1000
    duplicate_window_seconds: Seconds = 120
    cleanup_seconds: Seconds = 3600
    heartbeat_seconds: Seconds = 25
    lifetime_seconds: Seconds = 3600
    stale_seconds: Seconds = 300
    send_seconds: Seconds = 60
    drain_seconds: Seconds = 10
    presence_seconds: Seconds = 15
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
        return _required(
            self.postgres_dsn,
            "TIDINGS_POSTGRES_DSN",
            "postgresql://user:password@127.0.0.1/tidings",
        )

    @property
    def secret(self) -> str:
        """The secret that signs tokens, at least 32 characters; raises InvalidSettings."""
        secret = _required(self.jwt_secret, "TIDINGS_JWT_SECRET", "32 random characters or more")
        return _long(secret, "TIDINGS_JWT_SECRET", "HS256")

    @property
    def ticket_key(self) -> str:
        """The secret that seals tickets, the same on every edge; raises InvalidSettings."""
        if self.ticket_secret is None and self.jwt_secret is not None:
            return self.secret
        return _long(
            _required(self.ticket_secret, "TIDINGS_TICKET_SECRET", "32 random characters or more"),
            "TIDINGS_TICKET_SECRET",
            "a ticket",
        )

    @property
    def audience(self) -> tuple[str, ...] | None:
        """Whom tokens must be for, one of these; None: they name nobody."""
        return words(self.jwt_audience or "") or None

    @property
    def issuer(self) -> tuple[str, ...] | None:
        """Who may have issued tokens; None: anybody who can sign them."""
        return words(self.jwt_issuer or "") or None

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose pages may connect, beside our own; raises InvalidSettings."""
        return tuple(_origin(text) for text in words(self.allowed_origins))

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose word about a client's address is taken; raises InvalidSettings."""
        return tuple(_network(text) for text in words(self.trusted_proxies))

    def rate(self, name: str) -> tuple[int, int] | None:
        """How many `connect`, `frame`, `request`, `ticket` or `event` within how many seconds; None: as many as come."""
        return _rate(f"TIDINGS_{name.upper()}_RATE", getattr(self, f"{name}_rate"))

    def check_access(self, *, tickets: bool) -> None:
        """Raise InvalidSettings now, not at the first request, if who may come in cannot be decided."""
        _ = (
            self.jwks_url or self.secret,
            self.audience,
            self.issuer,
            self.origins,
            self.proxies,
            tickets and self.ticket_key,
            self.demo and self.secret,
        )
        for name in ("connect", "frame", "request", "ticket", "event"):
            self.rate(name)

    @property
    def owned(self) -> tuple[int, ...]:
        """The partitions this notifier routes; raises InvalidSettings."""
        return self._numbers("TIDINGS_OWNED_PARTITIONS", self.owned_partitions) or tuple(
            range(self.partitions)
        )

    @property
    def served(self) -> tuple[int, ...] | None:
        """The partitions whose people this edge serves, None for all; raises InvalidSettings."""
        return self._numbers("TIDINGS_EDGE_PARTITIONS", self.edge_partitions)

    def _numbers(self, name: str, text: str) -> tuple[int, ...] | None:
        return (
            None
            if text == "all"
            else tuple(_partition(name, each, self.partitions) for each in text.split(","))
        )


def settings(
    environment: Mapping[str, str] = os.environ, *, running: bool = True, **given: Any
) -> Settings:
    """Read the environment; what a running `tidings up` says in its data directory fills the gaps. Raises InvalidSettings."""
    named = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    chosen = {**named, **{name: value for name, value in given.items() if value is not None}}
    found = _running(Path(str(chosen.get("data_dir", ".tidings")))) if running else {}
    return _settings({**found, **chosen})


def variables(chosen: Settings) -> dict[str, str]:
    """The environment that says the same."""
    return {
        f"{PREFIX}{name.upper()}": str(value)
        for name, value in msgspec.structs.asdict(chosen).items()
        if value is not None
    }


def words(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(word for each in text.split(",") if (word := each.strip()))


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
        raise InvalidSettings(
            f"unknown setting {PREFIX}{unknown[0].upper()}; known: {', '.join(Settings.__struct_fields__)}"
        )
    try:
        return msgspec.convert(
            values, Settings, strict=False, dec_hook=lambda kind, value: kind(value)
        )
    except msgspec.ValidationError as error:
        raise InvalidSettings(_sentence(str(error))) from None


def _sentence(message: str) -> str:
    reason, _, path = message.partition(" - at `$.")
    return f"{PREFIX}{path.rstrip('`').upper()}: {reason}"


def _required(value: str | None, name: str, example: str) -> str:
    if value is None:
        raise InvalidSettings(
            f"{name} is not set (for example: {example}); `tidings up` sets it by itself, for whoever names its --data-dir too"
        )
    return value


def _long(secret: str, name: str, what: str) -> str:
    if len(secret) < SECRET_LIMIT_CHARACTERS:
        raise InvalidSettings(
            f"{name} has {len(secret)} characters; {what} needs at least {SECRET_LIMIT_CHARACTERS}"
        )
    return secret


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", text):
        raise InvalidSettings(
            f"TIDINGS_ALLOWED_ORIGINS: `{text}` is no origin; give them as browsers do, such as https://app.example.org"
        )
    return text


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise InvalidSettings(
            f"TIDINGS_TRUSTED_PROXIES: `{text}` is no network; give addresses such as 10.0.0.7 or 10.0.0.0/8"
        ) from None


def _rate(name: str, text: str) -> tuple[int, int] | None:
    if text == "off":
        return None
    if match := re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,5})", text):
        return int(match[1]), int(match[2])
    raise InvalidSettings(
        f"{name}: `{text}` is no rate; give how many in how many seconds, such as 600/60, or `off`"
    )


def _partition(name: str, text: str, partitions: int) -> int:
    if text.strip().isdecimal() and int(text) < partitions:
        return int(text)
    raise InvalidSettings(
        f"{name}: `{text}` is not a partition; give `all` or numbers below {partitions}, such as 0,1,2"
    )
