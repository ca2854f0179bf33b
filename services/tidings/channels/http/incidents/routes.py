"""The routes of the incidents' settings, under `/api/v1/notifications`."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Response, delete, get, post, put
from litestar.handlers import BaseRouteHandler
from tidings.channels.http.endpoint_reader import EndpointReader
from tidings.channels.http.incidents.mail_tests import MailTests
from tidings.channels.http.incidents.preference_words import (
    ChangedPreferences,
    preference_events,
    preference_fields,
)
from tidings.channels.http.incidents.webhook_words import WebhookChange, WebhookTest
from tidings.channels.http.incidents.webhooks import IncidentWebhooks, append_events, understood
from tidings.channels.http.requests import BODY_LIMIT_BYTES, AnyRequest, IdParameter, parse_body
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import Statements
from tidings.channels.results import SendResult, Sent
from tidings.channels.webhook.post import WebhookClient, WebhookRequest
from tidings.channels.webhook.sign import WebhookSecrets
from tidings.runtime.auth.access import Access
from tidings.runtime.auth.emit_rights import ADMIN
from tidings.runtime.http.guards import INBOX_SCOPE, AnyConnection, Guard, admit, identity_of
from tidings.runtime.http.idempotency.middleware import DIALECT_OPT
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.settings import Settings

DIALECT = "incidents"
BASE = "/api/v1/notifications"
TEST_TYPE = "webhook.test"
DELETED = {"message": "Webhook deleted"}


def handlers(
    settings: Settings,
    access: Access,
    reader: SettingsReader,
    endpoints: EndpointReader,
    statements: Statements,
) -> list[Any]:
    """Return the route handlers of the incidents' settings."""
    people, admins = _guard(access, INBOX_SCOPE), _guard(access, ADMIN)
    return [
        *_preferences(reader, statements, people),
        *_webhooks(IncidentWebhooks(settings, endpoints, statements), admins),
        _test(settings, admins),
        _email_status(settings, people),
        _email_test(MailTests(settings), reader, people),
    ]


def _preferences(reader: SettingsReader, statements: Statements, guard: Guard) -> list[Any]:
    @get(f"{BASE}/preferences/me", guards=[guard], opt=_opt())
    async def preferences(request: AnyRequest) -> Response[bytes]:
        current = await reader.read(identity_of(request).person)
        return json_response(preference_fields(current.settings))

    @put(
        f"{BASE}/preferences/me",
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=_opt(body=ChangedPreferences),
    )
    async def change_preferences(request: AnyRequest) -> Response[bytes]:
        person = identity_of(request).person
        changed: ChangedPreferences = await parse_body(request, ChangedPreferences)
        settings = (await reader.read(person)).settings
        events = understood(lambda: list(preference_events(changed, settings, person.user)))
        after = await append_events(statements, person, events, request) if events else 0
        return json_response(preference_fields((await reader.read(person, after)).settings))

    return [preferences, change_preferences]


def _webhooks(webhooks: IncidentWebhooks, guard: Guard) -> list[Any]:
    @get(f"{BASE}/webhooks", guards=[guard], opt=_opt(ADMIN))
    async def all_webhooks(request: AnyRequest) -> Response[bytes]:
        return json_response(await webhooks.list_webhooks(identity_of(request).person.tenant))

    @post(
        f"{BASE}/webhooks",
        status_code=201,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=_opt(ADMIN, WebhookChange, 201),
    )
    async def add_webhook(request: AnyRequest) -> Response[bytes]:
        change: WebhookChange = await parse_body(request, WebhookChange)
        return json_response(await webhooks.save(request, change), 201)

    @get(f"{BASE}/webhooks/{{identifier:str}}", guards=[guard], opt=_opt(ADMIN))
    async def webhook(request: AnyRequest, identifier: IdParameter) -> Response[bytes]:
        tenant = identity_of(request).person.tenant
        return json_response(await webhooks.show(tenant, identifier))

    @put(
        f"{BASE}/webhooks/{{identifier:str}}",
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=_opt(ADMIN, WebhookChange),
    )
    async def change_webhook(request: AnyRequest, identifier: IdParameter) -> Response[bytes]:
        change: WebhookChange = await parse_body(request, WebhookChange)
        tenant = identity_of(request).person.tenant
        await webhooks.show(tenant, identifier)
        named = msgspec.structs.replace(change, name=identifier)
        return json_response(await webhooks.save(request, named))

    @delete(f"{BASE}/webhooks/{{identifier:str}}", status_code=200, guards=[guard], opt=_opt(ADMIN))
    async def delete_webhook(request: AnyRequest, identifier: IdParameter) -> Response[bytes]:
        await webhooks.delete(request, identifier)
        return json_response(DELETED)

    return [all_webhooks, add_webhook, webhook, change_webhook, delete_webhook]


def _test(settings: Settings, guard: Guard) -> Any:
    @post(
        f"{BASE}/webhooks/test",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=_opt(ADMIN, WebhookTest),
    )
    async def test_webhook(request: AnyRequest) -> Response[bytes]:
        if settings.channel_secret is None:
            raise Problem(409, "conflict", "TIDINGS_CHANNEL_SECRET is not set")
        test: WebhookTest = await parse_body(request, WebhookTest)
        secret = WebhookSecrets(settings.channel_key).secret_of(
            identity_of(request).person.tenant, TEST_TYPE, 1
        )
        body = msgspec.json.encode({"type": TEST_TYPE, "data": {}})
        began = time.perf_counter()
        async with WebhookClient(
            networks=settings.webhook_networks, ports=settings.webhook_port_numbers
        ) as client:
            result = await client.post_webhook(
                WebhookRequest(test.url, str(uuid4()), body, [secret])
            )
        return json_response(_test_result(result, time.perf_counter() - began))

    return test_webhook


def _email_status(settings: Settings, guard: Guard) -> Any:
    @get(f"{BASE}/email/status", guards=[guard], opt=_opt())
    async def email_status() -> Response[bytes]:
        return json_response({"enabled": settings.smtp_host is not None})

    return email_status


def _email_test(tests: MailTests, reader: SettingsReader, guard: Guard) -> Any:
    @post(
        f"{BASE}/email/test",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=_opt(),
    )
    async def test_email(request: AnyRequest) -> Response[bytes]:
        person = identity_of(request).person
        return json_response(await tests.mail(person, (await reader.read(person)).settings))

    return test_email


def _test_result(result: SendResult, seconds: float) -> dict[str, Any]:
    is_taken = isinstance(result, Sent)
    return {
        "success": is_taken,
        "status_code": int(result.code) if result.code.isdecimal() else None,
        "response_time_ms": round(seconds * 1000),
        "error": None if is_taken else result.code,
    }


def _guard(access: Access, scope: str) -> Guard:
    requests: Any = access.shared_buckets("request")

    async def admit_sender(connection: AnyConnection, _: BaseRouteHandler) -> None:
        await admit(access, connection, requests, scope, dialect=DIALECT)

    return admit_sender


def _opt(scope: str = INBOX_SCOPE, body: Any = None, status: int = 200) -> dict[str, Any]:
    operation = Operation(
        Any,
        status=status,
        bodies={JSON: body} if body else {},
        scope=scope,
        problems=(404, 409, 421, 422),
        dialect=DIALECT,
    )
    return {**operation_opt(operation), DIALECT_OPT: DIALECT}
