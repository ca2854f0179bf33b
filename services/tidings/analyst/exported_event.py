"""The line of an exported event: the event, with its sequence and time in the log; pure."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from tidings.contracts.codec import encode
from tidings.contracts.ids import unescape

LOG_SEQUENCE = "logsequence"
LOG_TIME = "logtime"
"""Extension attributes of CloudEvents that an export adds, and that restoring it removes."""

_attributes = msgspec.json.Decoder(dict[str, msgspec.Raw])


def exported_event(body: bytes, subject: str, sequence: int, time_nanoseconds: int) -> bytes:
    """Return an event of the log as a line of JSON, with its sequence, log time and tenant.

    What is no JSON object is returned as it is, on one line.
    """
    try:
        attributes = _attributes.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return b" ".join(body.splitlines())
    tenant = {} if "tenant" in attributes else {"tenant": unescape(subject.split(".")[2])}
    log = {LOG_SEQUENCE: str(sequence), LOG_TIME: _log_time(time_nanoseconds)}
    return b" ".join(encode({**attributes, **tenant, **log}).splitlines())


def restored_event(line: bytes) -> bytes:
    """Return the event of a line, without the attributes that an export adds.

    An event without a time of its own gets the time at which the exported log stored it. A line
    that is not of an export is returned itself.
    """
    if LOG_TIME.encode() not in line:
        return line
    try:
        attributes = _attributes.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line
    log_time = attributes.pop(LOG_TIME, None)
    if log_time is None:
        return line
    attributes.pop(LOG_SEQUENCE, None)
    if bytes(attributes.get("time", b"null")) == b"null":
        attributes["time"] = log_time
    return encode(attributes)


def stated_tenant(line: bytes) -> str | None:
    """Return the tenant that an event states; None if it states none, or is no event."""
    try:
        return msgspec.json.decode(_attributes.decode(line)["tenant"], type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return None


def _log_time(time_nanoseconds: int) -> str:
    """Return nanoseconds since 1970 in RFC 3339; no digit is lost."""
    seconds, nanoseconds = divmod(time_nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"
