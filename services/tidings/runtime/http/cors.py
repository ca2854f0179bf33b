"""CORS: which pages of other origins may read answers (Fetch, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.config.cors import CORSConfig


def cors_config(origins: Sequence[str]) -> CORSConfig | None:
    """Return the configuration for pages of these origins, which may send cookies.

    None without an origin.
    """
    if not origins:
        return None
    return CORSConfig(
        allow_origins=[*origins],
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Last-Event-ID",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
        ],
        expose_headers=[
            "ETag",
            "Retry-After",
            "RateLimit",
            "RateLimit-Policy",
            "Idempotent-Replayed",
        ],
    )


def cors_headers(config: CORSConfig, origin: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that the framework adds to the answers to a page of an origin."""
    headers = {
        **config.simple_headers,
        "Access-Control-Allow-Headers": ", ".join(sorted(set(config.allow_headers))),
        "Access-Control-Allow-Methods": ", ".join(sorted(set(config.allow_methods))),
    }
    if config.is_origin_allowed(origin):
        headers |= {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
