"""Bad tokens: whoever is not known, or may not do it, is told so everywhere, and nothing else."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest

from tests.acceptance.refused import ONE, refused, unharmed
from tests.driver import SECRET, Tidings, event

DEEP = b"[" * 20_000 + b"]" * 20_000


def signed(tidings: Tidings, secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """A token with other claims, or without those that are None."""
    given = {
        "sub": "service",
        "tenant": tidings.tenant,
        "scope": "emit inbox",
        "exp": time.time() + 60,
        **claims,
    }
    return jwt.encode(
        {name: value for name, value in given.items() if value is not None},
        secret,
        algorithm=algorithm,
    )


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


TOKENS = {
    "expired": (lambda tidings: signed(tidings, exp=time.time() - 60), 401),
    "forged": (lambda tidings: signed(tidings, "another secret, as long as it should be"), 401),
    "alg none": (lambda tidings: signed(tidings, "", "none"), 401),
    "alg none, spelt": (
        lambda tidings: part(b'{"alg":"nOnE"}') + "." + signed(tidings).split(".")[1] + ".",
        401,
    ),
    "another algorithm": (lambda tidings: signed(tidings, SECRET * 2, "HS512"), 401),
    "nonsense": (lambda _: "nonsense", 401),
    "a header nested deeply": (lambda _: part(DEEP) + ".e30.", 401),
    "a token cut short": (lambda tidings: signed(tidings)[:-3], 401),
    "no expiry": (lambda tidings: signed(tidings, exp=None), 403),
    "an endless expiry": (lambda tidings: signed(tidings, exp=float("inf")), 401),
    "no tenant": (lambda tidings: signed(tidings, tenant=None), 403),
    "no user": (lambda tidings: signed(tidings, sub=None), 403),
    "no scope": (lambda tidings: signed(tidings, scope=None), 403),
    "a number for a scope": (lambda tidings: signed(tidings, scope=1), 403),
    "another scope": (lambda tidings: signed(tidings, scope="emitter in.box"), 403),
    "a number for a tenant": (lambda tidings: signed(tidings, tenant=1), 403),
    "an empty tenant": (lambda tidings: signed(tidings, tenant=""), 403),
    "control characters": (lambda tidings: signed(tidings, tenant="a\nb"), 403),
    "a lone surrogate": (lambda tidings: signed(tidings, tenant="\ud800"), 403),
}


@pytest.mark.parametrize("bad", TOKENS)
async def test_a_bad_token_is_refused_everywhere(tidings: Tidings, bad: str) -> None:
    make, status = TOKENS[bad]
    headers = {"Authorization": f"Bearer {make(tidings)}", "Content-Type": ONE}

    refused(
        await tidings.http.post(
            "/v1/events",
            content=json.dumps(event("user.joined", user_id="a")).encode(),
            headers=headers,
        ),
        status,
    )

    for path in ("/v1/log", "/v1/notifications", "/v1/counts", "/v1/stream"):
        response = await tidings.http.get(path, headers=headers)
        assert ("www-authenticate" in response.headers) == (status == 401)
        refused(response, status)
    refused(
        await tidings.http.post("/v1/notifications/mark", content=b"{}", headers=headers), status
    )
    await unharmed(tidings)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi"])
async def test_no_token_is_asked_for(tidings: Tidings, header: str | None) -> None:
    headers = {"Content-Type": ONE, **({"Authorization": header} if header is not None else {})}
    for method, path in (("POST", "/v1/events"), ("GET", "/v1/log"), ("GET", "/v1/stream")):
        response = await tidings.http.request(method, path, headers=headers)
        assert "Authorization: Bearer" in refused(response, 401)["detail"]
        assert response.headers["www-authenticate"] == "Bearer"
    await unharmed(tidings)
