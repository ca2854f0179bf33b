"""The ring: the newest entries of all logs, in memory, bounded in bytes."""

from __future__ import annotations

from collections import deque

from tidings.runtime.log.follow import StreamMessage

OVERHEAD_BYTES = 400
"""What an entry takes in memory beside its body."""


def owner_subject(subject: str) -> str:
    """Return the log that an entry is kept in; a membership is kept in its user's."""
    return (
        "inbox" + subject[len("member") : subject.rindex(".")]
        if subject.startswith("member.")
        else subject
    )


class Ring:
    """All inbox entries after `floor` and up to `reached`, by the subject of the log.

    `head` is the newest of them; up to `reached` the log has none that is not here.

    `is_whole`: these are all that were ever logged, until the ring drops the first one.
    """

    def __init__(self, limit_bytes: int, floor: int, *, is_whole: bool = False) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._order: deque[StreamMessage] = deque()
        self._logs: dict[str, deque[StreamMessage]] = {}
        self.floor = floor
        self.head = self.reached = floor
        self.is_whole = is_whole and floor == 0

    @property
    def message_count(self) -> int:
        """Return the number of entries."""
        return len(self._order)

    @property
    def size_bytes(self) -> int:
        """Return the memory that the entries take, as it is estimated."""
        return self._bytes

    def append_message(self, message: StreamMessage) -> None:
        """Append the next entry; drops the oldest ones beyond the limit in bytes."""
        self._order.append(message)
        subject = owner_subject(message.subject)
        log = self._logs.get(subject)
        if log is None:
            log = self._logs[subject] = deque()
        log.append(message)
        self.head = self.reached = message.sequence
        self._bytes += len(message.data) + OVERHEAD_BYTES
        while self._bytes > self._limit:
            self._drop_oldest()

    def reach(self, sequence: int) -> None:
        """Record that the log has no further entries up to a sequence."""
        self.reached = max(self.reached, sequence)

    def entries_after(self, subject: str, sequence: int) -> list[StreamMessage] | None:
        """Return the entries of a log after a sequence; None if the ring begins later."""
        if sequence < self.floor:
            return None
        messages: list[StreamMessage] = []
        for message in reversed(self._logs.get(subject, ())):
            if message.sequence <= sequence:
                break
            messages.append(message)
        messages.reverse()
        return messages

    def entry_count(self, subject: str) -> int:
        """Return the number of entries of a log."""
        return len(self._logs.get(subject, ()))

    def newest_sequence(self, subject: str) -> int:
        """Return the sequence of a log's newest entry in the ring, 0 without one."""
        log = self._logs.get(subject)
        return log[-1].sequence if log else 0

    def _drop_oldest(self) -> None:
        message = self._order.popleft()
        subject = owner_subject(message.subject)
        log = self._logs[subject]
        log.popleft()
        if not log:
            del self._logs[subject]
        self._bytes -= len(message.data) + OVERHEAD_BYTES
        self.floor = message.sequence
        self.is_whole = False
