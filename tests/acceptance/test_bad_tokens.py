"""Bad tokens: every route refuses them with the reason."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.acceptance.problems import ONE, check_problem, check_unharmed
from tests.builders import make_event
from tests.driver import SECRET, Tidings
from tests.tokens import encode_part, sign_token

DEEP = b"[" * 2_500 + b"]" * 2_500  # as deep as a line of a head may be long


def sign_claims(
    tidings: Tidings, secret: str = SECRET, algorithm: str = "HS256", **claims: Any
) -> str:
    """Return a token with other claims; a claim that is None is left out."""
    payload = {
        "sub": "service",
        "tenant": tidings.tenant,
        "scope": "emit inbox",
        "exp": time.time() + 60,
        **claims,
    }
    return sign_token(secret, algorithm, **payload)


TOKENS = {
    "expired": (lambda tidings: sign_claims(tidings, exp=time.time() - 60), 401),
    "forged": (
        lambda tidings: sign_claims(tidings, "another secret, as long as it should be"),
        401,
    ),
    "alg none": (lambda tidings: sign_claims(tidings, "", "none"), 401),
    "alg none, spelt": (
        lambda tidings: (
            encode_part(b'{"alg":"nOnE"}') + "." + sign_claims(tidings).split(".")[1] + "."
        ),
        401,
    ),
    "another algorithm": (lambda tidings: sign_claims(tidings, SECRET * 2, "HS512"), 401),
    "nonsense": (lambda _: "nonsense", 401),
    "a header nested deeply": (lambda _: encode_part(DEEP) + ".e30.", 401),
    "a token cut short": (lambda tidings: sign_claims(tidings)[:-3], 401),
    "no expiry": (lambda tidings: sign_claims(tidings, exp=None), 403),
    "an endless expiry": (lambda tidings: sign_claims(tidings, exp=float("inf")), 401),
    "no tenant": (lambda tidings: sign_claims(tidings, tenant=None), 403),
    "no user": (lambda tidings: sign_claims(tidings, sub=None), 403),
    "no scope": (lambda tidings: sign_claims(tidings, scope=None), 403),
    "a number for a scope": (lambda tidings: sign_claims(tidings, scope=1), 403),
    "another scope": (lambda tidings: sign_claims(tidings, scope="emitter in.box"), 403),
    "a fraction for a tenant": (lambda tidings: sign_claims(tidings, tenant=1.5), 403),
    "a boolean for a user": (lambda tidings: sign_claims(tidings, sub=True), 403),
    "an empty tenant": (lambda tidings: sign_claims(tidings, tenant=""), 403),
    "control characters": (lambda tidings: sign_claims(tidings, tenant="a\nb"), 403),
    "a lone surrogate": (lambda tidings: sign_claims(tidings, tenant="\ud800"), 403),
}


@pytest.mark.parametrize("bad", TOKENS)
async def test_a_bad_token_is_refused_everywhere(tidings: Tidings, bad: str) -> None:
    make, status = TOKENS[bad]
    headers = {"Authorization": f"Bearer {make(tidings)}", "Content-Type": ONE}

    check_problem(
        await tidings.http.post(
            "/v1/events",
            content=json.dumps(make_event("user.joined", user_id="a")).encode(),
            headers=headers,
        ),
        status,
    )

    for path in ("/v1/log", "/v1/notifications", "/v1/counts", "/v1/stream"):
        response = await tidings.http.get(path, headers=headers)
        assert ("www-authenticate" in response.headers) == (status == 401)
        check_problem(response, status)
    check_problem(
        await tidings.http.post("/v1/notifications/mark", content=b"{}", headers=headers), status
    )
    await check_unharmed(tidings)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi"])
async def test_a_missing_token_is_answered_with_how_to_send_one(
    tidings: Tidings, header: str | None
) -> None:
    headers = {"Content-Type": ONE, **({"Authorization": header} if header is not None else {})}
    for method, path in (("POST", "/v1/events"), ("GET", "/v1/log"), ("GET", "/v1/stream")):
        response = await tidings.http.request(method, path, headers=headers)
        assert "Authorization: Bearer" in check_problem(response, 401)["detail"]
        assert response.headers["www-authenticate"] == "Bearer"
    await check_unharmed(tidings)
