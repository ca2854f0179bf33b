"""The consumers of a running installation, as nats-server lists them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tidings.client.jetstream import JetStream, connect
from tidings.contracts.subjects import EVENTS, EVERY_EVENT, NOTIFICATIONS

from tests.acceptance.faults import Installation
from tests.acceptance.test_process_metrics import run_process


async def list_configurations(jetstream: JetStream, stream: str) -> list[dict[str, Any]]:
    consumers: list[dict[str, Any]] = []
    while True:
        page = await jetstream.call_api(f"CONSUMER.LIST.{stream}", {"offset": len(consumers)})
        consumers += page["consumers"] or ()
        if not page["consumers"] or len(consumers) >= page["total"]:
            return [consumer["config"] for consumer in consumers]


def filters_of(configuration: dict[str, Any]) -> list[str]:
    single = configuration.get("filter_subject")
    return [single] if single else configuration.get("filter_subjects") or []


async def test_no_consumer_has_more_than_one_filter(installation: Installation) -> None:
    async with (
        run_process(installation, "edge", port=0, edge_partitions="0,2,5"),
        connect(installation.nats.url, "tests") as jetstream,
    ):
        answer = await jetstream.call_api("STREAM.NAMES")
        configurations = {
            stream: await list_configurations(jetstream, stream) for stream in answer["streams"]
        }

    # The projector's inbox and both edges.
    assert sum(not filters_of(each) for each in configurations[NOTIFICATIONS]) == 3
    several = [
        filters_of(each)
        for consumers in configurations.values()
        for each in consumers
        if len(filters_of(each)) > 1
    ]
    assert several == []


async def test_read_models_of_events_share_a_consumer_but_for_the_awaited_one(
    installation: Installation,
) -> None:
    async with connect(installation.nats.url, "tests") as jetstream:
        filters = Counter(
            subject
            for each in await list_configurations(jetstream, EVENTS)
            for subject in filters_of(each)
        )

    assert filters[EVERY_EVENT] == 2
