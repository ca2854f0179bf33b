"""Settings: one immutable value; the string after a field is its line of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct
from tidings.client.addresses import http_url
from tidings.contracts.subjects import Subjects
from tidings.runtime.setting_values import (
    ClaimNames,
    Defaults,
    Network,
    parse_claim_names,
    parse_defaults,
    parse_dialects,
    parse_host,
    parse_network,
    parse_origin,
    parse_partition,
    parse_rate,
    parse_scope,
    parse_tcp_port,
    parse_tenant,
    require_long,
    require_set,
    split_list,
)
from tidings.runtime.vapid import SUBJECT_EXAMPLE, VapidKey, check_vapid_subject

YEAR_SECONDS = 31_536_000
SECRET_EXAMPLE = "32 random characters or more"
DEMO_SUBJECT = "mailto:demo@localhost"
RATES = (
    *("connect", "frame", "request", "ticket", "event", "stranger"),
    *("tenant_event", "tenant_byte"),
)
"""`connect` is the setting `connect_rate`, and so on."""

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=YEAR_SECONDS)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings; `TIDINGS_NATS_URL` sets `nats_url`, and so on.

    Properties parse the fields whose value is a list, a rate or a secret.
    """

    nats_url: str | None = None
    """Addresses of the NATS servers, comma-separated; `tidings up` embeds one if unset."""
    postgres_dsn: str | None = None
    """Address of Tidings' own Postgres; `tidings up` embeds one if unset."""
    outbox_dsn: str | None = None
    """Address of the Postgres of the service whose outbox `tidings outbox` relays."""
    jwt_secret: str | None = None
    """Secret that verifies HS256 tokens, at least 32 characters; `tidings up` makes one."""
    jwks_url: str | None = None
    """Address of the key set that verifies RS256, ES256 and EdDSA tokens."""
    jwks_refresh_interval_seconds: Seconds = 300
    """Seconds between two fetches of the key set."""
    jwks_cooldown_seconds: Seconds = 5
    """Least seconds between two fetches, however many unknown keys tokens name."""
    jwks_max_age_seconds: Seconds = 86_400
    """Seconds that fetched keys stay valid while the issuer is away."""
    jwt_audience: str | None = None
    """Accepted audiences (`aud`), comma-separated; if unset, tokens must name none."""
    jwt_issuer: str | None = None
    """Accepted issuers (`iss`), comma-separated; if unset, any."""
    jwt_leeway_seconds: Annotated[float, Meta(ge=0, le=300)] = 5
    """Seconds by which the issuer's clock may differ from ours."""
    token_lifetime_limit_seconds: Seconds = YEAR_SECONDS
    """Longest lifetime of a token in seconds; revocations are kept that long."""
    default_tenant: str | None = None
    """Tenant of tokens that state none: `acme`, or `key=acme,…` by dialect or issuer (`iss`)."""
    default_scope: str | None = None
    """Scope of tokens that state none: `inbox`, or `key=inbox,…`; others only if given."""
    token_claims: str = ""
    """Names of the claims of a token, such as `user=user_id,tenant=org,scope=scp`."""
    token_cookie: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\Z")] = "tidings_token"
    """Name of the cookie in which a page may send its token."""
    ticket_secret: str | None = None
    """Secret that encrypts tickets, the same on every edge; if unset, TIDINGS_JWT_SECRET."""
    ticket_ttl_seconds: Annotated[int, Meta(ge=1, le=120)] = 30
    """Seconds that a ticket can be redeemed; short, because logs keep addresses."""
    allowed_origins: str = ""
    """Origins whose pages may connect (CORS), comma-separated, beside the edge's own."""
    allowed_hosts: str = ""
    """Hosts that requests may name, comma-separated; if unset, any, on loopback only its names."""
    link_hosts: str = ""
    """Hosts of pages that events may link to, beside those of allowed origins; `*` for any."""
    trusted_proxies: str = ""
    """Networks whose `X-Forwarded-*` or `Forwarded` headers are trusted, comma-separated."""
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """Headers of trusted proxies: `x-forwarded-for`, `-host` and `-proto`, or `forwarded`."""
    connections_per_address: Annotated[int, Meta(ge=0)] = 2000
    """Connections of one client address (IPv6: one /64) to an edge; 0: any number."""
    unauthenticated_per_address: Annotated[int, Meta(ge=0)] = 200
    """Connections of one address that no token has opened yet, proxies excepted; 0: any number."""
    connect_rate: str = "600/60"
    """Connects of a user from one address to a process: count/seconds, or `off`."""
    frame_rate: str = "3000/60"
    """Frames that a user may send to a process, over all connections: count/seconds, or `off`."""
    request_rate: str = "6000/60"
    """Requests of a user to a process, over all its routes: count/seconds, or `off`."""
    ticket_rate: str = "120/60"
    """Tickets that a process issues to a user: count/seconds, or `off`."""
    event_rate: str = "off"
    """Requests of a user to emit: count/seconds; `off` because services emit in bulk."""
    tenant_event_rate: str = "600000/60"
    """Events that a tenant may emit by a process: count/seconds, or `off`."""
    tenant_byte_rate: str = "536870912/60"
    """Bytes of events that a tenant may emit by a process: count/seconds, or `off`."""
    stranger_rate: str = "6000/60"
    """Requests of an address without a token: count/seconds, or `off`; wrong ones: a tenth."""
    client_url: str | None = None
    """Base URL for commands that connect as clients; if unset, from host and port."""
    client_token: str | None = None
    """Token that these commands send; if unset, they sign one with the secret."""
    data_dir: Path = Path(".tidings")
    """Directory where `tidings up` keeps its data, its secrets and `running.json`."""
    host: str = "127.0.0.1"
    """Address that HTTP is served on; the default admits this machine only."""
    port: Port = 8000
    """Port that HTTP is served on; 0 chooses a free one."""
    metrics_port: Port | None = None
    """Port of `/metrics` and `/health` of any process; 0 chooses a free one, which is logged."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """Least level of the lines that are logged: DEBUG, INFO, WARNING or ERROR."""
    dialects: str = ""
    """Products of tenants: `barbershop=tenant-a,tenant-b;incidents=tenant-c`."""
    public_status: bool = True
    """Answer `/api/v1/ws/status` without a token, with numbers only; if false, with 404."""
    demo: bool = False
    """Serve the demo page, where anyone may sign in; `tidings up --demo` sets it."""
    mailbox: bool = True
    """Keep mails on this machine if `tidings up` has no relay; if false, none is sent."""
    mailbox_url: str | None = None
    """Base URL of the mailbox whose mails the demo page shows; `tidings up` sets it."""
    partitions: Annotated[int, Meta(ge=1, le=256)] = 16
    """Number of partitions of users; fixed when the streams are created."""
    channels_partitions: str = "all"
    """Partitions of people that `tidings channels` sends for: `all`, or numbers (`0-3,8`)."""
    notifier_partitions: str = "all"
    """Partitions that this notifier routes: `all`, or numbers such as `0,1,2`."""
    edge_partitions: str = "all"
    """Partitions whose users this edge serves: `all`, or numbers such as `0,1,2`."""
    reuse_port: bool = False
    """Let several processes listen on one port (`SO_REUSEPORT`); `--workers` sets it."""
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1
    """Copies of every stream; needs at least as many NATS servers."""
    retention_days: Positive = 30
    """Days that notifications are kept; events are kept for ever."""
    notifications_per_user: Positive = 1000
    """Notifications that are kept for each user, the newest."""
    events_limit_bytes: Positive | None = None
    """Bytes of EVENTS; when reached, events are refused (503), none is dropped; if unset, any."""
    notifications_limit_bytes: Positive | None = None
    """Bytes of NOTIFICATIONS; when reached, deliveries wait, none is dropped; if unset, any."""
    topic_threshold_members: Annotated[int, Meta(ge=0)] = 1000
    """Members above which a relation gets one shared log, written once for all."""
    include_actor_tenants: str = ""
    """Tenants whose users are notified of their own acts too, by every rule; comma-separated."""
    duplicate_window_seconds: Seconds = 120
    """Seconds in which NATS drops an event whose id it has already."""
    sweep_interval_seconds: Seconds = 3600
    """Seconds between two deletions of expired rows; reads never show them."""
    heartbeat_seconds: Seconds = 30
    """Seconds between two heartbeats; below the idle timeouts of most proxies."""
    connection_lifetime_seconds: Seconds = 3600
    """Longest lifetime of a connection; each gets up to 20 % less, to spread reconnects."""
    idle_peer_timeout_seconds: Seconds = 300
    """Seconds without a sign of the peer after which its connection is closed."""
    send_timeout_seconds: Seconds = 60
    """Seconds that sending one frame may take before the connection is closed."""
    drain_timeout_seconds: Seconds = 10
    """Most seconds over which a stopping edge asks its clients to move."""
    presence_ttl_seconds: Seconds = 15
    """Seconds that users of a silent edge still count as connected."""
    connections_per_user: Positive = 5
    """Connections of one user to an edge: tabs and devices."""
    connections_limit: Positive = 12_000
    """Connections to an edge, and as many more that are not authenticated yet."""
    idempotency_ttl_seconds: Seconds = 86_400
    """Seconds that the answer to an idempotency key is kept."""
    idempotency_lease_seconds: Seconds = 60
    """Seconds that a request holds its key; its work may take 75 % of them."""
    idempotency_keys_per_user: Positive = 10_000
    """Idempotency keys that are kept for one user; more answer 429."""
    ring_bytes: Positive = 64 * 1024 * 1024
    """Bytes of the newest entries that an edge holds in memory, for fast replays."""
    snapshot_limit: Annotated[int, Meta(ge=1, le=200)] = 50
    """Notifications in the snapshot that a new client gets; the rest are listed by page."""
    postgres_connections: Positive = 8
    """Connections of the Postgres pool of each process."""
    channel_secret: str | None = None
    """Secret that seals the links in mails and signs webhooks, the same in every process."""
    public_url: str | None = None
    """Base URL under which people reach the edge, for links in mails."""
    product_url: str | None = None
    """Base URL of the product, for events that link to its pages by a relative address."""
    product_name: Annotated[str, Meta(min_length=1, max_length=60)] = "Tidings"
    """Name of the product in mails."""
    templates: Path | None = None
    """Directory whose templates replace those of mails: `mail.html`, `mail.txt`."""
    smtp_host: str | None = None
    """Host of the relay that takes mails; if unset, none leaves."""
    smtp_port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    """Port of the relay."""
    smtp_tls: Literal["auto", "starttls", "implicit", "off"] = "auto"
    """TLS of the relay; `auto` demands `starttls`, and takes a relay on loopback without it."""
    smtp_user: str | None = None
    """Name to log in to the relay; if unset, no login."""
    smtp_password: str | None = None
    """Password to log in to the relay."""
    smtp_login_file: Path | None = None
    """File with the password to log in to the relay, instead of the variable."""
    smtp_connections: Annotated[int, Meta(ge=1, le=100)] = 4
    """Connections of a process to the relay, each with one mail at a time."""
    email_from: str = "Tidings <tidings@localhost>"
    """Sender of mails: an address, or `Name <address>`; its domain is that of message ids."""
    email_bounces: str | None = None
    """Address that bounces go to, with `+` and a token before its `@`; if unset, the sender's."""
    email_doubtful: Literal["resend", "hold"] = "resend"
    """What becomes of a mail that may have left or not: `resend` it, or `hold` it for ever."""
    email_rate: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    """Mails a second that a process hands to the relay at most; if unset, as many as it takes."""
    webhooks: bool = False
    """Send to webhooks and chats that people give, and events to endpoints of tenants."""
    webhook_allow: str = ""
    """Networks of your own that webhooks may reach, by http too, comma-separated."""
    webhook_ports: str = "443"
    """Ports that webhooks may reach, comma-separated."""
    vapid_private_key: str | None = None
    """Key that signs web pushes (`tidings keys vapid`); `tidings up` makes one for the subject."""
    vapid_subject: str | None = None
    """Where push services reach you: `mailto:` or `https:`; if unset, no web push is sent."""
    push_id_only: bool = False
    """Send only ids in pushes; the device fetches what they say from here."""
    apns_key_file: Path | None = None
    """File with the key (`.p8`) that signs pushes to Apple's devices; if unset, none is sent."""
    apns_key_id: str | None = None
    """Id of that key, of 10 characters."""
    apns_team_id: str | None = None
    """Id of the team that the key belongs to, of 10 characters."""
    apns_topic: str | None = None
    """Bundle id of the app that receives them."""
    apns_url: str = "https://api.push.apple.com"
    """Address of APNs; that of development is https://api.sandbox.push.apple.com."""
    fcm_account_file: Path | None = None
    """File (JSON) of the service account that pushes to Android; if unset, none is sent."""
    fcm_url: str = "https://fcm.googleapis.com"
    """Address of Firebase Cloud Messaging."""

    @property
    def base_url(self) -> str:
        """The base URL for clients: that of `client_url`, or of host and port on this machine."""
        return (self.client_url or http_url(self.host, self.port)).rstrip("/")

    @property
    def nats(self) -> str:
        """The addresses of NATS; raises InvalidSettings if unset."""
        return require_set(self.nats_url, "TIDINGS_NATS_URL", "nats://127.0.0.1:4222")

    @property
    def postgres(self) -> str:
        """The address of Postgres; raises InvalidSettings if unset."""
        example = "postgresql://user:password@127.0.0.1/tidings"
        return require_set(self.postgres_dsn, "TIDINGS_POSTGRES_DSN", example)

    @property
    def secret(self) -> str:
        """The secret that signs tokens; raises InvalidSettings if unset or too short."""
        name = "TIDINGS_JWT_SECRET"
        return require_long(require_set(self.jwt_secret, name, SECRET_EXAMPLE), name, "HS256")

    @property
    def ticket_key(self) -> str:
        """The secret that encrypts tickets; raises InvalidSettings if unset or too short."""
        if self.ticket_secret is None and self.jwt_secret is not None:
            return self.secret
        name = "TIDINGS_TICKET_SECRET"
        return require_long(require_set(self.ticket_secret, name, SECRET_EXAMPLE), name, "a ticket")

    @property
    def audience(self) -> tuple[str, ...] | None:
        """The accepted audiences of tokens; None: tokens must name none."""
        return split_list(self.jwt_audience or "") or None

    @property
    def issuer(self) -> tuple[str, ...] | None:
        """The accepted issuers of tokens; None: any that can sign them."""
        return split_list(self.jwt_issuer or "") or None

    @property
    def default_tenants(self) -> Defaults:
        """The tenants of tokens without a tenant; raises InvalidSettings."""
        return parse_defaults(
            "TIDINGS_DEFAULT_TENANT", self.default_tenant or "", self.issuer, parse_tenant
        )

    @property
    def default_scopes(self) -> Defaults:
        """The scopes of tokens without a scope; raises InvalidSettings."""
        return parse_defaults(
            "TIDINGS_DEFAULT_SCOPE", self.default_scope or "", self.issuer, parse_scope
        )

    @property
    def claim_names(self) -> ClaimNames:
        """The names of the claims that state user, tenant and scope; raises InvalidSettings."""
        return parse_claim_names("TIDINGS_TOKEN_CLAIMS", self.token_claims)

    @property
    def dialect_by_tenant(self) -> Mapping[str, str]:
        """The name of each tenant's dialect, as far as it is set; raises InvalidSettings."""
        return parse_dialects("TIDINGS_DIALECTS", self.dialects)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose pages may connect, beside our own; raises InvalidSettings."""
        return tuple(parse_origin(text) for text in split_list(self.allowed_origins))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that requests may name; none: see `allowed_hosts`. Raises InvalidSettings."""
        return tuple(
            parse_host("TIDINGS_ALLOWED_HOSTS", text) for text in split_list(self.allowed_hosts)
        )

    @property
    def linkable_hosts(self) -> frozenset[str]:
        """The hosts of pages that events may link to; raises InvalidSettings."""
        own = (parse_host("TIDINGS_LINK_HOSTS", text) for text in split_list(self.link_hosts))
        return frozenset(own) | {str(urlsplit(origin).hostname) for origin in self.origins}

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of trusted proxies; raises InvalidSettings."""
        return tuple(
            parse_network("TIDINGS_TRUSTED_PROXIES", text)
            for text in split_list(self.trusted_proxies)
        )

    @property
    def channel_key(self) -> str:
        """The secret of channels; raises InvalidSettings if unset or too short."""
        name = "TIDINGS_CHANNEL_SECRET"
        return require_long(require_set(self.channel_secret, name, SECRET_EXAMPLE), name, "a link")

    @property
    def webhook_networks(self) -> tuple[Network, ...]:
        """The networks of our own that webhooks may reach; raises InvalidSettings."""
        return tuple(
            parse_network("TIDINGS_WEBHOOK_ALLOW", text) for text in split_list(self.webhook_allow)
        )

    @property
    def webhook_port_numbers(self) -> tuple[int, ...]:
        """The ports that webhooks may reach; raises InvalidSettings."""
        return tuple(
            parse_tcp_port("TIDINGS_WEBHOOK_PORTS", text) for text in split_list(self.webhook_ports)
        )

    @property
    def vapid_key(self) -> VapidKey:
        """The key that signs web pushes; raises InvalidSettings."""
        text = require_set(
            self.vapid_private_key, "TIDINGS_VAPID_PRIVATE_KEY", "what `tidings keys vapid` prints"
        )
        return VapidKey(text)

    @property
    def vapid_contact(self) -> str:
        """How push services reach the operator; raises InvalidSettings if they cannot."""
        if self.demo:
            return self.vapid_subject or DEMO_SUBJECT
        name = "TIDINGS_VAPID_SUBJECT"
        return check_vapid_subject(require_set(self.vapid_subject, name, SUBJECT_EXAMPLE))

    @property
    def has_pushes(self) -> bool:
        """Whether pushes of any kind are sent."""
        return bool(self.vapid_private_key or self.apns_key_file or self.fcm_account_file)

    def rate(self, name: str) -> tuple[int, int] | None:
        """Return quota and seconds of one of RATES, None: no limit; raises InvalidSettings."""
        return parse_rate(f"TIDINGS_{name.upper()}_RATE", getattr(self, f"{name}_rate"))

    def check_access(self, *, tickets: bool) -> None:
        """Raise InvalidSettings at the start, not at the first request, if one here is wrong."""
        _ = (
            self.jwks_url or self.secret,
            self.audience,
            self.issuer,
            self.default_tenants,
            self.default_scopes,
            self.claim_names,
            self.dialect_by_tenant,
            self.origins,
            self.hosts,
            self.linkable_hosts,
            self.proxies,
            tickets and self.ticket_key,
            self.demo and self.secret,
        )
        for name in RATES:
            self.rate(name)

    def check_services(self) -> None:
        """Raise InvalidSettings if a setting would keep one of the services from starting."""
        self.check_access(tickets=True)
        _ = (
            self.notifier_partition_numbers,
            self.edge_partition_numbers,
            self.channels_partition_numbers,
            self.webhooks and (self.channel_key, self.webhook_networks, self.webhook_port_numbers),
            self.vapid_private_key and self.vapid_key,
            (self.vapid_private_key or self.vapid_subject) and self.vapid_contact,
        )

    @property
    def tenants_including_actor(self) -> frozenset[str]:
        """The tenants in which every rule notifies the actor too."""
        return frozenset(split_list(self.include_actor_tenants))

    @property
    def subjects(self) -> Subjects:
        """The subjects of an installation with this number of partitions."""
        return Subjects(self.partitions)

    @property
    def channels_partition_numbers(self) -> tuple[int, ...]:
        """The partitions of people that this process sends for; raises InvalidSettings."""
        numbers = self._numbers("TIDINGS_CHANNELS_PARTITIONS", self.channels_partitions)
        return numbers if numbers is not None else tuple(range(self.partitions))

    @property
    def notifier_partition_numbers(self) -> tuple[int, ...]:
        """The partitions that this notifier routes; raises InvalidSettings."""
        numbers = self._numbers("TIDINGS_NOTIFIER_PARTITIONS", self.notifier_partitions)
        return numbers or tuple(range(self.partitions))

    @property
    def edge_partition_numbers(self) -> tuple[int, ...] | None:
        """The partitions whose users this edge serves, None for all; raises InvalidSettings."""
        return self._numbers("TIDINGS_EDGE_PARTITIONS", self.edge_partitions)

    def _numbers(self, name: str, text: str) -> tuple[int, ...] | None:
        if text == "all":
            return None
        return tuple(parse_partition(name, part, self.partitions) for part in text.split(","))
