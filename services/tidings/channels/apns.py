"""APNs: pushes to Apple's devices, over one HTTP/2 connection, by a token that all processes share.

https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.utils import base64url_encode, der_to_raw_signature
from tidings.channels.decider.lane import Letter
from tidings.channels.push_content import PushContent, push_content, topic_of, ttl_seconds
from tidings.channels.results import Deferred, Failed, LanePaused, SendResult, Sent
from tidings.channels.retry_after import parse_retry_after
from tidings.channels.words import load_words
from tidings.projections.preferences.settings import Device
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.setting_values import require_set
from tidings.runtime.settings import Settings

TOKEN_PERIOD_SECONDS = 1800
"""Apple takes a token for an hour, and refuses who makes another one within 20 minutes."""
PAYLOAD_LIMIT_BYTES = 4096
TIMEOUT_SECONDS = 15.0
DEVICE_TOKEN = re.compile(r"[0-9A-Fa-f]{64,200}")
GONE = ("BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken")
EXPIRED = "ExpiredProviderToken"
NOT_AUTHORISED = (
    *("BadTopic", "MissingTopic", "TopicDisallowed", "MissingProviderToken"),
    *("InvalidProviderToken", "BadCertificate", "BadCertificateEnvironment", "Forbidden"),
)
"""Reasons that an operator must mend, whoever the device is."""


class ApnsAnswer(msgspec.Struct, frozen=True):
    """What APNs says about a push that it refuses; `timestamp`: since when, in milliseconds."""

    reason: str = ""
    timestamp: int | None = None


class ApnsTokens:
    """Signs the provider's tokens: within half an hour, every process makes the same one."""

    def __init__(self, key: EllipticCurvePrivateKey, key_id: str, team_id: str) -> None:
        self._key = key
        self._key_id = key_id
        self._team_id = team_id
        self._kept = (-1, "")

    def token_at(self, seconds: float, period_seconds: int = TOKEN_PERIOD_SECONDS) -> str:
        """Return the token of a moment."""
        issued = int(seconds) // period_seconds * period_seconds
        if self._kept[0] != issued:
            self._kept = (issued, self._sign(issued))
        return self._kept[1]

    def _sign(self, issued: int) -> str:
        """Return a token whose signature is always the same (RFC 6979); PyJWT's is random."""
        parts = ({"alg": "ES256", "kid": self._key_id}, {"iss": self._team_id, "iat": issued})
        signed = b".".join(base64url_encode(msgspec.json.encode(part)) for part in parts)
        signature = self._key.sign(signed, ECDSA(SHA256(), deterministic_signing=True))
        raw = der_to_raw_signature(signature, self._key.curve)
        return b".".join((signed, base64url_encode(raw))).decode()


class ApnsSender:
    """Sends pushes to Apple's devices."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        tokens: ApnsTokens,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._settings = settings
        self._words = load_words()
        self._clock = clock

    async def send(self, letter: Letter) -> SendResult:
        """Push to the device of a letter; raises nothing but cancellation."""
        device = letter.place
        if not isinstance(device, Device) or not DEVICE_TOKEN.fullmatch(device.value.token or ""):
            return Failed(reason="invalid", code="token")
        content = push_content(
            letter,
            device,
            self._words,
            product_url=self._settings.product_url,
            id_only=self._settings.push_id_only,
        )
        headers, body = self._headers(letter, content), self._body(letter, content)
        path = f"/3/device/{device.value.token}"
        try:
            response = await self._post(path, headers, body)
        except (httpx2.HTTPError, OSError) as error:
            is_late = isinstance(error, httpx2.TimeoutException)
            return Deferred(code="timeout" if is_late else "unreachable")
        return self._meaning_of(response, device)

    async def _post(self, path: str, headers: Mapping[str, str], body: bytes) -> httpx2.Response:
        """Post, and once more with a new token if APNs calls ours old: the clocks differ."""
        now = self._clock()
        for token in (self._tokens.token_at(now), self._tokens.token_at(now, 1)):
            response = await self._client.post(
                path, content=body, headers={**headers, "authorization": f"bearer {token}"}
            )
            if _answer_of(response).reason != EXPIRED:
                break
        return response

    def _headers(self, letter: Letter, content: PushContent) -> Mapping[str, str]:
        expires = int(letter.at.timestamp()) + ttl_seconds(letter)
        return {
            "apns-topic": self._settings.apns_topic or "",
            "apns-push-type": "alert",
            "apns-id": letter.delivery,
            "apns-expiration": str(expires),
            "apns-priority": "5" if letter.notifications[-1].priority == "low" else "10",
            "apns-collapse-id": topic_of(letter, content.tag),
        }

    def _body(self, letter: Letter, content: PushContent) -> bytes:
        body = self._encode(letter, content)
        return body if len(body) <= PAYLOAD_LIMIT_BYTES else self._encode(letter, content.short())

    def _encode(self, letter: Letter, content: PushContent) -> bytes:
        title = content.title or self._words.text("push-title", content.locale)
        aps = {
            "alert": {"title": title, "body": content.body},
            "sound": "default",
            "thread-id": topic_of(letter, content.tag),
            "mutable-content": 1,
        }
        return msgspec.json.encode({"aps": aps, "tidings": content})

    def _meaning_of(self, response: httpx2.Response, device: Device) -> SendResult:
        answer = _answer_of(response)
        code = answer.reason or str(response.status_code)
        if response.status_code == 200:
            return Sent(code="200")
        if response.status_code == 410 or answer.reason in GONE:
            return _gone(code, answer, device)
        if response.status_code == 429 or response.status_code >= 500 or answer.reason == EXPIRED:
            now = datetime.fromtimestamp(self._clock(), UTC)
            demanded = parse_retry_after(response.headers.get("retry-after"), now)
            return Deferred(code=code, after_seconds=demanded)
        if response.status_code == 403 or answer.reason in NOT_AUTHORISED:
            return LanePaused(code=code, reply="APNs refuses the key, its ids or the topic")
        return Failed(reason="invalid", code=code)


@asynccontextmanager
async def open_apns_sender(
    settings: Settings, tls_context: ssl.SSLContext | None = None
) -> AsyncGenerator[ApnsSender]:
    """Open a sender for the settings while the block lasts; raises InvalidSettings.

    `tls_context`: whose certificates are trusted, those of the system by default.
    """
    tokens = ApnsTokens(
        _read_key(settings),
        require_set(settings.apns_key_id, "TIDINGS_APNS_KEY_ID", "ABC123DEFG"),
        require_set(settings.apns_team_id, "TIDINGS_APNS_TEAM_ID", "DEF123GHIJ"),
    )
    require_set(settings.apns_topic, "TIDINGS_APNS_TOPIC", "org.example.app")
    async with httpx2.AsyncClient(
        base_url=settings.apns_url,
        http1=False,
        http2=True,
        verify=tls_context or ssl.create_default_context(),
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
        limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1),
    ) as client:
        yield ApnsSender(client, tokens, settings)


def _gone(code: str, answer: ApnsAnswer, device: Device) -> Failed:
    """Suppress a device, unless it was registered again after APNs found its token invalid."""
    is_newer = answer.timestamp is not None and device.value.registered * 1000 > answer.timestamp
    return Failed(reason="gone", code=code, suppress=None if is_newer else "gone")


def _answer_of(response: httpx2.Response) -> ApnsAnswer:
    try:
        return msgspec.json.decode(response.content, type=ApnsAnswer)
    except (msgspec.DecodeError, ValueError):
        return ApnsAnswer()


def _read_key(settings: Settings) -> EllipticCurvePrivateKey:
    file = settings.apns_key_file
    fault: Any = "is not set"
    try:
        if file:
            key = load_pem_private_key(file.read_bytes(), None)
            if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
                return key
            fault = "holds no key of the curve P-256"
    except OSError as error:
        fault = error.strerror
    except (ValueError, TypeError):
        fault = "is not a key: give the file `.p8` that Apple made"
    raise InvalidSettings(f"TIDINGS_APNS_KEY_FILE: {file} {fault}")
