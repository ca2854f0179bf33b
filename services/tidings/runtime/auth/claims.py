"""Claims: read user, tenant, scope and session of a token's verified claims, with defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

import msgspec
from tidings.contracts.ids import ID_LIMIT_CHARACTERS, Id
from tidings.contracts.subjects import Person
from tidings.runtime.auth.identity import InvalidToken, MissingClaims
from tidings.runtime.setting_values import DIALECT_NAMES, ClaimNames, Defaults
from tidings.runtime.settings import Settings

SCOPE_CACHE_SIZE = 256
_SCOPE_WORD = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")
SESSION_CLAIMS = ("sid", "jti")
TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a number with a fraction"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
)
"""The words for a value of JSON; the first whose type matches."""


class ClaimRules(NamedTuple):
    """The names of the claims, and the defaults of tokens that lack a tenant or a scope.

    A default counts only if the claim is absent: it never overrides a claim of the token, and no
    other claim, header or query can choose it.
    """

    names: ClaimNames
    tenants: Defaults
    scopes: Defaults

    @classmethod
    def from_settings(cls, settings: Settings) -> ClaimRules:
        """Return the rules of the settings; raises InvalidSettings."""
        return cls(settings.claim_names, settings.default_tenants, settings.default_scopes)


def person_in(claims: Mapping[str, Any], rules: ClaimRules, dialect: str | None) -> Person:
    """Return the person of verified claims; raises MissingClaims."""
    user = _required_claim(claims, rules.names.user, None, "")
    default = rules.tenants.value_for(claims.get("iss"), dialect)
    tenant = _required_claim(claims, rules.names.tenant, default, " or set TIDINGS_DEFAULT_TENANT")
    return Person(_to_id(rules.names.tenant, tenant), _to_id(rules.names.user, user))


def scopes_in(claims: Mapping[str, Any], rules: ClaimRules, dialect: str | None) -> frozenset[str]:
    """Return the scopes of verified claims; raises MissingClaims or InvalidToken.

    The default of a dialect counts only for a token without a tenant: one that states its tenant
    would otherwise gain the scopes of another product by its choice of the path.
    """
    name = rules.names.scope
    of_path = None if rules.names.tenant in claims else dialect
    default = rules.scopes.value_for(claims.get("iss"), of_path)
    value = _required_claim(claims, name, default, " or set TIDINGS_DEFAULT_SCOPE")
    if isinstance(value, str):
        return _scope_words(tuple(filter(None, value.split(" "))))
    if not isinstance(value, list):
        raise _wrong_claim(name, value, "words separated by spaces, or a list of words")
    words = cast("list[Any]", value)
    for word in words:
        if not isinstance(word, str):
            raise _wrong_claim(name, word, "text in each item of the list")
    return _scope_words(tuple(words))


def session_in(claims: Mapping[str, Any]) -> str | None:
    """Return the session of verified claims, None without one; raises MissingClaims."""
    name = next((name for name in SESSION_CLAIMS if claims.get(name) is not None), None)
    return name and _to_id(name, claims[name])


def dialect_in(claims: Mapping[str, Any]) -> str | None:
    """Return the dialect that verified claims state, None without a known one."""
    dialect = claims.get("dialect")
    return dialect if dialect in DIALECT_NAMES else None


def _required_claim(claims: Mapping[str, Any], name: str, default: str | None, or_set: str) -> Any:
    if name in claims:
        return claims[name]
    if default is None:
        raise MissingClaims(f"the token has no claim `{name}`: add it{or_set}")
    return default


def _to_id(name: str, value: Any) -> str:
    """Return an id; an integer's is its decimal text. Raises MissingClaims."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _wrong_claim(name, value, "an id: text or an integer")
    try:
        identifier: str = msgspec.convert(value, Id)
        identifier.encode()
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise MissingClaims(
            f"the token's claim `{name}` must be an id: 1 to {ID_LIMIT_CHARACTERS} characters,"
            " no control characters"
        ) from None
    return identifier


def _wrong_claim(name: str, value: Any, right: str) -> MissingClaims:
    """Return the refusal of a claim; it names the type that was found, and never the value."""
    type_name = next((words for kind, words in TYPE_NAMES if isinstance(value, kind)), "unknown")
    return MissingClaims(f"the token's claim `{name}` must be {right}; found {type_name}")


@lru_cache(maxsize=SCOPE_CACHE_SIZE)
def _scope_words(words: tuple[str, ...]) -> frozenset[str]:
    """Return the scopes; raises InvalidToken if a word is not a scope (RFC 6749, section 3.3).

    Only U+0020 separates scopes: an issuer that lets its users choose one does not expect more.
    """
    if not all(map(_SCOPE_WORD.match, words)):
        raise InvalidToken(
            "the token is not valid: its scopes must be words of printable ASCII, separated by"
            " single spaces"
        )
    return frozenset(words)
