"""The explain law: each decision follows from what it states that it was made on.

`EXPLAINED_STEPS` sets the length of the history.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Raw
from tidings.channels.decider.delivery import Delivery, delivery_of
from tidings.channels.explain.explainer import ExplainedEntry, Explainer
from tidings.channels.explain.folded_deliveries import FoldedDeliveries
from tidings.channels.explain.person_log import read_person_log
from tidings.contracts.codec import encode
from tidings.contracts.deliveries import Decided, Outcome, Planned, Requested
from tidings.contracts.messages import NewMessage
from tidings.contracts.notifications import SharedNotification, TopicJoined
from tidings.contracts.subjects import EVENTS, Member, Person, Topic, topic_inbox_subject
from tidings.projections.deliveries.queries import DELIVERIES_OF_IDS
from tidings.runtime.log.state import stream_state
from tidings.runtime.settings import Settings

from tests.builders import make_announcement, make_event, make_task_assigned
from tests.driver import Client, Tidings
from tests.services.channels.mailbox import Mailbox, running_channels, serve_mailbox, with_relay
from tests.services.channels.mails import make_notification
from tests.services.channels.push_service import Browser, PushService, serve_pushes
from tests.services.channels.test_webpush import register
from tests.waiting import wait_until

STEPS = int(os.environ.get("EXPLAINED_STEPS", "160"))
USERS = [f"u-{number}" for number in range(4)]
SEED = int(os.environ.get("EXPLAINED_SEED", "812"))
SCOPES = ("all", "category:system_announcement", "type:task.assigned", "entity:task:1")
MARKS = ("read", "archived", "deleted", "unread", "unarchived")
PRIORITIES = ("critical", "high", "normal", "low")
VARIETY = 18
"""So many different states and reasons occur at least."""
BURST = 16
"""More mails than a person gets in an hour."""
UNSETTLED = """
SELECT count(*) FROM deliveries.delivery WHERE tenant = %s AND (
    state IN ('ordered', 'claimed')
    OR state IN ('held', 'deferred', 'doubtful') AND until < now() + interval '9 seconds'
)
"""

IDS_OF_USER = b"""
SELECT id::text FROM deliveries.delivery WHERE tenant = %(tenant)s AND user_id = %(user)s
"""


class History:
    """What happens to some people, at random but for the seed."""

    def __init__(self, tidings: Tidings, clients: list[Client], dice: random.Random) -> None:
        self._tidings = tidings
        self._clients = clients
        self._dice = dice
        self._count = 0
        self._admin = tidings.headers("root", scope="admin")
        self._topic = Topic(tidings.tenant, "room:9#member")

    async def begin(self) -> None:
        """Let all join, with mails at once or after a second."""
        appender, subjects = (
            self._tidings.runtime.appender(),
            self._tidings.runtime.settings.subjects,
        )
        for user in USERS:
            member = Member(Person(self._tidings.tenant, user), self._topic)
            message = NewMessage(subjects.member_subject(member), encode(TopicJoined()))
            await appender.append(message)
            await self._state(
                "user.joined", user_id=user, email=self.address(user), timezone="Asia/Kathmandu"
            )
            await self.choose(user)

    def address(self, user: str, name: str = "profile") -> str:
        """Return an address of a user; the mail server knows what to answer."""
        return f"{name}.{user}.{self._tidings.tenant}@example.org"

    async def go_on(self) -> None:
        """Let something happen to somebody."""
        act: Callable[[str], Awaitable[None]] = self._dice.choices(
            (
                self.announce,
                self.assign,
                self.share,
                self.mark,
                self.choose,
                self.clear,
                self.pause,
                self.quiet,
                self.move,
                self.ask,
                self.alarm,
            ),
            (30, 10, 6, 20, 8, 3, 4, 4, 5, 6, 3),
        )[0]
        await act(self._dice.choice(USERS))

    async def announce(self, user: str, priority: str | None = None) -> None:
        """Tell something, some of it with an end."""
        self._count += 1
        more: dict[str, Any] = {"priority": priority or self._dice.choice(PRIORITIES)}
        if self._dice.random() < 0.1:
            more["expires"] = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        event = make_announcement(user, title=f"Number {self._count}", **more)
        await self._tidings.emit(event)

    async def assign(self, user: str) -> None:
        """Assign a task, or take it back."""
        task = self._dice.randrange(3)
        if self._dice.random() < 0.5:
            await self._state("task.deleted", task_id=str(task), task_title="x", user_id=user)
        else:
            await self._tidings.emit(make_task_assigned(task, user=user))

    async def alarm(self, user: str) -> None:
        """Assign a critical incident, which escalates if nobody reads of it."""
        await self._state(
            "incident.assigned", incident_id="7", number=7, user_id=user, severity="critical"
        )

    async def share(self, user: str) -> None:
        """Tell all members of a topic but one."""
        runtime = self._tidings.runtime
        self._count += 1
        notification = make_notification(
            "To all",
            id=f"00000000-0000-4000-8000-{self._count:012}",
            tenant=self._tidings.tenant,
            user="",
            priority=self._dice.choice(PRIORITIES),
            created=datetime.now(UTC),
            event=(await stream_state(runtime.jetstream, EVENTS)).last_sequence,
        )
        shared = SharedNotification(left_out=user, notification=Raw(encode(notification)))
        message = NewMessage(topic_inbox_subject(self._topic), encode(shared))
        await runtime.appender().append(message)

    async def mark(self, user: str) -> None:
        """Mark what a client has, by ids or all of it."""
        client = self._clients[USERS.index(user)]
        await client.mark("seen", filter={"category": "system_announcement"})
        ids = list(client.notifications)[-3:]
        if not ids:
            return
        state = self._dice.choice(MARKS)
        if self._dice.random() < 0.2:
            await client.mark(state, filter={"category": "system_announcement"})
        elif self._dice.random() < 0.2:
            until = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
            await client.mark("snoozed", self._dice.choice(ids), until=until)
        else:
            await client.mark(state, *self._dice.sample(ids, self._dice.randint(1, len(ids))))

    async def choose(self, user: str) -> None:
        """Choose how mails come."""
        how = self._dice.choices(("now", "unread", "digest", "never"), (4, 4, 1, 1))[0]
        more: dict[str, Any] = {}
        if how == "unread":
            more["after_seconds"] = self._dice.randrange(3)
        if how == "digest":
            more["digest"] = {"every": self._dice.choice(("gathered", "hourly", "daily"))}
        scope = self._dice.choice(SCOPES)
        owner = {"user_id": user} if self._dice.random() < 0.9 else {}
        await self._state("preference.set", **owner, of=scope, channel="email", how=how, **more)

    async def clear(self, user: str) -> None:
        """Take back a choice."""
        scope = self._dice.choice(SCOPES[1:])
        await self._state("preference.cleared", user_id=user, of=scope, channel="email")

    async def pause(self, user: str) -> None:
        """Be not disturbed for a second or two."""
        until = datetime.now(UTC) + timedelta(seconds=self._dice.uniform(0, 2))
        await self._state("pause.set", user_id=user, until=until.isoformat())

    async def quiet(self, user: str) -> None:
        """Have quiet hours that are over, or last."""
        if self._dice.random() < 0.7:
            await self._state("quiet_hours.cleared", user_id=user)
            return
        window = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
        window |= {"begin": "00:00", "until": self._dice.choice(("12:00", "23:59"))}
        zone = self._dice.choice(("Pacific/Auckland", "America/Lima", "UTC"))
        await self._state("quiet_hours.set", user_id=user, zone=zone, windows=[window])

    async def move(self, user: str) -> None:
        """Give or withdraw an address; one that is not confirmed gets a confirmation."""
        name = self._dice.choice(("home", "gone", "busy", "busy"))
        if self._dice.random() < 0.4:
            await self._state("address.withdrawn", user_id=user, address_id=name)
            return
        await self._state(
            "address.given",
            user_id=user,
            address_id=name,
            channel="email",
            address=self.address(user, name),
            confirmed=self._dice.random() < 0.6,
        )

    async def ask(self, user: str) -> None:
        """Retry or cancel a delivery, if its state allows it."""
        if delivery := await self.find(user):
            await self.request(self._dice.choice(("retry", "cancel")), delivery)

    async def find(self, user: str, state: str | None = None) -> str | None:
        """Return one of a user's newest deliveries, or the newest one in a state."""
        query = {"user": user, "limit": 8, **({"state": state} if state else {})}
        answer = await self._tidings.http.get("/v1/deliveries", params=query, headers=self._admin)
        found = [each["id"] for each in answer.json()["deliveries"]]
        return (found[0] if state else self._dice.choice(found)) if found else None

    async def request(self, request: str, delivery: str) -> None:
        """Ask for something about a delivery, as an operator."""
        path = f"/v1/deliveries/{delivery}/{request}"
        answer = await self._tidings.http.post(path, headers=self._admin)
        assert answer.status_code in (200, 409), answer.text

    async def _state(self, type_: str, **data: Any) -> None:
        await self._tidings.emit(make_event(type_, **data))


@asynccontextmanager
async def open_servers(settings: Settings) -> AsyncIterator[tuple[Mailbox, PushService]]:
    """Run a mail server and a push service, and the channels that send to them."""
    async with serve_mailbox() as (mailbox, port), serve_pushes() as pushes:
        reached = with_relay(pushes.settings_for(settings), port)
        async with running_channels(reached, pushes.trusted):
            yield mailbox, pushes


async def test_each_decision_follows_from_what_it_was_made_on(
    tidings: Tidings, chosen: Settings, url: str
) -> None:
    clients = [await (await tidings.connect(user)).live() for user in USERS]
    history = History(tidings, clients, random.Random(SEED))
    async with open_servers(chosen) as (mailbox, pushes):
        for user in USERS:
            mailbox.refusals[history.address(user, "gone")] = "550 5.1.1 no such user"
            mailbox.refusals[history.address(user, "busy")] = "451 4.7.1 come back later"
            await register(tidings, Browser(pushes.origin, user), user)
        await history.begin()

        for _ in range(STEPS):
            await history.go_on()
        await tell_too_much(tidings, history, USERS[-1])
        await fail_and_cancel(tidings, history, USERS[0])
        await wait_until(lambda: _is_settled(tidings))
        explained = await explain_all(tidings)
        differing = [each for user in USERS for each in await folded_otherwise(tidings, user)]

    assert [each for each in explained if each.differs or each.problem] == []
    assert differing == []
    codes = _codes(explained)
    assert codes.keys() >= {
        *("planned ordered", "planned held", "ordered", "dropped", "sent", "failed"),
        *("capped", "superseded", "retry", "cancel", "cancelled", "present", "snoozed"),
    }
    assert len(codes) > VARIETY


async def tell_too_much(tidings: Tidings, history: History, user: str) -> None:
    """Tell a user more than an hour's mails at once."""
    await tidings.emit(*_at_once(user))
    await asyncio.gather(*(history.announce(user, "high") for _ in range(BURST)))


async def fail_and_cancel(tidings: Tidings, history: History, user: str) -> None:
    """Let a mail come back and retry it, and cancel another one that waits.

    They are critical: what is not may be beyond an hour's mails by now.
    """
    await tidings.emit(
        *_at_once(user),
        make_event(
            "address.given",
            user_id=user,
            address_id="gone",
            channel="email",
            address=history.address(user, "gone"),
            confirmed=True,
        ),
    )
    await history.announce(user, "critical")
    await history.request("retry", await wait_until(lambda: history.find(user, "failed")))
    await tidings.emit(
        make_event("address.withdrawn", user_id=user, address_id="gone"),
        *_choices(user, how="unread", after_seconds=3600),
    )
    await history.announce(user, "critical")
    await history.request("cancel", await wait_until(lambda: history.find(user, "held")))


def _at_once(user: str) -> list[dict[str, Any]]:
    """Return the events by which a user gets mails at once, to one address."""
    return [
        make_event("quiet_hours.cleared", user_id=user),
        make_event("pause.set", user_id=user),
        *(
            make_event("address.withdrawn", user_id=user, address_id=name)
            for name in ("home", "gone", "busy")
        ),
        *_choices(user, how="now"),
    ]


def _choices(user: str, **choice: Any) -> list[dict[str, Any]]:
    return [
        make_event("preference.set", user_id=user, of=scope, channel="email", **choice)
        for scope in SCOPES
    ]


async def explain_all(tidings: Tidings) -> list[ExplainedEntry]:
    """Explain all that was decided for all."""
    explainer = Explainer(tidings.runtime)
    return [
        each for user in USERS for each in await explainer.explain(Person(tidings.tenant, user))
    ]


async def folded_otherwise(tidings: Tidings, user: str) -> list[tuple[Delivery, Delivery | None]]:
    """Return the rows of a user's deliveries that differ from what the log is folded into."""
    person = Person(tidings.tenant, user)
    runtime = tidings.runtime
    log = await read_person_log(runtime.jetstream, runtime.settings.subjects, person)
    folded = FoldedDeliveries(person, log.deliveries)
    parameters = {"tenant": person.tenant, "user": user}
    async with runtime.postgres.connection() as connection:
        found = await connection.execute(IDS_OF_USER, parameters)
        ids = {"ids": [identifier for (identifier,) in await found.fetchall()]}
        rows = await connection.execute(DELIVERIES_OF_IDS.encode(), ids)
        stored = [delivery_of(row, 0) for row in await rows.fetchall()]
    assert stored
    both = [(each, folded.delivery(each.id, 0)) for each in stored]
    return [(row, other) for row, other in both if row != other]


async def _is_settled(tidings: Tidings) -> bool:
    async with tidings.runtime.postgres.connection() as connection:
        rows: Any = await connection.execute(UNSETTLED.encode(), (tidings.tenant,))
        (unsettled,) = await rows.fetchone()
    return unsettled == 0


def _codes(explained: list[ExplainedEntry]) -> Counter[str]:
    """Return how often each state and reason occurs."""
    found = Counter[str]()
    for each in explained:
        match each.entry:
            case Planned(steps=steps):
                found.update(f"planned {step.state}" for step in steps)
                found.update(step.why.code for step in steps if step.why)
            case Decided(state=state, why=why, moved=moved):
                found.update([state, why.code] if why else [state])
                found.update(each.step.why.code for each in moved if each.step.why)
            case Outcome(state=state):
                found[state] += 1
            case Requested(request=request):
                found[request] += 1
    return found
