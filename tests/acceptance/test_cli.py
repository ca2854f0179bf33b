"""The command line: what it does when all is well, and one clear line when it is not."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import jwt
import msgspec
import pytest
from tidings.contracts.frames import ServerFrame

from tests.acceptance.command import WAIT_SECONDS, Command
from tests.driver import SECRET, event, hello_to
from tests.streams import entries, stored


async def test_a_token_says_who_for_which_tenant_and_until_when(cli: Command) -> None:
    out = await cli.well(
        "token", "--user", "zoë", "--tenant", "a.b", "--scope", "emit", "--days", "0.5"
    )

    claims = jwt.decode(out.strip(), SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["tenant"], claims["scope"], claims["exp"] - claims["iat"]) == (
        "zoë",
        "a.b",
        "emit",
        43_200,
    )


async def test_one_event_is_emitted_once_by_its_id(cli: Command) -> None:
    words = (
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

    first = await cli.well(
        *words, "--tenant", cli.tidings.tenant, "--actor", "bob", "--subject", "timelog/1"
    )
    again = await cli.well(*words, "--tenant", cli.tidings.tenant)

    (message,) = await stored(cli.tidings)
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
    await cli.tidings.eventually("alice", total=1)


async def test_a_nested_field_is_json(cli: Command) -> None:
    await cli.well(
        "emit",
        "announcement.published",
        "title=a",
        "message=b",
        'to={"users":["alice"]}',
        "--tenant",
        cli.tidings.tenant,
    )
    await cli.tidings.eventually("alice", total=1)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz", "-"])
async def test_a_file_is_emitted_and_emitted_again_adds_nothing(
    cli: Command, tmp_path: Path, name: str
) -> None:
    lines = "\n".join(json.dumps(hello_to("alice", title=str(n))) for n in range(1500)).encode()
    stdin = lines if name == "-" else b""
    path = "-" if name == "-" else str(tmp_path / name)
    if name != "-":
        (tmp_path / name).write_bytes(gzip.compress(lines) if name.endswith("gz") else lines)

    first = await cli.well("emit", "--file", path, "--tenant", cli.tidings.tenant, stdin=stdin)
    again = await cli.well("emit", "--file", path, "--tenant", cli.tidings.tenant, stdin=stdin)

    assert first == "1500 events: 1500 appended, 0 known already\n"
    assert again == "1500 events: 0 appended, 1500 known already\n"
    assert len(await stored(cli.tidings)) == 1500


@pytest.mark.parametrize(
    ("words", "said"),
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
        (("announcement.published", "title=a", "message=b", 'to={"users":[]}'), "needs `users`"),
        (("user.joined", "user_id=a", "--id", " 1"), "id: "),
        (
            ("--file", "/nowhere/at.all"),
            "/nowhere/at.all cannot be read: No such file or directory",
        ),
        (("--file", "{tmp}/broken.gz"), "broken.gz cannot be read"),
        (("--file", "{tmp}/cut.gz"), "cut.gz cannot be read"),
        (
            ("--file", "{tmp}/bad.jsonl"),
            "lines 1 to 3: event rejected, line 2, field data.user_id: Object missing required field",
        ),
    ],
)
async def test_what_cannot_be_emitted_is_said_in_one_line(
    cli: Command, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    good, bad = json.dumps(event("user.joined", user_id="a")), json.dumps(event("user.joined"))
    (tmp_path / "broken.gz").write_bytes(b"no gzip at all")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(1000))[:-100])
    (tmp_path / "bad.jsonl").write_text(f"{good}\n{bad}\n{good}\n")

    err = await cli.refused(
        "emit",
        *(word.replace("{tmp}", str(tmp_path)) for word in words),
        "--tenant",
        cli.tidings.tenant,
    )

    assert said in err
    assert await stored(cli.tidings) == []


async def test_whatever_is_wrong_is_quoted_as_it_is(cli: Command) -> None:
    assert "there are no texts in [/b], only" in await cli.refused("rules", "--locale", "[/b]")


@pytest.mark.parametrize(
    "words",
    [
        ("emit",),
        ("emit", "user.joined", "nonsense"),
        ("token", "--user", "a", "--days", "many"),
        ("rebuild", "everything"),
    ],
)
async def test_a_command_that_makes_no_sense_is_explained(
    cli: Command, words: tuple[str, ...]
) -> None:
    assert "Error: " in await cli.refused(*words, code=2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"jwt_secret": "short"}, "TIDINGS_JWT_SECRET has 5 characters"),
        ({"partitions": "many"}, "TIDINGS_PARTITIONS: Expected `int`"),
        ({"nonsense": "1"}, "unknown setting TIDINGS_NONSENSE"),
        ({"url": "nonsense"}, "nonsense"),
        ({"token": "forged"}, "unauthorised"),
    ],
)
async def test_a_wrong_setting_is_named(cli: Command, settings: dict[str, str], said: str) -> None:
    assert said in await cli.refused("emit", "user.joined", "user_id=a", **settings)


async def test_a_gateway_that_is_away_is_named_and_tried_again(cli: Command) -> None:
    async with cli.running("emit", "user.joined", "user_id=a", url="http://127.0.0.1:9") as process:
        assert process.stderr
        line = await asyncio.wait_for(process.stderr.readline(), 10)
        assert b"http://127.0.0.1:9 cannot be reached" in line and b"trying again" in line


async def test_the_doctor_finds_everything_well_and_says_what_is_not(cli: Command) -> None:
    await cli.tidings.emit(hello_to("alice"))
    await cli.tidings.eventually("alice", total=1)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            ended = await cli("doctor")
            if ended.code == 0:
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
        "untold events",
        "edge",
    ):
        assert f"✓ {part}: " in ended.out

    ended = await cli(
        "doctor", url="http://127.0.0.1:9", postgres_dsn="postgresql://nobody@127.0.0.1:9/x"
    )
    assert ended.code == 1
    assert (
        "✗ Postgres: " in ended.out
        and "✗ edge: http://127.0.0.1:9 does not answer" in ended.out
        and "✓ NATS: " in ended.out
    )


async def lines(
    process: asyncio.subprocess.Process, enough: Callable[[ServerFrame], bool]
) -> list[ServerFrame]:
    """The frames a listener prints, up to the one that is enough."""
    assert process.stdout
    found: list[ServerFrame] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while not found or not enough(found[-1]):
            found.append(msgspec.json.decode(await process.stdout.readline(), type=ServerFrame))
    return found


async def test_listening_prints_valid_frames_and_goes_on_from_its_cursor_file(
    cli: Command, tmp_path: Path
) -> None:
    file, tenant = tmp_path / "cursor", cli.tidings.tenant
    words = ("listen", "--user", "alice", "--tenant", tenant, "--json", "--cursor-file", str(file))
    async with cli.running(*words) as process:
        await lines(process, lambda frame: frame.__class__.__name__ == "Live")
        await cli.tidings.emit(hello_to("alice", title="first"))
        *_, got = await lines(process, lambda frame: bool(getattr(frame, "entries", ())))
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) in (0, 130)
    assert file.read_text() == got.cursor
    await cli.tidings.emit(*(hello_to("alice", title=f"missed {n}") for n in range(3)))

    async with cli.running(*words) as process:
        frames = await lines(process, lambda frame: frame.__class__.__name__ == "Live")

    assert [frame.__class__.__name__ for frame in frames if hasattr(frame, "notifications")] == []
    assert [each.title for frame in frames for each in getattr(frame, "entries", ())] == [
        f"missed {n}" for n in range(3)
    ]


async def test_listening_without_a_right_to_is_refused(cli: Command) -> None:
    assert "4002" in await cli.refused("listen", "--user", "alice", token="forged")


@pytest.mark.parametrize(
    ("file", "said"),
    [("", "cannot be read: Is a directory"), ("absent/cursor", "cannot be written: No such file")],
)
async def test_a_cursor_file_that_cannot_be_is_said(
    cli: Command, tmp_path: Path, file: str, said: str
) -> None:
    ended = await cli(
        "listen",
        "--user",
        "amira",
        "--tenant",
        cli.tidings.tenant,
        "--cursor-file",
        str(tmp_path / file),
    )

    assert ended.code == 1
    assert said in ended.err


async def test_the_tail_of_events_shows_what_comes(cli: Command) -> None:
    await cli.tidings.emit(event("user.joined", user_id="early"))
    (early,) = await stored(cli.tidings)
    words = (
        "events",
        "tail",
        "--tenant",
        cli.tidings.tenant,
        "--after",
        str(early.sequence - 1),
        "--json",
    )
    async with cli.running(*words) as process:
        assert process.stdout
        assert (
            json.loads(await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS))["data"][
                "user_id"
            ]
            == "early"
        )
        await cli.tidings.emit(event("user.joined", user_id="late"))
        assert (
            json.loads(await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS))["data"][
                "user_id"
            ]
            == "late"
        )


async def test_what_is_exported_can_be_emitted_again_and_adds_nothing(cli: Command) -> None:
    await cli.tidings.emit(*(hello_to("alice", title=f"№ {n}\u2028\u0085") for n in range(700)))
    await cli.tidings.emit(event("user.joined", user_id="a"))
    await cli.tidings.eventually("alice", total=700)
    tenant = cli.tidings.tenant

    out = await cli.well("events", "export", "--tenant", tenant)
    some = await cli.well("events", "export", "--tenant", tenant, "--type", "user.joined")

    assert [line.encode() for line in out.rstrip("\n").split("\n")] == [
        message.data for message in await stored(cli.tidings)
    ]
    assert some.count("\n") == 1
    again = await cli.well("emit", "--file", "-", "--tenant", tenant, stdin=out.encode())
    assert again == "701 events: 0 appended, 701 known already\n"
    assert len(await stored(cli.tidings)) == 701
    assert len(await entries(cli.tidings, "alice")) == 700


async def test_a_read_model_is_rebuilt_while_events_flow_and_the_lists_stay_the_same(
    cli: Command,
) -> None:
    alice = await (await cli.tidings.connect("alice")).live()
    await cli.tidings.emit(*(hello_to("alice", title=str(n)) for n in range(60)))
    notes = [each["id"] for each in await alice.until(60)]
    await alice.mark("read", *notes[:20])
    await alice.mark("archived", *notes[20:25])
    await alice.mark("deleted", *notes[25:30])
    await alice.until_counts(total=50)
    before = [each["id"] for each in await cli.tidings.listing("alice")]
    flowing = True

    async def flow() -> int:
        sent = 0
        while flowing:
            await cli.tidings.emit(hello_to("bob", title=str(sent)), hello_to("carol"))
            sent += 1
            await asyncio.sleep(0.01)
        return sent

    flood = asyncio.create_task(flow())
    said = [await cli.well("rebuild", "inbox") for _ in range(2)]
    flowing = False
    sent = await flood

    assert all("is live" in each for each in said)
    await cli.tidings.eventually("bob", total=sent)
    assert len(await cli.tidings.listing("bob")) == sent
    assert [each["id"] for each in await cli.tidings.listing("alice")] == before
    assert await cli.tidings.get("/v1/counts", "alice") == alice.counts
    assert len(await cli.tidings.listing("alice", "archived")) == 5


async def test_up_runs_everything_and_a_second_one_on_its_data_is_refused(
    cli: Command, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    async with cli.running(
        "up", "--port", "0", "--data-dir", data, nats_url="", postgres_dsn=""
    ) as up:
        assert up.stdout
        url = (
            (await asyncio.wait_for(up.stdout.readline(), 60))
            .decode()
            .removeprefix("ready")
            .strip()
        )
        assert json.loads((tmp_path / "data" / "running.json").read_text())["url"] == url

        second = await cli("up", "--port", "0", "--data-dir", data)
        assert second.code == 1 and "error: " in second.err and data in second.err

        up.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(up.wait(), 30) == 0
    assert not (tmp_path / "data" / "running.json").exists()
