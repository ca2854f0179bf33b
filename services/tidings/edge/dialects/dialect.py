"""A dialect: what a product's front end is told, in its own words, of what happens in a person's log, and what it may ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Struct
from tidings.contracts.notifications import Counts, Notification


class Said(NamedTuple):
    """One frame: its body as JSON has it, the name of the event on an event stream, the notification that it brings."""

    body: dict[str, Any]
    event: str = ""
    brings: Notification | None = None


class Ask(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A frame of a client's; fields that we do not know are ignored, as the originals did."""


class Ping(Ask, frozen=True, kw_only=True, tag="ping"):
    """Asks for a sign of life."""


class CountUnread(Ask, frozen=True, kw_only=True, tag="get_unread_count"):
    """Asks how many are unread."""


class MarkRead(Ask, frozen=True, kw_only=True, tag="mark_read"):
    """One notification has been read."""

    notification_id: str


class Subscribe(Ask, frozen=True, kw_only=True, tag="subscribe"):
    """From now on, only notifications of this type, and of those subscribed to before."""

    event_type: str


Asked = Ping | CountUnread | MarkRead | Subscribe

_asked: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)


class Dialect:
    """What is the same in most of them; what one does not say, it has no frame for. All of it is pure."""

    name: ClassVar[str]
    asks: ClassVar[tuple[type[Ask], ...]] = (Ping,)

    def asked(self, text: str | bytes) -> Asked:
        """Read a frame of a client's; raises ValueError, or what msgspec raises."""
        asked = _asked.decode(text)
        if not isinstance(asked, self.asks):
            raise ValueError(
                f"this is none of {', '.join(str(ask.__struct_config__.tag) for ask in self.asks)}"
            )
        return asked

    def greeted(self, user: str, connection: str) -> Iterator[Said]:
        """The connection stands."""
        yield from ()

    def notified(self, notification: Notification) -> Iterator[Said]:
        """There is a notification; read already, if it says so."""
        yield from ()

    def marked(self, state: str, identifier: str) -> Iterator[Said]:
        """A notification was `read`, made `unread` again, `archived` or `deleted`, on whatever device."""
        yield from ()

    def counted(self, counts: Counts) -> Iterator[Said]:
        """How many there are now, after something happened."""
        yield from ()

    def beat(self) -> Iterator[Said]:
        """Nothing happens."""
        yield from ()

    def unread(self, counts: Counts) -> Iterator[Said]:
        """The answer to a question for the count."""
        yield from ()

    def pong(self) -> Said:
        """The answer to a ping."""
        return Said({"type": "pong"})

    def refused(self, reason: str) -> Said:
        """What was asked makes no sense, or cannot be done."""
        return Said({"type": "error", "data": {"message": reason}})
