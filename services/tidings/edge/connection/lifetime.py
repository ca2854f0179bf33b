"""The lifetime of a connection: until its maximum, or until its token expires if that is sooner."""

from __future__ import annotations

import asyncio
import random
import time

from tidings.contracts.close_codes import CloseCode
from tidings.runtime.auth.identity import Identity

EXPIRY_WARNING_SECONDS = 60.0
EXPIRY_WARNING_SHARE = 0.2
"""A client is warned a minute before its token expires; for a short-lived token, when a fifth of
its remaining time is left."""


class ConnectionLifetime:
    """The end of one connection, and the time of the warning before; in time of the event loop."""

    __slots__ = ("_lifetime_ends_at", "_token_ends_at", "expiry_warning_at")

    def __init__(self, lifetime_seconds: float, identity: Identity) -> None:
        self._lifetime_ends_at = asyncio.get_running_loop().time() + lifetime_seconds
        self.renew_token(identity)

    def renew_token(self, identity: Identity) -> None:
        """Continue with another token."""
        left = identity.expires_at - time.time()
        self._token_ends_at = asyncio.get_running_loop().time() + left
        self.expiry_warning_at = self._token_ends_at - min(
            EXPIRY_WARNING_SECONDS, left * EXPIRY_WARNING_SHARE
        )

    @property
    def ends_at(self) -> float:
        """Return when the connection ends."""
        return min(self._lifetime_ends_at, self._token_ends_at)

    @property
    def close_code(self) -> CloseCode:
        """Return the close code of what ends the connection first."""
        return (
            CloseCode.TOKEN_OVER
            if self._token_ends_at < self._lifetime_ends_at
            else CloseCode.LIFETIME_OVER
        )

    @property
    def remaining_seconds(self) -> float:
        """Return the time until the connection ends."""
        return self.ends_at - asyncio.get_running_loop().time()

    @property
    def token_remaining_seconds(self) -> float:
        """Return the time until the token expires."""
        return self._token_ends_at - asyncio.get_running_loop().time()


def randomise_lifetime(lifetime_seconds: float) -> float:
    """Return a lifetime of up to 20 % less.

    Clients that connected together then do not reconnect together.
    """
    return lifetime_seconds * random.uniform(0.8, 1.0)
