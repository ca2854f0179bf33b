"""The routes of a person's addresses."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from litestar import Response, delete, get, post
from tidings.channels.http.confirmations import Confirmations
from tidings.channels.http.requests import (
    BODY_LIMIT_BYTES,
    AfterParameter,
    AnyRequest,
    IdParameter,
    SettingsOwner,
    changed_response,
    parse_body,
)
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import (
    OperationId,
    Statements,
    check_event,
    request_name,
)
from tidings.contracts.http_bodies.settings import (
    AddressAdded,
    AddressSuppression,
    Confirmation,
    NewAddress,
    OwnAddress,
    OwnAddresses,
    SettingsChanged,
)
from tidings.contracts.subjects import Person
from tidings.domains.addresses.events import AddressGiven, AddressWithdrawn
from tidings.projections.preferences.settings import Address
from tidings.projections.preferences.values import ADDRESSES_LIMIT, SuppressedValue
from tidings.runtime.address_guard import FORBIDDEN, states_private_address
from tidings.runtime.confirmation_tokens import InvalidSeal
from tidings.runtime.http.guards import INBOX_SCOPE, Guard
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.web import json_response
from tidings.runtime.setting_values import Network

NAMESPACE = UUID("3b0d0f5e-2a7c-5f53-9e0c-5d5f8d1f6f6a")

READ = Operation(OwnAddresses, scope=INBOX_SCOPE, problems=(409, 503))
ADD = Operation(
    AddressAdded,
    bodies={JSON: NewAddress},
    scope=INBOX_SCOPE,
    problems=(409, 413, 422, 503),
    example={"channel": "email", "address": "amira@example.org"},
)
REMOVE = Operation(SettingsChanged, scope=INBOX_SCOPE, problems=(404, 503))
CONFIRM = Operation(
    SettingsChanged,
    bodies={JSON: Confirmation},
    scope=INBOX_SCOPE,
    problems=(404, 409, 413, 503),
    example={"token": "gAAAAABn"},
)


def handlers(
    reader: SettingsReader,
    statements: Statements,
    confirmations: Confirmations,
    networks: Collection[Network],
    guard: Guard,
) -> list[Any]:
    """Return the route handlers of addresses; `networks`: inner ones that webhooks may reach."""
    return [
        _read(reader, guard),
        _add(reader, statements, networks, guard),
        _remove(reader, statements, guard),
        _confirm(confirmations, guard),
    ]


def address_id(person: Person, channel: str, address: str) -> str:
    """Return the id of an address that a person gives: giving it again replaces it."""
    name = "\0".join((person.tenant, person.user, channel, address.casefold()))
    return str(uuid5(NAMESPACE, name))


def _read(reader: SettingsReader, guard: Guard) -> Any:
    @get("/v1/addresses", guards=[guard], opt=operation_opt(READ))
    async def addresses(request: AnyRequest, after: AfterParameter = 0) -> Response[bytes]:
        """List the caller's addresses, whether they are confirmed, and whether they work."""
        current = await reader.read(SettingsOwner(request, "user").person, after)
        own = tuple(map(_own_address, current.settings.addresses))
        return json_response(OwnAddresses(addresses=own, sequence=current.newest_change))

    return addresses


def _add(
    reader: SettingsReader, statements: Statements, networks: Collection[Network], guard: Guard
) -> Any:
    @post(
        "/v1/addresses",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(ADD),
    )
    async def add_address(request: AnyRequest, op: OperationId = None) -> Response[bytes]:
        """Give an address; a message goes there, and nothing else until it is confirmed.

        Giving it again sends that message again, at most 3 times a day.
        """
        person = SettingsOwner(request, "user").person
        body: NewAddress = await parse_body(request, NewAddress)
        event = AddressGiven(
            user_id=person.user,
            address_id=address_id(person, body.channel, body.address),
            channel=body.channel,
            address=body.address,
            label=body.label,
            service=body.service,
        )
        check_event(event)
        _require_reachable(body, networks)
        settings = (await reader.read(person)).settings
        others = [each for each in settings.addresses if each.id != event.address_id]
        if len(others) >= ADDRESSES_LIMIT:
            raise Problem(
                409, "too many", f"at most {ADDRESSES_LIMIT} addresses; withdraw one of them first"
            )
        sequence = await statements.append(person, [event], request_name(request, op))
        return json_response(AddressAdded(id=event.address_id, sequence=sequence))

    return add_address


def _require_reachable(body: NewAddress, networks: Collection[Network]) -> None:
    """Raise Problem if a web address is one of an inner network."""
    host = urlsplit(body.address).hostname if body.channel != "email" else None
    if host and states_private_address(host, networks):
        raise Problem(422, "not usable", FORBIDDEN, field="address")


def _remove(reader: SettingsReader, statements: Statements, guard: Guard) -> Any:
    @delete(
        "/v1/addresses/{identifier:str}",
        status_code=200,
        guards=[guard],
        opt=operation_opt(REMOVE),
    )
    async def withdraw_address(
        request: AnyRequest, identifier: IdParameter, op: OperationId = None
    ) -> Response[bytes]:
        """Withdraw an address: nothing is sent there any more."""
        person = SettingsOwner(request, "user").person
        settings = (await reader.read(person)).settings
        found = next((each for each in settings.addresses if each.id == identifier), None)
        if found is None:
            raise Problem(404, "not found", "you have no such address")
        event = AddressWithdrawn(
            user_id=person.user, address_id=identifier, channel=found.value.channel
        )
        return changed_response(await statements.append(person, [event], request_name(request, op)))

    return withdraw_address


def _confirm(confirmations: Confirmations, guard: Guard) -> Any:
    @post(
        "/v1/addresses/{identifier:str}/confirm",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(CONFIRM),
    )
    async def confirm_own_address(request: AnyRequest, identifier: IdParameter) -> Response[bytes]:
        """Confirm an address with the token of the message that was sent there."""
        person = SettingsOwner(request, "user").person
        body: Confirmation = await parse_body(request, Confirmation)
        try:
            claim = confirmations.open_token(body.token)
        except InvalidSeal:
            claim = None
        if claim is None or claim.person != person or claim.address_id != identifier:
            raise Problem(404, "not found", "this token is not valid for an address of yours")
        return changed_response(await confirmations.confirm(claim, body.token))

    return confirm_own_address


def _own_address(address: Address) -> OwnAddress:
    value = address.value
    return OwnAddress(
        id=address.id,
        channel=value.channel,
        address=value.address,
        label=value.label,
        service=value.service,
        confirmed=address.confirmed,
        suppressed=_suppression(address.suppressed),
        event=address.event,
    )


def _suppression(suppressed: SuppressedValue | None) -> AddressSuppression | None:
    """Return why an address is not used; a withdrawn one is not listed at all."""
    if suppressed is None or suppressed.reason == "withdrawn":
        return None
    return AddressSuppression(reason=suppressed.reason, code=suppressed.code)
