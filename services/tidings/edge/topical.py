"""Topical: in which tenants there are topics; of everybody else's people it is known without asking that they belong to none."""

from __future__ import annotations

from tidings.contracts.subjects import Member, owner_of
from tidings.runtime.errors import Unavailable
from tidings.runtime.follow import Message
from tidings.runtime.postgres import Postgres

TENANTS = """
SELECT (SELECT sequence FROM inbox.checkpoint WHERE epoch = %s), (SELECT array_agg(DISTINCT tenant) FROM inbox.member)
"""


class Topical:
    """Grows only: a tenant that had a topic has had one ever since. Until it has learnt, any may have one."""

    def __init__(self) -> None:
        self._tenants: set[str] = set()
        self._learnt = False

    async def learn(self, postgres: Postgres, epoch: str, floor: int) -> None:
        """Ask the rows, if they reach as far as what will be seen from here on: after the sequence `floor`."""
        try:
            async with postgres.connection() as connection:
                row = await (await connection.execute(TENANTS.encode(), (epoch,))).fetchone()
        except Unavailable:
            return
        if row and row[0] is not None and row[0] >= floor:
            self._tenants.update(row[1] or ())
            self._learnt = True

    def saw(self, membership: Message) -> None:
        """Somebody came to a topic or left it."""
        owner = owner_of(membership.subject)
        self._tenants.add(owner.person.tenant if isinstance(owner, Member) else owner.tenant)

    def has(self, tenant: str) -> bool:
        """Whether there may be a topic in a tenant."""
        return not self._learnt or tenant in self._tenants
