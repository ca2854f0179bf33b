"""The table of rules: who is told what of which event, from the rules themselves; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidings.contracts.relations import Recipients, Relation
from tidings.contracts.rules import ActionTaken, AuthoredText, Effect, Retract, Rule, Tell
from tidings.notifier.rendering.texts import Texts, Wording, label_wording
from tidings.notifier.sample_event import SAMPLE_ACTOR, sample_event

COLUMNS = ("event", "rule", "tells", "category", "level", "priority", "group", "title", "message")


class ReportRow(NamedTuple):
    """A rule; the fields of its event stand in braces where they are used."""

    event: str
    rule: str
    tells: str
    category: str
    level: str
    priority: str
    group: str
    title: str
    message: str


def report_rows(rules: tuple[Rule, ...], texts: Texts, locale: str) -> Iterator[ReportRow]:
    """Return a row for each rule, in their order, with its text in a supported locale."""
    for rule in rules:
        effects = _effects(rule)
        actions = [effect for effect in effects if isinstance(effect, ActionTaken)]
        if actions:
            yield ReportRow(
                rule.event_type.type,
                rule.name,
                f"shows {actions[0].to} what was pressed: {actions[0].action}",
                *[""] * 6,
            )
        else:
            yield _row(
                rule,
                _tells(effects),
                [effect for effect in effects if isinstance(effect, Retract)],
                texts,
                locale,
            )


def required_labels(rule: Rule) -> Iterator[Wording]:
    """Return the labels that a rule's buttons need."""
    return (
        label_wording(rule.name, action)
        for tell in _tells(_effects(rule))
        for action in tell.actions
    )


def markdown_table(rows: Iterator[ReportRow]) -> str:
    """Return rows as a Markdown table."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _effects(rule: Rule) -> list[Effect]:
    return [
        effect
        for whole in (False, True)
        for effect in rule.react(sample_event(rule.event_type, whole=whole))
    ]


def _tells(effects: list[Effect]) -> list[Tell]:
    return [effect for effect in effects if isinstance(effect, Tell)]


def _row(
    rule: Rule, tells: list[Tell], retracts: list[Retract], texts: Texts, locale: str
) -> ReportRow:
    retractions = list(
        dict.fromkeys(
            _retraction_text(retract)
            for retract in sorted(retracts, key=lambda retract: len(retract.to), reverse=True)
        )
    )[:1]
    if not tells:
        return ReportRow(rule.event_type.type, rule.name, *retractions, *[""] * 6)
    tell = tells[0]
    title, message = _title_and_message(rule, tell, texts, locale)
    recipients = _names([tell.to for tell in tells], None if tell.include_actor else _actor(tell))
    whom = "; ".join([recipients, *retractions])
    return ReportRow(
        rule.event_type.type,
        rule.name,
        whom,
        tell.category,
        tell.level,
        tell.priority,
        tell.group or "",
        title,
        message,
    )


def _names(audiences: list[Recipients], but: str | None) -> str:
    """Return the recipients, those of most events first, and who is excluded."""
    most_first = sorted(audiences, key=len, reverse=True)
    names = dict.fromkeys(_name(recipient) for recipients in most_first for recipient in recipients)
    return ", ".join([*names, *([f"not {but}"] if but else [])])


def _retraction_text(retract: Retract) -> str:
    """Return from whom what is retracted."""
    about = retract.filter
    what = [
        *(["unread"] if about.unread else []),
        *filter(None, (about.category, about.type, about.group, about.entity)),
    ]
    whom = _names([retract.to], ", ".join(map(_name, retract.unless)))
    return f"takes back from {whom}: {' '.join(what)}"


def _title_and_message(rule: Rule, tell: Tell, texts: Texts, locale: str) -> tuple[str, str]:
    match tell.values:
        case AuthoredText():
            return tell.values
        case values:
            return texts.title_and_message(Wording(rule.name, tell.wording), values, locale)


def _actor(tell: Tell) -> str:
    return tell.actor if tell.actor and tell.actor != SAMPLE_ACTOR else "the actor"


def _name(recipient: str | Relation) -> str:
    return str(recipient).removesuffix("#")
