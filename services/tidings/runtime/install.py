"""Installation: the streams as they must be, made if they are not there, refused if they are other ones."""

from __future__ import annotations

from typing import Any

from tidings.contracts.cursor import epoch
from tidings.contracts.streams import PARTITIONS, Stream, streams
from tidings.runtime.errors import InvalidSettings, Refused
from tidings.runtime.jetstream import JetStream
from tidings.runtime.settings import Settings

NO_STREAM = "(10059)"
EXISTS = "(10058)"
FIXED = ("subjects", "max_age", "max_msgs_per_subject", "num_replicas", "duplicate_window")


async def install(jetstream: JetStream, settings: Settings) -> dict[str, str]:
    """Make or bring up to date every stream; returns the epoch of each. Raises InvalidSettings on another partition count."""
    return {stream.name: await _ensure(jetstream, stream) for stream in wanted(settings)}


def wanted(settings: Settings) -> tuple[Stream, ...]:
    """The streams of this installation."""
    return streams(
        partitions=settings.partitions,
        replicas=settings.replicas,
        retention_days=settings.retention_days,
        notifications_per_user=settings.notifications_per_user,
        duplicate_window_seconds=settings.duplicate_window_seconds,
    )


async def _ensure(jetstream: JetStream, stream: Stream) -> str:
    found = await _info(jetstream, stream) or await _create(jetstream, stream)
    configuration = found["config"]
    installed = configuration.get("metadata", {}).get(PARTITIONS)
    if installed != stream.metadata[PARTITIONS]:
        wanted = stream.metadata[PARTITIONS]
        raise InvalidSettings(
            f"TIDINGS_PARTITIONS is {wanted}, but {stream.name} was installed with {installed}; it cannot change"
        )
    asked = stream.configuration()
    if any(configuration.get(name, 0) != asked[name] for name in FIXED):
        await jetstream.call(
            f"STREAM.UPDATE.{stream.name}", {**asked, "metadata": configuration["metadata"]}
        )
    return epoch(found["created"])


async def _info(jetstream: JetStream, stream: Stream) -> dict[str, Any] | None:
    try:
        return await jetstream.call(f"STREAM.INFO.{stream.name}")
    except Refused as refusal:
        if NO_STREAM in str(refusal):
            return None
        raise


async def _create(jetstream: JetStream, stream: Stream) -> dict[str, Any]:
    try:
        return await jetstream.call(f"STREAM.CREATE.{stream.name}", stream.configuration())
    except Refused as refusal:
        found = await _info(jetstream, stream) if EXISTS in str(refusal) else None
        if found is None:
            raise
        return found
