"""The table of rules: whom each tells what, and how, read off the rules themselves; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidings.notifier.rule import Audience, Authored, Press, Relation, Retract, Rule, Tell
from tidings.notifier.sample import ACTOR, sample
from tidings.notifier.texts import Wording, label, texts

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
        said = _said(rule)
        pressed = [each for each in said if isinstance(each, Press)]
        if pressed:
            yield Row(
                rule.on.type,
                rule.name,
                f"shows {pressed[0].to} what was pressed: {pressed[0].action}",
                *[""] * 6,
            )
        else:
            yield _row(
                rule, _tells(said), [each for each in said if isinstance(each, Retract)], locale
            )


def labels(rule: Rule) -> Iterator[Wording]:
    """The labels that a rule's buttons need."""
    return (label(rule.name, action) for tell in _tells(_said(rule)) for action in tell.actions)


def markdown(found: Iterator[Row]) -> str:
    """The same as a table of Markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *found]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _said(rule: Rule) -> list[Tell | Retract | Press]:
    return [each for whole in (False, True) for each in rule.tell(sample(rule.on, whole=whole))]


def _tells(said: list[Tell | Retract | Press]) -> list[Tell]:
    return [each for each in said if isinstance(each, Tell)]


def _row(rule: Rule, tells: list[Tell], retracts: list[Retract], locale: str) -> Row:
    taken = list(
        dict.fromkeys(
            _taken(each) for each in sorted(retracts, key=lambda each: len(each.to), reverse=True)
        )
    )[:1]
    if not tells:
        return Row(rule.on.type, rule.name, *taken, *[""] * 6)
    tell = tells[0]
    title, message = _words(rule, tell, locale)
    told = _names([each.to for each in tells], None if tell.actor_too else _actor(tell))
    whom = "; ".join([told, *taken])
    return Row(
        rule.on.type,
        rule.name,
        whom,
        tell.category,
        tell.level,
        tell.priority,
        tell.group or "",
        title,
        message,
    )


def _names(audiences: list[Audience], but: str | None) -> str:
    """All who are meant, those first whom most events mean, and who is not."""
    most_first = sorted(audiences, key=len, reverse=True)
    names = dict.fromkeys(_name(each) for audience in most_first for each in audience)
    return ", ".join([*names, *([f"not {but}"] if but else [])])


def _taken(retract: Retract) -> str:
    """From whom it takes what, as the event with the most fields has it."""
    about = retract.filter
    what = [
        *(["unread"] if about.unread else []),
        *filter(None, (about.category, about.type, about.group, about.entity)),
    ]
    return f"takes back from {_names([retract.to], ', '.join(map(_name, retract.unless)))}: {' '.join(what)}"


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
