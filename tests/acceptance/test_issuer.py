"""An issuer: its tokens are taken by the keys that it publishes, which may change, and be out of reach for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tidings.runtime.settings import Settings

from tests.acceptance.entrances import at, ended, socket, stream, until
from tests.acceptance.refused import refused
from tests.driver import Tidings, event
from tests.issuer import Issuer, issuing
from tests.webs import web

pytestmark = pytest.mark.usefixtures("calm")

COOLDOWN_SECONDS = 0.2


class Signed(Tidings):
    """Tidings as the users of an issuer see it."""

    issuer: Issuer
    kid = "first"

    def token(
        self,
        user: str = "service",
        scope: str = "inbox emit",
        seconds: float | None = None,
        tenant: str | None = None,
    ) -> str:
        """A token of the issuer's."""
        return self.issuer.token(
            self.kid,
            sub=user,
            scope=scope,
            tenant=tenant or self.tenant,
            aud="tidings",
            iss="https://sign.in",
        )


@pytest.fixture
async def signed(tidings: Tidings, chosen: Settings) -> AsyncIterator[Signed]:
    """An edge and a gateway that believe an issuer, which is away yet."""
    settings: dict[str, Any] = {
        "jwt_audience": "tidings",
        "jwt_issuer": "https://sign.in",
        "jwks_cooldown_seconds": COOLDOWN_SECONDS,
    }
    async with issuing() as issuer:
        issuer.key("first")
        issuer.status = 503
        async with (
            web(chosen, jwks_url=issuer.url, **settings) as edge,
            Signed(edge.url, tidings.runtime, tidings.tenant) as driver,
        ):
            driver.issuer = issuer
            yield driver


async def test_tokens_of_an_issuer_are_taken_as_soon_as_and_as_long_as_its_keys_can_be_had(
    signed: Signed, tidings: Tidings
) -> None:
    refused(await signed.http.get("/v1/counts", headers=signed.headers("alice")), 503)
    answer = await signed.http.get("/v1/stream", headers=signed.headers("alice"))
    assert refused(answer, 503) and answer.headers["retry-after"]
    async with socket(signed, "frame", signed.token("alice")) as opened:
        assert (await ended(opened))[0] == 4102

    signed.issuer.status = 200
    await asyncio.sleep(COOLDOWN_SECONDS)

    await signed.emit(event("user.joined", user_id="alice"))
    for kid, algorithm in (("first", "ES256"), ("second", "RS256"), ("third", "EdDSA")):
        if kid != "first":
            signed.issuer.key(kid, algorithm)
            signed.kid = kid
            await asyncio.sleep(COOLDOWN_SECONDS)
        async with (
            socket(signed, "subprotocol", signed.token("alice")) as opened,
            stream(signed, "ticket", signed.token("alice")) as events,
        ):
            await until(opened, "hello")
            await until(events, "hello")

    refused(await signed.http.get("/v1/counts", headers=tidings.headers("alice")), 403)
    async with at(
        signed, Authorization=f"Bearer {signed.issuer.token('third', tenant=signed.tenant)}"
    ) as opened:
        assert (await ended(opened))[0] == 4003
    signed.issuer.status = 503
    await signed.get("/v1/counts", "alice")
