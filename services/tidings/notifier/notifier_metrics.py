"""The metrics of a notifier, and its log lines about created notifications."""

from __future__ import annotations

import logging
import time

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from tidings.client.jetstream import JetStream
from tidings.contracts.messages import NewMessage
from tidings.contracts.subjects import DEAD_LETTERS

NOTIFICATION_PREFIXES = (b'{"entry":"notification"', b'{"entry":"shared"')
BATCH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LINE_INTERVAL_SECONDS = 1.0

log = logging.getLogger("tidings.notifier")


class NotifierMetrics:
    """The metrics of a notifier, over all its partitions."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.events = Counter(
            "tidings_events_processed",
            "Events that were routed, dead letters included.",
            registry=registry,
        )
        self.processing_seconds = Histogram(
            "tidings_event_processing_seconds",
            "Time from taking a batch of events until its notifications are appended.",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self.notifications = Counter(
            "tidings_notifications_created",
            "Notifications that were appended; one shared by a large relation counts once.",
            registry=registry,
        )
        self.dead_letters = Counter(
            "tidings_dead_letters",
            "Events that could not be routed and were appended to DEAD_LETTERS.",
            registry=registry,
        )
        self.dead_letters_stored = Gauge(
            "tidings_dead_letters_stored",
            "Events in DEAD_LETTERS, of all notifiers.",
            registry=registry,
        )
        self.partitions = Gauge(
            "tidings_partitions_led", "Partitions that this process routes.", registry=registry
        )

    async def read_dead_letters(self, jetstream: JetStream) -> None:
        """Read the number of dead letters; raises Unavailable."""
        info = await jetstream.call_api(f"STREAM.INFO.{DEAD_LETTERS}")
        self.dead_letters_stored.set(info["state"]["messages"])


class CreatedNotification(msgspec.Struct):
    """The ids of a notification."""

    id: str
    user: str
    tenant: str
    type: str


class _SharedNotification(msgspec.Struct):
    notification: CreatedNotification


class CreationLog:
    """Counts created notifications, and logs them with ids alone.

    At INFO at most one line in `LINE_INTERVAL_SECONDS`, for all since the line before: at 1000
    notifications a second, a line for each would cost more than the append. At DEBUG each has one.
    """

    def __init__(self, metrics: NotifierMetrics) -> None:
        self._metrics = metrics
        self._uncounted = 0
        self._unlogged = 0
        self._first: NewMessage | None = None
        self._last: NewMessage | None = None
        self._logged_at = 0.0

    def record_message(self, message: NewMessage) -> None:
        """Note a message that is about to be appended, if it is a notification."""
        if message.data.startswith(NOTIFICATION_PREFIXES):
            self._uncounted += 1
            self._first = self._first or message
            self._last = message
            if log.isEnabledFor(logging.DEBUG):
                log.debug("created notification %s", _ids_text(message))

    def count_appended(self) -> None:
        """Count the noted notifications, which have been appended; log them if a line is due."""
        self._metrics.notifications.inc(self._uncounted)
        self._unlogged += self._uncounted
        self._uncounted = 0
        if time.monotonic() - self._logged_at >= LINE_INTERVAL_SECONDS:
            self.write_line()

    def write_line(self) -> None:
        """Log the notifications since the last line; an idle partition logs them at once."""
        if not (self._unlogged and self._first and self._last):
            return
        if self._unlogged == 1:
            log.info("created notification %s", _ids_text(self._last))
        elif log.isEnabledFor(logging.INFO):
            first, last = _ids_text(self._first), _ids_text(self._last)
            log.info("created %d notifications: %s to %s", self._unlogged, first, last)
        self._unlogged, self._first, self._last = 0, None, None
        self._logged_at = time.monotonic()


def created_notification(message: NewMessage) -> CreatedNotification:
    """Return the ids of a message that is a notification, or one shared by a relation."""
    if message.data.startswith(NOTIFICATION_PREFIXES[0]):
        return msgspec.json.decode(message.data, type=CreatedNotification)
    return msgspec.json.decode(message.data, type=_SharedNotification).notification


def _ids_text(message: NewMessage) -> str:
    created = created_notification(message)
    recipient = f"user {created.user}" if created.user else "all members"
    return f"{created.id} ({created.type}) for {recipient}, tenant {created.tenant}"
