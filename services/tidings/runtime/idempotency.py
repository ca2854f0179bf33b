"""Idempotency keys: what each was first sent with and what was answered (draft-ietf-httpapi-idempotency-key-header-07), in Postgres."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
from tidings.contracts.subjects import Person
from tidings.runtime.errors import Unavailable
from tidings.runtime.postgres import Postgres
from tidings.runtime.problem import Problem
from tidings.runtime.settings import Settings

SWEPT_LIMIT_ROWS = 1000
CLAIMS_PER_SWEEP = 100

INSTALL = """
SELECT pg_advisory_xact_lock(hashtext('tidings.idempotency'));
CREATE SCHEMA IF NOT EXISTS tidings;
CREATE TABLE IF NOT EXISTS tidings.idempotency (
    tenant text,
    user_id text,
    key text,
    request bytea NOT NULL,
    holder uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    status smallint,
    headers text,
    body bytea,
    PRIMARY KEY (tenant, user_id, key)
);
CREATE INDEX IF NOT EXISTS idempotency_expires ON tidings.idempotency (expires);
"""
DURABLE = "SET LOCAL synchronous_commit = on"
"""Unlike a read model, this cannot be derived again."""

OF_CALLER = "tenant = %(tenant)s AND user_id = %(user)s"
THIS = f"{OF_CALLER} AND key = %(key)s"
CLAIM = f"""
INSERT INTO tidings.idempotency AS held (tenant, user_id, key, request, holder, leased_until, expires)
SELECT %(tenant)s, %(user)s, %(key)s, %(request)s, %(holder)s, now() + %(lease)s, now() + %(lifetime)s
WHERE (SELECT count(*) FROM tidings.idempotency WHERE {OF_CALLER} AND expires > now()) < %(limit)s
    OR EXISTS (SELECT FROM tidings.idempotency WHERE {THIS})
ON CONFLICT (tenant, user_id, key) DO UPDATE SET request = excluded.request, holder = excluded.holder,
    leased_until = excluded.leased_until, expires = excluded.expires, status = NULL, headers = NULL, body = NULL
WHERE held.expires <= now() OR (held.status IS NULL AND held.leased_until <= now() AND held.request = excluded.request)
RETURNING true
"""
HELD = f"SELECT request, status, headers, body FROM tidings.idempotency WHERE {THIS} AND expires > now()"
KEEP = f"UPDATE tidings.idempotency SET status = %(status)s, headers = %(headers)s, body = %(body)s WHERE {THIS} AND holder = %(holder)s"
RELEASE = f"UPDATE tidings.idempotency SET leased_until = now() WHERE {THIS} AND holder = %(holder)s AND status IS NULL"
SWEEP = """
DELETE FROM tidings.idempotency WHERE (tenant, user_id, key) IN (
    SELECT tenant, user_id, key FROM tidings.idempotency WHERE expires <= now() ORDER BY expires LIMIT %s FOR UPDATE SKIP LOCKED)
"""


class Claim(NamedTuple):
    """A key that is ours to answer, until its lease is over."""

    caller: Person
    key: str
    holder: UUID


class Answer(NamedTuple):
    """An answer to be given again."""

    status: int
    headers: dict[str, str]
    body: bytes


class Keys:
    """All callers' keys. Shared by every process and kept over restarts; raises Unavailable when Postgres is away."""

    def __init__(self, postgres: Postgres, settings: Settings) -> None:
        self._postgres = postgres
        self._lease = timedelta(seconds=settings.idempotency_lease_seconds)
        self._lifetime = timedelta(seconds=settings.idempotency_seconds)
        self._limit = settings.idempotency_keys_per_user
        self._installed = False
        self._claims = 0

    @property
    def work_seconds(self) -> float:
        """How long the work behind a claim may take, so that it is over before the lease is."""
        return self._lease.total_seconds() * 0.75

    async def claim(self, caller: Person, key: str, request: bytes) -> Claim | Answer:
        """Take a key for a request (its digest), or the answer that it got before; raises Problem if it cannot be had."""
        await self._prepare()
        claim = Claim(caller, key, uuid4())
        terms = {
            "request": request,
            "lease": self._lease,
            "lifetime": self._lifetime,
            "limit": self._limit,
        }
        async with self._postgres.transaction() as connection:
            await connection.execute(DURABLE)
            taken = await (
                await connection.execute(CLAIM.encode(), {**_names(claim), **terms})
            ).fetchone()
            held = (
                None
                if taken
                else await (await connection.execute(HELD.encode(), _names(claim))).fetchone()
            )
        return claim if taken else self._answered(held, request)

    async def keep(self, claim: Claim, answer: Answer) -> None:
        """Record the answer for good; raises Unavailable if that cannot be done, or another holds the key by now."""
        given = {
            "status": answer.status,
            "headers": msgspec.json.encode(answer.headers).decode(),
            "body": answer.body,
        }
        async with self._postgres.transaction() as connection:
            await connection.execute(DURABLE)
            kept = await connection.execute(KEEP.encode(), {**_names(claim), **given})
        if kept.rowcount != 1:
            raise Unavailable(
                "the lease of an idempotency key ran out before its answer was recorded"
            )

    async def release(self, claim: Claim) -> None:
        """Let the same request be tried again at once; if that cannot be said now, the end of the lease says it."""
        with suppress(Unavailable):
            async with self._postgres.connection() as connection:
                await connection.execute(RELEASE.encode(), _names(claim))

    def _answered(self, held: tuple[Any, ...] | None, request: bytes) -> Answer:
        if held is None:
            raise Problem(
                429,
                "too many keys",
                f"at most {self._limit} idempotency keys are kept for one caller; leave the header out",
            )
        first, status, headers, body = held
        if first != request:
            raise Problem(
                422,
                "another request",
                "this key was first sent with another request; take a new key",
                field="Idempotency-Key",
            )
        if status is None:
            raise Problem(
                409,
                "in progress",
                "the first request with this key is not answered yet; ask again in a moment",
                retry=True,
            )
        return Answer(status, msgspec.json.decode(headers, type=dict[str, str]), body)

    async def _prepare(self) -> None:
        """Once in a process, and again after Postgres was away: it may be another one."""
        self._claims += 1
        if self._installed and self._claims % CLAIMS_PER_SWEEP:
            return
        self._installed = False
        async with self._postgres.connection() as connection, connection.transaction():
            await connection.execute(INSTALL)
            await connection.execute(SWEEP, (SWEPT_LIMIT_ROWS,))
        self._installed = True


def _names(claim: Claim) -> dict[str, Any]:
    return {
        "tenant": claim.caller.tenant,
        "user": claim.caller.user,
        "key": claim.key,
        "holder": claim.holder,
    }
