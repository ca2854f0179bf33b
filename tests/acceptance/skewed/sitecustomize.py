"""A clock that is wrong: with this folder on PYTHONPATH, a Python process believes that it is TESTS_SKEW_SECONDS later."""

import os
import time

right, skew_seconds = time.time, float(os.environ.get("TESTS_SKEW_SECONDS", "0"))
time.time = lambda: right() + skew_seconds
