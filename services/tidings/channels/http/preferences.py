"""The routes of preferences: what is wanted on which channel, and why; and changes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from msgspec import Meta
from tidings.channels.http.choices import locking_word, preferences_of
from tidings.channels.http.requests import (
    BODY_LIMIT_BYTES,
    AfterParameter,
    AnyRequest,
    OwnerParameter,
    SettingsOwner,
    changed_response,
    parse_body,
)
from tidings.channels.http.settings_reader import CurrentSettings, SettingsReader
from tidings.channels.http.statements import (
    OperationId,
    Statements,
    check_event,
    request_name,
)
from tidings.contracts.documents.schema import Schema, Schemas
from tidings.contracts.event import Event
from tidings.contracts.http_bodies.settings import (
    CHANGES_LIMIT,
    PreferenceChange,
    Preferences,
    SettingsChanged,
)
from tidings.contracts.notifications import Priority
from tidings.domains.preferences.events import PreferenceCleared, PreferenceSet
from tidings.projections.preferences.changes import preference_key
from tidings.projections.preferences.values import PREFERENCES_LIMIT
from tidings.runtime.http.etag import conditional_response
from tidings.runtime.http.guards import INBOX_SCOPE, Guard
from tidings.runtime.http.openapi import JSON, Operation, operation_opt
from tidings.runtime.http.problem import Problem
from tidings.runtime.http.static_file import matches_etag

Changes = Annotated[list[PreferenceChange], Meta(min_length=1, max_length=CHANGES_LIMIT)]


def changes_schema(schemas: Schemas) -> Schema:
    """Return the schema of the changes of one request."""
    return schemas.schema_of(Changes)


HEADER: dict[str, Any] = {"in": "header", "required": False, "schema": {"type": "string"}}
READ = Operation(
    Preferences,
    scope=INBOX_SCOPE,
    problems=(409, 503),
    parameters=({"name": "If-None-Match", **HEADER},),
    headers={"ETag": {"type": "string"}, "Cache-Control": {"type": "string"}},
    without_body={304: "Nothing has changed."},
)
CHANGE = Operation(
    SettingsChanged,
    bodies={JSON: changes_schema},
    scope=INBOX_SCOPE,
    problems=(409, 412, 413, 422, 503),
    parameters=({"name": "If-Match", **HEADER},),
    example=[{"of": "category:task", "channel": "email", "how": "never"}],
)


def handlers(reader: SettingsReader, statements: Statements, guard: Guard) -> list[Any]:
    """Return the route handlers of preferences."""
    return [_read(reader, guard), _change(reader, statements, guard)]


def _read(reader: SettingsReader, guard: Guard) -> Any:
    @get("/v1/preferences", guards=[guard], opt=operation_opt(READ))
    async def preferences(
        request: AnyRequest,
        owner: OwnerParameter = "user",
        priority: Priority = "normal",
        after: AfterParameter = 0,
    ) -> Response[bytes]:
        """Say how each category goes out on each channel, and whose word that is.

        Besides, all settings that this comes from. 304 if nothing has changed.
        """
        person = SettingsOwner(request, owner).person
        current = await reader.read(person, after)
        body = preferences_of(current.settings, priority, current.newest_change)
        return conditional_response(
            msgspec.json.encode(body), current.etag, request.headers.get("if-none-match")
        )

    return preferences


def _change(reader: SettingsReader, statements: Statements, guard: Guard) -> Any:
    @post(
        "/v1/preferences",
        status_code=200,
        request_max_body_size=BODY_LIMIT_BYTES,
        guards=[guard],
        opt=operation_opt(CHANGE),
    )
    async def change_preferences(
        request: AnyRequest, owner: OwnerParameter = "user", op: OperationId = None
    ) -> Response[bytes]:
        """Change preferences, all or none.

        409 if the tenant requires something else; with `If-Match`, 412 if the settings changed
        since they were read. The answer's `sequence` is that of the last event.
        """
        whose = SettingsOwner(request, owner)
        changes: list[PreferenceChange] = await parse_body(request, Changes)
        events = [_event(change, place, whose) for place, change in enumerate(changes)]
        if_match = request.headers.get("if-match")
        current = await (reader.read_newest if if_match else reader.read)(whose.person)
        if if_match and not matches_etag(current.etag, if_match):
            raise Problem(412, "precondition failed", "the settings have changed; read them again")
        _require_possible(changes, current, whose)
        name = request_name(request, op)
        return changed_response(await statements.append(whose.sender, events, name))

    return change_preferences


def _event(change: PreferenceChange, place: int, whose: SettingsOwner) -> Event:
    """Return the event of a change; raises Problem if it cannot be used."""
    path = f"[{place}]."
    if fault := next(_faults(change, whose), None):
        raise Problem(422, "not usable", fault[1], field=f"{path}{fault[0]}")
    if change.how is None:
        event: Event = PreferenceCleared(
            user_id=whose.user_id, of=change.of, channel=change.channel, by=whose.sender.user
        )
    else:
        event = PreferenceSet(
            user_id=whose.user_id,
            of=change.of,
            channel=change.channel,
            how=change.how,
            after_seconds=_whole(change.after_seconds),
            digest=change.digest,
            required=change.required,
            by=whose.sender.user,
        )
    check_event(event, path)
    return event


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _faults(change: PreferenceChange, whose: SettingsOwner) -> Iterator[tuple[str, str]]:
    if change.clear == (change.how is not None):
        yield "how", "state either `how` or `clear: true`"
    if change.clear and (change.after_seconds is not None or change.digest or change.required):
        yield "clear", "goes with `of` and `channel` only"
    if change.required and not whose.is_tenant:
        yield "required", "only a tenant can require it: `?of=tenant`, with the scope `admin`"


def _require_possible(
    changes: Sequence[PreferenceChange], current: CurrentSettings, whose: SettingsOwner
) -> None:
    """Raise Problem if the tenant requires something else, or there would be too many."""
    for place, change in enumerate(changes):
        word = None if whose.is_tenant else locking_word(current.settings, change)
        if word:
            detail = f"the tenant requires it: `{word.row}`, by event {word.event}"
            raise Problem(409, "locked", detail, field=f"[{place}].how", reason=word.row)
    keys = {
        preference_key(each.value.of, each.value.channel)
        for each in current.settings.preferences
        if each.of_tenant == whose.is_tenant
    }
    for change in changes:
        key = preference_key(change.of, change.channel)
        keys = keys - {key} if change.clear else keys | {key}
    if len(keys) > PREFERENCES_LIMIT:
        detail = f"at most {PREFERENCES_LIMIT} preferences; clear some of them first"
        raise Problem(409, "too many", detail)
