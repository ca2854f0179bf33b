"""What a push says: texts, address and buttons of a notification, or of a summary; pure."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import urljoin

from msgspec import Struct
from tidings.channels.decider.lane import Letter
from tidings.channels.visible_text import clean_line, clean_link, clean_text
from tidings.channels.words import Words
from tidings.contracts.graphemes import cut_text
from tidings.contracts.notifications import Notification
from tidings.contracts.page_addresses import safe_address
from tidings.projections.preferences.settings import Device

PUSH_TTL_SECONDS = 4 * 3600
"""A push that a device did not get by then tells of nothing new."""
BODY_LIMIT_CHARACTERS = 600
TOPIC_BYTES = 16


class PushButton(Struct, frozen=True):
    """A button: `action` is its name in addresses, `title` its label."""

    action: str
    title: str


class PushContent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payload of a push, as devices read it.

    `id`: the newest notification; `tag`: one shown notification replaces another of the same, that
    of its group. `device`: for whom it is; a browser in which another user signed in since then
    shows nothing. `url`: absolute, or relative to the product. Without a `title`, the device
    fetches the notification.
    """

    id: str
    tag: str
    device: str
    locale: str
    title: str | None = None
    body: str = ""
    url: str | None = None
    actions: tuple[PushButton, ...] = ()

    def short(self) -> PushContent:
        """Return it without what it says."""
        return PushContent(id=self.id, tag=self.tag, device=self.device, locale=self.locale)


def push_content(
    letter: Letter, device: Device, words: Words, *, product_url: str | None, id_only: bool
) -> PushContent:
    """Return what a push to a device says."""
    newest = letter.notifications[-1]
    locale = words.best_locale(device.value.locale or letter.settings.locale or "")
    content = PushContent(
        id=newest.id,
        tag=letter.delivery if letter.summary else tag_of(newest),
        device=device.id,
        locale=locale,
    )
    if id_only:
        return content
    if letter.summary:
        return _summary(content, letter, words, locale)
    return PushContent(
        id=content.id,
        tag=content.tag,
        device=content.device,
        locale=locale,
        title=clean_line(newest.title) or "–",
        body=cut_text(clean_text(newest.message), BODY_LIMIT_CHARACTERS),
        url=_url_of(newest, product_url),
        actions=tuple(PushButton(each.name, clean_line(each.label)) for each in newest.actions),
    )


def tag_of(notification: Notification) -> str:
    """Return what a later push of the same group or notification replaces."""
    return notification.group or notification.id


def topic_of(letter: Letter, tag: str) -> str:
    """Return the 22 characters of base64url that stand for a tag of a person."""
    name = "\0".join((letter.person.tenant, letter.person.user, tag))
    digest = sha256(name.encode()).digest()[:TOPIC_BYTES]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def ttl_seconds(letter: Letter) -> int:
    """Return for how long a push service keeps a push for a device that cannot be reached."""
    expires = letter.notifications[-1].expires
    left = (expires - letter.at).total_seconds() if expires else PUSH_TTL_SECONDS
    return max(0, min(PUSH_TTL_SECONDS, int(left)))


def _summary(content: PushContent, letter: Letter, words: Words, locale: str) -> PushContent:
    titles = [clean_line(each.title) for each in reversed(letter.notifications)]
    return PushContent(
        id=content.id,
        tag=content.tag,
        device=content.device,
        locale=locale,
        title=words.text("summary", locale, {"total": letter.total}),
        body=cut_text("\n".join(titles), BODY_LIMIT_CHARACTERS),
    )


def _url_of(notification: Notification, product_url: str | None) -> str | None:
    """Return the address of the page that a notification is about, None if it has none."""
    address = safe_address(notification.entity.url) if notification.entity else None
    if address is None or clean_link(address):
        return address
    return clean_link(urljoin(product_url, address)) if product_url else address
