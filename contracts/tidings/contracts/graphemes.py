"""Cut text between grapheme clusters, what people see as one character (Unicode, UAX #29)."""

from __future__ import annotations

from unicodedata import category

ZERO_WIDTH_JOINER = "\u200d"
EXTENDING_CATEGORIES = ("Mn", "Me", "Mc")
SKIN_TONES = ("\U0001f3fb", "\U0001f3ff")
TAGS = ("\U000e0020", "\U000e007f")
REGIONAL_INDICATORS = ("\U0001f1e6", "\U0001f1ff")
VIRAMAS = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d")
HANGUL = ("\u1100", "\ud7fb")
CLUSTER_LIMIT_CHARACTERS = 64
"""A longer cluster, such as a heap of accents, is cut within."""


def cut_text(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text, ending between two grapheme clusters."""
    if len(text) <= limit:
        return text
    for end in range(limit, max(0, limit - CLUSTER_LIMIT_CHARACTERS), -1):
        if _is_boundary(text, end):
            return text[:end]
    return text[:limit]


def _is_boundary(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    return not (
        _extends(after)
        or before == ZERO_WIDTH_JOINER
        or (before in VIRAMAS and after.isalpha())
        or (before == "\r" and after == "\n")
        or _joins_hangul(before, after)
        or (_is_within(after, REGIONAL_INDICATORS) and _indicators_before(text, place) % 2)
    )


def _extends(character: str) -> bool:
    return (
        character == ZERO_WIDTH_JOINER
        or category(character) in EXTENDING_CATEGORIES
        or _is_within(character, SKIN_TONES)
        or _is_within(character, TAGS)
    )


def _joins_hangul(before: str, after: str) -> bool:
    """Return whether two parts of one syllable meet: leading consonant, vowel, trailing one."""
    if not (_is_within(before, HANGUL) and _is_within(after, HANGUL)):
        return False
    leads = _is_within(before, ("\u1100", "\u115f"))
    if leads:
        return _is_within(after, ("\u1100", "\u11a7")) or _is_within(after, ("\uac00", "\ud7a3"))
    return _is_within(after, ("\u1160", "\u11ff"))


def _indicators_before(text: str, place: int) -> int:
    start = place
    while start and _is_within(text[start - 1], REGIONAL_INDICATORS):
        start -= 1
    return place - start


def _is_within(character: str, range_: tuple[str, str]) -> bool:
    return range_[0] <= character <= range_[1]
