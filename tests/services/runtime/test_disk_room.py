"""Room on a disk: the search for it leaves the last megabytes to the servers on that disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from tidings.runtime.embedded import disk_room
from tidings.runtime.embedded.disk_room import FREE_BYTES, has_room


class Usage(NamedTuple):
    free: int


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the trials that reach the disk, which has room for them."""
    sizes: list[int] = []
    monkeypatch.setattr(disk_room, "TRIAL_BYTES", 1000)
    monkeypatch.setattr(os, "fsync", lambda file: sizes.append(os.fstat(file).st_size))
    return sizes


@pytest.mark.parametrize("free", [0, FREE_BYTES])
def test_a_disk_that_is_nearly_full_is_not_filled_by_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: list[int], free: int
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free))

    assert not has_room(tmp_path)
    assert not writes


def test_a_disk_with_free_space_is_tried_and_the_trial_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: list[int]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(FREE_BYTES + 1))

    assert has_room(tmp_path)
    assert writes == [1000]
    assert not [*tmp_path.iterdir()]


def test_a_directory_that_cannot_be_read_has_no_room(tmp_path: Path) -> None:
    assert not has_room(tmp_path / "nowhere")
