"""A partition for each test."""

from __future__ import annotations

import pytest
from tidings.runtime.process import Runtime

from tests.services.notifier.partition import OwnPartition


@pytest.fixture
def partition(runtime: Runtime) -> OwnPartition:
    """A partition of the test's own."""
    return OwnPartition(runtime)
