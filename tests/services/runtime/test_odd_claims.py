"""Odd claims: read as their standards spell them, and refused otherwise, never with a failure."""

from __future__ import annotations

import hashlib
import hmac
import time

import pytest
from tidings.runtime.auth.identity import InvalidToken, Unauthorised
from tidings.runtime.auth.tokens import Tokens
from tidings.runtime.settings import Settings

from tests.driver import SECRET
from tests.tokens import encode_part

TOKENS = Tokens(Settings(jwt_secret=SECRET), None)
VALUES = (
    *("null", "true", "false", "[]", "{}", '""', "[1]", '{"a":1}', '"\\ud800"', '"\\u0000"'),
    *("1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1" + "0" * 400, "-1", "0", "1.5"),
)
CLAIMS = ("sub", "tenant", "scope", "exp", "iat", "nbf", "aud", "iss", "sid", "jti", "dialect")


def sign_text(**claims: str) -> str:
    """Sign a token whose claims are given as JSON, which may be odd."""
    known = {"sub": '"alice"', "tenant": '"acme"', "scope": '"inbox"', "exp": f"{time.time() + 60}"}
    body = ",".join(f'"{name}":{text}' for name, text in {**known, **claims}.items())
    parts = (b'{"alg":"HS256"}', f"{{{body}}}".encode())
    signed = ".".join(map(encode_part, parts))
    return f"{signed}.{encode_part(hmac.digest(SECRET.encode(), signed.encode(), hashlib.sha256))}"


@pytest.mark.parametrize("blank", ["\\u00a0", "\\u3000", "\\t", "\\n", "\\u0085", "\\u001f", ","])
async def test_only_a_space_separates_scopes(blank: str) -> None:
    for scope in (f'"inbox{blank}admin"', f'["inbox{blank}admin"]', f'["inbox", "a{blank}"]'):
        try:
            scopes = (await TOKENS.identity(sign_text(scope=scope))).scopes
        except InvalidToken as refusal:
            assert refusal.status == 401
        else:
            assert blank == "," and "admin" not in scopes


async def test_spaces_separate_scopes() -> None:
    identity = await TOKENS.identity(sign_text(scope='" inbox  emit:task.* "'))

    assert identity.scopes == {"inbox", "emit:task.*"}


@pytest.mark.parametrize("claim", CLAIMS)
async def test_an_odd_value_is_refused_or_read_but_never_fails(claim: str) -> None:
    for value in VALUES:
        try:
            identity = await TOKENS.identity(sign_text(**{claim: value}))
        except Unauthorised as refusal:
            assert refusal.status in (401, 403)
        else:
            assert (identity.person.user, identity.scopes <= {"inbox"}) == ("alice", True) or (
                claim in ("sub", "tenant")
            )


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("exp", '"4000000000"'),
        ("exp", "true"),
        ("iat", '"1"'),
        ("nbf", "true"),
        ("aud", "{}"),
        ("aud", "0"),
        ("aud", "[1]"),
        ("iss", "[]"),
        ("iss", "1"),
        ("scope", '"\\ud800"'),
    ],
)
async def test_a_claim_of_another_type_than_its_standard_says_is_refused(
    claim: str, value: str
) -> None:
    with pytest.raises(InvalidToken):
        await TOKENS.identity(sign_text(**{claim: value}))
