"""The table of rules: who is told what of which event, from the rules themselves; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidings.contracts.relations import Recipients, UserSet
from tidings.contracts.rules import ActionTaken, AuthoredText, Effect, Retract, Rule, Tell
from tidings.notifier.rendering.texts import Texts, Wording, label_wording
from tidings.notifier.sample_event import SAMPLE_ACTOR, sample_event

COLUMNS = (
    "event",
    "rule",
    "tells",
    "actor",
    "category",
    "level",
    "priority",
    "group",
    "title",
    "message",
)


class ReportRow(NamedTuple):
    """A rule; the fields of its event stand in braces where they are used.

    `actor`: whether the user who acted is notified if they are among the recipients; empty if the
    rule has no recipients.
    """

    event: str
    rule: str
    tells: str
    actor: str
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
                *[""] * 7,
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
        for effect in rule.react(sample_event(rule.event_type, whole=whole, **rule.sample))
    ]


def _tells(effects: list[Effect]) -> list[Tell]:
    return [effect for effect in effects if isinstance(effect, Tell)]


def _row(
    rule: Rule, tells: list[Tell], retracts: list[Retract], texts: Texts, locale: str
) -> ReportRow:
    retractions = "; ".join(_retraction_texts(retracts))
    if not tells:
        return ReportRow(rule.event_type.type, rule.name, retractions, *[""] * 7)
    tell = tells[0]
    title, message = _title_and_message(rule, tell, texts, locale)
    recipients = _names([tell.to for tell in tells])
    return ReportRow(
        rule.event_type.type,
        rule.name,
        "; ".join(filter(None, (recipients, retractions))),
        _actor_text(tell),
        tell.category,
        tell.level,
        tell.priority,
        tell.group or "",
        title,
        message,
    )


def _names(audiences: list[Recipients]) -> str:
    """Return the recipients, those of most events first."""
    most_first = sorted(audiences, key=len, reverse=True)
    return ", ".join(
        dict.fromkeys(_name(recipient) for recipients in most_first for recipient in recipients)
    )


def _retraction_texts(retracts: list[Retract]) -> Iterator[str]:
    """Return the texts of retractions; of equal ones, the one with most recipients."""
    most_last = sorted(retracts, key=lambda retract: len(retract.to))
    return map(_retraction_text, {retract.filter: retract for retract in most_last}.values())


def _retraction_text(retract: Retract) -> str:
    about = retract.filter
    what = [
        *(["unread"] if about.unread else []),
        *filter(None, (about.category, about.type, about.group, about.entity)),
    ]
    exceptions = [f"not {_name(recipient)}" for recipient in retract.unless]
    recipients = ", ".join([_names([retract.to]), *exceptions])
    return f"takes back from {recipients}: {' '.join(what)}"


def _title_and_message(rule: Rule, tell: Tell, texts: Texts, locale: str) -> tuple[str, str]:
    match tell.values:
        case AuthoredText():
            return tell.values
        case values:
            return texts.title_and_message(Wording(rule.name, tell.wording), values, locale)


def _actor_text(tell: Tell) -> str:
    """Return whether the actor is notified, and the field that names them, if any."""
    field = f": {tell.actor}" if tell.actor and tell.actor != SAMPLE_ACTOR else ""
    return f"{'told' if tell.include_actor else 'not told'}{field}"


def _name(recipient: str | UserSet) -> str:
    return str(recipient).removesuffix("#")
