"""Health of appends: a process is not ready if the log stores nothing, and only then."""

from __future__ import annotations

from typing import Any, cast

import pytest
from tidings.client import appender as appender_module
from tidings.client import retries
from tidings.client.errors import QueueFull
from tidings.client.jetstream import JetStream, JetStreamReply
from tidings.contracts.messages import NewMessage
from tidings.runtime.errors import Unavailable
from tidings.runtime.health import AppendWatch, WatchedAppender

EVENT = NewMessage("events.0.acme.task", b"{}")
MARK = NewMessage("notifications.0.acme.ann", b"{}")


class Log:
    """Stores appends, or does not answer them while it is `away`."""

    def __init__(self) -> None:
        self.away = True

    async def request_reply(self, *_: Any, **__: Any) -> JetStreamReply:
        if self.away:
            raise Unavailable("no answer")
        return JetStreamReply(seq=1)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(retries, "APPEND_SECONDS", 0.05)
    return Log()


@pytest.fixture
def watch() -> AppendWatch:
    return AppendWatch()


@pytest.fixture
def appender(log: Log, watch: AppendWatch) -> WatchedAppender:
    return WatchedAppender(cast(JetStream, log), watch)


async def fail_to_append(appender: WatchedAppender, message: NewMessage) -> None:
    with pytest.raises(Unavailable):
        await appender.append(message)


async def test_appends_that_fail_one_after_another_make_a_process_unready(
    appender: WatchedAppender, watch: AppendWatch
) -> None:
    await fail_to_append(appender, MARK)
    await fail_to_append(appender, EVENT)
    await watch.probe()

    await fail_to_append(appender, MARK)

    with pytest.raises(Unavailable, match=r"notifications\.> is not stored"):
        await watch.probe()


async def test_one_append_that_fails_between_others_leaves_a_process_ready(
    log: Log, appender: WatchedAppender, watch: AppendWatch
) -> None:
    for _ in range(3):
        log.away = True
        await fail_to_append(appender, MARK)
        await watch.probe()
        log.away = False
        await appender.append(MARK)


async def test_a_full_queue_leaves_a_process_ready(
    appender: WatchedAppender, watch: AppendWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender_module, "PLAIN_LIMIT_MESSAGES", 0)
    monkeypatch.setattr(appender_module, "WAITING_LIMIT_MESSAGES", 0)

    for _ in range(3):
        with pytest.raises(QueueFull):
            await appender.append(MARK)

    await watch.probe()
