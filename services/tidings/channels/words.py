"""Words: the texts of mails beside the notifications, in the locale of the reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from fluent.syntax import FluentParser, ast
from tidings.contracts.rules import TemplateValues
from tidings.runtime.errors import Permanent
from tidings.runtime.texts.template import (
    InvalidTemplate,
    Template,
    compile_template,
    format_values,
)

FOLDER = Path(__file__).parent / "texts"
FALLBACK_LOCALE = "en"


class Words:
    """All texts by locale and name; raises Permanent if one is missing in a locale or invalid."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._templates = {
            locale: dict(_templates(locale, source)) for locale, source in sources.items()
        }
        names = set[str]().union(*self._templates.values())
        for locale, templates in self._templates.items():
            if missing := names.difference(templates):
                raise Permanent(f"{locale}.ftl: {', '.join(sorted(missing))} is missing")

    def best_locale(self, spoken: str) -> str:
        """Return the supported locale for a spoken one: for `de-AT` that, `de` or English."""
        tag = spoken.replace("_", "-").lower()
        return next(
            (known for known in (tag, tag.partition("-")[0]) if known in self._templates),
            FALLBACK_LOCALE,
        )

    def text(self, name: str, locale: str, values: TemplateValues | None = None) -> str:
        """Return a text in a supported locale; raises KeyError if a value is missing."""
        given = values or {}
        return self._templates[locale][name].render(given, format_values(given, locale))


@cache
def load_words() -> Words:
    """Read the files of all locales; raises Permanent."""
    return Words({file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.ftl")})


def _templates(locale: str, source: str) -> Iterator[tuple[str, Template]]:
    for entry in FluentParser().parse(source).body:
        if isinstance(entry, ast.Junk):
            line = str(entry.content).strip().splitlines()[0]
            raise Permanent(f"{locale}.ftl: not a template: {line}")
        if isinstance(entry, ast.Message) and entry.value:
            try:
                yield entry.id.name, compile_template(entry.value, locale)
            except InvalidTemplate as error:
                raise Permanent(f"{locale}.ftl: {entry.id.name}: {error}") from None
