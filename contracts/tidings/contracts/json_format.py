"""The JSON format of CloudEvents: data in base64, and which media types are JSON (v1.0.2, 3.1)."""

from __future__ import annotations

import base64
import binascii
import re

import msgspec
from msgspec import Raw

JSON_MEDIA_TYPE = (
    r"^[A-Za-z0-9!#$&^_.+-]+/(?:[A-Za-z0-9!#$&^_.-]+\+)*[Jj][Ss][Oo][Nn][ \t]*(?:;[^\x00-\x1f]*)?\Z"
)
"""`application/json`, `text/json` and any type that ends in `+json`, with parameters or without."""
BASE64_FIELD = "data_base64"
_is_json = re.compile(JSON_MEDIA_TYPE).match


def is_json_media_type(media_type: str) -> bool:
    """Return whether a media type says that the data is JSON."""
    return _is_json(media_type) is not None


def with_plain_data(body: bytes) -> bytes:
    """Return an event in JSON with its data in `data`, where the log has it; raises ValueError.

    A body that is no JSON object is returned as it is: its fault is not in `data_base64`.
    """
    if BASE64_FIELD.encode() not in body:
        return body
    try:
        fields = msgspec.json.decode(body, type=dict[str, Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    encoded = fields.pop(BASE64_FIELD, None)
    if encoded is None:
        return body
    if bytes(encoded) != b"null":
        if bytes(fields.get("data", b"null")) != b"null":
            raise ValueError("stands beside `data`; an event has one of them")
        fields["data"] = Raw(_decode(encoded))
    return msgspec.json.encode(fields)


def _decode(encoded: Raw) -> bytes:
    try:
        content = base64.b64decode(msgspec.json.decode(encoded, type=str), validate=True)
        # On one line: a log is exported as a line for each event.
        return msgspec.json.format(content, indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error) as error:
        raise ValueError(f"is not JSON in base64: {error}") from None
