"""The processes that tests add to the shared installation leave its streams as they were."""

from __future__ import annotations

from tidings.contracts.subjects import NOTIFICATIONS
from tidings.runtime.settings import Settings

from tests.driver import Tidings
from tests.web_processes import run_web


async def test_a_process_with_a_limit_of_its_own_does_not_change_that_of_other_tests(
    tidings: Tidings, chosen: Settings
) -> None:
    async def entries_limit() -> int:
        info = await tidings.runtime.jetstream.call_api(f"STREAM.INFO.{NOTIFICATIONS}")
        return info["config"]["max_msgs_per_subject"]

    async with run_web(chosen, notifications_per_user=20):
        within = await entries_limit()

    assert within < 20 * 10
    assert await entries_limit() >= chosen.notifications_per_user
