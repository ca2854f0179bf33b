"""Telemetry: logs as one JSON object a line on standard error, with tokens removed."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

_SECRETS = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*|gAAAA[\w=-]{40,}")
"""A token (RFC 7519) or a ticket (Fernet), which a library may log as part of an address."""


LINES_PER_MINUTE = 100


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


class RepeatFilter(logging.Filter):
    """Passes `LINES_PER_MINUTE` warnings and errors of one place in the code, and counts the rest.

    What strangers cause would otherwise fill the disk.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._minute = 0
        self._lines: Counter[tuple[str, int]] = Counter()
        self._omitted: Counter[tuple[str, int]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a record; it tells how many like it were left out before it."""
        if record.levelno < logging.WARNING:
            return True
        minute = int(self._now() / 60)
        if minute != self._minute:
            self._minute = minute
            self._lines.clear()
        place = record.pathname, record.lineno
        self._lines[place] += 1
        if self._lines[place] > LINES_PER_MINUTE:
            self._omitted[place] += 1
            return False
        if omitted := self._omitted.pop(place, 0):
            record.msg = f"{record.getMessage()} ({omitted} more lines like this were left out)"
            record.args = None
        return True


def configure_logging(level: str) -> None:
    """Send all logs of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "websockets", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    """Drop an error of uvicorn 0.54 that reports a refused handshake as an unanswered one."""
    return record.getMessage() != "ASGI callable returned without completing handshake."
