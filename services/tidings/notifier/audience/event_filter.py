"""An event filter: tells which event digests are certainly new, in a bounded bitmap; pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable

BITS_PER_EVENT = 24
"""With two bits set for each event, below 1 % of the new ones look known."""
LIMIT_BITS = 1 << 29
"""64 MiB. A filter with more events than fit answers "known" more often, never wrongly "new"."""
WORDS = struct.Struct(">2Q")


class EventFilter:
    """A Bloom filter of event digests: it may take a new event for known, never the reverse."""

    def __init__(self, capacity: int) -> None:
        size_bits = min(LIMIT_BITS, 1 << (capacity * BITS_PER_EVENT).bit_length())
        self.capacity = capacity
        self.count = 0
        self._mask = size_bits - 1
        self._bits = bytearray((size_bits + 7) // 8)

    @property
    def is_full(self) -> bool:
        """Return whether a larger filter would answer better."""
        return self.count > self.capacity and self._mask + 1 < LIMIT_BITS

    def add(self, digests: Iterable[str]) -> None:
        """Add digests of 32 hex digits."""
        self._add_words(WORDS.unpack(bytes.fromhex(digest)) for digest in digests)

    def add_packed(self, digests: bytes) -> None:
        """Add digests of 16 bytes each, one behind the other."""
        self._add_words(WORDS.iter_unpack(digests))

    def may_contain(self, digest: str) -> bool:
        """Return False if a digest was certainly never added."""
        first, second = WORDS.unpack(bytes.fromhex(digest))
        return self._has_bit(first) and self._has_bit(second)

    def _add_words(self, words: Iterable[tuple[int, ...]]) -> None:
        bits, mask = self._bits, self._mask
        for first, second in words:
            first &= mask
            second &= mask
            bits[first >> 3] |= 1 << (first & 7)
            bits[second >> 3] |= 1 << (second & 7)
            self.count += 1

    def _has_bit(self, word: int) -> bool:
        place = word & self._mask
        return bool(self._bits[place >> 3] >> (place & 7) & 1)
