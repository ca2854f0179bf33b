"""Setting values: parse the text of one setting, or name the variable and what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

import msgspec
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, Id
from tidings.runtime.errors import InvalidSettings, SettingMissing

SECRET_LEAST_CHARACTERS = 32
DIALECT_NAMES = ("field_service", "barbershop", "chat", "incidents", "volunteers")
PORT_LIMIT = 65_535
SCOPES = ("inbox", "emit", "bounce", "admin")
EMIT_SCOPE = re.compile(r"emit:([a-z0-9_]+(?:\.[a-z0-9_]+)*(?:\.\*)?)\Z")
"""The scope to emit a type, or all types below a word: `emit:task.assigned`, `emit:task.*`."""

Network = IPv4Network | IPv6Network


UNDECIDED_DIALECT = "undecided"
"""The dialect of a path that products with different defaults share: only an issuer's count."""


class Defaults(NamedTuple):
    """The values of a setting by dialect and by issuer, and the one for all others."""

    by_key: Mapping[str, str]
    for_others: str | None

    def value_for(self, issuer: object, dialect: str | None) -> str | None:
        """Return the value for a token; its issuer's comes before that of the path's dialect.

        `issuer` is its claim `iss`, which never stands for a dialect of the same name.
        """
        if isinstance(issuer, str) and issuer not in DIALECT_NAMES and issuer in self.by_key:
            return self.by_key[issuer]
        if dialect == UNDECIDED_DIALECT:
            return None
        return self.by_key.get(dialect or "", self.for_others)


class ClaimNames(NamedTuple):
    """The names of the claims that state a token's user, tenant and scope."""

    user: str = "sub"
    tenant: str = "tenant"
    scope: str = "scope"


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated list; blanks and empty items are dropped."""
    return tuple(item for part in text.split(",") if (item := part.strip()))


def require_set(value: str | None, name: str, example: str) -> str:
    """Return a value that is set; raises InvalidSettings with an example otherwise."""
    if value is None:
        raise SettingMissing(
            name,
            f"{name} is not set (for example: {example}); `tidings up` sets it, for commands with"
            " the same --data-dir too",
        )
    return value


def require_long(secret: str, name: str, use: str) -> str:
    """Return a secret that is long enough; raises InvalidSettings, without the secret."""
    if len(secret) < SECRET_LEAST_CHARACTERS:
        raise InvalidSettings(
            f"{name} has {len(secret)} characters; {use} needs at least {SECRET_LEAST_CHARACTERS}"
        )
    return secret


def parse_origin(text: str) -> str:
    """Return an origin as browsers send it (RFC 6454); raises InvalidSettings."""
    if not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", text):
        raise InvalidSettings(
            f"TIDINGS_ALLOWED_ORIGINS: `{text}` is not an origin; give it as browsers send it,"
            " such as https://app.example.org"
        )
    return text


def parse_host(name: str, text: str) -> str:
    """Return a host name, an address, `*.name` or `*`; raises InvalidSettings."""
    host = text.lower().strip("[]")
    if not re.fullmatch(r"\*|(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|[0-9a-f:.]*:[0-9a-f:.]*", host):
        raise InvalidSettings(
            f"{name}: `{text}` is not a host; give names such as push.example.org or"
            " *.example.org, without scheme and port, or * for any"
        )
    return host


def parse_network(name: str, text: str) -> Network:
    """Return an address or a network; raises InvalidSettings."""
    try:
        return ip_network(text)
    except ValueError:
        raise InvalidSettings(
            f"{name}: `{text}` is not a network; give addresses such as 10.0.0.7 or 10.0.0.0/8"
        ) from None


def parse_tcp_port(name: str, text: str) -> int:
    """Return the number of a port; raises InvalidSettings."""
    if text.isdecimal() and 1 <= int(text) <= PORT_LIMIT:
        return int(text)
    raise InvalidSettings(f"{name}: `{text}` is not a port; give numbers from 1 to {PORT_LIMIT}")


def parse_rate(name: str, text: str) -> tuple[int, int] | None:
    """Return the quota and its window in seconds, None for `off`; raises InvalidSettings."""
    if text == "off":
        return None
    if match := re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,5})", text):
        return int(match[1]), int(match[2])
    raise InvalidSettings(
        f"{name}: `{text}` is not a rate; give count/seconds, such as 600/60, or `off`"
    )


def parse_partition(name: str, text: str, partitions: int) -> int:
    """Return the number of a partition; raises InvalidSettings."""
    if text.strip().isdecimal() and int(text) < partitions:
        return int(text)
    raise InvalidSettings(
        f"{name}: `{text}` is not a partition; give `all` or numbers below {partitions},"
        " such as 0,1,2"
    )


def parse_defaults(
    name: str, text: str, issuers: Collection[str] | None, parse: Callable[[str, str], str]
) -> Defaults:
    """Return the values of `value` or `key=value,…`; raises InvalidSettings.

    A key is a dialect or an issuer, one of `issuers` if they are restricted.
    """
    by_key: dict[str, str] = {}
    for_others: str | None = None
    for item in split_list(text):
        key, equals, value = (part.strip() for part in item.rpartition("="))
        if not equals:
            if for_others is not None:
                raise InvalidSettings(f"{name}: `{value}` is the second value without a key")
            for_others = parse(name, value)
        elif not key or key in by_key:
            fault = "repeats its key" if key else "has no key"
            raise InvalidSettings(f"{name}: `{item}` {fault}; give key=value once for each key")
        elif issuers is not None and key not in issuers and key not in DIALECT_NAMES:
            raise InvalidSettings(
                f"{name}: `{key}` is neither a dialect ({', '.join(DIALECT_NAMES)}) nor an issuer"
                " of TIDINGS_JWT_ISSUER"
            )
        else:
            by_key[key] = parse(name, value)
    return Defaults(by_key, for_others)


def parse_tenant(name: str, text: str) -> str:
    """Return the id of a tenant; raises InvalidSettings."""
    try:
        return msgspec.convert(text, Id)
    except msgspec.ValidationError:
        raise InvalidSettings(
            f"{name}: `{text}` is not a tenant; give an id of 1 to {ID_LIMIT_CHARACTERS}"
            " characters, or key=id,…"
        ) from None


def parse_dialects(name: str, text: str) -> Mapping[str, str]:
    """Return the dialect by tenant of `dialect=tenant,…;…`; raises InvalidSettings."""
    dialect_by_tenant: dict[str, str] = {}
    for group in filter(None, (part.strip() for part in text.split(";"))):
        dialect, _, listed = (part.strip() for part in group.partition("="))
        tenants = split_list(listed)
        if dialect not in DIALECT_NAMES:
            raise InvalidSettings(
                f"{name}: `{dialect}` is not a dialect; give one of {', '.join(DIALECT_NAMES)}"
            )
        if not tenants:
            raise InvalidSettings(f"{name}: `{group}` names no tenant; give dialect=tenant,…")
        for tenant in tenants:
            if parse_tenant(name, tenant) in dialect_by_tenant:
                raise InvalidSettings(f"{name}: the tenant `{tenant}` is named twice; keep one")
            dialect_by_tenant[tenant] = dialect
    return dialect_by_tenant


def parse_scope(name: str, text: str) -> str:
    """Return scopes separated by spaces; raises InvalidSettings."""
    if text and all(word in SCOPES or EMIT_SCOPE.match(word) for word in text.split()):
        return text
    raise InvalidSettings(
        f"{name}: `{text}` is not a scope; give words of {', '.join(SCOPES)}, separated by spaces,"
        " or key=words,…"
    )


def parse_claim_names(name: str, text: str) -> ClaimNames:
    """Return the names of claims of `user=…,tenant=…,scope=…`; raises InvalidSettings."""
    names: dict[str, str] = {}
    for item in split_list(text):
        key, _, claim = (part.strip() for part in item.partition("="))
        if key not in ClaimNames._fields or not claim or key in names:
            raise InvalidSettings(
                f"{name}: `{item}` does not name a claim; give each of"
                f" {', '.join(ClaimNames._fields)} once, such as user=user_id,tenant=org,scope=scp"
            )
        names[key] = claim
    claim_names = ClaimNames(**names)
    if len(set(claim_names)) < len(claim_names):
        raise InvalidSettings(f"{name}: `{text}` names one claim twice")
    return claim_names
