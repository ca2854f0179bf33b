"""Tokens: taken only if their issuer signed them for us, with the key and algorithm that it publishes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from tidings.runtime.auth import InvalidToken, MissingClaims, Unauthorised
from tidings.runtime.errors import Unavailable
from tidings.runtime.keyset import SET_LIMIT_BYTES, KeySet, Unusable, usable
from tidings.runtime.settings import Settings
from tidings.runtime.tokens import Tokens

from tests.driver import SECRET
from tests.issuer import Issuer, issuing

DAY_SECONDS = 86_400


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """An issuer with one key."""
    async with issuing() as running:
        running.key("first")
        yield running


@asynccontextmanager
async def checking(issuer: Issuer, **settings: Any) -> AsyncIterator[Tokens]:
    """What checks the issuer's tokens while the block lasts."""
    chosen = Settings(jwks_url=issuer.url, **{"jwks_cooldown_seconds": 0.2, **settings})
    keys = KeySet(chosen, issuer.url)
    running = asyncio.create_task(keys.run())
    yield Tokens(chosen, keys)
    running.cancel()
    await asyncio.wait((running,))


def signed(secret: str = SECRET, **claims: Any) -> str:
    """A token signed with the secret; a claim that is None is left out."""
    now = time.time()
    given = {
        "sub": "alice",
        "tenant": "acme",
        "scope": "inbox",
        "iat": now,
        "exp": now + 60,
        **claims,
    }
    return jwt.encode(
        {name: value for name, value in given.items() if value is not None},
        secret,
        algorithm="HS256",
    )


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_each_kind_of_published_key_is_taken(
    issuer: Issuer, algorithm: str
) -> None:
    issuer.key("mine", algorithm)

    async with checking(issuer) as tokens:
        found = await tokens.identity(issuer.token("mine", sid="s-1"))

    assert (found.person, found.scopes, found.session) == (
        ("acme", "alice"),
        {"inbox", "emit"},
        "s-1",
    )
    assert issuer.asked == 1


async def test_a_token_without_a_key_id_is_taken_if_only_one_key_fits(issuer: Issuer) -> None:
    nameless = jwt.encode(
        {"sub": "a", "tenant": "t", "scope": "", "exp": time.time() + 9},
        issuer.keys["first"][1],
        algorithm="ES256",
    )

    async with checking(issuer) as tokens:
        assert (await tokens.identity(nameless)).person == ("t", "a")

        issuer.key("second")
        await asyncio.sleep(0.25)
        with pytest.raises(InvalidToken):
            await tokens.identity(issuer.token("unheard of", key=issuer.keys["first"][1]))
        with pytest.raises(InvalidToken):
            await tokens.identity(nameless)


async def test_a_key_that_is_new_is_fetched_and_one_that_is_gone_no_longer_counts(
    issuer: Issuer,
) -> None:
    async with checking(issuer) as tokens:
        old = issuer.token("first")
        await tokens.identity(old)
        await asyncio.sleep(0.25)

        issuer.key("second")
        del issuer.keys["first"]

        await tokens.identity(issuer.token("second"))
        with pytest.raises(InvalidToken):
            await tokens.identity(old)


async def test_a_flood_of_unknown_key_ids_is_one_request_in_a_while(issuer: Issuer) -> None:
    async with checking(issuer, jwks_cooldown_seconds=1) as tokens:
        await tokens.identity(issuer.token("first"))
        await asyncio.sleep(1)
        flood = [
            issuer.token(f"unheard-of-{number}", key=issuer.keys["first"][1])
            for number in range(300)
        ]

        answers = await asyncio.gather(*map(tokens.identity, flood), return_exceptions=True)

    assert {type(answer) for answer in answers} == {InvalidToken}
    assert issuer.asked == 2


async def test_while_the_issuer_is_away_known_keys_serve_for_a_time_and_not_for_ever(
    issuer: Issuer,
) -> None:
    async with checking(
        issuer, jwks_refresh_seconds=0.1, jwks_cooldown_seconds=0.05, jwks_keep_seconds=1
    ) as tokens:
        await tokens.identity(issuer.token("first"))
        issuer.status = 503
        asked = issuer.asked
        await asyncio.sleep(0.5)

        await tokens.identity(issuer.token("first"))
        assert issuer.asked > asked

        await asyncio.sleep(0.7)
        with pytest.raises(Unavailable):
            await tokens.identity(issuer.token("first"))
        issuer.status = 200
        await asyncio.sleep(0.1)
        await tokens.identity(issuer.token("first"))


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
async def test_nonsense_in_place_of_the_keys_takes_none_away(issuer: Issuer, body: bytes) -> None:
    async with checking(issuer, jwks_refresh_seconds=0.05, jwks_cooldown_seconds=0.01) as tokens:
        await tokens.identity(issuer.token("first"))
        issuer.body, asked = body, issuer.asked
        async with asyncio.timeout(5):
            while issuer.asked < asked + 2:  # noqa: ASYNC110  it asks by itself, and says nothing
                await asyncio.sleep(0.01)

        assert (await tokens.identity(issuer.token("first"))).person.user == "alice"


async def test_without_any_key_it_is_the_service_that_is_unavailable_not_the_token_that_is_bad(
    issuer: Issuer,
) -> None:
    issuer.status = 500

    async with checking(issuer) as tokens:
        with pytest.raises(Unavailable):
            await tokens.identity(issuer.token("first"))


async def test_a_slow_issuer_holds_up_nobody_whose_key_is_known(issuer: Issuer) -> None:
    async with checking(issuer, jwks_cooldown_seconds=0.01) as tokens:
        await tokens.identity(issuer.token("first"))
        issuer.pause_seconds = 1
        await asyncio.sleep(0.02)
        waiting = asyncio.create_task(
            tokens.identity(issuer.token("unheard of", key=issuer.keys["first"][1]))
        )
        await asyncio.sleep(0)

        async with asyncio.timeout(0.5):
            await tokens.identity(issuer.token("first"))

        assert not waiting.done()
        with pytest.raises(InvalidToken):
            await waiting


async def test_a_published_key_is_never_taken_for_a_secret(issuer: Issuer) -> None:
    private = issuer.key("rsa", "RS256")
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for headers in (
        {"alg": "HS256", "kid": "rsa"},
        {"alg": "HS256"},
        {"alg": "none", "kid": "rsa"},
        {"alg": "HS512", "kid": "rsa"},
    ):
        forged = handmade(headers, public)
        for settings in ({}, {"jwt_secret": SECRET}):
            async with checking(issuer, **settings) as tokens:
                with pytest.raises(InvalidToken):
                    await tokens.identity(forged)


async def test_a_key_checks_its_own_algorithm_only_and_each_token_its_own_signature(
    issuer: Issuer,
) -> None:
    issuer.key("rsa", "RS256")
    stranger = rsa.generate_private_key(65537, 2048)
    claims = {"sub": "a", "tenant": "t", "scope": "", "exp": time.time() + 9}

    async with checking(issuer) as tokens:
        for forged in (
            issuer.token("rsa", key=stranger),
            jwt.encode(claims, issuer.keys["rsa"][1], algorithm="RS512", headers={"kid": "rsa"}),
            jwt.encode(claims, issuer.keys["rsa"][1], algorithm="PS256", headers={"kid": "rsa"}),
            jwt.encode(claims, issuer.keys["rsa"][1], algorithm="RS256", headers={"kid": "first"}),
            issuer.token(
                "rsa",
                headers={"jwk": RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)},
                key=stranger,
            ),
        ):
            with pytest.raises(InvalidToken):
                await tokens.identity(forged)


async def test_both_the_secret_and_published_keys_may_count(issuer: Issuer) -> None:
    async with checking(issuer, jwt_secret=SECRET) as tokens:
        assert (await tokens.identity(signed())).person.user == "alice"
        assert (await tokens.identity(issuer.token("first"))).person.user == "alice"

    async with checking(issuer) as tokens:
        with pytest.raises(InvalidToken):
            await tokens.identity(signed())


def test_only_keys_that_are_for_checking_signatures_and_strong_enough_are_taken(
    issuer: Issuer,
) -> None:
    good = issuer.published()[0]
    weak = {
        **RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True),
        "kid": "weak",
    }
    others = [
        {**good, "kid": "encrypts", "use": "enc"},
        {**good, "kid": "other algorithm", "alg": "ES384"},
        {**good, "kid": "broken", "x": "AA"},
        {**good, "kid": ["no text"]},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        weak,
    ]

    assert list(usable(json.dumps({"keys": [*others, good]}).encode())) == [("first", "ES256")]

    with pytest.raises(Unusable):
        usable(json.dumps({"keys": others}).encode())


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
        ({}, {"sid": 7}, MissingClaims),
        ({}, {"jti": "j" * 500}, MissingClaims),
    ],
    ids=str,
)
async def test_what_a_token_claims_must_hold(
    settings: dict[str, Any], claims: dict[str, Any], problem: type[Unauthorised] | None
) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, **settings), None)
    told = {
        name: time.time() + each.total_seconds() if isinstance(each, timedelta) else each
        for name, each in claims.items()
    }

    if problem:
        with pytest.raises(problem) as refused:
            await tokens.identity(signed(**told))
        assert type(refused.value) is problem
    else:
        assert (await tokens.identity(signed(**told))).person == ("acme", "alice")


async def test_a_token_says_in_which_session_and_when_it_was_issued() -> None:
    tokens, now = (
        Tokens(Settings(jwt_secret=SECRET, token_lifetime_limit_seconds=DAY_SECONDS), None),
        int(time.time()),
    )

    with_both = await tokens.identity(signed(iat=now, sid="s", jti="j"))
    with_one = await tokens.identity(signed(iat=now, jti="j"))
    undated = await tokens.identity(signed(iat=None, exp=now + 60))

    assert (with_both.session, with_both.issued, with_one.session) == ("s", now, "j")
    assert (undated.session, undated.issued) == (None, now + 60 - DAY_SECONDS)


async def test_a_token_of_any_length_is_refused_before_it_is_read() -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET), None)

    with pytest.raises(InvalidToken, match="more than 8192 characters"):
        await tokens.identity(signed(more="x" * 10_000))


def handmade(headers: dict[str, Any], key: bytes) -> str:
    """A token that a library would not make: signed with HMAC by a public key, or not at all."""
    claims = {"sub": "alice", "tenant": "acme", "scope": "inbox", "exp": time.time() + 60}
    told = ".".join(_part(json.dumps(each).encode()) for each in (headers, claims))
    return f"{told}.{_part(hmac.digest(key, told.encode(), hashlib.sha256)) if headers['alg'] != 'none' else ''}"


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


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
async def test_what_is_wrong_with_a_token_is_said_in_words(
    secret: str, claims: dict[str, Any], words: str
) -> None:
    tokens = Tokens(Settings(jwt_secret=SECRET, jwt_issuer="here"), None)

    with pytest.raises(InvalidToken, match=words):
        await tokens.identity(signed(secret, **claims))
    with pytest.raises(InvalidToken, match="it is no JWT"):
        await tokens.identity("no token at all")
