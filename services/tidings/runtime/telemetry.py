"""Telemetry: structured logs, one JSON object a line on standard error; no token or personal data goes in."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

_SECRETS = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*|gAAAA[\w=-]{40,}")
"""What a token (RFC 7519) and a ticket (Fernet) look like: should one come in with what others log, it does not go out again."""


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message and the error, if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
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
    for chatty in ("httpx", "httpcore", "websockets", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line says something: uvicorn 0.54 takes a handshake that was answered with a refusal for one that was not answered."""
    return record.getMessage() != "ASGI callable returned without completing handshake."
