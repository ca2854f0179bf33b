"""The command line without services: every option and setting is checked where it enters."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.lone_command import run_alone, run_inside
from tests.driver import SECRET


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("events", "tail", "--after", "-5"), "--after"),
        (("events", "export", "--after", "99999999999999999999"), "--after"),
        (("events", "export", "--tenant", " x"), "' x' is not an id"),
        (("listen", "--user", ""), "'' is not an id"),
        (("emit", "user.joined", "user_id=a", "--tenant", ""), "'' is not an id"),
        (("token", "--user", "a\nb"), "is not an id"),
        (("up", "--port", "80000"), "--port"),
    ],
)
def test_an_option_out_of_range_is_refused(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    result = run_inside(tmp_path, *words)

    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("token", "--user", "a", "--days", "10000"), "give 1 second to 365 days"),
        (("token", "--user", "a", "--days", "nan"), "--days"),
        (("token", "--user", "a", "--days", "inf"), "--days"),
        (("token", "--user", "a", "--scope", "nonsense"), "--scope: `nonsense`"),
        (("listen", "--user", "a", "--after", "garbage"), "`garbage` is not a cursor"),
        (("emit", "user.joined", "user_id=a", "--id", ""), "id: "),
        (("emit", "user.joined", "user_id=a", "--actor", ""), "actor: "),
        (("rules", "--event", "nope"), "unknown type `nope`"),
        (("rules", "--event", "task.asigned"), "did you mean task.assigned"),
    ],
)
def test_a_value_that_would_be_refused_later_is_refused_at_once(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    result = run_inside(
        tmp_path, *words, TIDINGS_JWT_SECRET=SECRET, TIDINGS_CLIENT_URL="http://127.0.0.1:9"
    )

    assert result.code == 1
    assert message in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LOG_LEVEL", "LOUD", "give one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("JWT_SECRET", "short", "TIDINGS_JWT_SECRET has 5 characters"),
        ("NOTIFIER_PARTITIONS", "99", "TIDINGS_NOTIFIER_PARTITIONS: `99`"),
        ("HOST", "192.0.2.1", "choose another --host"),
    ],
)
def test_up_checks_a_setting_before_it_starts_anything(
    tmp_path: Path, name: str, value: str, message: str
) -> None:
    result = run_alone(tmp_path, "up", "--port", "0", **{f"TIDINGS_{name}": value})

    assert result.code == 1
    assert message in result.err
    assert not (tmp_path / ".tidings" / "nats").exists()


def test_up_names_its_option_for_a_port_in_use(tmp_path: Path, used_port: int) -> None:
    result = run_alone(tmp_path, "up", "--port", str(used_port))

    assert f"127.0.0.1:{used_port}: Address already in use; choose another --port" in result.err


def test_a_service_names_its_setting_for_a_port_in_use(tmp_path: Path, used_port: int) -> None:
    result = run_alone(tmp_path, "edge", TIDINGS_PORT=str(used_port), TIDINGS_JWT_SECRET=SECRET)

    assert result.code == 1
    assert "choose another TIDINGS_PORT" in result.err
    assert "--port" not in result.err


def test_a_data_directory_that_everyone_may_write_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)

    result = run_alone(tmp_path, "up", "--port", "0", "--data-dir", str(data))

    assert result.code == 1
    assert "may be written by every account (mode 0777)" in result.err
    assert list(data.iterdir()) == []


def test_a_secret_that_everyone_may_read_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "jwt_secret").write_text(SECRET)
    (data / "jwt_secret").chmod(0o644)

    result = run_alone(tmp_path, "up", "--port", "0", "--data-dir", str(data))

    assert "holds a secret that other accounts may read (mode 0644)" in result.err
    assert stat.S_IMODE((data / "jwt_secret").stat().st_mode) == 0o644
