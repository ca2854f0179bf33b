"""The sender of webhooks to people's own addresses: signed, one request for each delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from tidings.channels.confirmation_links import ConfirmationLinks
from tidings.channels.decider.lane import Letter
from tidings.channels.decider.places import Place
from tidings.channels.results import Failed, SendResult
from tidings.channels.webhook.post import BODY_LIMIT_BYTES, WebhookClient, WebhookRequest
from tidings.channels.webhook.sign import WebhookSecrets
from tidings.contracts.notifications import Notification
from tidings.contracts.subjects import Person
from tidings.projections.preferences.settings import Address
from yarl import URL

CONFIRMATION_TYPE = "address.confirmation_requested"
SUMMARY_TYPE = "notifications.summary"
SHOWN_FIELDS = (
    *("id", "type", "category", "level", "priority", "title", "message", "data", "entity"),
    *("references", "actor", "group", "count", "actions", "created", "occurred", "expires"),
)
"""What a webhook says of a notification; all else concerns Tidings only."""

_encoder = msgspec.json.Encoder()


class WebhookSender:
    """Posts notifications to the address that a person gave for them."""

    def __init__(
        self, client: WebhookClient, secrets: WebhookSecrets, links: ConfirmationLinks
    ) -> None:
        self.client = client
        self.secrets = secrets
        self._links = links

    async def send(self, letter: Letter) -> SendResult:
        """Post one delivery; each time that it is repeated, its `webhook-id` is the same."""
        place = letter.place
        if not isinstance(place, Address):
            return Failed(reason="invalid", code="no_address")
        request = WebhookRequest(
            place.value.address,
            letter.delivery,
            webhook_body(letter, self._links.link_for(letter)),
            address_secrets(self.secrets, letter.person, place, letter.at),
        )
        return await self.client.post_webhook(request)


def webhook_host(place: Place) -> str:
    """Return the host of an address of the web; an empty one if it has none."""
    return host_name(place.value.address) if isinstance(place, Address) else ""


def host_name(address: str) -> str:
    """Return the host of an address of the web, with its port; an empty one if it has none."""
    try:
        url = URL(address)
        return f"{url.host}:{url.port}" if url.host else ""
    except ValueError:
        return ""


def address_secrets(
    secrets: WebhookSecrets, person: Person, address: Address, at: datetime
) -> Sequence[bytes]:
    """Return the secrets that sign for an address: for a while after a rotation, two."""
    value = address.value
    return [
        secrets.address_secret(person, address.id, generation)
        for generation in valid_generations(value.generation, value.previous_until, at)
    ]


def valid_generations(
    generation: int, previous_until: datetime | None, at: datetime
) -> Sequence[int]:
    """Return the generations of secrets that sign at a moment, the newest first."""
    is_previous_valid = generation > 1 and previous_until is not None and at < previous_until
    return (generation, generation - 1) if is_previous_valid else (generation,)


def webhook_body(letter: Letter, confirm_url: str | None = None) -> bytes:
    """Return what is posted: `{type, timestamp, data}`, as the Standard Webhooks have it.

    What is too large goes without the event's own data, and of a summary only the newest go.
    `confirm_url`: the page that confirms the address, for a letter that asks for it.
    """
    if confirm_url:
        data = {"user_id": letter.person.user, "confirm_url": confirm_url}
        return _encoder.encode(
            {"type": CONFIRMATION_TYPE, "timestamp": letter.notifications[-1].created, "data": data}
        )
    if not letter.summary:
        notification = letter.notifications[-1]
        body = _notification_body(letter, _shown(notification))
        if len(body) < BODY_LIMIT_BYTES:
            return body
        return _notification_body(letter, {**_shown(notification), "data": {}})
    shown: list[dict[str, Any]] = [{**_shown(each), "data": {}} for each in letter.notifications]
    body = _summary_body(letter, shown)
    while len(body) >= BODY_LIMIT_BYTES and len(shown) > 1:
        shown = shown[(len(shown) + 1) // 2 :]
        body = _summary_body(letter, shown)
    return body


def _notification_body(letter: Letter, shown: Mapping[str, Any]) -> bytes:
    return _encoder.encode(
        {
            "type": shown["type"],
            "timestamp": shown["created"],
            "data": {"user_id": letter.person.user, "notification": shown},
        }
    )


def _summary_body(letter: Letter, shown: Sequence[Mapping[str, Any]]) -> bytes:
    return _encoder.encode(
        {
            "type": SUMMARY_TYPE,
            "timestamp": shown[-1]["created"],
            "data": {
                "user_id": letter.person.user,
                "total": letter.total,
                "notifications": shown,
            },
        }
    )


def _shown(notification: Notification) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(notification, name) for name in SHOWN_FIELDS}
    return {name: value for name, value in fields.items() if value not in (None, (), {})}
