"""Tokens: accepted only if their issuer signed them for us with a published key."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from tidings.runtime.auth.identity import InvalidToken, MissingClaims, Unauthorised
from tidings.runtime.auth.keyset import SET_LIMIT_BYTES, KeySet, UnusableKeySet, parse_key_set
from tidings.runtime.auth.tokens import Tokens
from tidings.runtime.errors import Unavailable
from tidings.runtime.settings import Settings

from tests.clock import Clock
from tests.driver import SECRET
from tests.issuer import Issuer, run_issuer
from tests.tokens import encode_part, sign_token

DAY_SECONDS = 86_400


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """Run an issuer with one key."""
    async with run_issuer() as running:
        running.publish_key("first")
        yield running


@asynccontextmanager
async def run_tokens(
    issuer: Issuer, clock: Callable[[], float] = time.monotonic, **settings: Any
) -> AsyncIterator[Tokens]:
    """Verify the issuer's tokens while the block lasts."""
    all_settings = Settings(jwks_url=issuer.url, **settings)
    keys = KeySet(all_settings, issuer.url, clock)
    running = asyncio.create_task(keys.run())
    yield Tokens(all_settings, keys)
    running.cancel()
    await asyncio.wait((running,))


def sign_claims(secret: str = SECRET, **claims: Any) -> str:
    """Return a token signed with the secret; a claim that is None is left out."""
    now = time.time()
    payload = {
        "sub": "alice",
        "tenant": "acme",
        "scope": "inbox",
        "iat": now,
        "exp": now + 60,
        **claims,
    }
    return sign_token(secret, **payload)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_each_kind_of_published_key_is_accepted(
    issuer: Issuer, algorithm: str
) -> None:
    issuer.publish_key("mine", algorithm)

    async with run_tokens(issuer) as tokens:
        identity = await tokens.identity(issuer.issue_token("mine", sid="s-1"))

    assert (identity.person, identity.scopes, identity.session) == (
        ("acme", "alice"),
        {"inbox", "emit"},
        "s-1",
    )
    assert issuer.request_count == 1


async def test_a_token_without_a_key_id_is_accepted_if_only_one_key_fits(issuer: Issuer) -> None:
    nameless = jwt.encode(
        {"sub": "a", "tenant": "t", "scope": "", "exp": time.time() + 9},
        issuer.keys["first"][1],
        algorithm="ES256",
    )

    clock = Clock()
    async with run_tokens(issuer, clock, jwks_cooldown_seconds=1) as tokens:
        assert (await tokens.identity(nameless)).person == ("t", "a")

        issuer.publish_key("second")
        clock.advance(1)
        with pytest.raises(InvalidToken):
            await tokens.identity(issuer.issue_token("unheard of", key=issuer.keys["first"][1]))
        with pytest.raises(InvalidToken):
            await tokens.identity(nameless)


async def test_a_new_key_is_fetched_and_a_removed_key_is_refused(
    issuer: Issuer,
) -> None:
    clock = Clock()
    async with run_tokens(issuer, clock, jwks_cooldown_seconds=1) as tokens:
        old = issuer.issue_token("first")
        await tokens.identity(old)
        clock.advance(1)

        issuer.publish_key("second")
        del issuer.keys["first"]

        await tokens.identity(issuer.issue_token("second"))
        with pytest.raises(InvalidToken):
            await tokens.identity(old)


async def test_a_flood_of_unknown_key_ids_causes_one_request_per_cooldown(issuer: Issuer) -> None:
    clock = Clock()
    async with run_tokens(issuer, clock, jwks_cooldown_seconds=1) as tokens:
        await tokens.identity(issuer.issue_token("first"))
        clock.advance(1)
        flood = [
            issuer.issue_token(f"unheard-of-{number}", key=issuer.keys["first"][1])
            for number in range(300)
        ]

        answers = await asyncio.gather(*map(tokens.identity, flood), return_exceptions=True)

    assert {type(answer) for answer in answers} == {InvalidToken}
    assert issuer.request_count == 2


async def test_known_keys_are_used_for_a_limited_time_while_the_issuer_is_unavailable(
    issuer: Issuer,
) -> None:
    clock = Clock()
    async with run_tokens(
        issuer,
        clock,
        jwks_refresh_interval_seconds=0.05,
        jwks_cooldown_seconds=1,
        jwks_max_age_seconds=10,
    ) as tokens:
        await tokens.identity(issuer.issue_token("first"))
        issuer.status = 503
        before = issuer.request_count
        clock.advance(5)
        await issuer.wait_for_requests(before + 1)

        await tokens.identity(issuer.issue_token("first"))

        clock.advance(5)
        with pytest.raises(Unavailable):
            await tokens.identity(issuer.issue_token("first"))
        issuer.status = 200
        clock.advance(1)
        await tokens.identity(issuer.issue_token("first"))


NONSENSE = (
    b"",
    b"[]",
    b"{}",
    b'{"keys": []}',
    b'{"keys": 1}',
    b'{"keys": [1, {}, {"kty": "EC"}]}',
    b"x" * (SET_LIMIT_BYTES + 1),
    b"[" * 999,
)


@pytest.mark.parametrize("body", NONSENSE, ids=lambda body: str(body[:30]))
async def test_an_invalid_key_set_removes_no_known_key(issuer: Issuer, body: bytes) -> None:
    async with run_tokens(
        issuer, jwks_refresh_interval_seconds=0.05, jwks_cooldown_seconds=0.01
    ) as tokens:
        await tokens.identity(issuer.issue_token("first"))
        issuer.body, before = body, issuer.request_count
        await issuer.wait_for_requests(before + 2)

        assert (await tokens.identity(issuer.issue_token("first"))).person.user == "alice"


async def test_without_any_key_the_service_is_unavailable(
    issuer: Issuer,
) -> None:
    issuer.status = 500

    async with run_tokens(issuer) as tokens:
        with pytest.raises(Unavailable):
            await tokens.identity(issuer.issue_token("first"))


async def test_a_slow_issuer_does_not_delay_tokens_of_known_keys(issuer: Issuer) -> None:
    clock = Clock()
    async with run_tokens(issuer, clock, jwks_cooldown_seconds=1) as tokens:
        await tokens.identity(issuer.issue_token("first"))
        issuer.answers.clear()
        clock.advance(1)
        waiting = asyncio.create_task(
            tokens.identity(issuer.issue_token("unheard of", key=issuer.keys["first"][1]))
        )
        await issuer.wait_for_requests(2)

        await tokens.identity(issuer.issue_token("first"))

        assert not waiting.done()
        issuer.answers.set()
        with pytest.raises(InvalidToken):
            await waiting


async def test_a_published_key_is_never_used_as_a_secret(issuer: Issuer) -> None:
    private = issuer.publish_key("rsa", "RS256")
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for headers in (
        {"alg": "HS256", "kid": "rsa"},
        {"alg": "HS256"},
        {"alg": "none", "kid": "rsa"},
        {"alg": "HS512", "kid": "rsa"},
    ):
        forgery = forge_token(headers, public)
        for secret in (None, SECRET):
            async with run_tokens(issuer, jwt_secret=secret) as tokens:
                with pytest.raises(InvalidToken):
                    await tokens.identity(forgery)


async def test_a_key_verifies_only_its_own_algorithm_and_signature(
    issuer: Issuer,
) -> None:
    issuer.publish_key("rsa", "RS256")
    stranger = rsa.generate_private_key(65537, 2048)
    claims = {"sub": "a", "tenant": "t", "scope": "", "exp": time.time() + 9}

    async with run_tokens(issuer) as tokens:
        for forgery in (
            issuer.issue_token("rsa", key=stranger),
            jwt.encode(claims, issuer.keys["rsa"][1], algorithm="RS512", headers={"kid": "rsa"}),
            jwt.encode(claims, issuer.keys["rsa"][1], algorithm="PS256", headers={"kid": "rsa"}),
            jwt.encode(claims, issuer.keys["rsa"][1], algorithm="RS256", headers={"kid": "first"}),
            issuer.issue_token(
                "rsa",
                headers={"jwk": RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)},
                key=stranger,
            ),
        ):
            with pytest.raises(InvalidToken):
                await tokens.identity(forgery)


async def test_the_secret_and_published_keys_may_be_used_together(issuer: Issuer) -> None:
    async with run_tokens(issuer, jwt_secret=SECRET) as tokens:
        assert (await tokens.identity(sign_claims())).person.user == "alice"
        assert (await tokens.identity(issuer.issue_token("first"))).person.user == "alice"

    async with run_tokens(issuer) as tokens:
        with pytest.raises(InvalidToken):
            await tokens.identity(sign_claims())


def test_only_strong_keys_for_signatures_are_accepted(
    issuer: Issuer,
) -> None:
    good_key = issuer.list_public_keys()[0]
    weak_key = {
        **RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True),
        "kid": "weak",
    }
    unusable_keys = [
        {**good_key, "kid": "encrypts", "use": "enc"},
        {**good_key, "kid": "other algorithm", "alg": "ES384"},
        {**good_key, "kid": "broken", "x": "AA"},
        {**good_key, "kid": ["no text"]},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        weak_key,
    ]

    assert list(parse_key_set(json.dumps({"keys": [*unusable_keys, good_key]}).encode())) == [
        ("first", "ES256")
    ]

    with pytest.raises(UnusableKeySet):
        parse_key_set(json.dumps({"keys": unusable_keys}).encode())


@pytest.mark.parametrize(
    ("settings", "claims", "problem"),
    [
        ({}, {}, None),
        ({}, {"aud": "tidings"}, InvalidToken),
        ({"jwt_audience": "tidings"}, {}, MissingClaims),
        ({"jwt_audience": "tidings"}, {"aud": "others"}, InvalidToken),
        ({"jwt_audience": "tidings"}, {"aud": ["others", "tidings"]}, None),
        ({"jwt_audience": "old, tidings"}, {"aud": "tidings"}, None),
        ({"jwt_issuer": "https://sign.in/"}, {}, MissingClaims),
        ({"jwt_issuer": "https://sign.in/"}, {"iss": "https://sign.in"}, InvalidToken),
        ({"jwt_issuer": "https://a, https://sign.in/"}, {"iss": "https://sign.in/"}, None),
        ({}, {"nbf": timedelta(seconds=600)}, InvalidToken),
        ({}, {"nbf": timedelta(seconds=-1)}, None),
        ({}, {"iat": timedelta(seconds=600)}, InvalidToken),
        ({}, {"iat": None}, None),
        ({}, {"iat": "yesterday"}, InvalidToken),
        ({"jwt_leeway_seconds": 0}, {"exp": timedelta(seconds=-2)}, InvalidToken),
        ({"jwt_leeway_seconds": 60}, {"exp": timedelta(seconds=-30)}, None),
        ({"jwt_leeway_seconds": 60}, {"nbf": timedelta(seconds=30)}, None),
        ({"token_lifetime_limit_seconds": 3600}, {"exp": timedelta(seconds=7200)}, InvalidToken),
        (
            {"token_lifetime_limit_seconds": 3600},
            {"exp": timedelta(seconds=7200), "iat": None},
            InvalidToken,
        ),
        ({"token_lifetime_limit_seconds": 3600}, {"iat": timedelta(seconds=-7200)}, InvalidToken),
        ({}, {"sid": ""}, MissingClaims),
        ({}, {"sid": 7.5}, MissingClaims),
        ({}, {"jti": "j" * 500}, MissingClaims),
    ],
    ids=str,
)
async def test_the_claims_of_a_token_are_checked(
    settings: dict[str, Any], claims: dict[str, Any], problem: type[Unauthorised] | None
) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, **settings), None)
    payload: dict[str, Any] = {
        name: time.time() + value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in claims.items()
    }

    if problem:
        with pytest.raises(problem) as refusal:
            await tokens.identity(sign_claims(**payload))
        assert type(refusal.value) is problem
    else:
        assert (await tokens.identity(sign_claims(**payload))).person == ("acme", "alice")


BARE: dict[str, Any] = {"tenant": None, "scope": None}
"""The claims that a token of a FastAPI product lacks."""


@pytest.mark.parametrize(
    ("settings", "claims", "dialect", "expected"),
    [
        ({"default_tenant": "acme"}, BARE, None, ("acme", "alice", "inbox")),
        ({"default_tenant": "chat=talk,acme"}, BARE, "chat", ("talk", "alice", "inbox")),
        ({"default_tenant": "chat=talk,acme"}, BARE, "barbershop", ("acme", "alice", "inbox")),
        ({"default_tenant": "chat=talk,acme"}, BARE, None, ("acme", "alice", "inbox")),
        (
            {"default_tenant": "chat=talk,https://sign.in/=acme"},
            {**BARE, "iss": "https://sign.in/"},
            "chat",
            ("acme", "alice", "inbox"),
        ),
        ({"default_tenant": "acme"}, {**BARE, "sub": 123}, None, ("acme", "123", "inbox")),
        ({"default_tenant": "acme"}, {**BARE, "sub": -1}, None, ("acme", "-1", "inbox")),
        ({"default_tenant": "other"}, {"scope": None}, "chat", ("acme", "alice", "inbox")),
        (
            {"default_scope": "inbox,chat=inbox emit"},
            {"scope": None},
            "chat",
            ("acme", "alice", "inbox"),
        ),
        ({}, {"tenant": 7}, None, ("7", "alice", "inbox")),
        ({}, {"scope": "emit"}, None, ("acme", "alice", "emit")),
        ({}, {"scope": ""}, None, ("acme", "alice", "")),
        ({}, {"scope": []}, None, ("acme", "alice", "")),
        ({}, {"scope": ["inbox", "emit"]}, None, ("acme", "alice", "emit inbox")),
        (
            {"default_scope": "chat=inbox emit admin,inbox", "default_tenant": "acme"},
            BARE,
            "chat",
            ("acme", "alice", "admin emit inbox"),
        ),
        (
            {"token_claims": "user=user_id,tenant=org,scope=scp"},
            {"user_id": 5, "org": "cuts", "scp": ["emit"], "sub": "mallory"},
            None,
            ("cuts", "5", "emit"),
        ),
    ],
    ids=str,
)
async def test_a_token_gets_defaults_for_the_claims_that_it_lacks_and_for_no_others(
    settings: dict[str, Any],
    claims: dict[str, Any],
    dialect: str | None,
    expected: tuple[str, str, str],
) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, **{"default_scope": "inbox", **settings}), None)

    identity = await tokens.identity(sign_claims(**claims), dialect)

    assert (*identity.person, " ".join(sorted(identity.scopes))) == expected


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"sub": None}, "the token has no claim `sub`: add it"),
        ({"tenant": None}, "no claim `tenant`: add it or set TIDINGS_DEFAULT_TENANT"),
        ({"scope": None}, "no claim `scope`: add it or set TIDINGS_DEFAULT_SCOPE"),
        ({"exp": None}, "no claim `exp`: add it"),
        ({"sub": True}, "`sub` must be an id: text or an integer; found a boolean"),
        ({"sub": 1.5}, "`sub` must be an id: text or an integer; found a number with a fraction"),
        ({"sub": ["a"]}, "`sub` must be an id: text or an integer; found a list"),
        ({"tenant": {}}, "`tenant` must be an id: text or an integer; found an object"),
        ({"tenant": ""}, "`tenant` must be an id: 1 to 128 characters"),
        ({"sub": 10**128}, "`sub` must be an id: 1 to 128 characters"),
        ({"scope": 1}, "`scope` must be words separated by spaces, or a list of words; found an"),
        (
            {"scope": ["inbox", 1]},
            "`scope` must be text in each item of the list; found an integer",
        ),
    ],
    ids=str,
)
async def test_a_wrong_claim_is_refused_by_its_name_with_what_would_be_right(
    claims: dict[str, Any], words: str
) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, default_scope="chat=inbox"), None)

    with pytest.raises(MissingClaims) as refusal:
        await tokens.identity(sign_claims(**claims), "barbershop")

    assert words in str(refusal.value) and (refusal.value.code, refusal.value.status) == (4003, 403)


async def test_a_claim_that_is_null_gets_no_default() -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, default_tenant="other"), None)
    token = jwt.encode(
        {"sub": "a", "tenant": None, "scope": "inbox", "exp": time.time() + 9}, SECRET
    )

    with pytest.raises(MissingClaims, match=r"`tenant` must be an id: .* found null"):
        await tokens.identity(token)


async def test_an_issuer_named_as_a_dialect_does_not_choose_its_default() -> None:
    tokens = Tokens(
        Settings(
            jwt_secret=SECRET, default_tenant="incidents=ops,chat=talk", default_scope="inbox"
        ),
        None,
    )

    identity = await tokens.identity(sign_claims(iss="incidents", tenant=None, scope=None), "chat")

    assert identity.person.tenant == "talk"


async def test_a_token_carries_its_session_and_its_time_of_issue() -> None:
    tokens, now = (
        Tokens(Settings(jwt_secret=SECRET, token_lifetime_limit_seconds=DAY_SECONDS), None),
        int(time.time()),
    )

    with_both = await tokens.identity(sign_claims(iat=now, sid="s", jti="j"))
    with_one = await tokens.identity(sign_claims(iat=now, jti="j"))
    undated = await tokens.identity(sign_claims(iat=None, exp=now + 60))

    assert (with_both.session, with_both.issued_at, with_one.session) == ("s", now, "j")
    assert (undated.session, undated.issued_at) == (None, now + 60 - DAY_SECONDS)


async def test_an_oversized_token_is_refused_before_it_is_parsed() -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET), None)

    with pytest.raises(InvalidToken, match="more than 8192 characters"):
        await tokens.identity(sign_claims(more="x" * 10_000))


def forge_token(headers: dict[str, Any], key: bytes) -> str:
    """Return a token signed with HMAC by a public key, or not at all, as no library does it."""
    claims = {"sub": "alice", "tenant": "acme", "scope": "inbox", "exp": time.time() + 60}
    signed_text = ".".join(encode_part(json.dumps(part).encode()) for part in (headers, claims))
    if headers["alg"] == "none":
        return f"{signed_text}."
    return f"{signed_text}.{encode_part(hmac.digest(key, signed_text.encode(), hashlib.sha256))}"


@pytest.mark.parametrize(
    ("secret", "claims", "words"),
    [
        (SECRET, {"exp": 1}, "it has expired"),
        ("another secret, long enough for HS256", {}, "its signature is of another key"),
        (SECRET, {"nbf": 2**40}, "it is not valid yet"),
        (SECRET, {"aud": "elsewhere", "iss": "here"}, "it is for another audience"),
        (SECRET, {"iss": "elsewhere"}, "it is from another issuer"),
    ],
)
async def test_the_fault_of_a_token_is_named(
    secret: str, claims: dict[str, Any], words: str
) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, jwt_issuer="here"), None)

    with pytest.raises(InvalidToken, match=words):
        await tokens.identity(sign_claims(secret, **claims))
    with pytest.raises(InvalidToken, match="it is not a JWT"):
        await tokens.identity("no token at all")


@pytest.mark.parametrize("claims", [{"exp": 10**400}, {"iat": -(10**400)}])
async def test_a_time_beyond_every_clock_is_refused(claims: dict[str, Any]) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET), None)

    with pytest.raises(InvalidToken):
        await tokens.identity(sign_claims(**claims))
