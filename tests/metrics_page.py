"""The page `/metrics` of a process, read by the parser of prometheus-client."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import wait_until


class MetricsPage:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families: list[Metric] = [*text_string_to_metric_families(text)]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of this name that have these labels, 0 without one."""
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


async def read_metrics(url: str) -> MetricsPage:
    """Scrape a process; `url` is its base URL."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return MetricsPage(answer.text)


async def wait_for_metrics(url: str, condition: Callable[[MetricsPage], bool]) -> MetricsPage:
    """Scrape a process until a condition holds, and return that page; raises TimeoutError."""

    async def fulfilling_page() -> MetricsPage | None:
        page = await read_metrics(url)
        return page if condition(page) else None

    page = await wait_until(fulfilling_page)
    assert page
    return page


async def wait_for_value(url: str, expected: float, name: str, **labels: str) -> None:
    """Scrape a process until a value is the expected one; raises TimeoutError."""
    await wait_for_metrics(url, lambda page: page.value(name, **labels) == expected)


def check_documented(page: MetricsPage) -> None:
    """Check that every sample has a type and a help text of its own."""
    lines = page.text.splitlines()
    helped = {line.split()[2] for line in lines if line.startswith("# HELP ") and line.split()[3:]}
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    assert helped == set(typed)
    assert len(typed) == len(set(typed))
    assert all(family.type != "unknown" for family in page.families if family.samples)
