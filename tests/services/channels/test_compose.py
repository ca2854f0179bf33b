"""Mails: every text arrives as it was written, no header is injected, and readers can thread them.

The parser of the standard library reads what was composed, and reports no defect.
"""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tidings.channels.email.compose import ComposedMail, Composer
from tidings.channels.templates import InvalidMail, MailTemplates
from tidings.channels.visible_text import clean_line, clean_text
from tidings.contracts.notifications import Entity
from tidings.runtime.errors import InvalidSettings

from tests.services.channels.mails import (
    DELIVERY,
    RETURN_PATHS,
    SENDER,
    TOKENS,
    compose,
    make_notification,
    make_order,
)

HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "List-Id", "List-Unsubscribe"),
    *("List-Unsubscribe-Post", "Feedback-ID", "X-Tidings-Reason"),
    *("MIME-Version", "Content-Type"),
}
TEXTS = st.text(max_size=150) | st.text(
    alphabet=st.sampled_from("\r\n\0\x85\u2028\u202e\u2066=?q utf-8:Bcc.é\U0001f469\u200d"),
    max_size=80,
)


class Page(HTMLParser):
    """The visible text of an HTML part, and its tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect a tag; a line break is text."""
        self.tags.append((tag, dict(attrs)))
        self.text += "\n" if tag == "br" else ""


def parse(mail: ComposedMail) -> EmailMessage:
    """Return the parsed message, after checking what RFC 5322, 2045 and 2047 ask for."""
    head = mail.content.partition(b"\r\n\r\n")[0]
    assert mail.content.isascii() and b"\0" not in mail.content
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content)
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    assert all(line.strip() for line in head.split(b"\r\n"))
    assert all(len(word) <= 75 for word in re.findall(rb"=\?\S+\?=", head))
    message = message_from_bytes(mail.content, policy=default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects
        assert not any(getattr(value, "defects", ()) for value in part.values())
    assert set(message.keys()) <= HEADERS and len(message.keys()) == len(set(message.keys()))
    return message


def parts(message: EmailMessage) -> tuple[str, str]:
    """Return both parts, the text first."""
    text, html = message.iter_parts()
    assert message.get_content_type() == "multipart/alternative"
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def test_a_mail_has_the_headers_that_relays_and_readers_ask_for() -> None:
    mail = compose(make_notification(group="room:9"))

    message = parse(mail)

    assert message["From"] == "Greenhouse <tidings@mail.example.org>"
    assert message["To"] == "alice@example.org"
    assert message["Subject"] == "Task assigned"
    assert message["Date"] == "Tue, 01 Dec 2026 10:30:00 +0000"
    assert message["Message-ID"] == f"<{DELIVERY}@mail.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Id"] == "<task.acme.mail.example.org>"
    assert message["Feedback-ID"] == "task:acme:notification:tidings"
    assert message["X-Tidings-Reason"] == "task:456#watcher"
    assert mail.sender == RETURN_PATHS.address_for(DELIVERY)


def test_the_first_mail_of_a_group_has_its_thread_already() -> None:
    first, second = (
        parse(compose(make_notification(group="room:9"), delivery=DELIVERY[:-1] + end))
        for end in "12"
    )
    other = parse(compose(make_notification(group="room:9", tenant="beta")))

    assert first["In-Reply-To"] == first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert other["References"] != first["References"]
    assert parse(compose())["References"] is None


def test_one_click_unsubscribes_from_the_category() -> None:
    message = parse(compose())

    link, by_mail = message["List-Unsubscribe"].split(", ")
    content = TOKENS.open_token(link.strip("<>").removeprefix("https://tidings.example.org/u/"))
    assert (content.tenant, content.user, content.category) == ("acme", "alice", "task")
    assert (content.channel, content.delivery) == ("email", DELIVERY)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert by_mail == f"<mailto:{RETURN_PATHS.address_for(DELIVERY)}?subject=unsubscribe>"
    assert all(link.strip("<>") in part for part in parts(message))


def test_a_required_category_offers_no_way_to_turn_it_off() -> None:
    message = parse(compose(required=True))

    assert message["List-Unsubscribe"] is message["List-Unsubscribe-Post"] is None
    assert all("/u/" not in part for part in parts(message))
    assert all("You cannot turn off mails of this kind." in part for part in parts(message))


def test_one_click_is_not_offered_without_https() -> None:
    sender = SENDER._replace(public_url="http://127.0.0.1:8000")

    message = parse(Composer(sender, MailTemplates()).compose_mail(make_order()))

    assert message["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/u/")
    assert message["List-Unsubscribe-Post"] is None


def test_a_token_too_long_for_a_header_is_in_the_text_alone() -> None:
    mail = compose(make_notification(tenant="\U0001f332" * 128, user="\U0001f332" * 128))

    message = parse(mail)

    assert message["List-Unsubscribe"] is None
    assert "/u/" in parts(message)[0]


@given(TEXTS, TEXTS)
@example("Hello\r\nBcc: eve@example.org", "a\r\n.\r\nQUIT\r\n")
@example("=?utf-8?q?Hi?=", "=?utf-8?b?SGk=?= --=0")
@example("é" * 150, "{{7*7}} {% raw %} <script>alert(1)</script> &amp;")
@example("مرحبا \u202eevil\u202c 👩‍👩‍👧‍👦", "From here\n.\n--\n-- \n\tx ")
def test_any_text_arrives_as_it_was_written(title: str, message: str) -> None:
    mail = compose(make_notification(title, message=message))

    parsed = parse(mail)

    text, html = parts(parsed)
    shown = clean_line(title)
    assert parsed["Subject"] == (shown or "–")
    assert text.startswith(f"{shown}\n") and clean_text(message) in text
    page = Page(html)
    assert shown in page.text and clean_text(message) in page.text
    assert "script" not in dict(page.tags)


SHORT_TEXTS = st.text(max_size=4)
"""Of a name that needs several encoded words, Python's parser makes several words."""


@given(SHORT_TEXTS, SHORT_TEXTS, SHORT_TEXTS, SHORT_TEXTS)
def test_no_other_value_adds_a_header(name: str, group: str, category: str, relation: str) -> None:
    sender = SENDER._replace(name=name)
    notification = make_notification(
        group=group.encode(errors="replace").decode(),
        audience=(relation.encode(errors="replace").decode(),),
        tenant="a\tb: c",
    )
    order = make_order(notification, category=category.encode(errors="replace").decode())

    message = parse(Composer(sender, MailTemplates()).compose_mail(order))

    (address,) = message["From"].addresses
    assert address.addr_spec == SENDER.address
    assert address.display_name == clean_line(name)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("/tasks/7", "https://app.example.org/tasks/7"),
        ("https://other.example.org/x?a=1&b=2", "https://other.example.org/x?a=1&b=2"),
        ("javascript:alert(1)", None),
        ("//evil.example.org", None),
        ("data:text/html,x", None),
        ('https://x.example.org/"><script>', 'https://x.example.org/"><script>'),
    ],
)
def test_links_lead_to_pages_by_http_alone(url: str, link: str | None) -> None:
    text, html = parts(parse(compose(make_notification(entity=Entity(type="t", id="1", url=url)))))

    links = [attributes["href"] for tag, attributes in Page(html).tags if tag == "a"]
    assert ([each for each in links if each and "/u/" not in each] or [None]) == [link]
    assert (f"Open: {link}\n" in text) == (link is not None)


def test_nothing_is_fetched_when_a_mail_is_opened() -> None:
    page = Page(parts(parse(compose()))[1])

    tags = {tag for tag, _ in page.tags}
    assert not tags & {"img", "link", "script", "iframe", "object", "video", "audio"}
    assert not any("src" in attributes or "background" in attributes for _, attributes in page.tags)
    assert "url(" not in compose().html and "prefers-color-scheme: dark" in compose().html


def test_a_summary_has_each_title_once_and_says_how_many_are_left_out() -> None:
    found = [make_notification(f"Task {number}") for number in range(3)]

    mail = compose(*found, summary=True, total=8, zone="Europe/Berlin")

    message = parse(mail)
    assert message["Subject"] == "8 new notifications"
    for part in parts(message):
        assert all(part.count(f"Task {number}") == 1 for number in range(3))
        assert "and 5 more" in part and "11:30" in part


def test_a_mail_is_in_the_language_of_its_reader() -> None:
    german = parts(parse(compose(locale="de_AT")))[0]

    assert "Öffnen: https://app.example.org/tasks/456" in german
    assert "wegen deiner Einstellungen" in german
    assert "because of your settings" in parts(parse(compose(locale="tlh")))[0]


@pytest.mark.parametrize(
    "address", ["alice", "a@b\r\nBcc: c@d", "a b@example.org", "<a@b.c>", "ä@b.c", "x" * 255 + "@y"]
)
def test_an_address_that_is_none_gets_no_mail(address: str) -> None:
    with pytest.raises(InvalidMail, match="must be an email address"):
        compose(recipient=address)


def test_templates_of_an_operator_replace_ours(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text("Hey: {{ items[0].title }}\n")

    mail = Composer(SENDER, MailTemplates(tmp_path)).compose_mail(make_order())

    text, html = parts(parse(mail))
    assert text == "Hey: Task assigned\n" and "prefers-color-scheme" in html


def test_a_template_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text("{% if %}")

    with pytest.raises(InvalidSettings, match=r"TIDINGS_TEMPLATES: mail\.html"):
        MailTemplates(tmp_path)
    with pytest.raises(InvalidSettings, match="not a directory"):
        MailTemplates(tmp_path / "missing")


@pytest.mark.parametrize("template", ["{{ nothing }}", "{{ 1 / 0 }}"])
def test_a_template_that_fails_on_a_mail_fails_that_mail(tmp_path: Path, template: str) -> None:
    (tmp_path / "mail.html").write_text(template)

    with pytest.raises(InvalidMail, match="template"):
        Composer(SENDER, MailTemplates(tmp_path)).compose_mail(make_order())
