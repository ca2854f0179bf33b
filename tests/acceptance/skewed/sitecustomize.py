"""A skewed clock: with this folder on PYTHONPATH, `time.time` is TESTS_SKEW_SECONDS ahead."""

import os
import time

right, skew_seconds = time.time, float(os.environ.get("TESTS_SKEW_SECONDS", "0"))
time.time = lambda: right() + skew_seconds
