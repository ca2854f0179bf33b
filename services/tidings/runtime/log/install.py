"""Installation: create or update the streams; refuse other partitions and lower limits."""

from __future__ import annotations

from typing import Any

from tidings.client.errors import RequestRefused, StreamNameInUse, StreamNotFound
from tidings.client.jetstream import JetStream
from tidings.contracts.cursor import epoch_of
from tidings.contracts.streams import PARTITIONS_KEY, Stream, stream_definitions
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.log.limits import SETTING_FIELDS, LimitPolicy, LoweredLimit, lowered_limits
from tidings.runtime.settings import Settings

METADATA = "metadata"


async def install_streams(
    jetstream: JetStream, settings: Settings, limits: LimitPolicy = "raise"
) -> dict[str, str]:
    """Create or update every stream; return the epoch of each. Raises InvalidSettings."""
    return {
        stream.name: await ensure_stream(jetstream, stream, limits)
        for stream in expected_streams(settings)
    }


async def find_lowered_limits(jetstream: JetStream, settings: Settings) -> list[LoweredLimit]:
    """Return the limits in force that these settings would lower."""
    return [
        limit
        for stream in expected_streams(settings)
        if (info := await _stream_info(jetstream, stream))
        for limit in lowered_limits(stream.name, info["config"], stream.configuration())
    ]


def expected_streams(settings: Settings) -> tuple[Stream, ...]:
    """Return the streams of this installation."""
    return stream_definitions(
        partitions=settings.partitions,
        replicas=settings.replicas,
        retention_days=settings.retention_days,
        notifications_per_user=settings.notifications_per_user,
        events_limit_bytes=settings.events_limit_bytes,
        notifications_limit_bytes=settings.notifications_limit_bytes,
        duplicate_window_seconds=settings.duplicate_window_seconds,
    )


async def ensure_stream(jetstream: JetStream, stream: Stream, limits: LimitPolicy = "raise") -> str:
    """Create a stream, or bring it up to date, and return its epoch; raises InvalidSettings.

    Fields of the stream that its definition does not name stay as they are.
    """
    info = await _stream_info(jetstream, stream) or await _create_stream(jetstream, stream)
    installed = info["config"]
    installed_partitions = installed.get(METADATA, {}).get(PARTITIONS_KEY)
    if installed_partitions != stream.metadata[PARTITIONS_KEY]:
        expected_partitions = stream.metadata[PARTITIONS_KEY]
        raise InvalidSettings(
            f"TIDINGS_PARTITIONS is {expected_partitions}, but {stream.name} was installed with"
            f" {installed_partitions}; it cannot change"
        )
    changed = _changed_fields(installed, stream)
    if limits == "keep":
        changed = {name: changed[name] for name in changed.keys() - SETTING_FIELDS}
    if limits == "raise" and (lowered := lowered_limits(stream.name, installed, changed)):
        raise InvalidSettings(_refusal(lowered))
    if changed:
        await _update_stream(jetstream, stream, installed, changed)
    return epoch_of(info["created"])


def _refusal(lowered: list[LoweredLimit]) -> str:
    """Return why limits are not lowered, and both ways out."""
    chosen = " ".join(f"{limit.setting}={limit.chosen:g}" for limit in lowered)
    return (
        f"{'; '.join(map(str, lowered))}; a lower one deletes at once what exceeds it. Set what is"
        f" in force, or more; or, to delete, run once: {chosen} tidings limits --lower (where"
        " `tidings up` runs everything: tidings up --lower-limits)"
    )


def _changed_fields(installed: dict[str, Any], stream: Stream) -> dict[str, Any]:
    """Return the fields of the definition whose installed value is another one."""
    expected = stream.configuration()
    expected[METADATA] = {**installed.get(METADATA, {}), **expected[METADATA]}
    # The server leaves out fields that are false, zero or empty.
    return {
        name: value
        for name, value in expected.items()
        if (installed.get(name) or False) != (value or False)
    }


async def _update_stream(
    jetstream: JetStream, stream: Stream, installed: dict[str, Any], changed: dict[str, Any]
) -> None:
    try:
        await jetstream.call_api(f"STREAM.UPDATE.{stream.name}", {**installed, **changed})
    except RequestRefused as error:
        names = ", ".join(f"{name} to {value}" for name, value in changed.items())
        raise InvalidSettings(
            f"NATS refuses to change {stream.name} ({names}): {error}; make its configuration"
            " possible, or restore the settings that it was installed with"
        ) from None


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
