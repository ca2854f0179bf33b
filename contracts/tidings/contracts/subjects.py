"""Build and parse NATS subjects; no other module spells them.

A token that begins with `@` is an escaped relation: an escaped id never contains `@`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from tidings.contracts.ids import escape, partition_number, unescape

EVENTS = "EVENTS"
NOTIFICATIONS = "NOTIFICATIONS"
TICKETS = "TICKETS"
DEAD_LETTERS = "DEAD"

EVERY_EVENT = "events.>"
ANNOUNCEMENT_EVENTS = "events.*.*.announcement.>"
INBOXES = "inbox.>"
TOPIC_INBOXES = "inbox.@.>"
MEMBERS = "member.>"
RECEIPTS = "receipt.>"
DELIVERIES = "outbound.>"

EVENT_ADDRESS = "events.{partition}.{tenant}.{domain}.{entity}.{action}"
INBOX_ADDRESS = "inbox.{partition}.{tenant}.{user}"
TOPIC_INBOX_ADDRESS = "inbox.@.{tenant}.{relation}"
MEMBER_ADDRESS = "member.{partition}.{tenant}.{user}.{relation}"
RECEIPT_ADDRESS = "receipt.{partition}.{tenant}.{user}"
DELIVERY_ADDRESS = "outbound.{partition}.{tenant}.{user}"
POSITION_ADDRESS = "position.{service}.{partition}"
DEAD_LETTER_ADDRESS = "dead.{service}.{partition}.{sequence}"
"""The patterns of the subjects below, for the AsyncAPI document; their ids are escaped."""

LOGS = (INBOXES, MEMBERS)
"""The subjects from which an edge builds inboxes."""
INSTALLATION_KEY_SUBJECT = "position.installation.0"
"""The subject of the installation's key, 32 random bytes, written once."""
SESSIONS_REVOKED = "events.*.*.session.*.revoked"
PRESENCE = "presence"
SIGNALS = "signal.>"
HEALTH = "health"
"""On which each process answers how it is; no stream stores it."""


class Person(NamedTuple):
    """The owner of a personal log: a user of a tenant."""

    tenant: str
    user: str


class Topic(NamedTuple):
    """The owner of a shared log: a relation of a tenant (`tenant#member`, `room:9#member`)."""

    tenant: str
    relation: str


class Member(NamedTuple):
    """A user in a topic's relation."""

    person: Person
    topic: Topic


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects that contain a partition derived from a tenant or a person.

    `partitions` is the number of partitions, which is fixed when Tidings is installed.
    """

    partitions: int

    def partition_of(self, person: Person) -> int:
        """Return the partition of a person's log."""
        return _person_partition(person, self.partitions)

    def event_prefix(self, tenant: str) -> str:
        """Return `events.<p>.<tenant>`, the first tokens of all events of a tenant."""
        return _event_prefix(tenant, self.partitions)

    def event_subject(self, tenant: str, type_: str, entity: str | None) -> str:
        """Return `events.<p>.<tenant>.<domain>.<entity>.<action>`, with `_` for a missing part."""
        domain, _, action = type_.partition(".")
        tokens = (domain, entity or "", action)
        escaped = ".".join(escape(token) if token else "_" for token in tokens)
        return f"{_event_prefix(tenant, self.partitions)}.{escaped}"

    def inbox_subject(self, person: Person) -> str:
        """Return `inbox.<p>.<tenant>.<user>`, the subject of a person's log."""
        return _inbox_subject(person, self.partitions)

    def member_subject(self, member: Member) -> str:
        """Return `member.<p>.<tenant>.<user>.@<relation>`: when a user joined or left a topic."""
        return f"{self._member_prefix(member.person)}.@{escape(member.topic.relation)}"

    def memberships_subject(self, person: Person) -> str:
        """Return the wildcard of all topics that a user joined or left."""
        return f"{self._member_prefix(person)}.*"

    def receipt_subject(self, person: Person) -> str:
        """Return `receipt.<p>.<tenant>.<user>`: how far a person's devices have received."""
        return f"receipt.{self.partition_of(person)}.{escape(person.tenant)}.{escape(person.user)}"

    def delivery_subject(self, person: Person) -> str:
        """Return `outbound.<p>.<tenant>.<user>`: what is decided about a person's deliveries."""
        return f"outbound.{self.partition_of(person)}.{escape(person.tenant)}.{escape(person.user)}"

    def endpoint_subject(self, tenant: str, endpoint: str) -> str:
        """Return `position.endpoint.<p>.<tenant>.<endpoint>`: which events an endpoint has."""
        number = self.tenant_partition(tenant)
        return f"position.endpoint.{number}.{escape(tenant)}.{escape(endpoint)}"

    def tenant_partition(self, tenant: str) -> int:
        """Return the partition of a tenant's events."""
        return partition_number(tenant, self.partitions)

    def signal_subject(self, tenant: str) -> str:
        """Return `signal.<p>.<tenant>`, on which connected users of a tenant send signals."""
        return f"signal.{partition_number(tenant, self.partitions)}.{escape(tenant)}"

    def _member_prefix(self, person: Person) -> str:
        return f"member.{self.partition_of(person)}.{escape(person.tenant)}.{escape(person.user)}"


def events_of_tenant(subject: str) -> str:
    """Return the wildcard of all events of the tenant of an event's subject."""
    return ".".join(subject.split(".", 3)[:3]) + ".>"


def partition_events_subject(number: int) -> str:
    """Return the wildcard of all events of one partition."""
    return f"events.{number}.>"


@lru_cache(maxsize=4096)
def topic_inbox_subject(topic: Topic) -> str:
    """Return `inbox.@.<tenant>.@<relation>`, the subject of a topic's log.

    Every edge follows all topics, so `@` stands where a personal log has its partition.
    """
    return f"inbox.@.{escape(topic.tenant)}.@{escape(topic.relation)}"


@lru_cache(maxsize=65_536)
def owner_of(subject: str) -> Person | Topic | Member:
    """Return the owner of an inbox subject, or the member of a member subject."""
    _, _, tenant, owner, *relation = map(unescape, subject.replace("@", "").split("."))
    if relation:
        return Member(Person(tenant, owner), Topic(tenant, relation[0]))
    return Topic(tenant, owner) if "@" in subject else Person(tenant, owner)


def topic_subject(topic: Topic, number: int, since: int) -> str:
    """Return `topic.<p>.<tenant>.@<relation>.<since>`: a relation has a shared log.

    `since` is the sequence of the event, in this partition of `EVENTS`, that made it a topic.
    """
    return f"topic.{number}.{escape(topic.tenant)}.@{escape(topic.relation)}.{since}"


def partition_topics_subject(number: int) -> str:
    """Return the wildcard of all topics of one partition of `EVENTS`."""
    return f"topic.{number}.>"


def parse_topic_subject(subject: str) -> tuple[Topic, int]:
    """Return the topic of a topic subject and the sequence of the event that created it."""
    _, _, tenant, relation, since = subject.split(".")
    return Topic(unescape(tenant), unescape(relation[1:])), int(since)


def followed_subjects(numbers: Iterable[int] | None = None) -> tuple[str, ...]:
    """Return the subjects that an edge follows to serve these partitions, or all of them.

    They are the logs and memberships of the partitions' people, and every topic's log.
    """
    if numbers is None:
        return LOGS
    return (
        TOPIC_INBOXES,
        *(f"{kind}.{number}.>" for number in numbers for kind in ("inbox", "member")),
    )


def receipt_owner(subject: str) -> Person:
    """Return the person of a receipt subject."""
    _, _, tenant, user = subject.split(".")
    return Person(unescape(tenant), unescape(user))


def delivery_owner(subject: str) -> tuple[int, Person]:
    """Return the partition and the person of a delivery subject."""
    _, partition, tenant, user = subject.split(".")
    return int(partition), Person(unescape(tenant), unescape(user))


def partition_deliveries_subject(number: int) -> str:
    """Return the wildcard of the deliveries of one partition's people."""
    return f"outbound.{number}.>"


def partition_inboxes_subject(number: int) -> str:
    """Return the wildcard of the logs of one partition's people."""
    return f"inbox.{number}.>"


def position_subject(service: str, number: int) -> str:
    """Return `position.<service>.<p>`: how far a service has processed a partition."""
    return f"position.{service}.{number}"


def ticket_subject(identifier: str) -> str:
    """Return `ticket.<id>`, which a ticket occupies when it is used."""
    return f"ticket.{identifier}"


def probe_subject(process: str) -> str:
    """Return `ticket.probe-<process>`, which a process writes to find whether streams store."""
    return ticket_subject(f"probe-{process}")


def dead_letter_subject(service: str, number: int, sequence: int) -> str:
    """Return `dead.<service>.<p>.<sequence>`: an event that a service could not process."""
    return f"dead.{service}.{number}.{sequence}"


def awaited_subject(read_model: str) -> str:
    """Return `awaited.<read model>`, on which its projector hears that somebody waits for rows.

    No stream stores it.
    """
    return f"awaited.{read_model}"


def presence_subject(edge: str) -> str:
    """Return `presence.<edge>`, on which one edge alone receives; no stream stores it."""
    return f"{PRESENCE}.{edge}"


def signal_tenant(subject: str) -> str:
    """Return the tenant of a signal subject."""
    return unescape(subject.rpartition(".")[2])


# These are cached outside the class because a cache on a method keeps its instances alive.


@lru_cache(maxsize=4096)
def _event_prefix(tenant: str, partitions: int) -> str:
    return f"events.{partition_number(tenant, partitions)}.{escape(tenant)}"


@lru_cache(maxsize=65_536)
def _inbox_subject(person: Person, partitions: int) -> str:
    partition = _person_partition(person, partitions)
    return f"inbox.{partition}.{escape(person.tenant)}.{escape(person.user)}"


def _person_partition(person: Person, partitions: int) -> int:
    return partition_number(f"{person.tenant}/{person.user}", partitions)
