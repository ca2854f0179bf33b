"""The rates of presence: of a person over all of their connections and requests to a process."""

from __future__ import annotations

import asyncio

from tidings.contracts.subjects import Person
from tidings.runtime.http.rate import Buckets, Rate

SIGNAL_RATE = Rate("signals", 10, 2)
WATCH_RATE = Rate("watches", 200, 40)
"""Several tabs watch again at once when they reconnect."""


class PresenceRates:
    """The buckets of all persons; a new connection does not get new ones."""

    def __init__(self) -> None:
        self._signals = Buckets[Person](SIGNAL_RATE)
        self._watches = Buckets[Person](WATCH_RATE)

    def check_signal(self, person: Person) -> None:
        """Take a token for a signal; raises RateExceeded."""
        self._signals.take_token(person, asyncio.get_running_loop().time()).raise_if_exceeded()

    def check_watch(self, person: Person) -> None:
        """Take a token for a watch; raises RateExceeded."""
        self._watches.take_token(person, asyncio.get_running_loop().time()).raise_if_exceeded()
