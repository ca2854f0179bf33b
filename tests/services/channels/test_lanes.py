"""The lanes of an installation: those that its settings make possible, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from tidings.channels.lanes import open_lanes
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

from tests.services.channels.push_servers import write_apns_key, write_service_account
from tests.services.channels.push_service import KEY, SUBJECT


async def test_each_kind_of_push_has_a_lane_if_it_is_set_up(tmp_path: Path) -> None:
    settings = Settings(
        vapid_private_key=KEY,
        vapid_subject=SUBJECT,
        apns_key_file=write_apns_key(tmp_path)[0],
        apns_key_id="ABC123DEFG",
        apns_team_id="DEF123GHIJ",
        apns_topic="org.example.greenhouse",
        fcm_account_file=write_service_account(tmp_path, "https://localhost")[0],
    )

    async with open_lanes(settings) as lanes:
        assert set(lanes) == {"webpush", "apns", "fcm"}
    async with open_lanes(Settings()) as lanes:
        assert not lanes


async def test_what_is_missing_is_named_at_the_start(tmp_path: Path) -> None:
    settings = Settings(apns_key_file=write_apns_key(tmp_path)[0])

    with pytest.raises(InvalidSettings, match="TIDINGS_APNS_KEY_ID"):
        async with open_lanes(settings):
            pass
