"""Topics: what is sent of a shared notification, to each member of its topic."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tidings.channels.decider.leadership import Leadership
from tidings.channels.decider.partition_log import PartitionLog
from tidings.channels.decider.planner import NewNotification, Planner
from tidings.channels.decider.reading import Reading
from tidings.contracts.channels import Channel
from tidings.contracts.codec import decode_notification, decode_shared_notification
from tidings.contracts.subjects import NOTIFICATIONS, TOPIC_INBOXES, Person, Topic, owner_of
from tidings.runtime.log.follow import StreamMessage
from tidings.runtime.log.position import HandledPartition, Position
from tidings.runtime.log.takeover import Takeovers
from tidings.runtime.process import Runtime

SERVICE = "channels_topics"
HEADER = "Tidings-Topics-Position"
PARTITION = 0
"""One process plans for all topics: the one that has this partition of people, too."""
PAGE_MEMBERS = 500


class TopicLeader:
    """Plans the shared notifications of all topics, or stands by while another process does.

    The members' own partitions decide and send. A position's offset counts members.
    """

    def __init__(
        self, runtime: Runtime, channels: Collection[Channel], takeovers: Takeovers
    ) -> None:
        self._reading = Reading(runtime)
        self._planner = Planner(self._reading, runtime.settings.subjects, channels)
        partition = HandledPartition(
            service=SERVICE,
            number=PARTITION,
            stream=NOTIFICATIONS,
            subject=TOPIC_INBOXES,
            epoch=runtime.epochs[NOTIFICATIONS],
            header=HEADER,
        )
        self._leadership = Leadership(runtime, partition, takeovers)
        self.ready = self._leadership.ready

    async def run(self) -> None:
        """Plan or stand by until something fails; raises Transient if a new attempt may help."""
        await self._leadership.run(self._lead)

    async def _lead(self, entries: PartitionLog, position: Position) -> None:
        async def plan(batch: list[StreamMessage], begun: Position, at: datetime) -> None:
            for message in batch:
                handled = begun.offset if message.sequence == begun.sequence else 0
                await self._plan(entries, message, handled, at)

        await self._leadership.follow(entries, position, plan)

    async def _plan(
        self, entries: PartitionLog, message: StreamMessage, handled: int, at: datetime
    ) -> None:
        """Plan a shared notification for its members after the first `handled`, page by page."""
        topic = owner_of(message.subject)
        shared = decode_shared_notification(message.data)
        notification = decode_notification(bytes(shared.notification))
        if not isinstance(topic, Topic):
            return
        while members := await self._reading.members(
            topic, message.sequence, handled, PAGE_MEMBERS
        ):
            new = [
                NewNotification(
                    Position(message.sequence, handled + place),
                    Person(topic.tenant, member),
                    notification,
                )
                for place, member in enumerate(members, 1)
                if member != shared.left_out
            ]
            handled += len(members)
            outputs = await self._planner.plan_notifications(new, at)
            await entries.append_planned(outputs, Position(message.sequence, handled))
