"""Bounces: reports as mail servers write them count for the delivery that their address proves."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidings.channels.email.bounce import (
    Bounced,
    Complained,
    IgnoredMail,
    UnsubscribedByMail,
    parse_bounce,
)
from tidings.channels.email.return_path import ReturnPaths

from tests.services.channels.mails import DELIVERY, RETURN_PATHS

FOLDER = Path(__file__).parent / "bounces"
ADDRESS = RETURN_PATHS.address_for(DELIVERY)
FORGED = ReturnPaths("t" * 32, "bounces@mail.example.org").address_for(DELIVERY)
NAMES = sorted(file.stem for file in FOLDER.glob("*.eml"))


def read_mail(name: str, recipient: str = ADDRESS) -> bytes:
    """Return a mail of the folder, to a return path."""
    return (FOLDER / f"{name}.eml").read_text().replace("{recipient}", recipient).encode()


@pytest.mark.parametrize(
    ("name", "code", "final"),
    [
        ("postfix_unknown", "5.1.1", True),
        ("exim_unspecific", "5.0.0", True),
        ("exchange_unknown", "5.1.10", True),
        ("gmail_policy", "5.7.26", False),
        ("mailbox_full", "5.2.2", False),
        ("temporary_failure", "4.4.1", False),
    ],
)
def test_a_failed_delivery_has_its_code(name: str, code: str, final: bool) -> None:
    report = parse_bounce(read_mail(name), RETURN_PATHS)

    assert isinstance(report, Bounced)
    assert (report.delivery, report.code, report.final) == (DELIVERY, code, final)
    assert report.reply and "alice" not in report.reply


@pytest.mark.parametrize("name", ["complaint", "complaint_returned"])
def test_a_complaint_names_the_delivery_of_the_mail_it_returns(name: str) -> None:
    assert parse_bounce(read_mail(name), RETURN_PATHS) == Complained(
        delivery=DELIVERY, kind="abuse"
    )


def test_a_mail_of_the_mailto_link_unsubscribes() -> None:
    report = parse_bounce(read_mail("unsubscribe"), RETURN_PATHS)

    assert report == UnsubscribedByMail(delivery=DELIVERY)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("delayed", "delayed"),
        ("out_of_office", "automatic"),
        ("unsubscribe_automatic", "automatic"),
    ],
)
def test_delays_and_automatic_mails_change_nothing(name: str, reason: str) -> None:
    assert parse_bounce(read_mail(name), RETURN_PATHS) == IgnoredMail(reason=reason)  # type: ignore


@pytest.mark.parametrize("name", NAMES)
def test_nothing_counts_without_a_token_of_ours(name: str) -> None:
    for recipient in (FORGED, "bounces@mail.example.org", "bounces+x@mail.example.org"):
        report = parse_bounce(read_mail(name, recipient), RETURN_PATHS)

        assert report == IgnoredMail(reason="no_token")


@pytest.mark.parametrize("name", NAMES)
def test_case_of_letters_and_ends_of_lines_do_not_matter(name: str) -> None:
    plain = parse_bounce(read_mail(name), RETURN_PATHS)

    assert parse_bounce(read_mail(name, ADDRESS.upper()), RETURN_PATHS) == plain
    assert parse_bounce(read_mail(name).replace(b"\n", b"\r\n"), RETURN_PATHS) == plain


def test_the_recipient_of_the_envelope_counts() -> None:
    mail = read_mail("postfix_unknown", "hidden@mail.example.org")

    report = parse_bounce(mail, RETURN_PATHS, [ADDRESS])

    assert isinstance(report, Bounced) and report.delivery == DELIVERY


@given(st.binary(max_size=400), st.sampled_from(NAMES), st.integers(0, 2000))
def test_no_mail_raises(noise: bytes, name: str, place: int) -> None:
    mail = read_mail(name)

    parse_bounce(noise, RETURN_PATHS)
    parse_bounce(mail[:place] + noise + mail[place:], RETURN_PATHS)
    parse_bounce(mail[:place], RETURN_PATHS)


def test_a_mail_of_a_thousand_layers_or_a_gigabyte_is_left() -> None:
    layers = "".join(
        f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(3000)
    )

    for mail in (layers.encode(), b"x" * 2**21):
        assert isinstance(parse_bounce(mail, RETURN_PATHS), IgnoredMail)


def test_a_return_path_fits_a_mailbox_name_and_gives_its_delivery_back() -> None:
    for _ in range(50):
        delivery = str(uuid4())
        address = RETURN_PATHS.address_for(delivery)

        assert len(address.partition("@")[0]) <= 64
        assert RETURN_PATHS.delivery_of(f"<{address}>") == delivery
        assert RETURN_PATHS.delivery_of(address.replace("mail.", "evil.")) is None
        assert RETURN_PATHS.delivery_of(address.replace("+", "+b", 1)) is None
