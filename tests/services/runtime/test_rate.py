"""Rates: at most a quota per window, stated in headers, with bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.runtime.errors import InvalidSettings
from tidings.runtime.http.rate import Bucket, Buckets, Rate, RateExceeded
from tidings.runtime.settings import Settings

TEN_A_MINUTE = Rate("requests", 10, 60)


def test_a_quota_may_be_taken_at_once_and_refills_evenly() -> None:
    bucket = Bucket(TEN_A_MINUTE)

    remaining = [bucket.take_token(1000.0).remaining for _ in range(10)]

    assert remaining == list(range(9, -1, -1))
    assert bucket.take_token(1000.0).wait_seconds == pytest.approx(6)
    assert bucket.take_token(1005.9).wait_seconds == pytest.approx(0.1)
    assert bucket.take_token(1006.0).wait_seconds == 0
    assert bucket.take_token(2000.0).remaining == 9


@given(
    st.integers(1, 50), st.integers(1, 100), st.lists(st.floats(0, 20), min_size=1, max_size=200)
)
def test_no_more_than_the_quota_and_its_refill_is_granted(
    quota: int, window: int, pauses: list[float]
) -> None:
    bucket, now, taken_count = Bucket(Rate("requests", quota, window)), 100.0, 0

    for pause in pauses:
        now += pause
        result = bucket.take_token(now)
        taken_count += not result.wait_seconds
        assert 0 <= result.remaining <= quota and result.full_seconds <= window + 1e-6

    assert taken_count <= quota + (now - 100.0) * quota / window + 1e-3


@given(st.integers(1, 50), st.integers(1, 100))
def test_a_client_that_waits_as_told_is_admitted(quota: int, window: int) -> None:
    bucket, now = Bucket(Rate("requests", quota, window)), 5.0
    while not (wait := bucket.take_token(now).wait_seconds):
        pass

    assert bucket.take_token(now + wait).wait_seconds == 0


def test_each_key_has_its_own_bucket_and_the_least_recent_are_evicted() -> None:
    buckets = Buckets[str](Rate("requests", 1, 60), limit=100)
    assert not buckets.take_token("alice", 1.0).wait_seconds
    assert buckets.take_token("alice", 1.0).wait_seconds

    for number in range(1000):
        buckets.take_token(f"user-{number}", 1.0)
        buckets.take_token("alice", 1.0)

    assert len(buckets) == 100
    assert buckets.take_token("alice", 1.0).wait_seconds


def test_the_state_of_a_bucket_is_stated_in_headers() -> None:
    bucket = Bucket(Rate("requests", 2, 60))

    first, _, third = (bucket.take_token(10.0) for _ in range(3))

    assert first.headers == {
        "RateLimit-Policy": '"requests";q=2;w=60',
        "RateLimit": '"requests";r=1;t=30',
    }
    assert third.headers == {
        "RateLimit-Policy": '"requests";q=2;w=60',
        "RateLimit": '"requests";r=0;t=60',
        "Retry-After": "30",
    }
    with pytest.raises(RateExceeded, match="at most 2 requests in 60 seconds; come back in 30 s"):
        third.raise_if_exceeded()


def test_a_rate_is_parsed_from_its_setting() -> None:
    assert Settings(connect_rate="7/60").rate("connect") == (7, 60)
    assert Settings(connect_rate="off").rate("connect") is None
    for wrong in ("", "7", "0/60", "7/0", "many", "7/60/1", "-1/5", "1e3/5"):
        with pytest.raises(
            InvalidSettings,
            match=f"TIDINGS_CONNECT_RATE: `{wrong}` is not a rate; give count/seconds, such as",
        ):
            Settings(connect_rate=wrong).rate("connect")
