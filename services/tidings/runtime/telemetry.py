"""Telemetry: logs as one JSON object a line on standard error, with tokens removed."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

_SECRETS = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*|gAAAA[\w=-]{40,}")
"""A token (RFC 7519) or a ticket (Fernet), which a library may log as part of an address."""


class JsonFormatter(logging.Formatter):
    """Formats time, level, logger, message and error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _SECRETS.sub("[hidden]", msgspec.json.encode(line).decode())


def configure_logging(level: str) -> None:
    """Send all logs of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "websockets", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    """Drop an error of uvicorn 0.54 that reports a refused handshake as an unanswered one."""
    return record.getMessage() != "ASGI callable returned without completing handshake."
