"""The key set: the public keys of the tokens' issuer, as a JSON Web Key Set (RFC 7517) fetched from its address."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import jwt
import msgspec
from msgspec import Meta, Raw, Struct
from tidings.runtime.auth import InvalidToken
from tidings.runtime.errors import Unavailable
from tidings.runtime.settings import Settings

if TYPE_CHECKING:
    import httpx

SET_LIMIT_BYTES = 256 * 1024
SET_LIMIT_KEYS = 100
FETCH_SECONDS = 5.0
RSA_LEAST_BITS = 2048
ALGORITHMS: dict[tuple[str, str | None], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
"""The one algorithm for which a key of each type and curve is taken; symmetric keys are not among them."""

log = logging.getLogger("tidings.keyset")

_jwk: Any = jwt.PyJWK


class Unusable(Exception):
    """What was fetched is no set of keys."""


class _Published(Struct):
    """What a key says of itself (RFC 7517, section 4)."""

    kty: str
    crv: str | None = None
    kid: str | None = None
    alg: str | None = None
    use: str | None = None


class _Set(Struct):
    keys: Annotated[list[Raw], Meta(max_length=SET_LIMIT_KEYS)]


class Key(NamedTuple):
    """A public key and the one algorithm that it may check."""

    key: Any
    algorithm: str


class KeySet:
    """The issuer's keys, fetched when they are first needed, anew in time, and when a token names one that is not known.

    Whatever tokens name, the issuer is asked once in `jwks_cooldown_seconds` at most, by one request at a time. While it is
    away the keys go on serving for `jwks_keep_seconds`.
    """

    def __init__(self, settings: Settings, url: str) -> None:
        self._url = url
        self._refresh_seconds = settings.jwks_refresh_seconds
        self._keep_seconds = settings.jwks_keep_seconds
        self._cooldown_seconds = settings.jwks_cooldown_seconds
        self._keys: dict[tuple[str | None, str], Key] = {}
        self._fetched = -math.inf
        self._tried = -math.inf
        self._fetching: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None

    async def find(self, kid: str | None, algorithm: str) -> Key:
        """The key that a token names; raises InvalidToken if the issuer has none such, Unavailable if it cannot be asked."""
        key = self._known(kid, algorithm)
        if key is None:
            await self._renew()
            key = self._known(kid, algorithm)
        if not self._hold:
            raise Unavailable("the keys of the tokens' issuer cannot be had")
        if key is None:
            raise InvalidToken("the token is signed by a key that its issuer does not publish")
        return key

    async def run(self) -> None:
        """Fetch the keys anew in time, until cancelled."""
        try:
            while True:
                await self._renew()
                await asyncio.sleep(self._refresh_seconds if self._hold else self._cooldown_seconds)
        finally:
            if self._client:
                await self._client.aclose()

    @property
    def _hold(self) -> bool:
        """Whether the keys are young enough to be believed."""
        return asyncio.get_running_loop().time() - self._fetched < self._keep_seconds

    def _known(self, kid: str | None, algorithm: str) -> Key | None:
        if not self._hold:
            return None
        if kid is None:
            fitting = [key for key in self._keys.values() if key.algorithm == algorithm]
            return fitting[0] if len(fitting) == 1 else None
        return self._keys.get((kid, algorithm))

    async def _renew(self) -> None:
        """Fetch, unless that was tried a moment ago; whoever asks meanwhile waits for the same answer."""
        now = asyncio.get_running_loop().time()
        if self._fetching is None and now - self._tried >= self._cooldown_seconds:
            self._tried = now
            self._fetching = asyncio.create_task(self._fetch())
        if self._fetching:
            await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        import httpx  # only who has an issuer waits for it

        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = usable(await self._body())
            self._fetched = asyncio.get_running_loop().time()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, Unusable) as problem:
            log.warning(
                "the keys at TIDINGS_JWKS_URL cannot be fetched: %s",
                problem if isinstance(problem, Unusable) else type(problem).__name__,
            )
        finally:
            self._fetching = None

    async def _body(self) -> bytes:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False)
        body = b""
        async with self._client.stream(
            "GET", self._url, headers={"Accept": "application/json"}
        ) as response:
            if response.status_code != 200:
                raise Unusable(f"answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > SET_LIMIT_BYTES:
                    raise Unusable(f"more than {SET_LIMIT_BYTES} bytes")
        return body


def usable(body: bytes) -> dict[tuple[str | None, str], Key]:
    """The keys of a set that can check tokens, by key id and algorithm; raises Unusable if there is none."""
    try:
        given = msgspec.json.decode(body, type=_Set).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unusable(f"no key set with at most {SET_LIMIT_KEYS} keys") from None
    taken = {
        (published.kid, key.algorithm): key
        for each in given
        if (published := _published(each)) and (key := _key(published, each))
    }
    if not taken:
        raise Unusable("no key for RS256, ES256 or EdDSA in it")
    return taken


def _published(given: Raw) -> _Published | None:
    try:
        return msgspec.json.decode(given, type=_Published)
    except (msgspec.DecodeError, RecursionError):
        return None


def _key(published: _Published, given: Raw) -> Key | None:
    """A key, if it is one for checking signatures by an algorithm of ours."""
    algorithm = ALGORITHMS.get((published.kty, published.crv))
    if (
        algorithm is None
        or published.alg not in (None, algorithm)
        or published.use not in (None, "sig")
    ):
        return None
    try:
        key = _jwk(msgspec.json.decode(given), algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return Key(key, algorithm) if algorithm != "RS256" or key.key_size >= RSA_LEAST_BITS else None
