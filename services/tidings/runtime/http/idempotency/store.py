"""Idempotency keys: the first request and the answer of each, in Postgres.

The format is that of draft-ietf-httpapi-idempotency-key-header-07.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
from tidings.contracts.subjects import Person
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.problem import Problem
from tidings.runtime.readmodels.postgres import Postgres
from tidings.runtime.settings import Settings

SWEEP_LIMIT_ROWS = 1000
CLAIMS_PER_SWEEP = 100

INSTALL_TABLE = """
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
DURABLE_COMMIT = "SET LOCAL synchronous_commit = on"
"""Unlike a read model, an answer cannot be rebuilt from the streams."""

WHERE_CALLER = "tenant = %(tenant)s AND user_id = %(user)s"
WHERE_KEY = f"{WHERE_CALLER} AND key = %(key)s"
CLAIM_KEY = f"""
INSERT INTO tidings.idempotency AS held
    (tenant, user_id, key, request, holder, leased_until, expires)
SELECT %(tenant)s, %(user)s, %(key)s, %(request)s, %(holder)s,
    now() + %(lease)s, now() + %(lifetime)s
WHERE (
    SELECT count(*) FROM tidings.idempotency WHERE {WHERE_CALLER} AND expires > now()
) < %(limit)s
    OR EXISTS (SELECT FROM tidings.idempotency WHERE {WHERE_KEY})
ON CONFLICT (tenant, user_id, key) DO UPDATE SET
    request = excluded.request, holder = excluded.holder,
    leased_until = excluded.leased_until, expires = excluded.expires,
    status = NULL, headers = NULL, body = NULL
WHERE held.expires <= now() OR (
    held.status IS NULL AND held.leased_until <= now() AND held.request = excluded.request
)
RETURNING true
"""
SELECT_ANSWER = f"""
SELECT request, status, headers, body FROM tidings.idempotency
WHERE {WHERE_KEY} AND expires > now()
"""
STORE_ANSWER = f"""
UPDATE tidings.idempotency SET status = %(status)s, headers = %(headers)s, body = %(body)s
WHERE {WHERE_KEY} AND holder = %(holder)s
"""
RELEASE_KEY = f"""
UPDATE tidings.idempotency SET leased_until = now()
WHERE {WHERE_KEY} AND holder = %(holder)s AND status IS NULL
"""
DELETE_EXPIRED = """
DELETE FROM tidings.idempotency WHERE (tenant, user_id, key) IN (
    SELECT tenant, user_id, key FROM tidings.idempotency WHERE expires <= now()
    ORDER BY expires LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


class KeyClaim(NamedTuple):
    """A key that this request holds until its lease ends."""

    caller: Person
    key: str
    holder: UUID


class StoredAnswer(NamedTuple):
    """An answer that is stored for repetitions."""

    status: int
    headers: dict[str, str]
    body: bytes


class IdempotencyKeys:
    """The keys of all callers, shared by every process; raises Unavailable without Postgres."""

    def __init__(self, postgres: Postgres, settings: Settings) -> None:
        self._postgres = postgres
        self._lease = timedelta(seconds=settings.idempotency_lease_seconds)
        self._lifetime = timedelta(seconds=settings.idempotency_ttl_seconds)
        self._keys_per_user = settings.idempotency_keys_per_user
        self._is_installed = False
        self._claims_count = 0

    @property
    def work_timeout_seconds(self) -> float:
        """The longest time for the work behind a claim, which must end before the lease does."""
        return self._lease.total_seconds() * 0.75

    async def claim_key(self, caller: Person, key: str, request: bytes) -> KeyClaim | StoredAnswer:
        """Claim a key for a request (its digest), or return the stored answer; raises Problem."""
        await self._install_and_sweep()
        claim = KeyClaim(caller, key, uuid4())
        terms = {
            "request": request,
            "lease": self._lease,
            "lifetime": self._lifetime,
            "limit": self._keys_per_user,
        }
        async with self._postgres.transaction() as connection:
            await connection.execute(DURABLE_COMMIT)
            claimed_row = await (
                await connection.execute(CLAIM_KEY.encode(), {**_sql_values(claim), **terms})
            ).fetchone()
            stored_row = (
                None
                if claimed_row
                else await (
                    await connection.execute(SELECT_ANSWER.encode(), _sql_values(claim))
                ).fetchone()
            )
        return claim if claimed_row else self._stored_answer(stored_row, request)

    async def store_answer(self, claim: KeyClaim, answer: StoredAnswer) -> None:
        """Store the answer; raises Unavailable, also if the lease ran out meanwhile."""
        answer_values = {
            "status": answer.status,
            "headers": msgspec.json.encode(answer.headers).decode(),
            "body": answer.body,
        }
        async with self._postgres.transaction() as connection:
            await connection.execute(DURABLE_COMMIT)
            result = await connection.execute(
                STORE_ANSWER.encode(), {**_sql_values(claim), **answer_values}
            )
        if result.rowcount != 1:
            raise Unavailable(
                "the lease of an idempotency key ran out before its answer was stored"
            )

    async def release_key(self, claim: KeyClaim) -> None:
        """End the lease, so that a retry may run at once; without Postgres it ends by its time."""
        with suppress(Unavailable):
            async with self._postgres.connection() as connection:
                await connection.execute(RELEASE_KEY.encode(), _sql_values(claim))

    def _stored_answer(self, stored_row: tuple[Any, ...] | None, request: bytes) -> StoredAnswer:
        if stored_row is None:
            raise Problem(
                429,
                "too many keys",
                f"at most {self._keys_per_user} idempotency keys are kept for one caller;"
                " leave the header out",
            )
        first_request, status, headers, body = stored_row
        if first_request != request:
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
        return StoredAnswer(status, msgspec.json.decode(headers, type=dict[str, str]), body)

    async def _install_and_sweep(self) -> None:
        """Create the table if needed and delete expired keys, every CLAIMS_PER_SWEEP claims.

        After an error it runs again at once: the next Postgres may be a new one, without the table.
        """
        self._claims_count += 1
        if self._is_installed and self._claims_count % CLAIMS_PER_SWEEP:
            return
        self._is_installed = False
        async with self._postgres.connection() as connection, connection.transaction():
            await connection.execute(INSTALL_TABLE)
            await connection.execute(DELETE_EXPIRED, (SWEEP_LIMIT_ROWS,))
        self._is_installed = True


def _sql_values(claim: KeyClaim) -> dict[str, Any]:
    return {
        "tenant": claim.caller.tenant,
        "user": claim.caller.user,
        "key": claim.key,
        "holder": claim.holder,
    }
