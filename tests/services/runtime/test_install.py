"""Installation: what an upgrade needs reaches streams that an older version created."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from tidings.contracts.streams import PARTITIONS_KEY, Stream, stream_definitions
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.log.install import ensure_stream
from tidings.runtime.process import Runtime

OLDER: dict[str, Any] = {
    "subjects": None,
    "max_age": 3_600_000_000_000,
    "max_msgs_per_subject": 7,
    "max_consumers": -1,
    "duplicate_window": 60_000_000_000,
    "allow_direct": False,
    "allow_atomic": False,
    "allow_msg_ttl": False,
    "deny_delete": False,
    "discard": "new",
    "metadata": {PARTITIONS_KEY: "16", "kept": "yes"},
}
"""The values of an older version; those that no version changed are not in it."""


@pytest.fixture
async def stream(runtime: Runtime) -> AsyncIterator[Stream]:
    name = f"T_{uuid4().hex[:12]}"
    yield Stream(
        name,
        (f"{name}.>",),
        age_seconds=86_400,
        messages_per_subject=1000,
        ttl=True,
        deny_delete=True,
        metadata={PARTITIONS_KEY: "16", "new": "yes"},
    )
    await runtime.jetstream.call_api(f"STREAM.DELETE.{name}")


async def create_older(runtime: Runtime, stream: Stream, **fields: Any) -> None:
    await runtime.jetstream.call_api(
        f"STREAM.CREATE.{stream.name}", {**stream.configuration(), **fields}
    )


async def read_configuration(runtime: Runtime, stream: Stream) -> dict[str, Any]:
    info = await runtime.jetstream.call_api(f"STREAM.INFO.{stream.name}")
    return info["config"]


@pytest.mark.parametrize("field", OLDER)
async def test_a_field_of_an_older_version_is_brought_up_to_date(
    runtime: Runtime, stream: Stream, field: str
) -> None:
    older = OLDER[field] if field != "subjects" else [f"{stream.name}.old.>"]
    await create_older(runtime, stream, **{field: older})

    await ensure_stream(runtime.jetstream, stream)

    found = await read_configuration(runtime, stream)
    expected = stream.configuration()
    assert {name: found.get(name, False) for name in expected if name != "metadata"} == {
        name: value for name, value in expected.items() if name != "metadata"
    }
    assert found["metadata"].items() >= expected["metadata"].items()
    assert field != "metadata" or found["metadata"]["kept"] == "yes"


async def test_a_field_that_the_definition_does_not_name_stays(
    runtime: Runtime, stream: Stream
) -> None:
    await create_older(runtime, stream, description="ours", max_msgs=12_345, allow_atomic=False)

    await ensure_stream(runtime.jetstream, stream)

    found = await read_configuration(runtime, stream)
    assert (found["description"], found["max_msgs"]) == ("ours", 12_345)
    assert found["allow_atomic"]


async def test_a_stream_that_is_up_to_date_is_not_changed(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    call_api = runtime.jetstream.call_api

    async def record(api: str, *more: Any, **options: Any) -> dict[str, Any]:
        calls.append(api)
        return await call_api(api, *more, **options)

    monkeypatch.setattr(runtime.jetstream, "call_api", record)
    for definition in stream_definitions(partitions=16):
        name = f"T_{uuid4().hex[:12]}"
        fields = {**vars(definition), "name": name, "subjects": (f"{name}.>",)}
        await ensure_stream(runtime.jetstream, Stream(**fields))
        calls.clear()
        await ensure_stream(runtime.jetstream, Stream(**fields))
        assert calls == [f"STREAM.INFO.{name}"]
        await call_api(f"STREAM.DELETE.{name}")


async def test_a_change_that_the_server_refuses_is_named(runtime: Runtime, stream: Stream) -> None:
    await create_older(runtime, stream, storage="memory")

    with pytest.raises(InvalidSettings, match=rf"{stream.name} \(storage to file\)"):
        await ensure_stream(runtime.jetstream, stream)
