"""The errors of JetStream: which ones end by themselves, and which ones a request causes."""

from __future__ import annotations

import pytest
from tidings.client.errors import (
    DuplicateMessage,
    MessageNotFound,
    Permanent,
    RequestRefused,
    StreamNotFound,
    TidingsError,
    Transient,
    WrongSequence,
)
from tidings.client.jetstream_errors import ApiError, exception_of


@pytest.mark.parametrize(
    ("code", "err_code"),
    [
        (400, 10005),  # no suitable peers for placement
        (500, 10006),  # JetStream not in clustered mode: a server that has just started
        (500, 10007),  # JetStream cluster not assigned to this server
        (503, 10008),  # JetStream system temporarily unavailable
        (500, 10009),  # JetStream cluster can not handle request
        (500, 10012),  # a consumer that could not be created
        (503, 10023),  # insufficient resources
        (500, 10028),  # insufficient memory
        (500, 10041),  # an error of Raft
        (500, 10047),  # insufficient storage
        (500, 10051),  # a failure of the stream
        (503, 10075),  # peer remap failed
        (503, 10077),  # storing failed
        (500, 10118),  # stream is offline
        (400, 10124),  # stream move already in progress
        (409, 10158),  # duplicate message id is in process
        (503, 10163),  # expected last sequence per subject temporarily unavailable
        (429, 10167),  # too many requests
        (400, 10176),  # batch is incomplete: its beginning was lost with a leader
        (500, 10194),  # stream is offline, with a reason
        (400, 10202),  # cluster member change is in progress
        (429, 10210),  # too many batches in flight
        (429, 10211),
        (500, 0),
        (503, 99_999),  # a code of a later version
    ],
)
def test_what_may_end_by_itself_is_tried_again(code: int, err_code: int) -> None:
    assert isinstance(exception_of(ApiError(code, err_code, "why")), Transient)


@pytest.mark.parametrize(
    ("code", "err_code", "kind"),
    [
        (404, 10037, MessageNotFound),
        (404, 10059, StreamNotFound),
        (400, 10071, WrongSequence),
        (400, 10164, WrongSequence),
        (400, 10201, DuplicateMessage),
        (400, 10054, RequestRefused),  # the message is too large
        (500, 10052, RequestRefused),  # invalid stream configuration
        (500, 10074, RequestRefused),  # replicas > 1 without a cluster
        (400, 99_999, RequestRefused),
    ],
)
def test_what_the_request_causes_is_not_tried_again(
    code: int, err_code: int, kind: type[TidingsError]
) -> None:
    error = exception_of(ApiError(code, err_code, "why"))

    assert type(error) is kind
    assert isinstance(error, Permanent)
    assert str(error) == f"why ({err_code})"
