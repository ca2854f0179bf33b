"""The routes of the links by which a person turns off one kind of mail (RFC 8058).

Whoever has the link may use it, without a cookie and from any page. Reading it changes nothing:
scanners of mail do that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from litestar import Response, get, post
from tidings.channels.http.pages import HTML, AnyRequest, Button, Page, Pages
from tidings.channels.http.settings_reader import SettingsReader
from tidings.channels.http.statements import Statements
from tidings.channels.visible_text import clean_line
from tidings.contracts.channels import PREFERENCE_CHANNEL_OF
from tidings.contracts.http_bodies.settings import OneClick
from tidings.contracts.ids import OwnEventIds
from tidings.contracts.subjects import Person
from tidings.domains.preferences.events import PreferenceCleared, PreferenceSet
from tidings.projections.preferences.changes import preference_key
from tidings.projections.preferences.settings import PersonSettings, Preference
from tidings.projections.preferences.wanted import Facts, Wanted, wanted
from tidings.runtime.errors import Unavailable
from tidings.runtime.http.openapi import Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.unsubscribe_tokens import InvalidSeal, UnsubscribeTokens, Unsubscription

BODY_LIMIT_BYTES = 4096
FIELD, ONE_CLICK, UNDO = "List-Unsubscribe", "One-Click", "undo"
FINER_SCOPES = ("type", "group", "entity")

READ = Operation(str, media_type=HTML, problems=(404, 503))
TURN_OFF = Operation(
    str,
    media_type=HTML,
    bodies={"application/x-www-form-urlencoded": OneClick, "multipart/form-data": OneClick},
    problems=(404, 409, 413, 503),
    example={FIELD: ONE_CLICK},
)


class _Choice(NamedTuple):
    """What a person chose for the mails of a link, and what decides about them.

    `own` is their choice for the category and channel, `finer` are their more specific ones.
    """

    own: Preference | None
    finer: tuple[Preference, ...]
    word: Wanted

    @property
    def is_required(self) -> bool:
        return self.word.locked and self.word.how != "never"

    @property
    def is_off(self) -> bool:
        return _is_never(self.own) and all(map(_is_never, self.finer))

    def left_on(self, token: Unsubscription) -> Iterator[tuple[str, int]]:
        """Yield each scope that is to be turned off, and the event that states it now."""
        if not _is_never(self.own):
            yield _scope(token), self.own.event if self.own else 0
        for each in self.finer:
            if not _is_never(each):
                yield each.value.of, each.event

    def turned_off(self) -> Iterator[Preference]:
        """Yield the choices that were turned off with the category, or after it."""
        for each in (self.own, *self.finer):
            if each and self.own and _is_never(each) and each.event >= self.own.event:
                yield each


class Unsubscriptions:
    """Turns kinds of mail off and on again for the people that tokens name."""

    def __init__(
        self, reader: SettingsReader, statements: Statements, own_ids: OwnEventIds
    ) -> None:
        self._reader = reader
        self._statements = statements
        self._own_ids = own_ids

    async def choice(self, token: Unsubscription) -> _Choice:
        """Return what holds now, or nothing if the settings cannot be read."""
        with suppress(Unavailable):
            current = await self._reader.read_newest(_person(token))
            return _choice_in(current.settings, token)
        return _Choice(None, (), Wanted())

    async def turn_off(self, token: Unsubscription) -> bool:
        """Turn one kind of mail off; return False if the tenant requires it.

        What the person chose for this very type, entity or group would win over the category, so
        it is turned off too. Repeated, it states the same events: their ids are made of the
        delivery, and of what held before.
        """
        choice = await self.choice(token)
        if choice.is_required:
            return False
        for scope, before in choice.left_on(token):
            event = PreferenceSet(
                user_id=token.user, of=scope, channel=_channel(token), how="never", by=token.user
            )
            await self._state(token, event, before)
        return True

    async def turn_on(self, token: Unsubscription) -> None:
        """Take it back: what the person chose before holds again."""
        for off in (await self.choice(token)).turned_off():
            before = await self._reader.read_as_of(_person(token), off.event - 1)
            await self._state(token, _restored(token, off.value.of, before), off.event)

    async def _state(
        self, token: Unsubscription, event: PreferenceSet | PreferenceCleared, before: int
    ) -> None:
        # The id of an event about the category alone is as it was when there were no others.
        scope = "" if event.of == _scope(token) else f" {event.of}"
        what = f"{event.type} {before}{scope}"
        identifier = self._own_ids.delivery_event_id(what, token.delivery)
        await self._statements.append_with_id(_person(token), event, identifier)


def handlers(
    unsubscriptions: Unsubscriptions, tokens: UnsubscribeTokens | None, pages: Pages
) -> list[Any]:
    """Return the route handlers of these links; without a secret, none is valid."""
    return [_show(unsubscriptions, tokens, pages), _press(unsubscriptions, tokens, pages)]


def _show(unsubscriptions: Unsubscriptions, tokens: UnsubscribeTokens | None, pages: Pages) -> Any:
    @get("/u/{token:str}", opt=operation_opt(READ))
    async def show_unsubscription(request: AnyRequest, token: str) -> Response[bytes]:
        """Show what a link in a mail turns off, with a button; this changes nothing."""
        opened = _open(tokens, token)
        if opened is None:
            return pages.refuse(request)
        choice = await unsubscriptions.choice(opened)
        if choice.is_required:
            return pages.show(request, Page("required", _values(opened)))
        if choice.is_off:
            return pages.show(request, _off_page(opened))
        button = Button("unsubscribe-button", FIELD, ONE_CLICK)
        return pages.show(request, Page("unsubscribe", _values(opened), button))

    return show_unsubscription


def _press(unsubscriptions: Unsubscriptions, tokens: UnsubscribeTokens | None, pages: Pages) -> Any:
    @post(
        "/u/{token:str}",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        opt=operation_opt(TURN_OFF),
    )
    async def unsubscribe(request: AnyRequest, token: str) -> Response[bytes]:
        """Turn off one kind of mail, as its List-Unsubscribe-Post header says (RFC 8058).

        With `undo`, turn it on again. Repeating it changes nothing more.
        """
        opened = _open(tokens, token)
        if opened is None:
            return pages.refuse(request)
        fields = await _form_fields(request)
        if fields.get(FIELD) == ONE_CLICK:
            if not await unsubscriptions.turn_off(opened):
                return pages.show(request, Page("required", _values(opened), status=409))
            return pages.show(request, _off_page(opened))
        if fields.get(UNDO):
            await unsubscriptions.turn_on(opened)
            return pages.show(request, Page("restored", _values(opened)))
        raise Problem(400, "bad body", f"post `{FIELD}={ONE_CLICK}` as a form", field=FIELD)

    return unsubscribe


def _open(tokens: UnsubscribeTokens | None, token: str) -> Unsubscription | None:
    try:
        return tokens.open_token(token) if tokens else None
    except InvalidSeal:
        return None


async def _form_fields(request: AnyRequest) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _off_page(token: Unsubscription) -> Page:
    return Page("unsubscribed", _values(token), Button("undo-button", UNDO, "1"))


def _values(token: Unsubscription) -> dict[str, str]:
    return {"category": clean_line(token.category.replace("_", " ").capitalize())}


def _choice_in(settings: PersonSettings, token: Unsubscription) -> _Choice:
    facts = Facts(token.type, token.category, token.entity, token.group)
    channel = PREFERENCE_CHANNEL_OF[token.channel]
    own = _own_choice(settings, _scope(token), token)
    finer: dict[str, Preference] = {}
    # Of one scope, the choice that names the channel counts.
    for each in sorted(settings.preferences, key=lambda each: each.value.channel is not None):
        is_finer = not each.of_tenant and each.scope.kind in FINER_SCOPES
        if is_finer and wanted([each], facts, channel).event:
            finer[each.value.of] = each
    return _Choice(own, tuple(finer.values()), wanted(settings.preferences, facts, channel))


def _own_choice(settings: PersonSettings, scope: str, token: Unsubscription) -> Preference | None:
    key = preference_key(scope, _channel(token))
    return next(
        (
            each
            for each in settings.preferences
            if not each.of_tenant and preference_key(each.value.of, each.value.channel) == key
        ),
        None,
    )


def _restored(
    token: Unsubscription, scope: str, before: PersonSettings
) -> PreferenceSet | PreferenceCleared:
    """Return the event that states again what a person chose for a scope."""
    earlier = _own_choice(before, scope, token)
    if earlier is None:
        return PreferenceCleared(
            user_id=token.user, of=scope, channel=_channel(token), by=token.user
        )
    return PreferenceSet(
        user_id=token.user,
        of=scope,
        channel=_channel(token),
        how=earlier.value.how,
        after_seconds=earlier.value.after_seconds,
        digest=earlier.value.digest,
        by=token.user,
    )


def _is_never(preference: Preference | None) -> bool:
    return preference is not None and preference.value.how == "never"


def _person(token: Unsubscription) -> Person:
    return Person(token.tenant, token.user)


def _scope(token: Unsubscription) -> str:
    return f"category:{token.category}"


def _channel(token: Unsubscription) -> str:
    return PREFERENCE_CHANNEL_OF[token.channel]
