"""Subjects: the one place where they are spelled and taken apart."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from contracts.ids import escape, partition, unescape

EVENTS = "EVENTS"
NOTIFICATIONS = "NOTIFICATIONS"
DEAD = "DEAD"

INBOXES = "inbox.>"


class Person(NamedTuple):
    """Whose log it is: a user of a tenant."""

    tenant: str
    user: str


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
    return f"inbox.{partition(f'{person.tenant}/{person.user}', partitions)}.{escape(person.tenant)}.{escape(person.user)}"


@lru_cache(maxsize=65_536)
def person_of(subject: str) -> Person:
    """Whose log an inbox subject is."""
    _, _, tenant, user = subject.split(".")
    return Person(unescape(tenant), unescape(user))


def position(service: str, number: int) -> str:
    """`position.<service>.<p>`: how far a service has come in a partition."""
    return f"position.{service}.{number}"


def dead(service: str, number: int, sequence: int) -> str:
    """`dead.<service>.<p>.<sequence>`: an event that could not be processed, once."""
    return f"dead.{service}.{number}.{sequence}"
