"""Connect failures: why Postgres cannot be reached, without a part of the password."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

MALFORMED = (
    "the address of Postgres is not valid; write its password with percent-encoding, such as %40"
    " for @"
)


def connect_failure(dsn: str, error: psycopg.Error) -> str:
    """Return why a connection to an address failed, on one line.

    libpq cites the part of an address that it cannot read, and that may belong to the password.
    """
    return MALFORMED if _may_cite_password(dsn) else " ".join(str(error).split())


def _may_cite_password(dsn: str) -> bool:
    """Return whether an address is not readable, or its password may be read as another part."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return True
    places = f"{parts.get('host') or ''} {parts.get('dbname') or ''}"
    ports = str(parts.get("port") or "").split(",")
    return "@" in places or not all(port.isdecimal() for port in ports if port)
