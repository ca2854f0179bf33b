"""Templates: a text in one locale, compiled from Fluent; pure.

Of Fluent (https://projectfluent.org) they have text, values, and choices by a value; a number
chooses by its plural form too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple, cast

from babel import Locale
from babel.numbers import format_decimal
from fluent.syntax import ast
from tidings.contracts.rules import TemplateValues
from tidings.runtime.texts.times import UNKNOWN_ZONE, format_moment

WHOLE_LIMIT = 1e15
"""From here on a float does not hold all digits that would be written."""
Render = Callable[[TemplateValues, Mapping[str, str]], str]
"""Renders a text from the values, and the values as formatted."""
Element = ast.TextElement | ast.Placeable
TEXT_OR_DATE = (str, date)


class InvalidTemplate(ValueError):
    """A template uses something of Fluent that is not supported."""


class Template(NamedTuple):
    """A compiled text and the names of the values that it needs."""

    render: Render
    value_names: frozenset[str]


def compile_template(pattern: ast.Pattern, locale: str) -> Template:
    """Compile a parsed pattern; raises InvalidTemplate."""
    needs = set[str]()
    return Template(_render(pattern.elements, locale, needs), frozenset(needs))


def format_values(
    values: TemplateValues, locale: str, zone: str = UNKNOWN_ZONE
) -> Mapping[str, str]:
    """Return the values as a locale writes them, times in a zone."""
    for value in values.values():
        if not isinstance(value, str):
            return {
                name: value if isinstance(value, str) else _format_value(value, locale, zone)
                for name, value in values.items()
            }
    return cast("Mapping[str, str]", values)


def _format_value(value: float | date, locale: str, zone: str) -> str:
    if isinstance(value, date):
        return format_moment(value, locale, zone)
    return format_number(value, locale)


def validate_numbers(values: Iterable[str | float | date], locales: tuple[str, ...]) -> None:
    """Format the numbers in all locales; raises what a number raises that cannot be formatted."""
    for value in values:
        if not isinstance(value, TEXT_OR_DATE):
            _validate_number(value, locales)


@lru_cache(maxsize=4096)
def _validate_number(number: float, locales: tuple[str, ...]) -> None:
    for locale in locales:
        format_number(number, locale)
        plural_form(number, locale)


@lru_cache(maxsize=4096)
def format_number(number: float, locale: str) -> str:
    """Return a number as a locale writes it: 2.5, 2,5; very large ones with an exponent."""
    return format_decimal(number, locale=locale) if abs(number) < WHOLE_LIMIT else f"{number:g}"


@lru_cache(maxsize=4096)
def plural_form(number: float, locale: str) -> str:
    """Return the plural form of a number: `one`, `other`, … (CLDR)."""
    return str(Locale.parse(locale).plural_form(number))


def _render(elements: Sequence[Element], locale: str, needs: set[str]) -> Render:
    """Return the render of a pattern; one with a choice is a choice between whole texts."""
    for place, element in enumerate(elements):
        match element:
            case ast.Placeable(
                expression=ast.SelectExpression(
                    selector=ast.VariableReference() as variable
                ) as choice
            ):
                needs.add(variable.id.name)
                before, behind = elements[:place], elements[place + 1 :]
                variants = {
                    _key(variant): _render(
                        [*before, *variant.value.elements, *behind], locale, needs
                    )
                    for variant in choice.variants
                }
                default = next(_key(variant) for variant in choice.variants if variant.default)
                return _choice(variable.id.name, variants, variants[default], locale)
            case _:
                pass
    return _text("".join([_format_part(element, needs) for element in elements]))


def _choice(
    name: str, variants: Mapping[str | float, Render], default: Render, locale: str
) -> Render:
    def render(values: TemplateValues, formatted: Mapping[str, str]) -> str:
        value = values[name]
        if isinstance(value, str):
            variant = variants.get(value)
        elif isinstance(value, date):
            variant = None
        else:
            variant = variants.get(value) or variants.get(plural_form(value, locale))
        return (variant or default)(values, formatted)

    return render


def _text(text: str) -> Render:
    if "{" not in text.replace("{{", ""):
        literal = text.format()
        return lambda values, formatted: literal
    return lambda values, formatted: text.format_map(formatted)


def _format_part(element: Element, needs: set[str]) -> str:
    """Return an element without a choice as part of a format string."""
    match element:
        case ast.TextElement():
            return _literal(element.value)
        case ast.Placeable(expression=ast.StringLiteral() as literal):
            return _literal(literal.parse()["value"])
        case ast.Placeable(expression=ast.VariableReference() as variable):
            needs.add(variable.id.name)
            return f"{{{variable.id.name}}}"
        case _:
            raise InvalidTemplate(
                "supported are text, values and choices by a value, not"
                f" {type(element.expression).__name__}"
            )


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _key(variant: ast.Variant) -> str | float:
    key = variant.key
    return float(key.value) if isinstance(key, ast.NumberLiteral) else key.name
