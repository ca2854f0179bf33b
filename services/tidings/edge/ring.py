"""The ring: the newest entries of everybody's log, kept in memory up to a number of bytes."""

from __future__ import annotations

from collections import deque

from tidings.runtime.follow import Message

OVERHEAD_BYTES = 400
"""What an entry costs beside its body."""


def home(subject: str) -> str:
    """In whose log an entry is kept here: a membership in that of its person, between their own entries."""
    return (
        "inbox" + subject[len("member") : subject.rindex(".")]
        if subject.startswith("member.")
        else subject
    )


class Ring:
    """All inbox entries after `floor` and up to `head`, by the subject of the log."""

    def __init__(self, limit_bytes: int, floor: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._order: deque[Message] = deque()
        self._logs: dict[str, deque[Message]] = {}
        self.floor = floor
        self.head = floor

    def add(self, message: Message) -> None:
        """Take the next entry in, and let the oldest go when there are too many bytes."""
        self._order.append(message)
        subject = home(message.subject)
        log = self._logs.get(subject)
        if log is None:
            log = self._logs[subject] = deque()
        log.append(message)
        self.head = message.sequence
        self._bytes += len(message.data) + OVERHEAD_BYTES
        while self._bytes > self._limit:
            self._drop()

    def after(self, subject: str, sequence: int) -> list[Message] | None:
        """The entries of a log after a sequence; None if the ring does not reach that far back."""
        if sequence < self.floor:
            return None
        found: list[Message] = []
        for message in reversed(self._logs.get(subject, ())):
            if message.sequence <= sequence:
                break
            found.append(message)
        found.reverse()
        return found

    def newest(self, subject: str) -> int:
        """The sequence of a log's newest entry here, 0 without one."""
        log = self._logs.get(subject)
        return log[-1].sequence if log else 0

    def _drop(self) -> None:
        message = self._order.popleft()
        subject = home(message.subject)
        log = self._logs[subject]
        log.popleft()
        if not log:
            del self._logs[subject]
        self._bytes -= len(message.data) + OVERHEAD_BYTES
        self.floor = message.sequence
