"""The routes of the links by which a person confirms an address; reading one changes nothing."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Any

from litestar import Response, get, post
from tidings.channels.http.pages import HTML, AnyRequest, Button, Page, Pages
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import Statements
from tidings.channels.masking import mask_address
from tidings.contracts.http_bodies.settings import PressedConfirm
from tidings.domains.addresses.events import AddressConfirmed
from tidings.projections.preferences.settings import Address
from tidings.runtime.confirmation_tokens import AddressClaim, ConfirmationTokens, InvalidSeal
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem

BODY_LIMIT_BYTES = 4096

READ = Operation(str, media_type=HTML, problems=(404, 503))
PRESS = Operation(
    str,
    media_type=HTML,
    bodies={"application/x-www-form-urlencoded": PressedConfirm},
    problems=(404, 409, 413, 503),
    example={"confirm": "1"},
)


class Confirmations:
    """Confirms addresses by tokens; without a secret, none is valid."""

    def __init__(
        self, reader: SettingsReader, statements: Statements, tokens: ConfirmationTokens | None
    ) -> None:
        self._reader = reader
        self._statements = statements
        self._tokens = tokens

    def open_token(self, token: str) -> AddressClaim:
        """Return what a token stands for; raises InvalidSeal."""
        if self._tokens is None:
            raise InvalidSeal("this installation sends nothing")
        return self._tokens.open_token(token, time.time())

    async def address(self, claim: AddressClaim) -> Address | None:
        """Return the address of a claim; None if it was withdrawn, or is another one now."""
        settings = (await self._reader.read_newest(claim.person)).settings
        return next(
            (
                each
                for each in settings.addresses
                if each.id == claim.address_id and each.value.address == claim.address
            ),
            None,
        )

    async def confirm(self, claim: AddressClaim, token: str) -> int:
        """Confirm an address and return the sequence; a token does so once.

        Raises Problem if the address was withdrawn.
        """
        if await self.address(claim) is None:
            raise Problem(409, "conflict", "the address was withdrawn; give it again")
        event = AddressConfirmed(
            user_id=claim.user,
            address_id=claim.address_id,
            channel=claim.channel,
            address=claim.address,
        )
        name = sha256(token.encode()).hexdigest()
        return await self._statements.append(claim.person, [event], name)


def handlers(confirmations: Confirmations, pages: Pages) -> list[Any]:
    """Return the route handlers of the links in confirming messages."""
    return [_show(confirmations, pages), _press(confirmations, pages)]


def _show(confirmations: Confirmations, pages: Pages) -> Any:
    @get("/confirm/{token:str}", opt=operation_opt(READ))
    async def show_confirmation(request: AnyRequest, token: str) -> Response[bytes]:
        """Show which address a link confirms, with a button; this changes nothing."""
        claim = await _open(confirmations, token)
        if claim is None:
            return pages.refuse(request)
        button = Button("confirm-button", "confirm", "1")
        return pages.show(request, Page("confirm", _values(claim), button))

    return show_confirmation


def _press(confirmations: Confirmations, pages: Pages) -> Any:
    @post(
        "/confirm/{token:str}",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=operation_opt(PRESS),
    )
    async def confirm_address(request: AnyRequest, token: str) -> Response[bytes]:
        """Confirm the address that a link was sent to."""
        claim = await _open(confirmations, token)
        if claim is None:
            return pages.refuse(request)
        await confirmations.confirm(claim, token)
        return pages.show(request, Page("confirmed", _values(claim)))

    return confirm_address


async def _open(confirmations: Confirmations, token: str) -> AddressClaim | None:
    try:
        claim = confirmations.open_token(token)
    except InvalidSeal:
        return None
    return claim if await confirmations.address(claim) else None


def _values(claim: AddressClaim) -> dict[str, str]:
    return {"address": mask_address(claim.address)}
