"""Hosts: the host of an authority, and whether it is one of those that a setting names."""

from __future__ import annotations

from collections.abc import Iterable

ANY_HOST = "*"


def host_of(authority: str) -> str:
    """Return the host of `host:port` in lower case, without brackets and the final dot."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].removesuffix(".").lower()


def is_one_of(host: str, allowed: Iterable[str]) -> bool:
    """Return whether a host is an allowed one, or below one that begins with `*.`; `*` is any."""
    return any(
        host == each or each == ANY_HOST or (each.startswith("*.") and host.endswith(each[1:]))
        for each in allowed
    )
