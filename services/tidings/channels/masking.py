"""Masking: addresses as they may be shown to people who need not know them; pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def mask_address(address: str) -> str:
    """Return an address without what is personal or secret: `a…@example.org`, `https://host/…`."""
    name, at, domain = address.rpartition("@")
    if at and "/" not in address:
        return f"{name[:1]}…@{domain}"
    try:
        host = urlsplit(address).hostname
    except ValueError:
        host = None
    return f"https://{host}/…" if host else "…"
