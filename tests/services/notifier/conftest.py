"""Fixtures of the notifier's tests."""

from __future__ import annotations

import pytest
from tidings.runtime.process import Runtime

from tests.services.notifier.partition import OwnPartition


@pytest.fixture
def partition(runtime: Runtime) -> OwnPartition:
    """Return a partition that only this test uses."""
    return OwnPartition(runtime)
