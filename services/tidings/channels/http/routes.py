"""The routes of the channels: gives each the parts that it uses, and its guard."""

from __future__ import annotations

from typing import Any

from tidings.channels.http import (
    addresses,
    bounces,
    deliveries,
    devices,
    endpoints,
    preferences,
    quiet_hours,
    schedules,
    unsubscribe,
    webhook_secrets,
)
from tidings.channels.http import confirmations as confirmation_pages
from tidings.channels.http.confirmations import Confirmations
from tidings.channels.http.delivery_reader import DeliveryReader
from tidings.channels.http.delivery_requests import DeliveryRequests
from tidings.channels.http.endpoint_reader import EndpointReader
from tidings.channels.http.incidents import routes as incident_routes
from tidings.channels.http.pages import Pages
from tidings.channels.http.schedules import ScheduleReader
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import Statements
from tidings.channels.http.unsubscribe import Unsubscriptions
from tidings.channels.http.webhook_secrets import OwnWebhooks
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.confirmation_tokens import ConfirmationTokens
from tidings.runtime.http.guards import INBOX_SCOPE, make_guard
from tidings.runtime.process import Runtime
from tidings.runtime.unsubscribe_tokens import UnsubscribeTokens


def handlers(runtime: Runtime, access: Access) -> list[Any]:
    """Return the channels' route handlers."""
    reader, statements = SettingsReader(runtime), Statements(runtime)
    people, pages = make_guard(access, INBOX_SCOPE, ADMIN), Pages(runtime.settings)
    operators = make_guard(access, ADMIN)
    secret = runtime.settings.channel_key if runtime.settings.channel_secret else None
    confirmations = Confirmations(
        reader, statements, ConfirmationTokens(secret) if secret else None
    )
    unsubscriptions = Unsubscriptions(reader, statements, runtime.own_ids)
    of_tenant = EndpointReader(runtime, reader)
    return [
        bounces.handler(runtime, access),
        *preferences.handlers(reader, statements, people),
        *quiet_hours.handlers(statements, people),
        *devices.handlers(runtime.settings, reader, statements, people),
        *deliveries.handlers(
            DeliveryReader(runtime, reader), DeliveryRequests(runtime), people, operators
        ),
        *addresses.handlers(
            reader, statements, confirmations, runtime.settings.webhook_networks, people
        ),
        *endpoints.handlers(runtime.settings, of_tenant, statements, operators),
        *schedules.handlers(ScheduleReader(runtime, reader), statements, operators),
        *webhook_secrets.handlers(OwnWebhooks(runtime.settings, reader), statements, people),
        *incident_routes.handlers(runtime.settings, access, reader, of_tenant, statements),
        *confirmation_pages.handlers(confirmations, pages),
        *unsubscribe.handlers(
            unsubscriptions, UnsubscribeTokens(secret) if secret else None, pages
        ),
    ]
