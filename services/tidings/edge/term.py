"""A term: until when a connection may stay, for its lifetime, or as long as its token holds if that is shorter."""

from __future__ import annotations

import asyncio
import time

from tidings.contracts.closing import Code
from tidings.runtime.auth import Identity

NUDGE_SECONDS = 60.0
NUDGE_SHARE = 0.2
"""A client is told that its token ends a minute before, or when a fifth of what is left of it is left."""


class Term:
    """Times are those of the event loop."""

    __slots__ = ("_life_ends", "_token_ends", "nudge_at")

    def __init__(self, lifetime_seconds: float, identity: Identity) -> None:
        self._life_ends = asyncio.get_running_loop().time() + lifetime_seconds
        self.renew(identity)

    def renew(self, identity: Identity) -> None:
        """Go on with another token."""
        left = identity.expires - time.time()
        self._token_ends = asyncio.get_running_loop().time() + left
        self.nudge_at = self._token_ends - min(NUDGE_SECONDS, left * NUDGE_SHARE)

    @property
    def ends(self) -> float:
        """When it is over."""
        return min(self._life_ends, self._token_ends)

    @property
    def over(self) -> Code:
        """What ends it."""
        return Code.TOKEN_OVER if self._token_ends < self._life_ends else Code.LIFETIME_OVER

    @property
    def seconds(self) -> float:
        """How long it still is."""
        return self.ends - asyncio.get_running_loop().time()

    @property
    def token_seconds(self) -> float:
        """How long the token still holds."""
        return self._token_ends - asyncio.get_running_loop().time()
