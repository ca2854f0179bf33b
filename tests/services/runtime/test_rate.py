"""Rates: a quota in a window and no more in the long run, said in headers, and bounded in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.rate import Bucket, Buckets, Rate, Throttled
from tidings.runtime.settings import Settings

TEN_A_MINUTE = Rate("requests", 10, 60)


def test_all_of_a_quota_may_be_taken_at_once_and_then_it_comes_back_evenly() -> None:
    bucket = Bucket(TEN_A_MINUTE)

    left = [bucket.take(1000.0).left for _ in range(10)]

    assert left == list(range(9, -1, -1))
    assert bucket.take(1000.0).wait_seconds == pytest.approx(6)
    assert bucket.take(1005.9).wait_seconds == pytest.approx(0.1)
    assert bucket.take(1006.0).wait_seconds == 0
    assert bucket.take(2000.0).left == 9


@given(
    st.integers(1, 50), st.integers(1, 100), st.lists(st.floats(0, 20), min_size=1, max_size=200)
)
def test_never_more_than_the_quota_and_what_came_back_meanwhile(
    quota: int, window: int, pauses: list[float]
) -> None:
    bucket, now, taken = Bucket(Rate("requests", quota, window)), 100.0, 0

    for pause in pauses:
        now += pause
        standing = bucket.take(now)
        taken += not standing.wait_seconds
        assert 0 <= standing.left <= quota and standing.full_seconds <= window + 1e-6

    assert taken <= quota + (now - 100.0) * quota / window + 1e-3


@given(st.integers(1, 50), st.integers(1, 100))
def test_whoever_waits_as_told_is_let_through(quota: int, window: int) -> None:
    bucket, now = Bucket(Rate("requests", quota, window)), 5.0
    while not (wait := bucket.take(now).wait_seconds):
        pass

    assert bucket.take(now + wait).wait_seconds == 0


def test_each_key_has_its_own_bucket_and_the_least_used_give_way() -> None:
    buckets = Buckets[str](Rate("requests", 1, 60), limit=100)
    assert not buckets.take("alice", 1.0).wait_seconds
    assert buckets.take("alice", 1.0).wait_seconds

    for number in range(1000):
        buckets.take(f"user-{number}", 1.0)
        buckets.take("alice", 1.0)

    assert len(buckets) == 100
    assert buckets.take("alice", 1.0).wait_seconds


def test_a_standing_is_said_in_headers() -> None:
    bucket = Bucket(Rate("requests", 2, 60))

    first, _, third = (bucket.take(10.0) for _ in range(3))

    assert first.headers == {
        "RateLimit-Policy": '"requests";q=2;w=60',
        "RateLimit": '"requests";r=1;t=30',
    }
    assert third.headers == {
        "RateLimit-Policy": '"requests";q=2;w=60',
        "RateLimit": '"requests";r=0;t=60',
        "Retry-After": "30",
    }
    with pytest.raises(Throttled, match="at most 2 requests in 60 seconds; come back in 30 s"):
        third.check()


def test_a_rate_is_a_setting() -> None:
    assert Settings(connect_rate="7/60").rate("connect") == (7, 60)
    assert Settings(connect_rate="off").rate("connect") is None
    for wrong in ("", "7", "0/60", "7/0", "many", "7/60/1", "-1/5", "1e3/5"):
        with pytest.raises(
            InvalidSettings,
            match=f"TIDINGS_CONNECT_RATE: `{wrong}` is no rate; give how many in how many seconds, such as",
        ):
            Settings(connect_rate=wrong).rate("connect")
