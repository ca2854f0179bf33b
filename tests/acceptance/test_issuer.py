"""An issuer: its published keys verify tokens, may be rotated, and may be unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tidings.runtime.auth.emit_rights import EVERY_EMIT_SCOPE
from tidings.runtime.settings import Settings

from tests.acceptance.connections import (
    connect_with,
    open_socket,
    open_stream,
    read_close,
    read_until,
)
from tests.acceptance.problems import check_problem
from tests.builders import make_event
from tests.driver import Tidings
from tests.issuer import Issuer, run_issuer
from tests.web_processes import run_web

pytestmark = pytest.mark.usefixtures("calm")

COOLDOWN_SECONDS = 0.2


class IssuerTidings(Tidings):
    """A driver whose users have tokens of an issuer."""

    issuer: Issuer
    kid = "first"

    def token(
        self,
        user: str = "service",
        scope: str = f"inbox {EVERY_EMIT_SCOPE}",
        seconds: float | None = None,
        tenant: str | None = None,
    ) -> str:
        """Return a token of the issuer."""
        return self.issuer.issue_token(
            self.kid,
            sub=user,
            scope=scope,
            tenant=tenant or self.tenant,
            aud="tidings",
            iss="https://sign.in",
        )


@pytest.fixture
async def driver(tidings: Tidings, chosen: Settings) -> AsyncIterator[IssuerTidings]:
    """Run an edge and a gateway that trust an issuer, which is unavailable at first."""
    settings: dict[str, Any] = {
        "jwt_audience": "tidings",
        "jwt_issuer": "https://sign.in",
        "jwks_cooldown_seconds": COOLDOWN_SECONDS,
    }
    async with run_issuer() as issuer:
        issuer.publish_key("first")
        issuer.status = 503
        async with (
            run_web(chosen, jwks_url=issuer.url, **settings) as edge,
            IssuerTidings(edge.url, tidings.runtime, tidings.tenant) as issuer_driver,
        ):
            issuer_driver.issuer = issuer
            yield issuer_driver


async def test_tokens_of_an_issuer_are_accepted_once_its_keys_were_fetched_and_after_rotation(
    driver: IssuerTidings, tidings: Tidings
) -> None:
    check_problem(await driver.http.get("/v1/counts", headers=driver.headers("alice")), 503)
    answer = await driver.http.get("/v1/stream", headers=driver.headers("alice"))
    assert check_problem(answer, 503) and answer.headers["retry-after"]
    async with open_socket(driver, "frame", driver.token("alice")) as connection:
        assert (await read_close(connection))[0] == 4102

    driver.issuer.status = 200
    await asyncio.sleep(COOLDOWN_SECONDS)

    await driver.emit(make_event("user.joined", user_id="alice"))
    for kid, algorithm in (("first", "ES256"), ("second", "RS256"), ("third", "EdDSA")):
        if kid != "first":
            driver.issuer.publish_key(kid, algorithm)
            driver.kid = kid
            await asyncio.sleep(COOLDOWN_SECONDS)
        async with (
            open_socket(driver, "subprotocol", driver.token("alice")) as connection,
            open_stream(driver, "ticket", driver.token("alice")) as events,
        ):
            await read_until(connection, "hello")
            await read_until(events, "hello")

    check_problem(await driver.http.get("/v1/counts", headers=tidings.headers("alice")), 403)
    async with connect_with(
        driver, Authorization=f"Bearer {driver.issuer.issue_token('third', tenant=driver.tenant)}"
    ) as connection:
        assert (await read_close(connection))[0] == 4003
    driver.issuer.status = 503
    await driver.get("/v1/counts", "alice")
