"""Encryption of web pushes: one record of `aes128gcm` for one browser (RFC 8291, RFC 8188)."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096
SALT_BYTES = 16
PAYLOAD_LIMIT_BYTES = 3993
"""A push service takes 4096 bytes: 86 of the header, 1 that ends the text, 16 of the tag."""
LAST_RECORD = b"\x02"


def encrypt_push(
    payload: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    sender: EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return a body that only the browser of these keys can read.

    `sender` and `salt` are new for each push; given ones are for test vectors. Raises ValueError if
    `p256dh` is not on the curve P-256.
    """
    sender = sender or generate_private_key(SECP256R1())
    salt = salt or os.urandom(SALT_BYTES)
    shared = sender.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), p256dh))
    point = sender.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secret = _derive(shared, auth, b"WebPush: info\0" + p256dh + point, 32)
    key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD_BYTES.to_bytes(4) + len(point).to_bytes(1) + point
    return header + AESGCM(key).encrypt(nonce, payload + LAST_RECORD, None)


def _derive(secret: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, purpose).derive(secret)
