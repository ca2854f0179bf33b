"""Subjects: the one place where they are spelled and taken apart.

A token that begins with `@` is a relation, escaped like an id, which never begins so.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from tidings.contracts.ids import escape, partition, unescape

EVENTS = "EVENTS"
NOTIFICATIONS = "NOTIFICATIONS"
TICKETS = "TICKETS"
DEAD = "DEAD"

EVERY_EVENT = "events.>"
INBOXES = "inbox.>"
MEMBERS = "member.>"
RECEIPTS = "receipt.>"

EVENT_ADDRESS = "events.{partition}.{tenant}.{domain}.{entity}.{action}"
INBOX_ADDRESS = "inbox.{partition}.{tenant}.{user}"
SHARED_ADDRESS = "inbox.@.{tenant}.{relation}"
MEMBER_ADDRESS = "member.{partition}.{tenant}.{user}.{relation}"
RECEIPT_ADDRESS = "receipt.{partition}.{tenant}.{user}"
POSITION_ADDRESS = "position.{service}.{partition}"
DEAD_ADDRESS = "dead.{service}.{partition}.{sequence}"
"""What the subjects below look like, for documents; ids are escaped in them."""

LOGS = (INBOXES, MEMBERS)
"""All that people's inboxes are made of."""
SESSIONS_REVOKED = "events.*.*.session.*.revoked"
PRESENCE = "presence"
SIGNALS = "signal.>"


class Person(NamedTuple):
    """Whose log it is: a user of a tenant."""

    tenant: str
    user: str


class Topic(NamedTuple):
    """Whose log it is: everybody who stands in a relation (`tenant#member`, `room:9#member`)."""

    tenant: str
    relation: str


class Member(NamedTuple):
    """A user in a topic's relation."""

    person: Person
    topic: Topic


def event(tenant: str, type_: str, entity: str | None, partitions: int) -> str:
    """`events.<p>.<tenant>.<domain>.<entity>.<action>`; an event about nothing in particular has `_` for its entity."""
    domain, _, action = type_.partition(".")
    return f"{events_prefix(tenant, partitions)}.{escape(domain)}.{escape(entity) if entity else '_'}.{escape(action) if action else '_'}"


@lru_cache(maxsize=4096)
def events_prefix(tenant: str, partitions: int) -> str:
    """`events.<p>.<tenant>`."""
    return f"events.{partition(tenant, partitions)}.{escape(tenant)}"


def events_of(number: int) -> str:
    """Every event of one partition."""
    return f"events.{number}.>"


@lru_cache(maxsize=65_536)
def inbox(person: Person, partitions: int) -> str:
    """`inbox.<p>.<tenant>.<user>`: one person's log."""
    return f"inbox.{partition_of(person, partitions)}.{escape(person.tenant)}.{escape(person.user)}"


@lru_cache(maxsize=4096)
def shared(topic: Topic) -> str:
    """`inbox.@.<tenant>.@<relation>`: a topic's log. Its partition is `@`, because every edge follows all of them."""
    return f"inbox.@.{escape(topic.tenant)}.@{escape(topic.relation)}"


@lru_cache(maxsize=65_536)
def owner_of(subject: str) -> Person | Topic | Member:
    """Whose log an inbox subject is, or whose membership a member subject tells."""
    _, _, tenant, owner, *relation = map(unescape, subject.replace("@", "").split("."))
    if relation:
        return Member(Person(tenant, owner), Topic(tenant, relation[0]))
    return Topic(tenant, owner) if "@" in subject else Person(tenant, owner)


def member(whose: Member, partitions: int) -> str:
    """`member.<p>.<tenant>.<user>.@<relation>`: when a user came to stand in a topic's relation, and when no longer."""
    return f"{_membership(whose.person, partitions)}.@{escape(whose.topic.relation)}"


def members_of(person: Person, partitions: int) -> str:
    """All topics that a user came to or left."""
    return f"{_membership(person, partitions)}.*"


def topic(which: Topic, number: int, since: int) -> str:
    """`topic.<p>.<tenant>.@<relation>.<since>`: a relation with a shared log, from that event of a partition of `EVENTS` on."""
    return f"topic.{number}.{escape(which.tenant)}.@{escape(which.relation)}.{since}"


def topics_of(number: int) -> str:
    """Every topic of one partition of `EVENTS`."""
    return f"topic.{number}.>"


def since_of(subject: str) -> tuple[Topic, int]:
    """A topic, and the event since which it is one."""
    _, _, tenant, relation, since = subject.split(".")
    return Topic(unescape(tenant), unescape(relation[1:])), int(since)


def followed(numbers: Iterable[int] | None = None) -> tuple[str, ...]:
    """What an edge follows for the people of these partitions, or of all: their logs and memberships, and every topic's log."""
    if numbers is None:
        return LOGS
    return (
        "inbox.@.>",
        *(f"{kind}.{number}.>" for number in numbers for kind in ("inbox", "member")),
    )


def receipt(person: Person, partitions: int) -> str:
    """`receipt.<p>.<tenant>.<user>`: what one person's devices have."""
    return (
        f"receipt.{partition_of(person, partitions)}.{escape(person.tenant)}.{escape(person.user)}"
    )


def receiver_of(subject: str) -> Person:
    """Whose devices a receipt is of."""
    _, _, tenant, user = subject.split(".")
    return Person(unescape(tenant), unescape(user))


def position(service: str, number: int) -> str:
    """`position.<service>.<p>`: how far a service has come in a partition."""
    return f"position.{service}.{number}"


def ticket(identifier: str) -> str:
    """`ticket.<id>`: taken when that ticket is used."""
    return f"ticket.{identifier}"


def dead(service: str, number: int, sequence: int) -> str:
    """`dead.<service>.<p>.<sequence>`: an event that could not be processed, once."""
    return f"dead.{service}.{number}.{sequence}"


def presence_of(edge: str) -> str:
    """`presence.<edge>`: what is meant for one edge alone; published, kept by no stream, as `presence` and `signal`."""
    return f"{PRESENCE}.{edge}"


def signal(tenant: str, partitions: int) -> str:
    """`signal.<p>.<tenant>`: what is said among those connected of a tenant."""
    return f"signal.{partition(tenant, partitions)}.{escape(tenant)}"


def tenant_of(subject: str) -> str:
    """Whose signal it is."""
    return unescape(subject.rpartition(".")[2])


def _membership(person: Person, partitions: int) -> str:
    return (
        f"member.{partition_of(person, partitions)}.{escape(person.tenant)}.{escape(person.user)}"
    )


def partition_of(person: Person, partitions: int) -> int:
    """In which partition a person's log lies."""
    return partition(f"{person.tenant}/{person.user}", partitions)
