"""Installation: create or update the streams; refuse another number of partitions."""

from __future__ import annotations

from typing import Any

from tidings.client.errors import StreamNameInUse, StreamNotFound
from tidings.client.jetstream import JetStream
from tidings.contracts.cursor import epoch_of
from tidings.contracts.streams import PARTITIONS_KEY, Stream, stream_definitions
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.settings import Settings

COMPARED_FIELDS = (
    "subjects",
    "max_age",
    "max_msgs_per_subject",
    "num_replicas",
    "duplicate_window",
)


async def install_streams(jetstream: JetStream, settings: Settings) -> dict[str, str]:
    """Create or update every stream; return the epoch of each. Raises InvalidSettings."""
    return {
        stream.name: await _ensure_stream(jetstream, stream)
        for stream in expected_streams(settings)
    }


def expected_streams(settings: Settings) -> tuple[Stream, ...]:
    """Return the streams of this installation."""
    return stream_definitions(
        partitions=settings.partitions,
        replicas=settings.replicas,
        retention_days=settings.retention_days,
        notifications_per_user=settings.notifications_per_user,
        duplicate_window_seconds=settings.duplicate_window_seconds,
    )


async def _ensure_stream(jetstream: JetStream, stream: Stream) -> str:
    info = await _stream_info(jetstream, stream) or await _create_stream(jetstream, stream)
    configuration = info["config"]
    installed_partitions = configuration.get("metadata", {}).get(PARTITIONS_KEY)
    if installed_partitions != stream.metadata[PARTITIONS_KEY]:
        expected_partitions = stream.metadata[PARTITIONS_KEY]
        raise InvalidSettings(
            f"TIDINGS_PARTITIONS is {expected_partitions}, but {stream.name} was installed with"
            f" {installed_partitions}; it cannot change"
        )
    expected = stream.configuration()
    if any(configuration.get(name, 0) != expected[name] for name in COMPARED_FIELDS):
        await jetstream.call_api(
            f"STREAM.UPDATE.{stream.name}", {**expected, "metadata": configuration["metadata"]}
        )
    return epoch_of(info["created"])


async def _stream_info(jetstream: JetStream, stream: Stream) -> dict[str, Any] | None:
    try:
        return await jetstream.call_api(f"STREAM.INFO.{stream.name}")
    except StreamNotFound:
        return None


async def _create_stream(jetstream: JetStream, stream: Stream) -> dict[str, Any]:
    try:
        return await jetstream.call_api(f"STREAM.CREATE.{stream.name}", stream.configuration())
    except StreamNameInUse:  # another process may have created it in between
        info = await _stream_info(jetstream, stream)
        if info is None:
            raise
        return info
