"""Free ports, chosen at random, so that tests that run at the same time choose different ones."""

from __future__ import annotations

import random

from tidings.runtime.embedded.data_directory import PORTS, is_port_free

TRIALS = 300


def find_free_port(count: int = 1) -> int:
    """Return a port that is free, with the `count - 1` ports after it."""
    return next(
        port
        for port in random.sample(PORTS[:-count], TRIALS)
        if all(is_port_free(port + more) for more in range(count))
    )
