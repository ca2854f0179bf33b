"""The table of rules: whom each tells what, and how, read off the rules themselves; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.notifier.rule import Authored, Relation, Rule, Tell
from services.notifier.sample import ACTOR, sample
from services.notifier.texts import Wording, texts

COLUMNS = ("event", "rule", "tells", "category", "level", "priority", "group", "title", "message")


class Row(NamedTuple):
    """A rule, with the fields of its event in braces where they are used."""

    event: str
    rule: str
    tells: str
    category: str
    level: str
    priority: str
    group: str
    title: str
    message: str


def rows(rules: tuple[Rule, ...], locale: str) -> Iterator[Row]:
    """The rules in their order, with what they say in a locale that there are templates of."""
    for rule in rules:
        least, whole = (list(rule.tell(sample(rule.on, whole=each))) for each in (False, True))
        tell = (least or whole)[0]
        title, message = _words(rule, tell, locale)
        who = dict.fromkeys(_name(each) for each in (*(to for told in (*whole, *least) for to in told.to),))
        told = ", ".join(who) + ("" if tell.actor_too else f", not {_actor(tell)}")
        yield Row(rule.on.type, rule.name, told, tell.category, tell.level, tell.priority, tell.group or "", title, message)


def markdown(found: Iterator[Row]) -> str:
    """The same as a table of Markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *found]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _words(rule: Rule, tell: Tell, locale: str) -> tuple[str, str]:
    match tell.says:
        case Authored():
            return tell.says
        case values:
            return texts().say(Wording(rule.name, tell.wording), values, locale)


def _actor(tell: Tell) -> str:
    return tell.actor if tell.actor and tell.actor != ACTOR else "the actor"


def _name(each: str | Relation) -> str:
    return str(each).removesuffix("#")
