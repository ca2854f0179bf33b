"""Settings as of an event: given, replaced, confirmed, suppressed and withdrawn by then."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from tidings.contracts.codec import encode
from tidings.contracts.event import Event
from tidings.contracts.subjects import Person, Subjects
from tidings.domains.addresses.events import (
    AddressConfirmed,
    AddressGiven,
    AddressWithdrawn,
    ChannelRestored,
    DeviceRegistered,
)
from tidings.domains.deliveries.events import ChannelSuppressed
from tidings.domains.endpoints.events import EndpointRegistered
from tidings.domains.people.events import TenantConfigured, UserJoined, UserLeft
from tidings.domains.preferences.events import (
    PauseSet,
    PreferenceCleared,
    PreferenceSet,
    QuietHoursSet,
    QuietWindow,
)
from tidings.projections.preferences.queries import SETTINGS_AS_OF, settings_owners
from tidings.projections.preferences.settings import PersonSettings, Settings, read_settings
from tidings.projections.preferences.values import DEVICES_LIMIT, PROFILE_ADDRESS
from tidings.projections.projection import LogMessage
from tidings.runtime.process import Runtime
from tidings.runtime.readmodels.read_model import ReadModel

from tests.projections.folding import fold, roll_back

ANN = Person("acme", "ann")
JOINED = UserJoined(
    user_id="ann", email="ann@example.org", locale="de_CH", timezone="Europe/Zurich"
)
GIVEN = AddressGiven(user_id="ann", address_id="a-1", channel="email", address="a@example.org")
CONFIRMED = AddressConfirmed(
    user_id="ann", address_id="a-1", channel="email", address="a@example.org"
)
SUPPRESSED = ChannelSuppressed(user_id="ann", address_id="a-1", reason="bounced", code="550")
PROFILE_BOUNCED = ChannelSuppressed(user_id="ann", address_id=PROFILE_ADDRESS, reason="bounced")
QUIET = QuietHoursSet(windows=(QuietWindow(days=("mon",), begin="22:00", until="07:00"),))


def log_of(events: Iterable[Event]) -> list[LogMessage]:
    """Return events of a tenant as the log has them, from sequence 1 on."""
    subjects = Subjects(1)
    attributes = {"specversion": "1.0", "source": "/tests", "tenant": "acme"}
    return [
        LogMessage(
            subjects.event_subject("acme", event.type, None),
            encode({**attributes, "id": str(number), "type": event.type, "data": event}),
            number,
            number,
        )
        for number, event in enumerate(events, start=1)
    ]


@pytest.fixture
def preferences_model(models: dict[str, ReadModel]) -> ReadModel:
    return models["preferences"]


async def settings_after(
    runtime: Runtime, model: ReadModel, events: list[Event], as_of: int | None = None
) -> Settings:
    """Return the settings of a tenant after events, or as of an earlier one of them."""
    query = SETTINGS_AS_OF.replace("preferences.setting", f"{model.schema}.setting")
    parameters = {
        "owners": json.dumps(settings_owners([ANN])),
        "as_of": len(events) if as_of is None else as_of,
    }
    async with roll_back(runtime.postgres) as connection:
        await fold(connection, model, [log_of(events)])
        rows = await (await connection.execute(query.encode(), parameters)).fetchall()
    return read_settings([ANN], rows)


async def test_a_profile_gives_the_first_address_the_locale_and_the_zone(
    runtime: Runtime, preferences_model: ReadModel
) -> None:
    given: list[Event] = [TenantConfigured(timezone="Asia/Tokyo"), JOINED]

    ann = (await settings_after(runtime, preferences_model, given)).people[ANN]

    (address,) = ann.addresses
    assert (address.id, address.value.address) == (PROFILE_ADDRESS, "ann@example.org")
    assert address.confirmed
    assert (ann.locale, ann.zones) == ("de-ch", ("Europe/Zurich", "Asia/Tokyo"))


async def test_settings_are_those_as_of_the_event(
    runtime: Runtime, preferences_model: ReadModel
) -> None:
    log: list[Event] = [
        PreferenceSet(user_id="ann", of="all", channel="email", how="never"),
        PreferenceSet(user_id="ann", of="all", channel="email", how="now"),
        PreferenceSet(of="all", how="digest"),
        PreferenceCleared(user_id="ann", of="all", channel="email"),
        QUIET,
        PauseSet(user_id="ann", until=datetime(2026, 1, 1, tzinfo=UTC)),
        PauseSet(user_id="ann"),
        JOINED,
        UserLeft(user_id="ann"),
    ]

    seen: list[PersonSettings] = [
        (await settings_after(runtime, preferences_model, log, as_of)).people[ANN]
        for as_of in range(len(log) + 1)
    ]

    assert [[each.row for each in one.preferences] for one in seen[:5]] == [
        [],
        ["user all email never"],
        ["user all email now"],
        ["user all email now", "tenant all * digest"],
        ["tenant all * digest"],
    ]
    assert [one.quiet is not None for one in seen[4:6]] == [False, True]
    assert [one.pause is not None for one in seen[5:8]] == [False, True, False]
    assert [len(one.addresses) for one in seen[7:]] == [0, 1, 0]
    assert seen[-1] == PersonSettings(preferences=seen[4].preferences, quiet=seen[5].quiet)


@pytest.mark.parametrize(
    ("events", "confirmed", "suppressed"),
    [
        ([GIVEN], False, False),
        ([GIVEN, CONFIRMED], True, False),
        ([GIVEN, CONFIRMED, SUPPRESSED], True, True),
        ([GIVEN, SUPPRESSED, CONFIRMED], True, False),
        ([GIVEN, CONFIRMED, SUPPRESSED, GIVEN], True, False),
        ([GIVEN, SUPPRESSED, ChannelRestored(user_id="ann", address_id="a-1")], False, False),
        (
            [
                *(GIVEN, CONFIRMED),
                AddressGiven(
                    user_id="ann", address_id="a-1", channel="email", address="b@example.org"
                ),
            ],
            False,
            False,
        ),
        ([JOINED, PROFILE_BOUNCED, JOINED], True, True),
        (
            [JOINED, PROFILE_BOUNCED, UserJoined(user_id="ann", email="b@example.org")],
            True,
            False,
        ),
    ],
)
async def test_an_address_is_used_while_it_is_confirmed_and_not_suppressed(
    runtime: Runtime,
    preferences_model: ReadModel,
    events: list[Event],
    confirmed: bool,
    suppressed: bool,
) -> None:
    settings = await settings_after(runtime, preferences_model, events)

    (address,) = settings.people[ANN].addresses
    assert (address.confirmed, address.suppressed is not None) == (confirmed, suppressed)


@pytest.mark.parametrize("address", ["a-1", PROFILE_ADDRESS])
async def test_a_withdrawn_address_stays_so_when_the_profile_is_stated_again(
    runtime: Runtime, preferences_model: ReadModel, address: str
) -> None:
    events: list[Event] = [
        JOINED,
        GIVEN,
        AddressWithdrawn(user_id="ann", address_id=address),
        JOINED,
    ]

    settings = await settings_after(runtime, preferences_model, events)

    assert address not in [each.id for each in settings.people[ANN].addresses]
    assert len(settings.people[ANN].addresses) == 1


async def test_one_device_too_many_replaces_the_oldest(
    runtime: Runtime, preferences_model: ReadModel
) -> None:
    events: list[Event] = [
        DeviceRegistered(user_id="ann", device_id=f"d-{number}", kind="fcm", token="t")
        for number in [*range(DEVICES_LIMIT), 0, 99]
    ]

    settings = await settings_after(runtime, preferences_model, events)

    devices = [device.id for device in settings.people[ANN].devices]
    assert len(devices) == DEVICES_LIMIT
    assert "d-1" not in devices
    assert {"d-0", "d-2", "d-99"} <= set(devices)


async def test_what_a_gateway_would_refuse_today_settles_nothing(
    runtime: Runtime, preferences_model: ReadModel
) -> None:
    events: list[Event] = [
        UserJoined(user_id="ann", email="a@b.example\r\nBcc: c@d.example", timezone="?"),
        PreferenceSet(user_id="ann", of="everything", how="never"),
        EndpointRegistered(endpoint_id="e", url="http://example.org", types=("a.b",)),
    ]

    settings = await settings_after(runtime, preferences_model, events)

    assert settings == Settings({ANN: PersonSettings()}, {})


async def test_an_endpoint_is_its_tenants(runtime: Runtime, preferences_model: ReadModel) -> None:
    events: list[Event] = [
        EndpointRegistered(endpoint_id="e", url="https://example.org/in", types=("a.b",)),
        ChannelSuppressed(endpoint_id="e", reason="failing"),
    ]

    settings = await settings_after(runtime, preferences_model, events)

    (endpoint,) = settings.endpoints["acme"]
    assert endpoint.suppressed
    assert settings.people[ANN] == PersonSettings()
