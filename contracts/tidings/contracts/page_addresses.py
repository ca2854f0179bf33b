"""The addresses of pages that notifications lead to: by http(s), or relative to the product."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated

from msgspec import Meta
from tidings.contracts.hosts import host_of, is_one_of

ADDRESS_LIMIT_CHARACTERS = 2048
ADDRESS_PATTERN = (
    r"^(?:https?://[^\x00-\x20\x7f\\/@?#]+(?:[/?#][^\x00-\x20\x7f\\]*)?"
    r"|(?![A-Za-z][A-Za-z0-9+.-]*:)(?!//)[^\x00-\x20\x7f\\]+)\Z"
)
"""No other scheme, such as `javascript:`, and no `//host` or `/\\host`, which name a host."""
NOT_AN_ADDRESS = (
    "must be the address of a page: relative, such as /tasks/7, or by http or https;"
    f" at most {ADDRESS_LIMIT_CHARACTERS} characters, no blanks"
)
PageAddress = Annotated[
    str,
    Meta(
        extra_json_schema={
            "minLength": 1,
            "maxLength": ADDRESS_LIMIT_CHARACTERS,
            "pattern": ADDRESS_PATTERN,
        }
    ),
]
"""Checked when an event is accepted and when it is used: older logs have any text here."""

_ADDRESS = re.compile(ADDRESS_PATTERN)
_AUTHORITY = re.compile(r"https?://([^/?#]*)")


def is_page_address(text: str) -> bool:
    """Return whether a text is the address of a page."""
    return len(text) <= ADDRESS_LIMIT_CHARACTERS and bool(_ADDRESS.match(text))


def safe_address(text: str | None) -> str | None:
    """Return the address of a page, None for any other text."""
    return text if text and is_page_address(text) else None


def is_linkable(address: str, hosts: Collection[str]) -> bool:
    """Return whether an address is relative or of one of these hosts; `*` stands for any."""
    host = linked_host(address)
    return host is None or is_one_of(host, hosts)


def linked_host(address: str) -> str | None:
    """Return the host of an address, None if the address is relative."""
    match = _AUTHORITY.match(address)
    return host_of(match[1]) if match else None
