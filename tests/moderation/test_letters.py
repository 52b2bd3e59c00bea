"""A letter of a host: what it names is found, it has a clock, and the desk has every item."""

from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from roseau.domain.moderation.desk.deadlines import find_deadline
from roseau.domain.moderation.desk.taking import Received, receive_mail
from roseau.doors.server import Server
from roseau.kernel import clock
from tests.conftest import Cast
from tests.moderation.acting import make_post, rows, value

pytestmark = pytest.mark.anyio

LETTERS = Path(__file__).parent / "letters"


def receive(server: Server, raw: bytes) -> Received:
    """Take a mail in."""
    received: Received = server.database.write_now(receive_mail, server.site, raw)
    return received


def letter(body: str, sender: str = "abuse@amazonaws.com", subject: str = "Abuse case 4711-22") -> bytes:
    """A plain mail to the abuse address."""
    head = f"From: AWS Trust & Safety <{sender}>\nTo: abuse@roseau.test\nSubject: {subject}\n"
    return f"{head}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}\n".encode()


def status_ids(server: Server, received: Received) -> list[int | None]:
    """The statuses of a notice's items, in order."""
    found = rows(
        server,
        "SELECT status_id FROM notice_items WHERE notice_id = :notice ORDER BY position",
        notice=received.notice_id,
    )
    return [row[0] for row in found]


async def test_a_letter_of_98_posts_is_found_whole(server: Server, cast: Cast) -> None:
    ids = [make_post(server, cast.bob, f"post {number}") for number in range(98)]
    raw = (LETTERS / "ninety-eight.eml").read_bytes().replace(b"{date}", formatdate().encode())
    for number, status_id in enumerate(ids):
        raw = raw.replace(b"{%02d}" % number, str(status_id).encode())
        # Where the letter breaks an address in two, it does so in the middle of the number.
        first, last = str(status_id)[:7], str(status_id)[7:]
        raw = raw.replace(b"{%02da}" % number, first.encode()).replace(b"{%02db}" % number, last.encode())
    received = receive(server, raw)
    assert received.letter_id is not None
    found = status_ids(server, received)
    missing = [number for number, status_id in enumerate(ids) if status_id not in found]
    assert not missing, f"of 98 these were not found: {missing}"
    assert len(found) == 98
    (provider, reference, due, known) = rows(
        server, "SELECT provider, reference, deadline_at - received_at, deadline_found FROM host_letters"
    )[0]
    assert (provider, reference) == ("Amazon Web Services", "20210109-PRLR-98")
    assert abs(due - clock.DAY) < clock.MINUTE and known
    assert value(server, "SELECT COUNT(DISTINCT case_id) FROM notice_items") == 1
    assert value(server, "SELECT lane FROM cases") == "S0"


async def test_a_mail_is_taken_in_once(server: Server, cast: Cast) -> None:
    raw = letter(f"https://roseau.test/@bob/{make_post(server, cast.bob)}")
    first, second = receive(server, raw), receive(server, raw)
    assert not first.known and second.known
    assert first.letter_id == second.letter_id
    assert value(server, "SELECT COUNT(*) FROM notices") == 1


async def test_mail_of_anybody_is_a_notice(server: Server, cast: Cast) -> None:
    status_id = make_post(server, cast.bob)
    received = receive(server, letter(f"See https://roseau.test/@bob/{status_id}", "eve@example.org"))
    assert received.letter_id is None
    assert status_ids(server, received) == [status_id]
    assert value(server, "SELECT channel FROM notices") == "mail"


async def test_the_site_names_further_hosts(server: Server, cast: Cast) -> None:
    from_host = letter("Please answer within 48 hours.", "abuse@small-host.example")
    assert receive(server, from_host).letter_id is None
    choose = server.database.write_now
    choose(_choose_senders, ("small-host.example",))
    received = receive(server, from_host + b"\n")
    assert received.letter_id is not None


def _choose_senders(tx: Any, senders: tuple[str, ...]) -> None:
    from roseau.domain.site import choose

    choose(tx, None, letter_senders=senders)


async def test_a_forged_sender_makes_no_letter(server: Server, cast: Cast) -> None:
    forged = b"Authentication-Results: mx.roseau.test; dmarc=fail header.from=amazonaws.com\n" + letter(
        "Now!"
    )
    received = receive(server, forged)
    assert received.letter_id is None and received.notice_id is not None


async def test_a_flood_under_the_name_of_a_host_is_grouped(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roseau.domain.moderation.desk.taking.MOST_LETTERS", 3)
    for number in range(40):
        receive(server, letter(f"Take down https://roseau.test/@bob/{number + 1}"))
    assert value(server, "SELECT COUNT(*) FROM host_letters") == 3
    # Nothing is lost, and the queue stays usable: what comes after its share stands in one case.
    assert value(server, "SELECT COUNT(*) FROM notices") == 40
    subjects = [row[0] for row in rows(server, "SELECT subject FROM cases")]
    assert sum(subject.startswith("flood:") for subject in subjects) == 1 and len(subjects) < 30


async def test_a_letter_without_a_time_has_a_day(server: Server) -> None:
    receive(server, letter("Please take this down: https://roseau.test/@nobody/1"))
    (due, known) = rows(server, "SELECT deadline_at - received_at, deadline_found FROM host_letters")[0]
    assert due == clock.DAY and not known


WEDNESDAY = clock.from_iso("2027-03-10T10:00:00Z")


@pytest.mark.parametrize(
    ("words", "language", "expected"),
    [
        ("Please respond within 24 hours.", "en", "2027-03-11T10:00"),
        ("within twenty-four (24) hours of this notice", "en", "2027-03-11T10:00"),
        ("You have 2 business days to act.", "en", "2027-03-12T10:00"),
        ("A 24-hour deadline applies.", "en", "2027-03-11T10:00"),
        ("by 12 March 2027 18:00 UTC", "en", "2027-03-12T18:00"),
        ("no later than March 12, 2027 at 6:00 PM PST", "en", "2027-03-13T02:00"),
        ("before 6 pm PT on March 12, 2027", "en", "2027-03-13T02:00"),
        ("by 2027-03-12T18:00:00+02:00", "en", "2027-03-12T16:00"),
        ("Deadline: 12/03/2027", "en", "2027-03-12T10:00"),
        ("by 18:00 UTC on 12 March 2027, or within 12 hours if you can", "en", "2027-03-10T22:00"),
        ("dans un délai de 24 heures", "fr", "2027-03-11T10:00"),
        ("sous 24 h", "fr", "2027-03-11T10:00"),
        ("dans les quarante-huit heures", "fr", "2027-03-12T10:00"),
        ("avant le 12 mars 2027", "fr", "2027-03-11T10:00"),
        ("d’ici le 12 mars 2027 à 18 h 30", "fr", "2027-03-12T17:30"),
        ("au plus tard le vendredi 12 mars 2027", "fr", "2027-03-12T10:00"),
        ("avant le 12/03/2027 à 18h00 (heure de Paris)", "fr", "2027-03-12T17:00"),
    ],
)
def test_a_letter_says_by_when(words: str, language: str, expected: str) -> None:
    found = find_deadline(words, WEDNESDAY, language)
    assert found is not None and clock.to_iso(found).startswith(expected)


@pytest.mark.parametrize(
    "words",
    [
        "In the last 24 hours we received 98 reports.",
        "We were told on 12 March 2027 that it was up.",
        "By 12 March 2020 you had answered nothing.",
        "Within the 30 pages attached you find them.",
    ],
)
def test_not_every_time_is_a_deadline(words: str) -> None:
    assert find_deadline(words, WEDNESDAY, "en") is None
