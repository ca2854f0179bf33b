"""A template: the words of one locale for what a rule says, and the values that fill it; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from babel import Locale
from babel.numbers import format_decimal
from fluent.runtime import FluentBundle
from fluent.runtime.types import FluentFloat, FluentNumber
from fluent.syntax import ast
from fluent.syntax.visitor import Visitor

Values = Mapping[str, str | float]
"""What fills a template: text as it is, numbers as the locale writes them."""

SELECTED_LIMIT_CHARACTERS = 2000
"""The library takes no longer text where a template makes a choice."""

Render = Callable[[Values], str]


class Template(NamedTuple):
    """How it is filled, and the names of the values that it needs."""

    render: Render
    needs: frozenset[str]


class Number(FluentFloat):
    """A number that is written once for each locale; a sentence may choose its words by it."""

    def format(self, locale: Locale) -> str:
        """As the locale writes it."""
        return written(float(self), str(locale))


@lru_cache(maxsize=4096)
def written(number: float, locale: str) -> str:
    """A number as a locale writes it: 2.5, 2,5; raises UnknownLocaleError."""
    return format_decimal(number, locale=locale)


def template(bundle: FluentBundle, locale: str, pattern: ast.Pattern, compiled: Any) -> Template:
    """A template as parsed, and as the library compiled it."""
    names = _Names()
    names.visit(pattern)
    return Template(_renderer(bundle, locale, pattern, compiled), frozenset(names.found))


def _renderer(bundle: FluentBundle, locale: str, pattern: ast.Pattern, compiled: Any) -> Render:
    """One that makes no choice, as most do, is filled by Python's own formatting, any other by the library."""
    parts = list(_flat(pattern))
    if None in parts:
        return lambda values: str(bundle.format_pattern(compiled, {name: _chosen(value) for name, value in values.items()})[0])
    text = "".join(part for part in parts if part is not None)
    return lambda values: text.format_map({name: _plain(value, locale) for name, value in values.items()})


def _flat(pattern: ast.Pattern) -> Iterator[str | None]:
    for element in pattern.elements:
        match element:
            case ast.TextElement():
                yield element.value.replace("{", "{{").replace("}", "}}")
            case ast.Placeable(expression=ast.VariableReference() as variable):
                yield f"{{{variable.id.name}}}"
            case _:
                yield None


def _plain(value: str | float, locale: str) -> str:
    return value if isinstance(value, str) else written(value, locale)


def _chosen(value: str | float) -> str | FluentNumber:
    return value[:SELECTED_LIMIT_CHARACTERS] if isinstance(value, str) else Number(value)


class _Names(Visitor):
    def __init__(self) -> None:
        self.found = set[str]()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802  the library's name
        self.found.add(node.id.name)
