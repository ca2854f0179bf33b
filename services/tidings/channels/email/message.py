"""Message: a text and the same as HTML, as a relay takes them (RFC 2046, multipart/alternative)."""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Iterable

from tidings.channels.email.headers import PreparedHeader

PART = """--={boundary}\r
Content-Type: text/{kind}; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
\r
"""


def encode_alternative(
    headers: Iterable[tuple[str, PreparedHeader]], text: str, html: str, boundary: str
) -> bytes:
    """Return a message in ASCII whose lines end in CRLF and have at most 998 characters.

    `boundary`: 32 hex digits; behind `=`, they stand in no part, for it is quoted-printable.
    """
    lines = [
        *(f"{name}: {value}" for name, value in headers),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="={boundary}"',
        "",
        "",
    ]
    return b"".join(
        (
            "\r\n".join(lines).encode("ascii"),
            *_encode_part("plain", text, boundary),
            *_encode_part("html", html, boundary),
            f"--={boundary}--\r\n".encode(),
        )
    )


def _encode_part(kind: str, text: str, boundary: str) -> tuple[bytes, bytes, bytes]:
    content = "\r\n".join(text.split("\n")).encode()
    return PART.format(kind=kind, boundary=boundary).encode(), b2a_qp(content), b"\r\n"
