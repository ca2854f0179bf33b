"""Text is cut where a browser would put the caret: between grapheme clusters."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tidings.contracts.graphemes import CLUSTER_LIMIT_CHARACTERS, cut_text
from tidings.notifier.rendering.notification import truncate_title

SCRIPT = Path(__file__).with_name("graphemes.mjs")
FAMILY, FLAG, SCOTLAND = "👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"
TEXTS = (
    FAMILY * 3,
    FLAG * 4,
    f"a{FLAG * 3}b",
    SCOTLAND * 2,
    "👍🏽" * 3,
    "❤️‍🔥" * 2,
    "1️⃣2️⃣",
    "e\u0301" * 4,
    "नमस्ते",
    "한국어",
    "\u1112\u1161\u11ab" * 2,
    "a\r\nb",
    "plain",
    "日本語",
)


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_text_is_cut_only_where_a_browser_has_a_boundary() -> None:
    printed = subprocess.run(
        ["node", str(SCRIPT)], input=json.dumps(TEXTS).encode(), capture_output=True, check=True
    ).stdout
    places = [json.loads(line) for line in printed.splitlines()]

    for text, boundaries in zip(TEXTS, places, strict=True):
        for limit in range(boundaries[1], len(text) + 1):
            expected = max(place for place in boundaries if place <= limit)
            assert len(cut_text(text, limit)) == expected, (text, limit)


@pytest.mark.parametrize("part", [FAMILY, FLAG, SCOTLAND, "e\u0301"])
@pytest.mark.parametrize("shift", range(4))
def test_a_long_title_ends_with_a_whole_character(part: str, shift: int) -> None:
    title = truncate_title("x" * shift + part * 200)

    assert len(title) <= 150
    assert title.endswith(part + "…")


def test_a_heap_of_accents_is_cut_within() -> None:
    assert len(cut_text("e" + "\u0301" * 500, 200)) == 200
    assert CLUSTER_LIMIT_CHARACTERS < 200
