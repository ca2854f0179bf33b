"""Refusals: the answers to requests that no application sees."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

import msgspec


class Refusal(NamedTuple):
    """The status of an answer, its detail for people, and the label of its metric."""

    status: int
    detail: str
    reason: str


class RefusedRequest(Exception):
    """Ends the parser: the request exceeds a bound."""


BAD_REQUEST = Refusal(400, "the request is not valid HTTP/1.1 (RFC 9112)", "malformed")
BAD_UPGRADE = Refusal(
    400, "a WebSocket's opening request comes first and has no body (RFC 6455)", "malformed"
)
HEAD_TIMEOUT = Refusal(408, "the head of the request did not arrive in time", "head_time")
BODY_TIMEOUT = Refusal(408, "the body of the request did not arrive in time", "body_time")
LONG_TARGET = Refusal(414, "the target of the request is too long", "head_size")
LARGE_HEAD = Refusal(431, "the fields of the request are too many or too large", "head_size")
PIPELINE_FULL = Refusal(429, "", "pipeline")
"""It is counted only: the last answer ends the connection."""


RENAMED_PHRASES = {414: "URI Too Long"}
"""Phrases of RFC 9110 that the standard library of Python 3.11 has under their older name."""


def encode_refusal(refusal: Refusal) -> bytes:
    """Return the answer as bytes, with a problem document (RFC 9457)."""
    phrase = RENAMED_PHRASES.get(refusal.status, HTTPStatus(refusal.status).phrase)
    body = msgspec.json.encode(
        {
            "type": "about:blank",
            "title": phrase,
            "status": refusal.status,
            "detail": refusal.detail,
        }
    )
    head = (
        f"HTTP/1.1 {refusal.status} {phrase}\r\n"
        f"date: {formatdate(usegmt=True)}\r\n"
        "content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
