"""Setting values: parse the text of one setting, or name the variable and what would be right."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from tidings.runtime.errors import InvalidSettings

SECRET_LEAST_CHARACTERS = 32

Network = IPv4Network | IPv6Network


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated list; blanks and empty items are dropped."""
    return tuple(item for part in text.split(",") if (item := part.strip()))


def require_set(value: str | None, name: str, example: str) -> str:
    """Return a value that is set; raises InvalidSettings with an example otherwise."""
    if value is None:
        raise InvalidSettings(
            f"{name} is not set (for example: {example}); `tidings up` sets it, for commands with"
            " the same --data-dir too"
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


def parse_network(text: str) -> Network:
    """Return an address or a network; raises InvalidSettings."""
    try:
        return ip_network(text)
    except ValueError:
        raise InvalidSettings(
            f"TIDINGS_TRUSTED_PROXIES: `{text}` is not a network; give addresses such as 10.0.0.7"
            " or 10.0.0.0/8"
        ) from None


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
