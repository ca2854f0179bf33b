"""A template: the words of one locale for what a rule says, and the values that fill it; pure.

It is written in Fluent (https://projectfluent.org): text, values, and choices by a value, a number's being by its plural form too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, cast

from babel import Locale
from babel.numbers import format_decimal
from fluent.syntax import ast

Values = Mapping[str, str | float]
"""What fills a template: text as it is, numbers as the locale writes them."""
WHOLE_LIMIT = 1e15
"""From here on a float no longer has all the digits that would be written."""
Render = Callable[[Values, Mapping[str, str]], str]
"""From the values, and the same as they are written."""


class NoTemplate(ValueError):
    """Something that Fluent knows and we do not."""


class Template(NamedTuple):
    """How it is filled, and the names of the values that it needs."""

    render: Render
    needs: frozenset[str]


def template(pattern: ast.Pattern, locale: str) -> Template:
    """A template as parsed; raises NoTemplate."""
    needs = set[str]()
    return Template(_pattern(pattern, locale, needs), frozenset(needs))


def shown(values: Values, locale: str) -> Mapping[str, str]:
    """The values as a locale writes them."""
    for value in values.values():
        if not isinstance(value, str):
            return {
                name: value if isinstance(value, str) else written(value, locale)
                for name, value in values.items()
            }
    return cast("Mapping[str, str]", values)


@lru_cache(maxsize=4096)
def written(number: float, locale: str) -> str:
    """A number as a locale writes it: 2.5, 2,5; one of very many digits by its power of ten."""
    return format_decimal(number, locale=locale) if abs(number) < WHOLE_LIMIT else f"{number:g}"


@lru_cache(maxsize=4096)
def plural(number: float, locale: str) -> str:
    """The plural form that a number takes: `one`, `other`, … (CLDR)."""
    return str(Locale.parse(locale).plural_form(number))


def _pattern(pattern: ast.Pattern, locale: str, needs: set[str]) -> Render:
    pieces = list(_pieces(pattern, locale, needs))
    if all(isinstance(piece, str) for piece in pieces):
        return _text("".join(map(str, pieces)))
    renders = [_text(piece) if isinstance(piece, str) else piece for piece in pieces]
    return lambda values, shown: "".join([render(values, shown) for render in renders])


def _text(text: str) -> Render:
    if "{" not in text.replace("{{", ""):
        said = text.format()
        return lambda values, shown: said
    return lambda values, shown: text.format_map(shown)


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
                raise NoTemplate(
                    f"there are text, values and choices by a value, and no {type(element.expression).__name__}"
                )


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _choice(name: str, choice: ast.SelectExpression, locale: str, needs: set[str]) -> Render:
    variants = {
        _key(variant): _pattern(variant.value, locale, needs) for variant in choice.variants
    }
    default = next(variants[_key(variant)] for variant in choice.variants if variant.default)

    def render(values: Values, shown: Mapping[str, str]) -> str:
        value = values[name]
        found = variants.get(value) or (
            None if isinstance(value, str) else variants.get(plural(value, locale))
        )
        return (found or default)(values, shown)

    return render


def _key(variant: ast.Variant) -> str | float:
    key = variant.key
    return float(key.value) if isinstance(key, ast.NumberLiteral) else key.name
