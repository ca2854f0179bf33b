"""Tenants with topics: users of all others have no topics, which is known without a query."""

from __future__ import annotations

from tidings.contracts.subjects import Member, owner_of
from tidings.projections.inbox.queries import TENANTS_WITH_TOPICS
from tidings.runtime.errors import Unavailable
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.readmodels.postgres import Postgres


class TenantsWithTopics:
    """The tenants that have topics; it only grows. Until it is loaded, any tenant may have one."""

    def __init__(self) -> None:
        self._tenants: set[str] = set()
        self._loaded = False

    async def load(self, postgres: Postgres, epoch: str, floor: int) -> None:
        """Load the tenants from Postgres, if the rows reach `floor`, where the ring begins.

        Rows that are behind it may lack a topic that is not in the ring either.
        """
        try:
            async with postgres.connection() as connection:
                row = await (
                    await connection.execute(TENANTS_WITH_TOPICS.encode(), (epoch,))
                ).fetchone()
        except Unavailable:
            return
        if row and row[0] is not None and row[0] >= floor:
            self._tenants.update(row[1] or ())
            self._loaded = True

    def record_membership(self, membership: StreamMessage) -> None:
        """Record a membership's tenant."""
        owner = owner_of(membership.subject)
        self._tenants.add(owner.person.tenant if isinstance(owner, Member) else owner.tenant)

    def may_have_topics(self, tenant: str) -> bool:
        """Return whether a tenant may have a topic."""
        return not self._loaded or tenant in self._tenants
