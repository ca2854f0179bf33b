"""The command line: its output on success, and one clear line on failure."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from tidings.contracts.frames import Entries, ServerFrame

from tests.acceptance.command import WAIT_SECONDS, Command
from tests.builders import make_announcement, make_event
from tests.driver import SECRET
from tests.streams import read_entries, read_stored_events


async def test_a_token_carries_user_tenant_scope_and_expiry(cli: Command) -> None:
    out = await cli.read_output(
        "token", "--user", "zoë", "--tenant", "a.b", "--scope", "emit", "--days", "0.5"
    )

    claims = jwt.decode(out.strip(), SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["tenant"], claims["scope"], claims["exp"] - claims["iat"]) == (
        "zoë",
        "a.b",
        "emit",
        43_200,
    )


async def test_an_event_is_emitted_once_by_its_id(cli: Command) -> None:
    arguments = (
        "emit",
        "timelog.approved",
        "timelog_id=1",
        "user_id=alice",
        "hours=2.5",
        "project_id=9",
        "note=x=y",
        "--id",
        "1",
    )

    first = await cli.read_output(
        *arguments, "--tenant", cli.tidings.tenant, "--actor", "bob", "--subject", "timelog/1"
    )
    again = await cli.read_output(
        *arguments, "--tenant", cli.tidings.tenant, "--subject", "timelog/1"
    )

    (message,) = await read_stored_events(cli.tidings)
    assert (first, again) == (
        f"appended at sequence {message.sequence}\n",
        f"known already, at sequence {message.sequence}\n",
    )
    cloud = json.loads(message.data)
    assert cloud["data"] == {
        "timelog_id": "1",
        "user_id": "alice",
        "hours": 2.5,
        "project_id": "9",
        "note": "x=y",
    }
    assert (cloud["actor"], cloud["subject"], cloud["source"], cloud["id"]) == (
        "bob",
        "timelog/1",
        "/cli",
        "1",
    )
    await cli.tidings.wait_for_counts("alice", total=1)


async def test_a_nested_field_is_json(cli: Command) -> None:
    await cli.read_output(
        "emit",
        "announcement.published",
        "title=a",
        "message=b",
        'to={"users":["alice"]}',
        "--tenant",
        cli.tidings.tenant,
    )
    await cli.tidings.wait_for_counts("alice", total=1)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz", "-"])
async def test_a_file_that_is_emitted_again_adds_nothing(
    cli: Command, tmp_path: Path, name: str
) -> None:
    lines = "\n".join(
        json.dumps(make_announcement("alice", title=str(n))) for n in range(1500)
    ).encode()
    stdin = lines if name == "-" else b""
    path = "-" if name == "-" else str(tmp_path / name)
    if name != "-":
        (tmp_path / name).write_bytes(gzip.compress(lines) if name.endswith("gz") else lines)

    first = await cli.read_output(
        "emit", "--file", path, "--tenant", cli.tidings.tenant, stdin=stdin
    )
    again = await cli.read_output(
        "emit", "--file", path, "--tenant", cli.tidings.tenant, stdin=stdin
    )

    assert first == "1500 events: 1500 appended, 0 known already\n"
    assert again == "1500 events: 0 appended, 1500 known already\n"
    assert len(await read_stored_events(cli.tidings)) == 1500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("[/red]task", "task_id=1"), "unknown type `[/red]task`"),
        (
            ("task.asigned", "task_id=1"),
            "unknown type `task.asigned`; did you mean task.assigned, ",
        ),
        (
            ("task.assigned", "task_id=1", "user_id=a"),
            "task.assigned: Object missing required field `task_title`",
        ),
        (
            ("timelog.approved", "timelog_id=1", "user_id=a", "hours=many", "project_id=1"),
            "Expected `float`, got `str` - at `$.hours`",
        ),
        (("timelog.approved", "timelog_id=1", "user_id=a", "hours=nan", "project_id=1"), "hours"),
        (("announcement.published", "title=a", "message=b", "to={oops"), "to"),
        (("announcement.published", "title=a", "message=b", 'to={"users":[]}'), "need `users`"),
        (("user.joined", "user_id=a", "--id", " 1"), "id: "),
        (
            ("--file", "/nowhere/at.all"),
            "/nowhere/at.all cannot be read: No such file or directory",
        ),
        (("--file", "{tmp}/broken.gz"), "broken.gz cannot be read"),
        (("--file", "{tmp}/cut.gz"), "cut.gz cannot be read"),
        (
            ("--file", "{tmp}/bad.jsonl"),
            "lines 1 to 3: event rejected, line 2, "
            "field data.user_id: Object missing required field",
        ),
    ],
)
async def test_an_invalid_event_or_file_is_reported_in_one_line(
    cli: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    good, bad = (
        json.dumps(make_event("user.joined", user_id="a")),
        json.dumps(make_event("user.joined")),
    )
    (tmp_path / "broken.gz").write_bytes(b"no gzip at all")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(1000))[:-100])
    (tmp_path / "bad.jsonl").write_text(f"{good}\n{bad}\n{good}\n")

    err = await cli.read_error(
        "emit",
        *(word.replace("{tmp}", str(tmp_path)) for word in arguments),
        "--tenant",
        cli.tidings.tenant,
    )

    assert message in err
    assert await read_stored_events(cli.tidings) == []


async def test_an_invalid_argument_is_quoted_verbatim(cli: Command) -> None:
    assert "there are no texts in [/b], only" in await cli.read_error("rules", "--locale", "[/b]")


@pytest.mark.parametrize(
    "arguments",
    [
        ("emit",),
        ("emit", "user.joined", "nonsense"),
        ("token", "--user", "a", "--days", "many"),
        ("rebuild", "everything"),
    ],
)
async def test_an_invalid_command_line_is_explained(
    cli: Command, arguments: tuple[str, ...]
) -> None:
    assert "Error: " in await cli.read_error(*arguments, code=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"jwt_secret": "short"}, "TIDINGS_JWT_SECRET has 5 characters"),
        ({"partitions": "many"}, "TIDINGS_PARTITIONS: Expected `int`"),
        ({"nonsense": "1"}, "unknown setting TIDINGS_NONSENSE"),
        ({"client_url": "nonsense"}, "nonsense"),
        ({"client_token": "forged"}, "unauthorised"),
    ],
)
async def test_a_wrong_setting_is_named(
    cli: Command, settings: dict[str, Any], message: str
) -> None:
    assert message in await cli.read_error("emit", "user.joined", "user_id=a", **settings)


async def test_an_unreachable_gateway_is_named_and_tried_again(cli: Command) -> None:
    async with cli.start(
        "emit", "user.joined", "user_id=a", client_url="http://127.0.0.1:9"
    ) as process:
        assert process.stderr
        line = await asyncio.wait_for(process.stderr.readline(), 10)
        assert b"http://127.0.0.1:9 cannot be reached" in line and b"trying again" in line


async def test_the_doctor_reports_healthy_and_unhealthy_parts(cli: Command) -> None:
    await cli.tidings.emit(make_announcement("alice"))
    await cli.tidings.wait_for_counts("alice", total=1)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            result = await cli("doctor")
            if result.code == 0:
                break
    for part in (
        "NATS",
        "Postgres",
        "streams",
        "notifier",
        "read model inbox",
        "read model audience",
        "read model metrics",
        "dead letters",
        "undelivered events",
        "edge",
    ):
        assert f"✓ {part}: " in result.out

    result = await cli(
        "doctor", client_url="http://127.0.0.1:9", postgres_dsn="postgresql://nobody@127.0.0.1:9/x"
    )
    assert result.code == 1
    assert (
        "✗ Postgres: " in result.out
        and "✗ edge: http://127.0.0.1:9 does not answer" in result.out
        and "✓ NATS: " in result.out
    )


async def read_frames(
    process: asyncio.subprocess.Process, is_last: Callable[[ServerFrame], bool]
) -> list[ServerFrame]:
    """Return the frames that a listener prints, up to the one for which `is_last` is true."""
    assert process.stdout
    frames: list[ServerFrame] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not frames or not is_last(frames[-1]):
            frames.append(msgspec.json.decode(await process.stdout.readline(), type=ServerFrame))
    return frames


async def test_listen_prints_valid_frames_and_resumes_from_its_cursor_file(
    cli: Command, tmp_path: Path
) -> None:
    file, tenant = tmp_path / "cursor", cli.tidings.tenant
    arguments = (
        "listen",
        "--user",
        "alice",
        "--tenant",
        tenant,
        "--json",
        "--cursor-file",
        str(file),
    )
    async with cli.start(*arguments) as process:
        await read_frames(process, lambda frame: frame.__class__.__name__ == "Live")
        await cli.tidings.emit(make_announcement("alice", title="first"))
        *_, entries = await read_frames(process, lambda frame: bool(getattr(frame, "entries", ())))
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) in (0, 130)
    assert isinstance(entries, Entries)
    assert file.read_text() == entries.cursor
    await cli.tidings.emit(*(make_announcement("alice", title=f"missed {n}") for n in range(3)))

    async with cli.start(*arguments) as process:
        frames = await read_frames(process, lambda frame: frame.__class__.__name__ == "Live")

    assert [frame.__class__.__name__ for frame in frames if hasattr(frame, "notifications")] == []
    assert [entry.title for frame in frames for entry in getattr(frame, "entries", ())] == [
        f"missed {n}" for n in range(3)
    ]


async def test_listen_with_a_forged_token_is_refused(cli: Command) -> None:
    assert "4002" in await cli.read_error("listen", "--user", "alice", client_token="forged")


@pytest.mark.parametrize(
    ("file", "message"),
    [("", "cannot be read: Is a directory"), ("absent/cursor", "cannot be written: No such file")],
)
async def test_an_unusable_cursor_file_is_named(
    cli: Command, tmp_path: Path, file: str, message: str
) -> None:
    result = await cli(
        "listen",
        "--user",
        "amira",
        "--tenant",
        cli.tidings.tenant,
        "--cursor-file",
        str(tmp_path / file),
    )

    assert result.code == 1
    assert message in result.err


async def test_the_tail_of_events_shows_stored_and_new_events(cli: Command) -> None:
    await cli.tidings.emit(make_event("user.joined", user_id="early"))
    (early,) = await read_stored_events(cli.tidings)
    arguments = (
        "events",
        "tail",
        "--tenant",
        cli.tidings.tenant,
        "--after",
        str(early.sequence - 1),
        "--json",
    )
    async with cli.start(*arguments) as process:
        assert process.stdout
        assert (
            json.loads(await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS))["data"][
                "user_id"
            ]
            == "early"
        )
        await cli.tidings.emit(make_event("user.joined", user_id="late"))
        assert (
            json.loads(await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS))["data"][
                "user_id"
            ]
            == "late"
        )


async def test_emitting_an_export_again_adds_nothing(cli: Command) -> None:
    await cli.tidings.emit(
        *(make_announcement("alice", title=f"№ {n}\u2028\u0085") for n in range(700))
    )
    await cli.tidings.emit(make_event("user.joined", user_id="a"))
    await cli.tidings.wait_for_counts("alice", total=700)
    tenant = cli.tidings.tenant

    out = await cli.read_output("events", "export", "--tenant", tenant)
    selection = await cli.read_output(
        "events", "export", "--tenant", tenant, "--type", "user.joined"
    )

    stored = await read_stored_events(cli.tidings)
    lines = [json.loads(line) for line in out.rstrip("\n").split("\n")]
    assert [int(line.pop("logsequence")) for line in lines] == [each.sequence for each in stored]
    assert all(line.pop("logtime").endswith("Z") for line in lines)
    assert lines == [json.loads(message.data) for message in stored]
    assert selection.count("\n") == 1
    again = await cli.read_output("emit", "--file", "-", "--tenant", tenant, stdin=out.encode())
    assert again == "701 events: 0 appended, 701 known already\n"
    assert len(await read_stored_events(cli.tidings)) == 701
    assert len(await read_entries(cli.tidings, "alice")) == 700


async def test_a_rebuild_while_events_arrive_leaves_the_lists_unchanged(
    cli: Command,
) -> None:
    alice = await (await cli.tidings.connect("alice")).live()
    await cli.tidings.emit(*(make_announcement("alice", title=str(n)) for n in range(60)))
    notes = [entry["id"] for entry in await alice.until(60)]
    await alice.mark("read", *notes[:20])
    await alice.mark("archived", *notes[20:25])
    await alice.mark("deleted", *notes[25:30])
    await alice.until_counts(total=50)
    before = [notification["id"] for notification in await cli.tidings.list_all("alice")]
    flowing = True

    async def emit_until_stopped() -> int:
        count = 0
        while flowing:
            await cli.tidings.emit(
                make_announcement("bob", title=str(count)), make_announcement("carol")
            )
            count += 1
            await asyncio.sleep(0.01)
        return count

    emission = asyncio.create_task(emit_until_stopped())
    outputs = [await cli.read_output("rebuild", "inbox") for _ in range(2)]
    flowing = False
    count = await emission

    assert all("is live" in notification for notification in outputs)
    await cli.tidings.wait_for_counts("bob", total=count)
    assert len(await cli.tidings.list_all("bob")) == count
    assert [notification["id"] for notification in await cli.tidings.list_all("alice")] == before
    assert await cli.tidings.get("/v1/counts", "alice") == alice.counts
    assert len(await cli.tidings.list_all("alice", "archived")) == 5


async def test_up_runs_everything_and_a_second_up_on_its_data_is_refused(
    cli: Command, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    async with cli.start(
        "up", "--port", "0", "--data-dir", data, nats_url="", postgres_dsn=""
    ) as up:
        assert up.stdout
        url = (
            (await asyncio.wait_for(up.stdout.readline(), 60))
            .decode()
            .removeprefix("ready")
            .strip()
        )
        assert json.loads((tmp_path / "data" / "running.json").read_text())["client_url"] == url

        second = await cli("up", "--port", "0", "--data-dir", data)
        assert second.code == 1 and "error: " in second.err and data in second.err

        up.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(up.wait(), 30) == 0
    assert not (tmp_path / "data" / "running.json").exists()
