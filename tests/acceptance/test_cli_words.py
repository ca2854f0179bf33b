"""The command line without services: what it says, suggests, completes, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tidings.cli.root import COMMANDS

from tests.acceptance.lone_command import BARE, TIMEOUT_SECONDS, run_alone, run_inside


def test_the_version_is_said(tmp_path: Path) -> None:
    result = run_alone(tmp_path, "--version")

    assert result.code == 0
    assert result.out.startswith("tidings, version ")


@pytest.mark.parametrize(("words", "near"), [(("emmit",), "emit"), (("events", "tial"), "tail")])
def test_a_misspelt_command_is_corrected(tmp_path: Path, words: tuple[str, ...], near: str) -> None:
    result = run_inside(tmp_path, *words)

    assert result.code == 2
    assert f"Did you mean {near}?" in result.err.replace("'", "")


def test_no_description_of_a_command_is_cut(tmp_path: Path) -> None:
    out = run_alone(tmp_path, "--help", COLUMNS="50").out.partition("Commands:")[2]

    assert "..." not in out
    assert all(f"\n  {command} " in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("tidings emit task.as", "task.assigned"),
        ("tidings emit task.assigned us", "user_id="),
        ("tidings events tail --type user.j", "user.joined"),
        ("tidings rules --event user.j", "user.joined"),
    ],
)
def test_the_shell_completes_types_and_fields(tmp_path: Path, words: str, completed: str) -> None:
    position = str(len(words.split()) - 1)

    out = run_alone(
        tmp_path, COMP_WORDS=words, COMP_CWORD=position, _TIDINGS_COMPLETE="bash_complete"
    ).out

    assert completed in [line.partition(",")[2] for line in out.splitlines()]


@pytest.mark.parametrize("seconds", [0.15, 0.4])
def test_ctrl_c_while_a_command_loads_exits_with_130_and_without_words(
    tmp_path: Path, seconds: float
) -> None:
    process = subprocess.Popen(
        (sys.executable, "-m", "tidings.cli", "doctor"),
        cwd=tmp_path,
        env=BARE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_SECONDS)

    # Before Python has started, the signal itself ends it; later, what was loading has ended.
    assert process.returncode in (130, -signal.SIGINT, 0, 1)
    assert b"Traceback" not in err or b"site.py" in err or b"runpy" in err
    assert b"Aborted" not in err


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("ascii", ("rules",)), ("latin-1", ("rules",)), ("ascii", ("settings",))],
)
def test_a_terminal_of_another_encoding_gets_replaced_characters(
    tmp_path: Path, encoding: str, words: tuple[str, ...]
) -> None:
    result = run_alone(tmp_path, *words, PYTHONIOENCODING=encoding)

    assert result.code == 0
    assert result.out


@pytest.mark.parametrize("words", [("rules",), ("rules", "--json")])
def test_a_closed_pipe_ends_a_command_without_words(tmp_path: Path, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        (sys.executable, "-m", "tidings.cli", *words),
        cwd=tmp_path,
        env=BARE,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize(
    "words",
    [
        ("emit", "user.joined", "user_id=a"),
        ("listen", "--user", "a"),
        ("events", "export"),
        ("token", "--user", "a"),
    ],
)
def test_without_services_a_command_says_how_to_start_them(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    result = run_inside(tmp_path, *words, "--data-dir", "an é dir")

    assert result.code == 1
    assert result.err.startswith("error: nothing runs here")
    assert "start `tidings up --data-dir 'an é dir'`" in result.err


def test_with_an_address_alone_a_command_asks_for_a_token(tmp_path: Path) -> None:
    result = run_inside(
        tmp_path, "emit", "user.joined", "user_id=a", TIDINGS_CLIENT_URL="http://127.0.0.1:9"
    )

    assert "set TIDINGS_CLIENT_TOKEN" in result.err


def test_what_an_up_that_was_killed_left_is_not_tried(tmp_path: Path) -> None:
    data = tmp_path / ".tidings"
    data.mkdir()
    (data / "lock").write_text("1")
    (data / "running.json").write_text('{"client_url": "http://127.0.0.1:9"}')

    result = run_inside(tmp_path, "emit", "user.joined", "user_id=a")

    assert result.err.startswith("error: nothing runs here")
