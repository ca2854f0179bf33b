"""Texts: what every rule says in every locale, from the files beside this one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fluent.syntax import FluentParser, ast
from tidings.notifier.template import (
    NoTemplate,
    Render,
    Template,
    Values,
    plural,
    shown,
    template,
    written,
)
from tidings.runtime.errors import Permanent

FOLDER = Path(__file__).parent
FALLBACK = "en"
"""The locale of whoever has none that there is a file for."""
TITLE, MESSAGE = "title", "message"


class Wording(NamedTuple):
    """One of a rule's texts: `title`, `message`, or another message that it chooses between."""

    rule: str
    name: str = MESSAGE


Worded = tuple[str, str]
"""A `Wording`, or a plain pair of the same: which is looked up as well and made faster, once for each event."""
Said = tuple[Render, Render]
"""A title and a message."""


def label(rule: str, action: str) -> Wording:
    """What a button of a rule's says: `.action-accept`."""
    return Wording(rule, f"action-{action}")


class Texts:
    """All templates: of each rule a title and one or more messages, in each locale."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.locales = tuple(sorted(sources))
        self._templates = {
            locale: dict(_templates(locale, source)) for locale, source in sources.items()
        }
        self._titled: dict[str, dict[Worded, Said]] = {
            locale: dict(_titled(known)) for locale, known in self._templates.items()
        }
        self._needs = self._needed()

    def check(self, rules: Iterable[str]) -> None:
        """Find out at once whether every rule can be said in every locale; raises Permanent."""
        for rule in rules:
            named = {
                wording
                for known in self._templates.values()
                for wording in known
                if wording.rule == rule
            }
            for locale, known in self._templates.items():
                for wording in sorted({Wording(rule, TITLE), Wording(rule), *named}):
                    if wording not in known:
                        raise Permanent(f"{locale}.ftl: the rule {rule} has no .{wording.name}")

    def check_labels(self, labels: Iterable[Wording]) -> None:
        """Find out whether every button has its words, which need no values, in every locale; raises Permanent."""
        for wording in labels:
            for locale, known in self._templates.items():
                if wording not in known or known[wording].needs:
                    raise Permanent(
                        f"{locale}.ftl: the rule {wording.rule} needs a .{wording.name} without values"
                    )

    def missing(self, wording: Worded, values: Values) -> list[str]:
        """The values that a title and message need in any locale, and that are not given."""
        needs = self._needs[wording]
        return [] if needs.issubset(values) else sorted(needs.difference(values))

    def write(self, values: Values) -> None:
        """Write the numbers among values in every locale, which is what saying them may fail of."""
        for number in values.values():
            if not isinstance(number, str):
                for locale in self.locales:
                    written(number, locale)
                    plural(number, locale)

    def say(self, wording: Worded, values: Values, locale: str) -> tuple[str, str]:
        """Title and message in a locale that there is a file for."""
        title, message = self._titled[locale][wording]
        filled = shown(values, locale)
        return title(values, filled), message(values, filled)

    def label(self, wording: Wording, locale: str) -> str:
        """What a button says in a locale that there is a file for."""
        return self._templates[locale][wording].render({}, {})

    def locale_of(self, spoken: str) -> str:
        """The locale to write in for somebody who speaks `de-at`: that one, or `de`, or the fallback."""
        known = self._templates
        return (
            spoken
            if spoken in known
            else language
            if (language := spoken.partition("-")[0]) in known
            else FALLBACK
        )

    def _needed(self) -> dict[Worded, frozenset[str]]:
        found: dict[Worded, frozenset[str]] = defaultdict(frozenset)
        for known in self._templates.values():
            for wording, each in known.items():
                title = known.get(Wording(wording.rule, TITLE))
                found[wording] |= each.needs | (title.needs if title else frozenset())
        return dict(found)


@cache
def texts() -> Texts:
    """The templates of the files; raises Permanent with the place of what is no template."""
    return Texts({path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.ftl")})


def _templates(locale: str, source: str) -> Iterator[tuple[Wording, Template]]:
    for message in _messages(locale, FluentParser().parse(source)):
        for attribute in message.attributes:
            wording = Wording(message.id.name, attribute.id.name)
            try:
                yield wording, template(attribute.value, locale)
            except NoTemplate as error:
                raise Permanent(f"{locale}.ftl: {wording.rule}.{wording.name}: {error}") from None


def _titled(known: dict[Wording, Template]) -> Iterator[tuple[Worded, Said]]:
    for wording, each in known.items():
        if title := known.get(Wording(wording.rule, TITLE)):
            yield wording, (title.render, each.render)


def _messages(locale: str, resource: ast.Resource) -> Iterator[ast.Message]:
    for entry in resource.body:
        if isinstance(entry, ast.Junk):
            raise Permanent(
                f"{locale}.ftl: no template: {str(entry.content).strip().splitlines()[0]}"
            )
        if isinstance(entry, ast.Message):
            yield entry
