"""Hostile mails: whatever they hold, they are read within bounds, and nothing but `TooLarge` comes out."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roseau.domain.moderation.desk.deadlines import find_deadline
from roseau.domain.moderation.desk.letters import read_letter
from roseau.domain.moderation.desk.links import find_links, to_text
from roseau.domain.moderation.desk.mails import read_mail
from roseau.domain.moderation.desk.parts import MOST_BYTES
from roseau.domain.moderation.desk.reports import read_xarf
from roseau.domain.moderation.desk.taking import guess_reason
from roseau.kernel.errors import TooLarge

HOSTS = ("roseau.test",)
#: Far above what any of these takes, and far below what one that is quadratic would take.
PATIENCE = 20.0

HEADERS = st.sampled_from(
    rb"""From: a@b.example
From: =?x?q?=FF?= <a@b>
Subject: =?utf-8?b?!!!?=
Date: 99 Foo 99999
Content-Type: multipart/mixed; boundary=b
Content-Type: multipart/report; report-type=feedback-report; boundary=b
Content-Type: text/html; charset=punycode
Content-Type: text/plain; charset=utf-7; format=flowed
Content-Type: message/rfc822
Content-Type: application/json
Content-Type: ;;;=
Content-Transfer-Encoding: base64
Content-Transfer-Encoding: quoted-printable
Content-Disposition: attachment; filename*=utf-8''%FF.csv
Content-Type: text/plain; charset*0*=x''%41
Reply-To: "x" <,,,@>
Auto-Submitted: auto-replied
MIME-Version: 1.0""".splitlines()
)
PIECES = rb"""--b
--b--

Content-Type: text/csv
Feedback-Type: abuse
{"xarf_version": "4"}
https://roseau.test/@bob/1
hxxp[:]//roseau[.]test/@bob/
=
> > <https://roseau.test/
<a href='https://roseau.test/@bob/2
within 24 hours
by 31/02/2027 25:99 +9999""".splitlines()
BODIES = st.lists(
    st.one_of(st.binary(max_size=60), st.sampled_from([*PIECES, b"\xff\xfe"])), max_size=20
).map(b"\n".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(HEADERS, max_size=6), BODIES)
def test_any_mail_can_be_read(headers: list[bytes], body: bytes) -> None:
    mail = read_mail(b"\n".join(headers) + b"\n\n" + body, HOSTS)
    read_letter(mail, 1_800_000_000_000)
    guess_reason(mail)
    assert all(link.uri[:4].lower() == "http" for link in mail.links)


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    find_links(text, HOSTS)
    find_deadline(text, 1_800_000_000_000)
    to_text(text)
    read_xarf(text.encode("utf-8", "replace"))
    read_mail(text.encode("utf-8", "replace"), HOSTS)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 10**18),
    st.sampled_from(["{}", "({}).", "<{}>", "[x]({})", "{},", '"{}"', "| {} |", "{}\n\nAnd"]),
)
def test_an_address_survives_what_stands_around_it(number: int, around: str) -> None:
    uri = f"https://roseau.test/@bob/{number}"
    assert uri in [link.uri for link in find_links(around.format(uri), HOSTS)]


def nested(depth: int) -> bytes:
    """A mail in a mail in a mail."""
    head, tail = b"", b""
    for level in range(depth):
        head += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        tail = b"\n--b%d--\n" % level + tail
    return b"From: a@b.example\n" + head + b"\nhttps://roseau.test/@bob/1\n" + tail


HOSTILE = {
    "deeply nested": nested(5_000),
    "mails in mails": b"From: a@b.example\n" + b"Content-Type: message/rfc822\n\n" * 5_000 + b"x",
    "a hundred thousand parts": b"From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\n\nx\n" * 100_000,
    "a boundary without end": b"From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b " * 500_000,
    "a header without end": b"From: a@b\nSubject: " + b"=?utf-8?q?a?= " * 200_000,
    "many headers": b"From: a@b\n" + b"X-A: b\n" * 200_000,
    "many addresses": b"From: a@b\nReply-To: " + b"a@b.example, " * 100_000 + b"\n\nx",
    "brackets": b"From: a@b\n\n" + b"<" * 2_000_000,
    "open brackets with space": b"From: a@b\n\n<" + b" " * 2_000_000 + b"<https://",
    "open tags": b"From: a@b\nContent-Type: text/html\n\n" + b"<a" * 1_000_000,
    "one long tag": b"From: a@b\nContent-Type: text/html\n\n<" + b"a" * 3_000_000,
    "open scripts": b"From: a@b\nContent-Type: text/html\n\n" + b"<script>" * 300_000,
    "open comments": b"From: a@b\nContent-Type: text/html\n\n" + b"<!--" * 500_000,
    "attributes": b"From: a@b\nContent-Type: text/html\n\n<a " + b"href = " * 300_000 + b">",
    "quotes": b"From: a@b\n\n" + b">" * 2_000_000 + b" https://roseau.test/@bob/1",
    "one long address": b"From: a@b\n\nhttps://roseau.test/" + b"a" * 3_000_000,
    "addresses without end": b"From: a@b\n\n" + b"https://" * 300_000,
    "broken addresses": b"From: a@b\n\n" + b"https://roseau.test/@bob/\n1\n2\n3\n" * 50_000,
    "white space": b"From: a@b\nSubject: case"
    + b" " * 9_000
    + b"\n\ncase"
    + b" \t" * 500_000
    + b"within"
    + b" " * 500_000,
    "dates": b"From: a@b\n\n" + b"by 1 March 2027 at 1:00 " * 50_000,
    "handles": b"From: a@b\n\n" + b"@a" * 1_000_000,
    "digits": b"From: a@b\n\n" + b"1" * 2_000_000,
    "quoted-printable": b"From: a@b\nContent-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 1_000_000,
    "base64": b"From: a@b\nContent-Transfer-Encoding: base64\n\n" + b"=" * 2_000_000,
    "flowed": b"From: a@b\nContent-Type: text/plain; format=flowed\n\n" + b"> a \n" * 300_000,
    "table": b"From: a@b\nContent-Type: text/csv\n\n" + b'"' * 1_000_001,
    "json": b"[" * 1_000_000,
    "nothing": b"",
    "zeros": b"\0" * 1_000_000,
    "a lie about letters": b"From: a@b\nContent-Type: text/plain; charset=utf-32\n\nhttps://roseau.test/@bob/1!",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_takes_a_bounded_time(raw: bytes) -> None:
    began = time.perf_counter()
    mail = read_mail(raw, HOSTS)
    read_letter(mail, 1_800_000_000_000)
    guess_reason(mail)
    assert time.perf_counter() - began < PATIENCE


def test_a_mail_may_name_ten_thousand_addresses() -> None:
    lines = [f"{n}. https://roseau.test/@bob/{117661131014999513 + n} (hate)," for n in range(10_000)]
    began = time.perf_counter()
    mail = read_mail(b"From: a@b.example\n\n" + "\n".join(lines).encode(), HOSTS)
    assert len(mail.links) == 10_000
    assert time.perf_counter() - began < PATIENCE


def test_a_lie_about_the_character_set_hides_no_address() -> None:
    for charset in (
        "utf-32",
        "punycode",
        "idna",
        "x-nothing",
        "rot13",
        "hex",
        "unicode_escape",
        "\xe9",
        "utf-7",
    ):
        raw = (
            f"From: a@b.example\nContent-Type: text/plain; charset={charset}\n\nhttps://roseau.test/@bob/1 !"
        )
        mail = read_mail(raw.encode("latin-1"), HOSTS)
        assert [link.uri for link in mail.links] == ["https://roseau.test/@bob/1"], charset


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge):
        read_mail(b"x" * (MOST_BYTES + 1), HOSTS)
