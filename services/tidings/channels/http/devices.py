"""The routes of devices: where a user receives pushes, and the key to subscribe with."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post
from litestar.params import Parameter
from tidings.channels.http.device_tests import DeviceTests
from tidings.channels.http.requests import (
    BODY_LIMIT_BYTES,
    AfterParameter,
    AnyRequest,
    SettingsOwner,
    changed_response,
    parse_body,
)
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import OperationId, Statements, request_name
from tidings.contracts.http_bodies.devices import (
    DeviceRegistration,
    Devices,
    DeviceState,
    PushKey,
    PushTest,
    RegisteredDevice,
)
from tidings.contracts.http_bodies.settings import SettingsChanged
from tidings.contracts.ids import ID_LIMIT_CHARACTERS
from tidings.contracts.subjects import Person
from tidings.domains.addresses.events import DeviceRegistered, DeviceUnregistered
from tidings.domains.addresses.forms import TOKEN_LIMIT_CHARACTERS, TOKEN_PATTERN
from tidings.projections.preferences.settings import Device
from tidings.projections.preferences.values import DeviceValue
from tidings.runtime.http.guards import INBOX_SCOPE, Guard
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.settings import Settings

DEVICE_ID_BYTES = 16
NO_DEVICE = "you have no such device"
TOKEN_FAULT = f"must be the token of a push service, at most {TOKEN_LIMIT_CHARACTERS} characters"

DeviceParameter = Annotated[str, Parameter(min_length=1, max_length=ID_LIMIT_CHARACTERS)]
LIST = Operation(Devices, scope=INBOX_SCOPE, problems=(409, 503))
REGISTER = Operation(
    RegisteredDevice,
    bodies={JSON: DeviceRegistration},
    scope=INBOX_SCOPE,
    problems=(413, 422, 503),
    example={"kind": "fcm", "token": "token-of-the-app", "app": "Phone"},
)
UNREGISTER = Operation(SettingsChanged, scope=INBOX_SCOPE, problems=(404, 503))
TEST = Operation(PushTest, scope=INBOX_SCOPE, problems=(404, 409, 503))
KEY = Operation(PushKey, scope=INBOX_SCOPE, problems=(404,))


def handlers(
    settings: Settings, reader: SettingsReader, statements: Statements, guard: Guard
) -> list[Any]:
    """Return the route handlers of devices."""
    return [
        _list(settings, reader, guard),
        _register(reader, statements, guard),
        _unregister(reader, statements, guard),
        _test(reader, DeviceTests(settings), guard),
        _key(settings, guard),
    ]


def device_id(person: Person, registration: DeviceRegistration) -> str:
    """Return the id of a device of a user: the same user's same device has the same one."""
    subscription = registration.subscription
    place = subscription.endpoint if subscription else registration.token
    name = "\0".join((person.tenant, person.user, registration.kind, place or ""))
    digest = sha256(name.encode()).digest()[:DEVICE_ID_BYTES]
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _list(settings: Settings, reader: SettingsReader, guard: Guard) -> Any:
    has_webpush = bool(settings.vapid_private_key)

    @get("/v1/devices", guards=[guard], opt=operation_opt(LIST))
    async def devices(request: AnyRequest, after: AfterParameter = 0) -> Response[bytes]:
        """List the devices of the user that receive pushes."""
        current = await reader.read(SettingsOwner(request, "user").sender, after)
        body = Devices(
            devices=tuple(_state_of(each) for each in current.settings.devices),
            webpush=has_webpush,
        )
        return json_response(body)

    return devices


def _register(reader: SettingsReader, statements: Statements, guard: Guard) -> Any:
    @post(
        "/v1/devices",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(REGISTER),
    )
    async def register_device(request: AnyRequest, op: OperationId = None) -> Response[bytes]:
        """Register a device of the user; of more than 20, the oldest receives no more pushes.

        A device that is registered already stays as it is.
        """
        person = SettingsOwner(request, "user").sender
        body: DeviceRegistration = await parse_body(request, DeviceRegistration)
        _check_token(body.token)
        identifier = device_id(person, body)
        known = _find((await reader.read(person)).settings.devices, identifier)
        if known and _is_same(known, body):
            return json_response(RegisteredDevice(device_id=identifier, sequence=known.event))
        event = DeviceRegistered(
            user_id=person.user, device_id=identifier, **msgspec.structs.asdict(body)
        )
        sequence = await statements.append(person, [event], request_name(request, op))
        return json_response(RegisteredDevice(device_id=identifier, sequence=sequence))

    return register_device


def _unregister(reader: SettingsReader, statements: Statements, guard: Guard) -> Any:
    @delete(
        "/v1/devices/{device:str}", status_code=200, guards=[guard], opt=operation_opt(UNREGISTER)
    )
    async def unregister_device(
        request: AnyRequest, device: DeviceParameter, op: OperationId = None
    ) -> Response[bytes]:
        """Send no more pushes to a device of the user."""
        person = SettingsOwner(request, "user").sender
        await _require_device(reader, person, device)
        event = DeviceUnregistered(user_id=person.user, device_id=device)
        name = request_name(request, op)
        return changed_response(await statements.append(person, [event], name))

    return unregister_device


def _test(reader: SettingsReader, tests: DeviceTests, guard: Guard) -> Any:
    @post("/v1/devices/{device:str}/test", status_code=200, guards=[guard], opt=operation_opt(TEST))
    async def test_device(request: AnyRequest, device: DeviceParameter) -> Response[bytes]:
        """Push a test to a device of the user, and answer what its push service says."""
        person = SettingsOwner(request, "user").sender
        found, settings = await _require_device(reader, person, device)
        return json_response(await tests.push(person, found, settings))

    return test_device


def _key(settings: Settings, guard: Guard) -> Any:
    key = settings.vapid_key.public_text if settings.vapid_private_key else None

    @get("/v1/webpush/key", guards=[guard], opt=operation_opt(KEY), sync_to_thread=False)
    def push_key(request: AnyRequest) -> Response[bytes]:
        """Return the key by which browsers subscribe; 404 if no web push is sent."""
        if key is None:
            raise Problem(404, "not found", "web push is not set up (TIDINGS_VAPID_PRIVATE_KEY)")
        return json_response(PushKey(key=key))

    return push_key


async def _require_device(reader: SettingsReader, person: Person, identifier: str) -> Any:
    settings = (await reader.read_newest(person)).settings
    device = _find(settings.devices, identifier)
    if device is None:
        raise Problem(404, "not found", NO_DEVICE)
    return device, settings


def _find(devices: Sequence[Device], identifier: str) -> Device | None:
    return next((each for each in devices if each.id == identifier), None)


def _is_same(known: Device, registration: DeviceRegistration) -> bool:
    """Return whether a device is registered as it is, and receives pushes."""
    value = DeviceValue(**msgspec.structs.asdict(registration), registered=known.value.registered)
    return known.value == value and known.suppressed is None


def _check_token(token: str | None) -> None:
    if token is not None and (
        len(token) > TOKEN_LIMIT_CHARACTERS or not re.match(TOKEN_PATTERN, token)
    ):
        raise Problem(422, "not usable", TOKEN_FAULT, field="token")


def _state_of(device: Device) -> DeviceState:
    value, suppressed = device.value, device.suppressed
    reason: Any = suppressed.reason if suppressed else None
    return DeviceState(
        device_id=device.id,
        kind=value.kind,
        app=value.app,
        locale=value.locale,
        zone=value.zone,
        suppressed=reason,
        event=device.event,
    )
