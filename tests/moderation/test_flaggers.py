"""Trusted flaggers: a mail is theirs when the site's own mail server has proven it, and only then."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.domain.moderation.desk.mails import read_mail
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.moderation.desk.vouching import find_voucher
from roseau.domain.moderation.flaggers import (
    FlaggerDraft,
    add_flagger,
    set_mail_authority,
    withdraw_flagger,
)
from tests.moderation.acting import make_post, report, rows, value

pytestmark = pytest.mark.anyio

OURS = "mx.roseau.test"
DMARC = f"{OURS}; spf=pass smtp.mailfrom=flagger.example; dmarc=pass (p=REJECT) header.from=flagger.example"
DKIM = f'{OURS} 1; dkim=pass reason="good" header.d=flagger.example header.s=k1'
FROM = "Point de contact <contact@flagger.example>"
SENDER = "contact@flagger.example"


def voucher(*results: str, written: str = FROM, sender: str = SENDER) -> str:
    """Which server vouches for a mail with these lines."""
    return find_voucher(list(results), [written], sender)


def test_what_has_passed_for_the_sender_is_believed() -> None:
    assert voucher(DMARC) == OURS
    assert voucher(DKIM) == OURS
    assert voucher(DMARC.upper()) == OURS
    assert voucher(f"{OURS}; dkim=fail header.d=list.example", DMARC) == OURS
    sub = "Contact <contact@mail.flagger.example>"
    assert voucher(DKIM, written=sub, sender="contact@mail.flagger.example") == OURS


@pytest.mark.parametrize(
    "results",
    [
        (),
        ("",),
        (OURS,),
        (f"{OURS}; none",),
        (f"{OURS}; spf=pass smtp.mailfrom=flagger.example",),
        (f"{OURS}; dmarc=fail header.from=flagger.example",),
        (f"{OURS}; dmarc=fail header.from=flagger.example; dkim=pass header.d=flagger.example",),
        (f"{OURS}; dmarc=pass",),
        (f"{OURS}; dmarc=pass header.from=evil.example",),
        (f"{OURS}; dkim=pass header.d=evil.example",),
        (f"{OURS}; dkim=pass header.d=example",),
        (f"{OURS}; dkim=pass header.d=lagger.example",),
        # What a stranger may choose is no result: neither quoted, nor in a comment, nor encoded.
        (f'{OURS}; spf=fail smtp.mailfrom="; dmarc=pass header.from=flagger.example"',),
        (f"{OURS}; spf=fail (; dmarc=pass header.from=flagger.example) smtp.mailfrom=x.example",),
        (f"{OURS}; spf=fail (\\); dmarc=pass header.from=flagger.example",),
        (f"{OURS}; spf=fail smtp.mailfrom==?utf-8?q?=3Bdmarc=3Dpass_header.from=3Dflagger.example?=@x",),
        # What stands below the line of another server came with the mail.
        ("other.example; spf=none", DMARC),
    ],
)
def test_what_proves_nothing(results: tuple[str, ...]) -> None:
    assert voucher(*results) in ("", "other.example") and voucher(*results) != OURS


@pytest.mark.parametrize(
    "written",
    [
        "contact@flagger.example, other@evil.example",
        '"contact@flagger.example" <other@flagger.example>',
        "=?utf-8?q?contact=40flagger.example=2C?= <other@flagger.example>",
        "contact@flagger.example <other@flagger.example>",
        "contact@flagger.example (x) <other@flagger.example>",
        "",
    ],
)
def test_a_sender_that_can_be_read_in_two_ways_is_nobody(written: str) -> None:
    assert voucher(DMARC, written=written) == ""
    assert find_voucher([DMARC], [FROM, FROM], SENDER) == ""


@given(st.lists(st.text(max_size=200), max_size=5), st.lists(st.text(max_size=80), max_size=2))
def test_whatever_stands_there_it_is_read(results: list[str], written: list[str]) -> None:
    assert find_voucher(results, written, SENDER) == "" or SENDER in " ".join(written).lower()


def mail(status_id: int, *headers: str, sender: str = FROM) -> bytes:
    """A mail about a post."""
    lines = [*headers, f"From: {sender}", "To: abuse@roseau.test", "Subject: A post", ""]
    return "\r\n".join([*lines, f"Please look at https://roseau.test/@bob/{status_id}"]).encode()


def take(server: Any, raw: bytes) -> tuple[str, str]:
    """Take a mail in; the channel of its notice, and the lane of the case."""
    received = server.database.write_now(receive_mail, server.site, raw)
    found = rows(
        server,
        "SELECT n.channel, c.lane FROM notices n, cases c WHERE n.id = :notice AND c.id = :case",
        notice=received.notice_id, case=received.case_id,
    )  # fmt: skip
    return (found[0][0], found[0][1])


def write_down(server: Any, cast: Any, **draft: str) -> int:
    """A flagger; its id."""
    wanted = FlaggerDraft("Point de contact", **draft)
    return int(server.database.write_now(add_flagger, server.site, cast.olga.id, wanted))


async def test_a_proven_mail_of_a_flagger_comes_first(server: Any, cast: Any) -> None:
    posts = [make_post(server, cast.bob, f"Post {number}") for number in range(7)]
    flagger = write_down(server, cast, address="flagger.example")
    proof = f"Authentication-Results: {DMARC}"
    # Nobody has said yet which mail server is ours.
    assert take(server, mail(posts[0], proof)) == ("mail", "S4")
    server.database.write_now(set_mail_authority, cast.olga.id, OURS)
    assert take(server, mail(posts[1], proof)) == ("trusted_flagger", "S2")
    assert take(server, mail(posts[2])) == ("mail", "S4")
    assert take(server, mail(posts[3], proof.replace(OURS, "mx.evil.example"))) == ("mail", "S4")
    other = proof.replace("flagger.example", "other.example")
    assert take(server, mail(posts[4], other, sender="a@other.example")) == ("mail", "S4")
    trick = "=?utf-8?q?contact=40flagger.example=2C?= <x@other.example>"
    assert read_mail(mail(posts[5], other, sender=trick)).vouched_by == ""
    server.database.write_now(withdraw_flagger, cast.olga.id, flagger)
    assert take(server, mail(posts[6], proof)) == ("mail", "S4")


async def test_one_address_of_a_domain_is_not_another(server: Any, cast: Any) -> None:
    post, other = make_post(server, cast.bob, "One"), make_post(server, cast.bob, "Two")
    write_down(server, cast, address=SENDER)
    server.database.write_now(set_mail_authority, cast.olga.id, OURS)
    proof = f"Authentication-Results: {DMARC}"
    assert take(server, mail(post, proof, sender="intern@flagger.example")) == ("mail", "S4")
    assert take(server, mail(other, proof)) == ("trusted_flagger", "S2")


async def test_a_member_who_is_one_is_heard_first_and_is_no_less_severe(server: Any, cast: Any) -> None:
    write_down(server, cast, member=cast.ada.username)
    case_id = report(server, cast.ada, make_post(server, cast.bob), reason="threat").case_ids[0]
    assert value(server, "SELECT lane FROM cases WHERE id = :case", case=case_id) == "S1"
    assert value(server, "SELECT channel FROM notices") == "trusted_flagger"
    assert report(server, cast.eve, make_post(server, cast.bob), reason="spam").number
    assert value(server, "SELECT channel FROM notices ORDER BY id DESC LIMIT 1") == "in_app"
