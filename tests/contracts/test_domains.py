"""Each domain is complete in its own folder and uses no event of another domain."""

from __future__ import annotations

import pkgutil
from importlib.resources.abc import Traversable
from typing import get_args

import pytest
import tidings.domains
from fluent.syntax import FluentParser, ast
from tidings.contracts.domain import Domain
from tidings.domains import DOMAINS, EVENTS, LEGACY, RESERVED_EVENTS, RULES
from tidings.domains.people.events import Dialect
from tidings.runtime.setting_values import DIALECT_NAMES

LOCALES = {"de.ftl", "en.ftl"}


def messages_of(file: Traversable) -> list[str]:
    """Return the names of the messages in a Fluent file."""
    resource = FluentParser().parse(file.read_text(encoding="utf-8"))
    return [entry.id.name for entry in resource.body if isinstance(entry, ast.Message)]


def test_every_folder_is_a_domain_in_the_tuple() -> None:
    folders = {module.name for module in pkgutil.iter_modules(tidings.domains.__path__)}

    assert {domain.name for domain in DOMAINS} == folders


def test_no_type_and_no_rule_name_is_used_twice() -> None:
    types = [event.type for event in (*EVENTS, *(old.shape for old in LEGACY))]
    rules = [rule.name for rule in RULES]

    assert len(set(types)) == len(types)
    assert len(set(rules)) == len(rules)


def test_a_tenant_can_be_of_each_product() -> None:
    assert get_args(Dialect) == DIALECT_NAMES


def test_only_events_about_notifications_and_deliveries_are_reserved() -> None:
    assert {event.type for event in RESERVED_EVENTS} == {
        *("notification.read", "notification.acted", "notification.unattended"),
        *("channel.suppressed", "delivery.failed"),
    }


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_relations_and_rules_are_about_events_of_the_domain(domain: Domain) -> None:
    concerned = {*domain.relations, *(rule.event_type for rule in domain.rules)}

    assert concerned <= set(domain.events)
    assert {event.__module__ for event in domain.events} == {
        f"tidings.domains.{domain.name}.events"
    }


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_texts_are_those_of_the_rules_with_templates_in_every_locale(domain: Domain) -> None:
    files = list(domain.texts.iterdir()) if domain.texts else []
    expected = [rule.name for rule in domain.rules if rule.templates]

    assert {file.name for file in files} == (LOCALES if expected else set())
    for file in files:
        assert messages_of(file) == expected
