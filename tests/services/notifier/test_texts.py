"""Texts: every rule can be said in every locale, numbers and plurals are right, and each is told in what they speak."""

from __future__ import annotations

from typing import Any

import pytest
from fluent.runtime import FluentBundle, FluentResource
from tidings.analyst.doctor import dead_letters
from tidings.contracts import events
from tidings.contracts.events.announcements import Addressees
from tidings.contracts.subjects import DEAD, dead
from tidings.notifier import router
from tidings.notifier.position import SERVICE
from tidings.notifier.route import react, told_of
from tidings.notifier.rule import Authored, Rule, Tell
from tidings.notifier.rules import RULES
from tidings.notifier.table import labels
from tidings.notifier.texts import FOLDER, Texts, Wording, label, texts
from tidings.runtime.errors import Permanent
from tidings.runtime.read import last

from tests.services.notifier.facts import fact
from tests.services.notifier.partition import OwnPartition
from tests.services.notifier.table import TABLE

LOCALES = ("de", "en")
GARDEN = {"project_id": "789", "project_name": "Garten"}


def hours(count: float, reason: str | None = None) -> events.TimelogApproved:
    return events.TimelogApproved(
        timelog_id="1", user_id="u", hours=count, project_id="1", reason=reason
    )


def said(event: events.Event, locale: str) -> tuple[str, str]:
    """Title and message of the only thing that is told of an event."""
    ((rule, tell),) = told_of(react(fact(event), RULES))
    assert not isinstance(tell.says, Authored)
    return texts().say(Wording(rule, tell.wording), tell.says, locale)


def test_there_are_files_of_these_locales_and_each_rule_is_in_all_of_them() -> None:
    assert texts().locales == LOCALES

    texts().check(rule.name for rule in RULES if not rule.wordless)
    texts().check_labels(each for rule in RULES for each in labels(rule))


@pytest.mark.parametrize(
    "button", ["", "    .action-accept = Accept { $task }"], ids=["without", "with a value"]
)
def test_a_button_without_words_of_its_own_ends_the_notifier(button: str) -> None:
    said = Texts({"en": f"greeting =\n    .title = Hello\n    .message = there\n{button}\n"})

    with pytest.raises(
        Permanent, match=r"en\.ftl: the rule greeting needs a \.action-accept without values"
    ):
        said.check_labels([label("greeting", "accept")])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("event", [row.event for row in TABLE], ids=lambda event: event.type)
def test_every_value_of_every_template_is_given(event: events.Event, locale: str) -> None:
    for rule, tell in told_of(react(fact(event), RULES)):
        if not isinstance(tell.says, Authored):
            assert texts().missing(Wording(rule, tell.wording), tell.says) == []
            assert "{" not in "".join(texts().say(Wording(rule, tell.wording), tell.says, locale))


@pytest.mark.parametrize("locale", LOCALES)
def test_a_template_says_what_any_other_reader_of_fluent_makes_of_it(locale: str) -> None:
    bundle = FluentBundle([locale], use_isolating=False)
    bundle.add_resource(FluentResource((FOLDER / f"{locale}.ftl").read_text(encoding="utf-8")))
    for row in TABLE:
        for rule, tell in told_of(react(fact(row.event), RULES)):
            if not isinstance(tell.says, Authored):
                attributes = bundle.get_message(rule).attributes
                expected = [
                    bundle.format_pattern(attributes[name], dict(tell.says))
                    for name in ("title", tell.wording)
                ]
                assert expected == [
                    (words, [])
                    for words in texts().say(Wording(rule, tell.wording), tell.says, locale)
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
    assert said(hours(count), "en")[1] == english
    assert said(hours(count), "de")[1] == german


@pytest.mark.parametrize(
    "text", ["{ $hours }", "{task}", "a { b } {{", "\u2068x", 'say "hi"\\', "x" * 9000]
)
def test_a_value_is_said_as_it_is_whatever_it_looks_like(text: str) -> None:
    assert said(events.TaskCompleted(task_id="1", task_title=text), "en")[1] == f"{text} is done"
    assert said(hours(2, text), "en")[1] == f"Your 2 hours were approved: {text}"


@pytest.mark.parametrize(
    ("spoken", "written"),
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
def test_whoever_speaks_what_there_is_no_file_of_is_told_in_english(
    spoken: str, written: str
) -> None:
    assert texts().locale_of(spoken) == written


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
        ({"en": "b =\n    .title = { $a\n"}, "en.ftl: no template: b ="),
        (
            {"en": "b =\n    .title = A\n    .message = { NUMBER($a) }\n"},
            "en.ftl: b.message: there are text, values and choices by a value, and no FunctionReference",
        ),
    ],
)
def test_what_cannot_be_said_is_found_before_anything_is_told(
    sources: dict[str, str], problem: str
) -> None:
    with pytest.raises(Permanent) as raised:
        Texts(sources).check(["b"])

    assert str(raised.value) == problem


async def test_each_is_told_in_what_they_spoke_then_however_often_it_is_asked(
    partition: OwnPartition,
) -> None:
    await partition.begun()
    for user, locale in {"anna": "de-AT", "bob": "en", "cleo": None, "dora": "xx"}.items():
        await partition.happened(events.UserJoined(user_id=user, locale=locale))
        await partition.happened(events.TeamMemberAdded(**GARDEN, user_id=user), actor=user)
    await partition.happened(events.ProjectStatusChanged(**GARDEN, new_status="aktiv"))
    await partition.happened(events.UserJoined(user_id="anna", locale="en"))
    await partition.happened(events.UserJoined(user_id="cleo", locale="de"))
    await partition.happened(events.TaskAssigned(task_id="1", task_title="T", user_id="anna"))
    await partition.happened(events.TaskAssigned(task_id="1", task_title="T", user_id="cleo"))
    await partition.happened(events.UserLeft(user_id="cleo"))
    await partition.happened(events.TaskAssigned(task_id="1", task_title="T", user_id="cleo"))

    await partition.routed()

    changed = "Projekt hat einen neuen Status"
    assert {
        (found.user, found.title)
        for found in await partition.told()
        if found.type == "project.status_changed"
    } == {
        ("anna", changed),
        *((user, "Project status changed") for user in ("bob", "cleo", "dora")),
    }
    assert [
        (found.user, found.title)
        for found in await partition.told()
        if found.type == "task.assigned"
    ] == [
        ("anna", "Task assigned"),
        ("cleo", "Aufgabe zugewiesen"),
        ("cleo", "Task assigned"),
    ]


async def test_a_locale_is_still_that_of_the_event_when_a_later_one_is_folded_already(
    partition: OwnPartition,
) -> None:
    fence = await (await partition.begun()).taken_over()
    await partition.happened(events.UserJoined(user_id="anna", locale="de"))
    await partition.happened(events.TaskAssigned(task_id="1", task_title="T", user_id="anna"))
    await partition.happened(events.UserJoined(user_id="anna", locale="en"))
    died = await partition.router(fence, partition.writer(fence))
    await died.route(await partition.events())
    await died.stop()
    before = await partition.told()

    await partition.routed()

    assert before == []
    assert [found.title for found in await partition.told()] == ["Aufgabe zugewiesen"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), None], ids=str)
async def test_an_event_whose_number_cannot_be_written_is_buried_and_stops_nothing_behind_it(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch, number: Any
) -> None:
    wrong = Rule(
        "hours_approved",
        events.TimelogApproved,
        lambda recorded: iter([Tell(to=("u",), says={"hours": number}, category="-")]),
    )
    monkeypatch.setattr(router, "SAYING", {**router.SAYING, events.TimelogApproved: [wrong]})
    await partition.begun()
    sequence = await partition.happened(hours(1))
    await partition.announced("bob")

    await partition.routed()

    assert await last(partition.runtime.jetstream, DEAD, dead(SERVICE, partition.number, sequence))
    assert await partition.users_told() == ["bob"]


async def test_an_event_whose_template_lacks_a_value_is_buried_and_what_it_says_of_relations_holds(
    partition: OwnPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Rule(
        "task_status_changed",
        events.TaskAssigned,
        lambda recorded: iter([Tell(to=("u",), says={"task": "T"}, category="-")]),
    )
    monkeypatch.setattr(router, "SAYING", {**router.SAYING, events.TaskAssigned: [wrong]})
    await partition.begun()
    sequence = await partition.happened(
        events.TaskAssigned(task_id="1", task_title="T", user_id="anna")
    )
    await partition.announced("bob")
    await partition.happened(
        events.AnnouncementPublished(
            title="-", message="-", to=Addressees(relation="task:1#assignee")
        )
    )

    await partition.routed()

    buried = await last(
        partition.runtime.jetstream, DEAD, dead(SERVICE, partition.number, sequence)
    )
    assert (
        buried
        and buried.headers["Tidings-Reason"]
        == "the template task_status_changed.message has no value for status"
    )
    assert (
        f"{sequence}: the template task_status_changed.message has no value for status"
        in (await dead_letters(partition.runtime)).words
    )
    assert await partition.users_told() == ["bob", "anna"]
