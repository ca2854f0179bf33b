"""Texts: every rule has its templates in every locale, and recipients get their own locale."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from fluent.runtime import FluentBundle, FluentResource
from tidings.analyst.doctor import check_dead_letters
from tidings.contracts.event import Event
from tidings.contracts.rules import AuthoredText, Rule, Tell
from tidings.contracts.subjects import DEAD_LETTERS, dead_letter_subject
from tidings.domains import DOMAINS, RULES
from tidings.domains.announcements.events import Addressees, AnnouncementPublished
from tidings.domains.people.events import UserJoined, UserLeft
from tidings.domains.volunteers.events import (
    ProjectStatusChanged,
    TaskAssigned,
    TaskCompleted,
    TeamMemberAdded,
    TimelogApproved,
)
from tidings.notifier.partition import routed_events
from tidings.notifier.partition.position import SERVICE
from tidings.notifier.partition.routing import notifications_in, react
from tidings.notifier.rendering.texts import Texts, Wording, label_wording
from tidings.notifier.rules_report import required_labels
from tidings.runtime.errors import Permanent
from tidings.runtime.log.read import last_message
from tidings.runtime.texts.times import format_moment

from tests.services.notifier.facts import TEXTS, recorded_event
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.table import TABLE

LOCALES = ("de", "en")
GARDEN: dict[str, Any] = {"project_id": "789", "project_name": "Garten"}


def make_approved_hours(count: float, reason: str | None = None) -> TimelogApproved:
    return TimelogApproved(timelog_id="1", user_id="u", hours=count, project_id="1", reason=reason)


def render_text(event: Event, locale: str) -> tuple[str, str]:
    """Return title and message of the only notification of an event."""
    (tell,) = notifications_in(react(recorded_event(event), RULES))
    assert not isinstance(tell.values, AuthoredText)
    return TEXTS.title_and_message(Wording(tell.rule, tell.wording), tell.values, locale)


def test_each_rule_has_texts_in_every_locale() -> None:
    assert TEXTS.locales == LOCALES

    TEXTS.validate_rules(rule.name for rule in RULES if rule.templates)
    TEXTS.validate_labels(label for rule in RULES for label in required_labels(rule))


@pytest.mark.parametrize(
    "button", ["", "    .action-accept = Accept { $task }"], ids=["without", "with a value"]
)
def test_a_button_without_a_constant_label_stops_the_notifier(button: str) -> None:
    texts = Texts({"en": f"greeting =\n    .title = Hello\n    .message = there\n{button}\n"})

    with pytest.raises(
        Permanent, match=r"en\.ftl: the rule greeting needs a \.action-accept without values"
    ):
        texts.validate_labels([label_wording("greeting", "accept")])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("event", [row.event for row in TABLE], ids=lambda event: event.type)
def test_every_value_of_every_template_is_given(event: Event, locale: str) -> None:
    for tell in notifications_in(react(recorded_event(event), RULES)):
        if not isinstance(tell.values, AuthoredText):
            assert TEXTS.missing_values(Wording(tell.rule, tell.wording), tell.values) == []
            assert "{" not in "".join(
                TEXTS.title_and_message(Wording(tell.rule, tell.wording), tell.values, locale)
            )


@pytest.mark.parametrize("locale", LOCALES)
def test_a_template_gives_the_same_text_as_fluent_runtime(locale: str) -> None:
    bundle = FluentBundle([locale], use_isolating=False)
    for folder in filter(None, (domain.texts for domain in DOMAINS)):
        source = (folder / f"{locale}.ftl").read_text(encoding="utf-8")
        bundle.add_resource(FluentResource(source))
    for row in TABLE:
        for tell in notifications_in(react(recorded_event(row.event), RULES)):
            if not isinstance(tell.values, AuthoredText):
                attributes = bundle.get_message(tell.rule).attributes
                values = {
                    name: format_moment(value, locale, "") if isinstance(value, date) else value
                    for name, value in tell.values.items()
                }
                expected = [
                    bundle.format_pattern(attributes[name], values)
                    for name in ("title", tell.wording)
                ]
                assert expected == [
                    (words, [])
                    for words in TEXTS.title_and_message(
                        Wording(tell.rule, tell.wording), tell.values, locale
                    )
                ]


@pytest.mark.parametrize(
    ("count", "english", "german"),
    [
        (1, "Your 1 hour was approved", "Deine 1 Stunde wurde genehmigt"),
        (2, "Your 2 hours were approved", "Deine 2 Stunden wurden genehmigt"),
        (0.5, "Your 0.5 hours were approved", "Deine 0,5 Stunden wurden genehmigt"),
        (1200, "Your 1,200 hours were approved", "Deine 1.200 Stunden wurden genehmigt"),
        (1e300, "Your 1e+300 hours were approved", "Deine 1e+300 Stunden wurden genehmigt"),
        (-1e27, "Your -1e+27 hours were approved", "Deine -1e+27 Stunden wurden genehmigt"),
        (5e-324, "Your 0 hours were approved", "Deine 0 Stunden wurden genehmigt"),
    ],
)
def test_numbers_and_plurals_are_those_of_the_locale(
    count: float, english: str, german: str
) -> None:
    assert render_text(make_approved_hours(count), "en")[1] == english
    assert render_text(make_approved_hours(count), "de")[1] == german


@pytest.mark.parametrize(
    "text", ["{ $hours }", "{task}", "a { b } {{", "\u2068x", 'say "hi"\\', "x" * 9000]
)
def test_a_value_is_inserted_verbatim(text: str) -> None:
    assert render_text(TaskCompleted(task_id="1", task_title=text), "en")[1] == f"{text} is done"
    assert (
        render_text(make_approved_hours(2, text), "en")[1] == f"Your 2 hours were approved: {text}"
    )


@pytest.mark.parametrize(
    ("wanted_locale", "text_locale"),
    [
        ("de", "de"),
        ("de-at", "de"),
        ("en-gb", "en"),
        ("fr", "en"),
        ("", "en"),
        ("deutsch", "en"),
        ("de-", "de"),
    ],
)
def test_an_unknown_locale_falls_back_to_english(wanted_locale: str, text_locale: str) -> None:
    assert TEXTS.best_locale(wanted_locale) == text_locale


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        ({"en": "a =\n    .title = A\n    .message = B\n"}, "en.ftl: the rule b has no .message"),
        (
            {"en": "b =\n    .title = A\n    .message = B\n", "de": "b =\n    .message = B\n"},
            "de.ftl: the rule b has no .title",
        ),
        (
            {
                "en": "b =\n    .title = A\n    .message = B\n    .why = C\n",
                "de": "b =\n    .title = A\n    .message = B\n",
            },
            "de.ftl: the rule b has no .why",
        ),
        ({"en": "b =\n    .title = { $a\n"}, "en.ftl: not a template: b ="),
        (
            {"en": "b =\n    .title = A\n    .message = { NUMBER($a) }\n"},
            "en.ftl: b.message: "
            "supported are text, values and choices by a value, not FunctionReference",
        ),
    ],
)
def test_an_invalid_template_is_found_at_the_start(sources: dict[str, str], problem: str) -> None:
    with pytest.raises(Permanent) as error:
        Texts(sources).validate_rules(["b"])

    assert str(error.value) == problem


async def test_each_user_is_notified_in_their_locale_as_of_the_event(
    partition: OwnPartition,
) -> None:
    await partition.prepared_partition()
    for user, locale in {"anna": "de-AT", "bob": "en", "cleo": None, "dora": "xx"}.items():
        await partition.append_event(UserJoined(user_id=user, locale=locale))
        await partition.append_event(TeamMemberAdded(**GARDEN, user_id=user), actor=user)
    await partition.append_event(ProjectStatusChanged(**GARDEN, new_status="aktiv"))
    await partition.append_event(UserJoined(user_id="anna", locale="en"))
    await partition.append_event(UserJoined(user_id="cleo", locale="de"))
    await partition.append_event(TaskAssigned(task_id="1", task_title="T", user_id="anna"))
    await partition.append_event(TaskAssigned(task_id="1", task_title="T", user_id="cleo"))
    await partition.append_event(UserLeft(user_id="cleo"))
    await partition.append_event(TaskAssigned(task_id="1", task_title="T", user_id="cleo"))

    await partition.route_all()

    german_title = "Projekt hat einen neuen Status"
    assert {
        (notification.user, notification.title)
        for notification in await partition.notifications()
        if notification.type == "project.status_changed"
    } == {
        ("anna", german_title),
        *((user, "Project Status Changed") for user in ("bob", "cleo", "dora")),
    }
    assert [
        (notification.user, notification.title)
        for notification in await partition.notifications()
        if notification.type == "task.assigned"
    ] == [
        ("anna", "Task Assigned"),
        ("cleo", "Aufgabe zugewiesen"),
        ("cleo", "Task Assigned"),
    ]


async def test_a_takeover_uses_the_locale_as_of_the_event(
    partition: OwnPartition,
) -> None:
    fence = await (await partition.prepared_partition()).take_over()
    await partition.append_event(UserJoined(user_id="anna", locale="de"))
    await partition.append_event(TaskAssigned(task_id="1", task_title="T", user_id="anna"))
    await partition.append_event(UserJoined(user_id="anna", locale="en"))
    dead_router = await partition.make_router(fence, partition.make_writer(fence))
    await dead_router.route_batch(await partition.read_events())
    await dead_router.stop()
    before = await partition.notifications()

    await partition.route_all()

    assert before == []
    assert [notification.title for notification in await partition.notifications()] == [
        "Aufgabe zugewiesen"
    ]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), None], ids=str)
async def test_an_event_with_an_invalid_number_becomes_a_dead_letter_and_later_events_notify(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch, number: Any
) -> None:
    wrong = Rule(
        "hours_approved",
        TimelogApproved,
        lambda recorded: iter([Tell(to=("u",), values={"hours": number}, category="-")]),
    )
    monkeypatch.setattr(
        routed_events, "RULES_BY_EVENT", {**routed_events.RULES_BY_EVENT, TimelogApproved: [wrong]}
    )
    await partition.prepared_partition()
    sequence = await partition.append_event(make_approved_hours(1))
    await partition.append_announcement("bob")

    await partition.route_all()

    subject = dead_letter_subject(SERVICE, partition.number, sequence)
    assert await last_message(partition.runtime.jetstream, DEAD_LETTERS, subject)
    assert await partition.notified_users() == ["bob"]


async def test_an_event_without_a_template_value_becomes_a_dead_letter_and_its_relations_hold(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Rule(
        "task_status_changed",
        TaskAssigned,
        lambda recorded: iter([Tell(to=("u",), values={"task": "T"}, category="-")]),
    )
    monkeypatch.setattr(
        routed_events, "RULES_BY_EVENT", {**routed_events.RULES_BY_EVENT, TaskAssigned: [wrong]}
    )
    await partition.prepared_partition()
    sequence = await partition.append_event(
        TaskAssigned(task_id="1", task_title="T", user_id="anna")
    )
    await partition.append_announcement("bob")
    await partition.append_event(
        AnnouncementPublished(title="-", message="-", to=Addressees(relation="task:1#assignee"))
    )

    await partition.route_all()

    subject = dead_letter_subject(SERVICE, partition.number, sequence)
    dead_letter = await last_message(partition.runtime.jetstream, DEAD_LETTERS, subject)
    assert (
        dead_letter
        and dead_letter.headers["Tidings-Reason"]
        == "the template task_status_changed.message has no value for status"
    )
    assert (
        f"{sequence}: the template task_status_changed.message has no value for status"
        in (await check_dead_letters(partition.runtime)).message
    )
    assert await partition.notified_users() == ["bob", "anna"]
