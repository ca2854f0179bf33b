"""Key set: the public keys of the tokens' issuer, a JSON Web Key Set (RFC 7517) that is fetched."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import jwt
import msgspec
from msgspec import Meta, Raw, Struct
from tidings.client.proxies import proxied_transport, proxy_note
from tidings.runtime.auth.identity import InvalidToken
from tidings.runtime.errors import Permanent, Unavailable
from tidings.runtime.settings import Settings

if TYPE_CHECKING:
    import httpx

SET_LIMIT_BYTES = 256 * 1024
SET_LIMIT_KEYS = 100
FETCH_TIMEOUT_SECONDS = 5.0
RSA_LEAST_BITS = 2048
ALGORITHMS: dict[tuple[str, str | None], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
"""The one algorithm for each type and curve of key; symmetric keys are not accepted."""

log = logging.getLogger("tidings.keyset")

_jwk: Any = jwt.PyJWK


class UnusableKeySet(Exception):
    """The answer of the issuer holds no usable key."""


class _KeyMetadata(Struct):
    """The fields of a key that choose its algorithm (RFC 7517, section 4)."""

    kty: str
    crv: str | None = None
    kid: str | None = None
    alg: str | None = None
    use: str | None = None


class _EncodedKeySet(Struct):
    keys: Annotated[list[Raw], Meta(max_length=SET_LIMIT_KEYS)]


class Key(NamedTuple):
    """A public key and the one algorithm that it may verify."""

    key: Any
    algorithm: str


class KeySet:
    """The issuer's keys, fetched at first use, at an interval, and for an unknown key id.

    At most one fetch runs at a time and one in `jwks_cooldown_seconds`, so that forged key ids
    cannot flood the issuer. While the issuer is away, keys stay valid for `jwks_max_age_seconds`.
    """

    def __init__(
        self, settings: Settings, url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._clock = clock
        self._refresh_interval_seconds = settings.jwks_refresh_interval_seconds
        self._max_age_seconds = settings.jwks_max_age_seconds
        self._cooldown_seconds = settings.jwks_cooldown_seconds
        self._keys: dict[tuple[str | None, str], Key] = {}
        self._fetched_at = -math.inf
        self._attempted_at = -math.inf
        self._fetch_task: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None

    async def find_key(self, kid: str | None, algorithm: str) -> Key:
        """Return a key; raises InvalidToken if unknown, Unavailable if it cannot be fetched."""
        key = self._cached_key(kid, algorithm)
        if key is None:
            await self._refresh_keys()
            key = self._cached_key(kid, algorithm)
        if not self._are_keys_valid:
            raise Unavailable("the keys of the tokens' issuer cannot be fetched")
        if key is None:
            raise InvalidToken("the token is signed by a key that its issuer does not publish")
        return key

    async def run(self) -> None:
        """Refresh the keys at their interval, until cancelled."""
        try:
            while True:
                await self._refresh_keys()
                await asyncio.sleep(
                    self._refresh_interval_seconds
                    if self._are_keys_valid
                    else self._cooldown_seconds
                )
        finally:
            if self._client:
                await self._client.aclose()

    @property
    def _are_keys_valid(self) -> bool:
        """Whether the last successful fetch is recent enough."""
        return self._clock() - self._fetched_at < self._max_age_seconds

    def _cached_key(self, kid: str | None, algorithm: str) -> Key | None:
        if not self._are_keys_valid:
            return None
        if kid is None:
            candidates = [key for key in self._keys.values() if key.algorithm == algorithm]
            return candidates[0] if len(candidates) == 1 else None
        return self._keys.get((kid, algorithm))

    async def _refresh_keys(self) -> None:
        """Fetch, except within the cooldown; concurrent callers wait for the same fetch."""
        now = self._clock()
        if self._fetch_task is None and now - self._attempted_at >= self._cooldown_seconds:
            self._attempted_at = now
            self._fetch_task = asyncio.create_task(self._fetch_keys())
        if self._fetch_task:
            await asyncio.shield(self._fetch_task)

    async def _fetch_keys(self) -> None:
        import httpx  # slow to import, and needed only with an issuer

        try:
            async with asyncio.timeout(FETCH_TIMEOUT_SECONDS):
                self._keys = parse_key_set(await self._body())
            self._fetched_at = self._clock()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as problem:
            log.warning(
                "the keys at TIDINGS_JWKS_URL cannot be fetched%s: %s",
                proxy_note(self._url),
                type(problem).__name__,
            )
        except (UnusableKeySet, Permanent) as problem:
            log.warning("the keys at TIDINGS_JWKS_URL cannot be fetched: %s", problem)
        finally:
            self._fetch_task = None

    async def _body(self) -> bytes:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=FETCH_TIMEOUT_SECONDS,
                follow_redirects=False,
                transport=proxied_transport(self._url),
            )
        body = b""
        async with self._client.stream(
            "GET", self._url, headers={"Accept": "application/json"}
        ) as response:
            if response.status_code != 200:
                raise UnusableKeySet(f"answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > SET_LIMIT_BYTES:
                    raise UnusableKeySet(f"more than {SET_LIMIT_BYTES} bytes")
        return body


def parse_key_set(body: bytes) -> dict[tuple[str | None, str], Key]:
    """Return the keys that can verify tokens, by key id and algorithm; raises UnusableKeySet."""
    try:
        encoded_keys = msgspec.json.decode(body, type=_EncodedKeySet).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnusableKeySet(f"not a key set with at most {SET_LIMIT_KEYS} keys") from None
    usable_keys = {
        (metadata.kid, key.algorithm): key
        for encoded_key in encoded_keys
        if (metadata := _key_metadata(encoded_key)) and (key := _key(metadata, encoded_key))
    }
    if not usable_keys:
        raise UnusableKeySet("it has no key for RS256, ES256 or EdDSA")
    return usable_keys


def _key_metadata(encoded_key: Raw) -> _KeyMetadata | None:
    try:
        return msgspec.json.decode(encoded_key, type=_KeyMetadata)
    except (msgspec.DecodeError, RecursionError):
        return None


def _key(metadata: _KeyMetadata, encoded_key: Raw) -> Key | None:
    """Return the key if it verifies signatures by one of our algorithms."""
    algorithm = ALGORITHMS.get((metadata.kty, metadata.crv))
    if (
        algorithm is None
        or metadata.alg not in (None, algorithm)
        or metadata.use not in (None, "sig")
    ):
        return None
    try:
        key = _jwk(msgspec.json.decode(encoded_key), algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return Key(key, algorithm) if algorithm != "RS256" or key.key_size >= RSA_LEAST_BITS else None
