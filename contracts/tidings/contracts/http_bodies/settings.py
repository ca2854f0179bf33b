"""Bodies about what people want beyond the page: preferences, quiet hours, pauses, addresses."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from tidings.contracts.channels import AddressChannel, PreferenceChannel
from tidings.contracts.ids import Id
from tidings.contracts.notifications import Moment, Priority
from tidings.domains.addresses.events import AddressText, ChatService, Label
from tidings.domains.deliveries.events import SuppressionReason
from tidings.domains.preferences.events import (
    AFTER_LIMIT_SECONDS,
    CHANNELS_LIMIT,
    WINDOWS_LIMIT,
    DigestTime,
    How,
    Name,
    QuietWindow,
    ScopeText,
    TimezoneName,
)

CHANGES_LIMIT = 100

AfterSeconds = Annotated[float, Meta(ge=0, le=AFTER_LIMIT_SECONDS, multiple_of=1)]
"""A number such as `60.0` is whole too, as JSON Schema has it."""
Author = Literal["user", "tenant"]


class Because(Struct, frozen=True, kw_only=True):
    """Why something holds: the key of the setting that decides, and the event that states it.

    `event` is null for what the installation does unless somebody chooses.
    """

    row: str
    event: int | None


class ChannelChoice(Struct, frozen=True, kw_only=True):
    """How a category goes out on a channel. `locked`: the tenant requires it."""

    channel: PreferenceChannel
    how: How
    after_seconds: int | None
    digest: DigestTime | None
    because: Because
    locked: bool


class CategoryChoices(Struct, frozen=True, kw_only=True):
    """How a category goes out on each channel."""

    category: str
    channels: tuple[ChannelChoice, ...]


class StatedPreference(Struct, frozen=True, kw_only=True):
    """A preference as it was stated, by the user or for all of the tenant, in an event."""

    of: str
    channel: str | None
    how: How
    after_seconds: int | None
    digest: DigestTime | None
    required: bool
    by: Author
    event: int


class StatedQuietHours(Struct, frozen=True, kw_only=True):
    """Quiet hours as they were stated; those of the tenant hold for users who have none."""

    zone: str | None
    windows: tuple[QuietWindow, ...]
    channels: tuple[str, ...]
    by: Author
    event: int


class StatedPause(Struct, frozen=True, kw_only=True):
    """Nothing goes out before a time, except what is critical."""

    until: Moment
    event: int


class Preferences(Struct, frozen=True, kw_only=True):
    """What is wanted: by category and channel, and the settings that this comes from.

    `categories` is for notifications of `priority` without a more specific preference; those are in
    `preferences`. `zone`: the time zone of quiet hours and summaries. `sequence`: of the newest
    event that changed any of it.
    """

    priority: Priority
    categories: tuple[CategoryChoices, ...]
    preferences: tuple[StatedPreference, ...]
    quiet_hours: StatedQuietHours | None
    pause: StatedPause | None
    zone: str
    sequence: int


class PreferenceChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How something is wanted on a channel, or on all; or with `clear`, no longer.

    Either `how` or `clear` is needed. `after_seconds` goes with `unread`, `digest` with `digest`;
    `required` is for a tenant's.
    """

    of: ScopeText
    channel: Name | None = None
    how: How | None = None
    after_seconds: AfterSeconds | None = None
    digest: DigestTime | None = None
    required: bool = False
    clear: bool = False


class QuietHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times of the wall clock at which nothing is to disturb; they replace earlier ones.

    `zone`: if it is not that of the user. `channels`: those that are quiet; all of them if empty.
    """

    zone: TimezoneName | None = None
    windows: Annotated[tuple[QuietWindow, ...], Meta(min_length=1, max_length=WINDOWS_LIMIT)]
    channels: Annotated[tuple[Name, ...], Meta(max_length=CHANNELS_LIMIT)] = ()


class Pause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Do not disturb until a time."""

    until: Moment


class SettingsChanged(Struct, frozen=True, kw_only=True):
    """A change is in the log; `GET` with `after=<sequence>` has it."""

    sequence: int


class NewAddress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address to be reached at: a mailbox, or a web address by https.

    `service`: the product behind a chat's web address, which a chat needs.
    """

    channel: AddressChannel
    address: AddressText
    label: Label | None = None
    service: ChatService | None = None


class AddressSuppression(Struct, frozen=True, kw_only=True):
    """Why nothing is sent to an address: what came back, and its code."""

    reason: SuppressionReason
    code: str | None


class OwnAddress(Struct, frozen=True, kw_only=True):
    """An address of the caller's.

    Until it is `confirmed`, only the message that asks for it is sent there; while it is
    `suppressed`, nothing but that, and only if it is asked for.
    """

    id: Id
    channel: AddressChannel
    address: str
    label: str | None
    service: ChatService | None
    confirmed: bool
    suppressed: AddressSuppression | None
    event: int


class OwnAddresses(Struct, frozen=True, kw_only=True):
    """The caller's addresses, the earliest first; `sequence`: of the newest change of settings."""

    addresses: tuple[OwnAddress, ...]
    sequence: int


class AddressAdded(Struct, frozen=True, kw_only=True):
    """An address was given; the message that asks to confirm it is on its way."""

    id: Id
    sequence: int


class Confirmation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The token of the link that the confirming message has."""

    token: Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[A-Za-z0-9_=-]+\Z")]


class OneClick(
    Struct,
    frozen=True,
    kw_only=True,
    rename={"list_unsubscribe": "List-Unsubscribe"},
):
    """What a provider of mail posts (RFC 8058); a page posts `undo` instead, to take it back."""

    list_unsubscribe: Literal["One-Click"] | None = None
    undo: Literal["1"] | None = None


class PressedConfirm(Struct, frozen=True, kw_only=True):
    """What the button of the page of a confirming link posts."""

    confirm: Literal["1"] | None = None
