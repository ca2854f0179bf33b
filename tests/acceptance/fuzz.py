"""Strategies for input that no well-behaved client sends."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

ID = "00000000-0000-5000-8000-000000000000"
ROOM = "project:1#member"

Frame = tuple[bytes, bool]
"""The bytes of a frame, and whether it is sent as a text frame."""

_REPEATED = re.compile(rb"<<(.+?)\*(\d{1,5})>>", re.DOTALL)

GOOD: tuple[dict[str, Any], ...] = (
    {"type": "ping"},
    {"type": "ack", "cursor": "{epoch}-1"},
    {"type": "auth", "token": "x.y.z", "cursor": "{epoch}-1"},
    {"type": "mark", "op": "1", "state": "read", "ids": [ID]},
    {"type": "mark", "op": "1", "state": "read", "up_to": "{epoch}-1"},
    {"type": "mark", "op": "1", "state": "snoozed", "ids": [ID], "until": "2026-12-01T00:00:00Z"},
    {
        "type": "mark",
        "op": "1",
        "state": "seen",
        "filter": {"category": "tasks", "type": "task.assigned", "entity": "task:1", "group": "g"},
    },
    {"type": "watch", "op": "1", "relation": ROOM},
    {"type": "watch", "op": "1", "users": ["fuzzer", "victim"]},
    {"type": "unwatch", "op": "1", "relation": ROOM},
    {"type": "signal", "to": ROOM, "name": "typing", "data": {"a": 1}},
)
NASTY: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        2**53,
        2**63,
        2**64,
        10**400,
        -(10**400),
        1e308,
        float("inf"),
        float("nan"),
        1e-320,
        -0.0,
    ),
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\udfff\ud800",
        "\u2028",
        "\r\n\r\n",
        "é",
        "👩\u200d🚀",
        "ａ",
        "%00",
        "../..",
        "*",
        ">",
        "$JS.API.>",
        "'; --",
    ),
    *(
        "x" * 200,
        "日" * 129,
        "0123abcd-5",
        "{epoch}-9999999999999999999",
        "{epoch}-1.2.3",
        "{epoch}-0.0.0",
        "{epoch}-1.9999999999999999999.1",
    ),
    *(
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-12-01T00:00:00+99:99",
        "tenant#member",
        "a:b#c",
        "#",
        ":#",
    ),
    *([], {}, [[]], [ID] * 600, {"\ud800": 1}, {"": {}}, {"entity": "task:"}),
)
TEXT = st.text(max_size=40) | st.text(
    alphabet=st.characters(categories=("Cs", "Cc", "Lo")), max_size=5
)
SCALARS = st.sampled_from(NASTY) | st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
OPENINGS = (
    b"[",
    b'{"a":',
    b'{"type":"mark","filter":',
    b'{"type":"signal","to":"a:b#c","name":"n","data":{"a":[',
)
DEEP = st.builds(
    lambda opening, times: b"<<%b*%d>>" % (opening, times),
    st.sampled_from(OPENINGS),
    st.sampled_from((100, 1_000, 9_000)),
)


def expand_text(text: bytes, epoch: str) -> bytes:
    """Replace `{epoch}` by the epoch of the log, and `<<x*3>>` by `xxx`.

    The short form keeps the report of a failing example readable.
    """
    return _REPEATED.sub(
        lambda found: found[1] * int(found[2]), text.replace(b"{epoch}", epoch.encode())
    )


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid frame with a field or two changed."""
    frame = dict(draw(st.sampled_from(GOOD)))
    for name in draw(
        st.lists(
            st.sampled_from([*frame, "ids", "up_to", "filter", "until", "data", "cursor"]),
            max_size=2,
        )
    ):
        if draw(st.integers(0, 4)):
            frame[name] = draw(VALUES)
        else:
            frame.pop(name, None)
    return frame


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw the bytes of such a frame, sometimes with others before and after it."""
    text = json.dumps(draw(mutations() | VALUES), ensure_ascii=draw(st.booleans()))
    body = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=6)) + body[at + draw(st.integers(0, 3)) :]
    return body


FRAMES = st.tuples(bodies() | st.binary(max_size=200) | DEEP, st.booleans())
CURSORS = (
    st.sampled_from([each for each in NASTY if isinstance(each, str)])
    | st.builds(
        "{}-{}".format,
        st.sampled_from(["{epoch}", "0123abcd", "ABCDEF01", ""]),
        st.integers(-5, 10**20),
    )
    | st.builds(
        "{{epoch}}-{}.{}.{}".format,
        st.integers(0, 10**19),
        st.integers(0, 10**20),
        st.integers(0, 10**20),
    )
    | TEXT
)
LINE = st.binary(max_size=60) | st.sampled_from(
    [
        b"\xff\xfe",
        b"\x00",
        b"a\r\nx: y",
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"<<9*5000>>",
        b"<<x*70000>>",
    ]
)
HEADER_NAMES = (
    *(
        "Authorization",
        "Last-Event-ID",
        "Cookie",
        "Origin",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Extensions",
    ),
    *(
        "Idempotency-Key",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Accept",
        "Host",
        "Connection",
        "Upgrade",
    ),
    *("X-Forwarded-For", "If-None-Match", "Range", "Expect"),
)
HEADERS = st.tuples(
    st.sampled_from(HEADER_NAMES),
    LINE
    | st.sampled_from(
        [
            b"Bearer ",
            b"bearer\tx",
            b"Bearer a.b.c",
            b"Basic eDp5",
            b"tidings=a.b.c; tidings=",
            b"tidings.v1, bearer.x",
            b"null",
        ]
    )
    | CURSORS.map(lambda cursor: cursor.encode("utf-8", "surrogatepass")),
)
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
CLOSE = b"Connection: close\r\n"
PATHS = st.sampled_from(
    (
        *(
            "/v1/socket",
            "/v1/stream",
            "/v1/log",
            "/v1/notifications",
            f"/v1/notifications/{ID}",
            "/v1/notifications/1",
            "/v1/counts",
        ),
        *(
            "/v1/presence",
            "/v1/notifications/mark",
            "/v1/signals",
            "/v1/tickets",
            "/v1/events",
            "/health/ready",
            "/v1/",
            "/schema",
        ),
        *("/metrics", "/%ff%00", "//"),
    )
)
NAMES = st.sampled_from(
    (
        *(
            "after",
            "before",
            "cursor",
            "state",
            "limit",
            "q",
            "since",
            "until",
            "category",
            "type",
            "priority",
            "entity",
            "group",
        ),
        *("by", "user", "relation", "watch", "token", "ticket", "x"),
    )
)
PLAUSIBLE = (
    "1",
    "unread",
    "all",
    "tasks",
    "category",
    "2026-12-01T00:00:00Z",
    ROOM,
    "task:1",
    "99999999999999999999",
)
FIELD = st.tuples(NAMES, CURSORS | st.sampled_from(PLAUSIBLE) | TEXT)
QUERIES = st.lists(FIELD, max_size=4)
RAW_QUERIES = st.binary(max_size=30) | st.sampled_from(
    [b"%", b"%ff=%fe", b"a=%00", b"after=%", b"&&&=&", b"limit=%E2%82", b"user=a&" * 300]
)
METHODS = st.sampled_from(
    ("GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "DELETE", "PATCH", "BREW")
)
