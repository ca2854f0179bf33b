"""A notification spliced from its encoded template is byte for byte the encoded notification."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw, json
from msgspec.structs import replace
from tidings.contracts.codec import encode
from tidings.contracts.notifications import Action, Entity, Notification
from tidings.notifier.rendering.encoded_notification import encode_template
from tidings.notifier.rendering.notification import BLANK_ID, truncate_title

TEXT = st.text() | st.text(alphabet='"user:id{}\\\n,- 0é')
BLANKS = f'"id":"{BLANK_ID}","title":"","message":"","user":""'
ID = "9b2f6b52-0f2c-5c0e-8a43-0d4a3a1d2e10"


@given(
    title=TEXT,
    message=TEXT,
    user=TEXT,
    other_text=TEXT,
    data=st.dictionaries(TEXT, TEXT | st.integers() | st.none()),
    count=st.none() | st.integers(1, 9),
)
@example(
    title=BLANKS,
    message=BLANKS,
    user=BLANKS,
    other_text=BLANKS,
    data={BLANKS: BLANKS, "id": BLANK_ID, "title": "", "message": "", "user": ""},
    count=1,
)
def test_spliced_equals_encoded(
    title: str, message: str, user: str, other_text: str, data: dict[str, Any], count: int | None
) -> None:
    blank = Notification(
        id=BLANK_ID,
        event=1,
        type="task.assigned",
        category=other_text,
        title="",
        message="",
        data=Raw(json.encode(data)),
        entity=Entity(type=other_text, id=other_text),
        references={other_text: other_text},
        actor=other_text,
        group=other_text,
        tenant=other_text,
        user="",
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        count=count,
        actors=(other_text,),
        actions=(Action(other_text, other_text),),
    )

    result = encode_template(blank).with_text(title, message).with_user(ID, user)

    assert result == encode(
        replace(blank, id=ID, title=truncate_title(title), message=message, user=user)
    )
