"""Plain tokens: what is read quickly is what PyJWT reads, and what it refuses is refused alike."""

from __future__ import annotations

import hmac
import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import HMACAlgorithm
from tidings.runtime.auth.identity import Unauthorised
from tidings.runtime.auth.tokens import TOKEN_LIMIT_CHARACTERS, Tokens
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

from tests.driver import SECRET
from tests.tokens import encode_part

NOW = int(time.time())
CLAIMS: dict[str, Any] = {
    "sub": "alice",
    "tenant": "acme",
    "scope": "inbox",
    "iat": NOW - 5,
    "exp": NOW + 7200,  # the whole run of the suite, which imports this first
}
HEADER = b'{"alg":"HS256","typ":"JWT"}'
DEMANDING = {
    "jwt_audience": "tidings,old",
    "jwt_issuer": "https://a,https://b",
    "jwt_leeway_seconds": 30,
}
SETTINGS: dict[str, dict[str, Any]] = {"plain": {}, "demanding": DEMANDING}


def sign(header: bytes, payload: bytes, secret: str = SECRET, digest: str = "sha256") -> str:
    """Sign a header and claims of any bytes."""
    signed = f"{encode_part(header)}.{encode_part(payload)}"
    return f"{signed}.{encode_part(hmac.digest(secret.encode(), signed.encode(), digest))}"


def sign_claims(**claims: Any) -> str:
    """Sign a token with these claims beside the usual ones; one that is None is left out."""
    given_claims = {
        name: value for name, value in {**CLAIMS, **claims}.items() if value is not None
    }
    return sign(HEADER, json.dumps(given_claims).encode())


async def outcome(tokens: Tokens, token: str) -> object:
    """Return the identity of a token, or the type and the words of its refusal."""
    try:
        return await tokens.identity(token)
    except Unauthorised as refusal:
        return type(refusal), str(refusal)


async def compare(token: str, settings: dict[str, Any]) -> object:
    """Return the outcome of a token, after checking that PyJWT alone has the same."""
    tokens = Tokens(Settings(jwt_secret=SECRET, **settings), None)
    alone = Tokens(Settings(jwt_secret=SECRET, **settings), None)
    alone._plain = None  # type: ignore[reportPrivateUsage]
    found = await outcome(tokens, token)
    assert found == await outcome(alone, token)
    return found


VALID = sign_claims()
HEAD, BODY, SIGNATURE = VALID.split(".")
TEXT = json.dumps(CLAIMS)
NONE_HEAD, OTHER_HEAD = encode_part(b'{"alg":"none"}'), encode_part(b'{"alg":"HS256"}')
UNUSUAL = {
    "valid": VALID,
    "expired": sign_claims(exp=NOW - 60),
    "expired within the leeway": sign_claims(exp=NOW - 10),
    "not valid yet": sign_claims(nbf=NOW + 60),
    "issued in the future": sign_claims(iat=NOW + 60),
    "times with a fraction": sign_claims(exp=NOW + 60.5, iat=NOW - 0.5, nbf=NOW - 0.5),
    "without iat": sign_claims(iat=None),
    "without exp": sign_claims(exp=None),
    "without sub": sign_claims(sub=None),
    "without tenant": sign_claims(tenant=None),
    "without scope": sign_claims(scope=None),
    "too long a life": sign_claims(exp=NOW + 10**9),
    "integer ids": sign_claims(sub=7, tenant=8),
    "scopes in a list": sign_claims(scope=["inbox", "emit"]),
    "every demand": sign_claims(aud="tidings", iss="https://a"),
    "one of several audiences": sign_claims(aud=["others", "old"], iss="https://b"),
    "another audience": sign_claims(aud="others", iss="https://a"),
    "an empty audience": sign_claims(aud="", iss="https://a"),
    "another issuer": sign_claims(aud="tidings", iss="https://c"),
    "no issuer": sign_claims(aud="tidings"),
    "an issuer that is a list": sign_claims(aud="tidings", iss=["https://a"]),
    "key id": sign(b'{"alg":"HS256","kid":"1"}', TEXT.encode()),
    "key id that is no text": sign(b'{"alg":"HS256","kid":1}', TEXT.encode()),
    "no algorithm": sign(b'{"typ":"JWT"}', TEXT.encode()),
    "algorithm none": sign(b'{"alg":"none"}', TEXT.encode()),
    "algorithm none, unsigned": f"{NONE_HEAD}.{BODY}.",
    "another algorithm": sign(b'{"alg":"HS512"}', TEXT.encode(), digest="sha512"),
    "algorithm in lower case": sign(b'{"alg":"hs256"}', TEXT.encode()),
    "algorithm in a list": sign(b'{"alg":["HS256"]}', TEXT.encode()),
    "algorithm twice": sign(b'{"alg":"none","alg":"HS256"}', TEXT.encode()),
    "algorithm twice, the last wrong": sign(b'{"alg":"HS256","alg":"none"}', TEXT.encode()),
    "critical header": sign(b'{"alg":"HS256","crit":["exp"],"exp":1}', TEXT.encode()),
    "critical header that is empty": sign(b'{"alg":"HS256","crit":[]}', TEXT.encode()),
    "detached payload": sign(b'{"alg":"HS256","b64":false,"crit":["b64"]}', TEXT.encode()),
    "unknown header": sign(b'{"alg":"HS256","x":1}', TEXT.encode()),
    "another type": sign(b'{"alg":"HS256","typ":"at+jwt"}', TEXT.encode()),
    "type that is no text": sign(b'{"alg":"HS256","typ":7}', TEXT.encode()),
    "header in an array": sign(b'["alg","HS256"]', TEXT.encode()),
    "header that is no JSON": sign(b"{", TEXT.encode()),
    "another secret": sign(HEADER, TEXT.encode(), secret="x" * 40),
    "tampered claims": f"{HEAD}.{encode_part(TEXT.replace('inbox', 'admin').encode())}.{SIGNATURE}",
    "tampered header": f"{OTHER_HEAD}.{BODY}.{SIGNATURE}",
    "tampered signature": f"{HEAD}.{BODY}.{encode_part(bytes(32))}",
    "short signature": f"{HEAD}.{BODY}.{SIGNATURE[:-4]}",
    "signature with set spare bits": f"{VALID[:-1]}{chr(ord(VALID[-1]) + 1)}",
    "padded signature": f"{VALID}=",
    "signature with a line break": f"{VALID}\n",
    "claims with a character too many": f"{HEAD}.{BODY}!.{SIGNATURE}",
    "no signature": f"{HEAD}.{BODY}.",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{VALID}.{SIGNATURE}",
    "not ASCII": f"{VALID}é",
    "empty": "",
    "dots": "." * 2000,
    "as long as may be": sign_claims(more="m" * 5000),
    "too long": sign_claims(more="m" * TOKEN_LIMIT_CHARACTERS),
    "a claim twice": sign(HEADER, f'{{"sub":"mallory",{TEXT[1:]}'.encode()),
    "exp twice": sign(HEADER, f'{TEXT[:-1]},"exp":1}}'.encode()),
    "claims in an array": sign(HEADER, b"[1]"),
    "claims that are no JSON": sign(HEADER, b"{"),
    "claims in UTF-16": sign(HEADER, TEXT.encode("utf-16")),
    "claims with a byte order mark": sign(HEADER, b"\xef\xbb\xbf" + TEXT.encode()),
    "claims that are not UTF-8": sign(HEADER, TEXT.encode().replace(b"alice", b"\xff")),
    "claims nested deeply": sign(HEADER, b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "half of a surrogate pair": sign(HEADER, TEXT.replace("alice", "\\ud800").encode()),
    "control character": sign(HEADER, TEXT.replace("alice", "a\x01").encode()),
}


@pytest.mark.parametrize("demands", SETTINGS)
@pytest.mark.parametrize("name", UNUSUAL)
async def test_a_token_has_the_same_outcome_as_with_pyjwt_alone(name: str, demands: str) -> None:
    await compare(UNUSUAL[name], SETTINGS[demands])


@pytest.mark.parametrize(
    ("name", "demands"),
    [
        ("valid", "plain"),
        ("key id", "plain"),
        ("without iat", "plain"),
        ("every demand", "demanding"),
    ],
)
async def test_a_usual_token_is_read_without_preparing_the_key_again(
    name: str, demands: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, **SETTINGS[demands]), None)
    monkeypatch.setattr(HMACAlgorithm, "prepare_key", None)

    assert (await tokens.identity(UNUSUAL[name])).person == ("acme", "alice")


async def test_a_token_of_one_secret_is_not_accepted_for_another() -> None:
    other = Tokens(Settings(jwt_secret="another secret of enough characters"), None)

    assert isinstance(await outcome(other, VALID), tuple)
    assert "another key" in str(await outcome(other, VALID))


def test_a_public_key_as_the_secret_is_refused_at_the_start() -> None:
    secret = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2lYc6yX0m1"

    with pytest.raises(InvalidSettings, match="TIDINGS_JWT_SECRET"):
        Tokens(Settings(jwt_secret=secret), None)


_odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(NOW - 100, NOW + 100),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.sampled_from(["tidings", "others", 1, None]), max_size=2),
    st.sampled_from(["tidings", "https://a", "inbox", "HS256"]),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
_claims = st.dictionaries(
    st.sampled_from(("sub", "tenant", "scope", "exp", "iat", "nbf", "aud", "iss", "sid", "jti")),
    _odd,
    max_size=3,
)
_header = st.dictionaries(st.sampled_from(("alg", "typ", "kid", "crit", "b64")), _odd, max_size=1)


@given(claims=_claims, header=_header, demands=st.sampled_from([*SETTINGS]))
async def test_any_claims_and_header_have_the_same_outcome_as_with_pyjwt_alone(
    claims: dict[str, Any], header: dict[str, Any], demands: str
) -> None:
    base = {**CLAIMS, **({"aud": "tidings", "iss": "https://a"} if demands == "demanding" else {})}
    token = sign(
        json.dumps({"alg": "HS256", **header}).encode(), json.dumps({**base, **claims}).encode()
    )

    await compare(token, SETTINGS[demands])


async def test_a_token_with_any_byte_changed_has_the_same_outcome_as_with_pyjwt_alone() -> None:
    for place, character in itertools.product(range(len(VALID)), "A-_.=é"):
        changed = VALID[:place] + character + VALID[place + 1 :]
        found = await compare(changed, {})
        assert changed == VALID or isinstance(found, tuple)
