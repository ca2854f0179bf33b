"""VAPID tokens: what each push service is shown about the sender (RFC 8292)."""

from __future__ import annotations

from collections.abc import Callable

import jwt
from tidings.runtime.vapid import VapidKey
from yarl import URL

KEPT_SECONDS = 12 * 3600
VALID_SECONDS = 23 * 3600
"""RFC 8292 allows a day; the rest is for clocks that differ."""
ORIGINS_LIMIT = 1000


class VapidTokens:
    """Signs a token for each origin of push services, and keeps it for half a day."""

    def __init__(self, key: VapidKey, subject: str, clock: Callable[[], float]) -> None:
        """`subject`: how the push service reaches the operator; `clock`: seconds since 1970."""
        self._key = key
        self._subject = subject
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}

    def authorization_for(self, endpoint: str) -> str:
        """Return the header `Authorization` of a push to an endpoint."""
        origin, now = str(URL(endpoint).origin()), self._clock()
        signed, header = self._kept.get(origin, (now - KEPT_SECONDS, ""))
        if now - signed >= KEPT_SECONDS:
            header = self._sign(origin, now)
            self._keep(origin, now, header)
        return header

    def _sign(self, origin: str, now: float) -> str:
        claims = {"aud": origin, "exp": int(now) + VALID_SECONDS, "sub": self._subject}
        token = jwt.encode(claims, self._key.private, algorithm="ES256")
        return f"vapid t={token}, k={self._key.public_text}"

    def _keep(self, origin: str, now: float, header: str) -> None:
        """Keep a header; people choose endpoints, so there may be any number of origins."""
        self._kept.pop(origin, None)
        if len(self._kept) >= ORIGINS_LIMIT:
            del self._kept[next(iter(self._kept))]
        self._kept[origin] = (now, header)
