"""Texts: the templates of every rule in every locale, from the files of the domains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from fluent.syntax import FluentParser, ast
from tidings.contracts.notifications import Action
from tidings.contracts.rules import MESSAGE, TemplateValues
from tidings.domains import DOMAINS
from tidings.runtime.errors import Permanent
from tidings.runtime.texts.template import (
    InvalidTemplate,
    Render,
    Template,
    compile_template,
    format_values,
    validate_numbers,
)
from tidings.runtime.texts.times import UNKNOWN_ZONE

SUFFIX = ".ftl"
FALLBACK_LOCALE = "en"
"""The locale of users whose own has no file."""
TITLE = "title"


class Wording(NamedTuple):
    """The name of one of a rule's texts: `title`, `message`, or one of its other messages."""

    rule: str
    name: str = MESSAGE


WordingKey = tuple[str, str]
"""A `Wording`, or an equal plain pair, which is made faster once for each event."""
TitleAndMessage = tuple[Render, Render]
"""A title and a message."""


def label_wording(rule: str, action: str) -> Wording:
    """Return the wording of a button's label: `.action-accept`."""
    return Wording(rule, f"action-{action}")


class Texts:
    """All templates: a title and one or more messages of each rule, in each locale."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.locales = tuple(sorted(sources))
        self._templates = {
            locale: dict(_templates(locale, source)) for locale, source in sources.items()
        }
        self._titled: dict[str, dict[WordingKey, TitleAndMessage]] = {
            locale: dict(_wordings_with_title(templates))
            for locale, templates in self._templates.items()
        }
        self._needs = self._value_names_of_wordings()
        # They are asked for each recipient, and the answers are few.
        self.best_locale = lru_cache(maxsize=1024)(self._best_locale)
        self.buttons = lru_cache(maxsize=1024)(self._buttons)

    def validate_rules(self, rules: Iterable[str]) -> None:
        """Check that every rule has its texts in every locale; raises Permanent."""
        for rule in rules:
            named = {
                wording
                for templates in self._templates.values()
                for wording in templates
                if wording.rule == rule
            }
            for locale, templates in self._templates.items():
                for wording in sorted({Wording(rule, TITLE), Wording(rule), *named}):
                    if wording not in templates:
                        raise Permanent(f"{locale}.ftl: the rule {rule} has no .{wording.name}")

    def validate_labels(self, labels: Iterable[Wording]) -> None:
        """Check that every button has a label without values in every locale; raises Permanent."""
        for wording in labels:
            for locale, templates in self._templates.items():
                if wording not in templates or templates[wording].value_names:
                    raise Permanent(
                        f"{locale}.ftl: the rule {wording.rule} needs a .{wording.name}"
                        " without values"
                    )

    def missing_values(self, wording: WordingKey, values: TemplateValues) -> list[str]:
        """Return the values that a title and message need in any locale and that are missing."""
        needs = self._needs[wording]
        return [] if needs.issubset(values) else sorted(needs.difference(values))

    def validate_values(self, values: TemplateValues) -> None:
        """Format the numbers in every locale; raises what a number raises that cannot be formatted.

        All else in a text cannot fail, so a text that passes here can be written.
        """
        validate_numbers(values.values(), self.locales)

    def title_and_message(
        self, wording: WordingKey, values: TemplateValues, locale: str, zone: str = UNKNOWN_ZONE
    ) -> tuple[str, str]:
        """Return title and message in a supported locale, times in a zone."""
        title, message = self._titled[locale][wording]
        filled = format_values(values, locale, zone)
        return title(values, filled), message(values, filled)

    def _buttons(self, rule: str, names: tuple[str, ...], locale: str) -> tuple[Action, ...]:
        """Return the buttons of a rule, with their labels in a supported locale."""
        templates = self._templates[locale]
        return tuple(
            Action(name, templates[label_wording(rule, name)].render({}, {})) for name in names
        )

    def _best_locale(self, spoken: str) -> str:
        """Return the supported locale for a spoken one: for `de-at` that, `de` or the fallback."""
        templates = self._templates
        return (
            spoken
            if spoken in templates
            else language
            if (language := spoken.partition("-")[0]) in templates
            else FALLBACK_LOCALE
        )

    def _value_names_of_wordings(self) -> dict[WordingKey, frozenset[str]]:
        value_names: dict[WordingKey, frozenset[str]] = defaultdict(frozenset)
        for templates in self._templates.values():
            for wording, template in templates.items():
                title = templates.get(Wording(wording.rule, TITLE))
                value_names[wording] |= template.value_names | (
                    title.value_names if title else frozenset()
                )
        return dict(value_names)


def load_texts() -> Texts:
    """Read the templates of all domains; raises Permanent with the place of an invalid one."""
    sources: dict[str, list[str]] = defaultdict(list)
    for folder in filter(None, (domain.texts for domain in DOMAINS)):
        for file in folder.iterdir():
            if file.name.endswith(SUFFIX):
                sources[file.name.removesuffix(SUFFIX)].append(file.read_text(encoding="utf-8"))
    return Texts({locale: "\n".join(parts) for locale, parts in sources.items()})


def _templates(locale: str, source: str) -> Iterator[tuple[Wording, Template]]:
    for message in _messages(locale, FluentParser().parse(source)):
        for attribute in message.attributes:
            wording = Wording(message.id.name, attribute.id.name)
            try:
                yield wording, compile_template(attribute.value, locale)
            except InvalidTemplate as error:
                raise Permanent(f"{locale}.ftl: {wording.rule}.{wording.name}: {error}") from None


def _wordings_with_title(
    templates: dict[Wording, Template],
) -> Iterator[tuple[WordingKey, TitleAndMessage]]:
    for wording, template in templates.items():
        if title := templates.get(Wording(wording.rule, TITLE)):
            yield wording, (title.render, template.render)


def _messages(locale: str, resource: ast.Resource) -> Iterator[ast.Message]:
    for entry in resource.body:
        if isinstance(entry, ast.Junk):
            raise Permanent(
                f"{locale}.ftl: not a template: {str(entry.content).strip().splitlines()[0]}"
            )
        if isinstance(entry, ast.Message):
            yield entry
