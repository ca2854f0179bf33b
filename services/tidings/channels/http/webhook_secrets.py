"""The routes of the secrets of people's own webhooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Response, get, post
from tidings.channels.http.requests import AnyRequest, IdParameter, SettingsOwner
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import OperationId, Statements, request_name
from tidings.channels.webhook.sign import WebhookSecrets, shown_secret
from tidings.contracts.http_bodies.endpoints import EndpointSecret
from tidings.contracts.subjects import Person
from tidings.domains.addresses.events import AddressGiven
from tidings.projections.preferences.settings import Address
from tidings.runtime.http.guards import INBOX_SCOPE, Guard
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.settings import Settings

OVERLAP = timedelta(days=1)
"""For so long after a rotation, the secret before signs too."""
PATH = "/v1/addresses/{identifier:str}"
SECRET = Operation(EndpointSecret, scope=INBOX_SCOPE, problems=(404, 409, 503))


class OwnWebhooks:
    """The webhooks of people, and their secrets."""

    def __init__(self, settings: Settings, reader: SettingsReader) -> None:
        self._reader = reader
        self._secrets = WebhookSecrets(settings.channel_key) if settings.channel_secret else None

    async def webhook(self, person: Person, identifier: str) -> Address:
        """Return a webhook of a person; raises Problem (404)."""
        for each in (await self._reader.read_newest(person)).settings.addresses:
            if each.id == identifier and each.value.channel == "webhook":
                return each
        raise Problem(404, "not found", "you have no such webhook")

    def secret(self, person: Person, webhook: Address, generation: int) -> str:
        """Return a secret as receivers enter it; raises Problem (409)."""
        if self._secrets is None:
            detail = "TIDINGS_CHANNEL_SECRET is not set, so nothing can be signed"
            raise Problem(409, "conflict", detail)
        return shown_secret(self._secrets.address_secret(person, webhook.id, generation))


def handlers(webhooks: OwnWebhooks, statements: Statements, guard: Guard) -> list[Any]:
    """Return the route handlers of secrets."""

    @get(f"{PATH}/secret", guards=[guard], opt=operation_opt(SECRET))
    async def webhook_secret(request: AnyRequest, identifier: IdParameter) -> Response[bytes]:
        """Return the secret that verifies what is posted to a webhook of the caller's."""
        person = SettingsOwner(request, "user").person
        webhook = await webhooks.webhook(person, identifier)
        value = webhook.value
        return json_response(
            EndpointSecret(
                id=webhook.id,
                secret=webhooks.secret(person, webhook, value.generation),
                generation=value.generation,
                sequence=webhook.event,
                previous_until=value.previous_until,
            )
        )

    @post(f"{PATH}/rotate", status_code=200, guards=[guard], opt=operation_opt(SECRET))
    async def rotate_webhook_secret(
        request: AnyRequest, identifier: IdParameter, op: OperationId = None
    ) -> Response[bytes]:
        """Give a webhook another secret; for a day, the one before signs too."""
        person = SettingsOwner(request, "user").person
        webhook = await webhooks.webhook(person, identifier)
        if not webhook.confirmed:
            raise Problem(409, "conflict", "this webhook is not confirmed yet")
        event = rotated(person, webhook, datetime.now(UTC) + OVERLAP)
        secret = webhooks.secret(person, webhook, event.generation)
        sequence = await statements.append(person, [event], request_name(request, op))
        return json_response(
            EndpointSecret(
                id=webhook.id,
                secret=secret,
                generation=event.generation,
                sequence=sequence,
                previous_until=event.previous_until,
            )
        )

    return [webhook_secret, rotate_webhook_secret]


def rotated(person: Person, webhook: Address, previous_until: datetime) -> AddressGiven:
    """Return the event that gives a confirmed webhook the secret of the next generation."""
    value = webhook.value
    return AddressGiven(
        user_id=person.user,
        address_id=webhook.id,
        channel=value.channel,
        address=value.address,
        label=value.label,
        generation=value.generation + 1,
        previous_until=previous_until,
        confirmed=True,
    )
