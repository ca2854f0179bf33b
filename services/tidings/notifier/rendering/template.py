"""Templates: the text of a rule in one locale, compiled from Fluent; pure.

Of Fluent (https://projectfluent.org) they have text, values, and choices by a value; a number
chooses by its plural form too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple, cast

from babel import Locale
from babel.numbers import format_decimal
from fluent.syntax import ast
from tidings.contracts.rules import TemplateValues
from tidings.notifier.rendering.times import UNKNOWN_ZONE, format_moment

WHOLE_LIMIT = 1e15
"""From here on a float does not hold all digits that would be written."""
Render = Callable[[TemplateValues, Mapping[str, str]], str]
"""Renders a text from the values, and the values as formatted."""


class InvalidTemplate(ValueError):
    """A template uses something of Fluent that is not supported."""


class Template(NamedTuple):
    """A compiled text and the names of the values that it needs."""

    render: Render
    value_names: frozenset[str]


def compile_template(pattern: ast.Pattern, locale: str) -> Template:
    """Compile a parsed pattern; raises InvalidTemplate."""
    needs = set[str]()
    return Template(_pattern(pattern, locale, needs), frozenset(needs))


def format_values(
    values: TemplateValues, locale: str, zone: str = UNKNOWN_ZONE
) -> Mapping[str, str]:
    """Return the values as a locale writes them, times in a zone."""
    for value in values.values():
        if not isinstance(value, str):
            return {name: _format_value(value, locale, zone) for name, value in values.items()}
    return cast("Mapping[str, str]", values)


def _format_value(value: str | float | date, locale: str, zone: str) -> str:
    match value:
        case str():
            return value
        case date():
            return format_moment(value, locale, zone)
        case _:
            return format_number(value, locale)


@lru_cache(maxsize=4096)
def format_number(number: float, locale: str) -> str:
    """Return a number as a locale writes it: 2.5, 2,5; very large ones with an exponent."""
    return format_decimal(number, locale=locale) if abs(number) < WHOLE_LIMIT else f"{number:g}"


@lru_cache(maxsize=4096)
def plural_form(number: float, locale: str) -> str:
    """Return the plural form of a number: `one`, `other`, … (CLDR)."""
    return str(Locale.parse(locale).plural_form(number))


def _pattern(pattern: ast.Pattern, locale: str, needs: set[str]) -> Render:
    pieces = list(_pieces(pattern, locale, needs))
    if all(isinstance(piece, str) for piece in pieces):
        return _text("".join(map(str, pieces)))
    renders = [_text(piece) if isinstance(piece, str) else piece for piece in pieces]
    return lambda values, formatted: "".join([render(values, formatted) for render in renders])


def _text(text: str) -> Render:
    if "{" not in text.replace("{{", ""):
        literal = text.format()
        return lambda values, formatted: literal
    return lambda values, formatted: text.format_map(formatted)


def _pieces(pattern: ast.Pattern, locale: str, needs: set[str]) -> Iterator[str | Render]:
    for element in pattern.elements:
        match element:
            case ast.TextElement():
                yield _literal(element.value)
            case ast.Placeable(expression=ast.StringLiteral() as literal):
                yield _literal(literal.parse()["value"])
            case ast.Placeable(expression=ast.VariableReference() as variable):
                needs.add(variable.id.name)
                yield f"{{{variable.id.name}}}"
            case ast.Placeable(
                expression=ast.SelectExpression(
                    selector=ast.VariableReference() as variable
                ) as choice
            ):
                needs.add(variable.id.name)
                yield _choice(variable.id.name, choice, locale, needs)
            case _:
                raise InvalidTemplate(
                    "supported are text, values and choices by a value, not"
                    f" {type(element.expression).__name__}"
                )


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _choice(name: str, choice: ast.SelectExpression, locale: str, needs: set[str]) -> Render:
    variants = {
        _key(variant): _pattern(variant.value, locale, needs) for variant in choice.variants
    }
    default = next(variants[_key(variant)] for variant in choice.variants if variant.default)

    def render(values: TemplateValues, formatted: Mapping[str, str]) -> str:
        value = values[name]
        variant = (None if isinstance(value, date) else variants.get(value)) or (
            None if isinstance(value, str | date) else variants.get(plural_form(value, locale))
        )
        return (variant or default)(values, formatted)

    return render


def _key(variant: ast.Variant) -> str | float:
    key = variant.key
    return float(key.value) if isinstance(key, ast.NumberLiteral) else key.name
