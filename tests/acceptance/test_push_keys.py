"""The keys of web push: printed for an operator, made and kept by `tidings up`."""

from __future__ import annotations

import json
from pathlib import Path

from tidings.processes.up import kept_vapid_key
from tidings.runtime.settings import Settings
from tidings.runtime.vapid import VapidKey

from tests.acceptance.command import Command

SUBJECT = "mailto:operator@tidings.example.org"


async def test_a_pair_is_printed_of_which_the_private_key_is_a_setting(cli: Command) -> None:
    ended = await cli("keys", "vapid")
    pair = json.loads(await cli.read_output("keys", "vapid", "--json"))

    name, _, private = ended.out.strip().partition("=")
    assert (ended.code, name) == (0, "TIDINGS_VAPID_PRIVATE_KEY")
    assert ended.err.strip() == f"public key: {VapidKey(private).public_text}"
    assert pair["public"] == VapidKey(pair["private"]).public_text
    assert pair["private"] != private


async def test_a_subject_that_reaches_nobody_is_refused_at_the_start(
    cli: Command, tmp_path: Path
) -> None:
    ended = await cli("up", "--data-dir", str(tmp_path), vapid_subject="mailto:a@b.test")

    assert ended.code == 1 and "error: TIDINGS_VAPID_SUBJECT" in ended.err


async def test_a_key_that_is_none_is_refused_and_not_printed(cli: Command, tmp_path: Path) -> None:
    ended = await cli("up", "--data-dir", str(tmp_path), vapid_private_key="hidden")
    shown = await cli("settings", "--json", vapid_private_key="hidden")

    assert ended.code == 1 and "error: TIDINGS_VAPID_PRIVATE_KEY" in ended.err
    assert "hidden" not in ended.err + shown.out


def test_the_key_is_made_once_for_an_operator_who_can_be_reached(tmp_path: Path) -> None:
    settings = Settings(vapid_subject=SUBJECT)

    key = kept_vapid_key(settings, tmp_path)

    assert key and VapidKey(key) and kept_vapid_key(settings, tmp_path) == key
    assert (tmp_path / "vapid_private_key").stat().st_mode & 0o077 == 0
    assert kept_vapid_key(Settings(), tmp_path / "other") is None
