"""What the desk reads in a mail: who wrote it, what it says and points at, and whether it is a report."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from roseau.domain.moderation.desk.links import find_links, to_text
from roseau.domain.moderation.desk.mails import read_mail
from roseau.domain.moderation.desk.parts import decode_text
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.doors.abuse_mail import empty_folder, empty_mailbox, take_mail
from roseau.doors.server import Server
from roseau.kernel.errors import Unavailable
from roseau.network.imap import to_mailbox
from roseau.worker import Worker
from tests.conftest import Cast
from tests.moderation.acting import make_post, rows, value
from tests.moderation.test_letters import letter, receive, status_ids
from tests.network.loopback import Authority
from tests.network.test_imap import Postmaster

pytestmark = pytest.mark.anyio

HOSTS = ("roseau.test",)
POST = "https://roseau.test/@bob/117661131014999513"


def uris(text: str) -> list[str]:
    """The addresses in a text, each in its first reading."""
    return [link.uri for link in find_links(text, HOSTS)]


@pytest.mark.parametrize(
    "text",
    [
        POST,
        f"({POST})",
        f"<{POST}>.",
        f"See {POST}, please.",
        f"«\u00a0{POST}\u00a0»",
        f"[that]({POST}) and more",
        f"| {POST} | hate |",
        f"**{POST}**",
        f"`{POST}`",
        f"\u201c{POST}\u201d",
        POST.replace("https", "hxxps"),
        POST.replace(".", "[.]"),
        POST.replace(".", "(.)"),
        POST.replace(".", "[dot]"),
        POST.replace("https:", "hXXps[:]"),
        POST.replace("://", "[://]"),
        POST.replace("https", "h**ps"),
        POST.replace("https:", "https: "),
        POST.removeprefix("https://"),
        f"http:{POST}".removeprefix("http:"),
        f"<{POST[:30]}\n{POST[30:]}>",
        f"<{POST[:30]}=\n{POST[30:]}>",
        POST.replace("/@", "\u200b/@"),
        POST.replace("/", "\\/"),
        f"> > {POST}",
        f"https://urldefense.com/v3/__{POST}__;!!x$",
        "https://x.safelinks.protection.outlook.com/?url="
        + POST.replace(":", "%3A").replace("/", "%2F")
        + "&data=1",
    ],
)
def test_an_address_is_found_however_it_is_written(text: str) -> None:
    assert POST in [reading for link in find_links(text, HOSTS) for reading in (link.uri, *link.others)]


def test_addresses_side_by_side_are_several() -> None:
    assert uris(f"{POST}1,{POST}2;{POST}3|{POST}4 {POST}5{POST}6") == [f"{POST}{n}" for n in range(1, 7)]


def test_what_is_no_address_is_none() -> None:
    assert uris("We saw roseau.test in the news. Mail abuse@roseau.test. See /@bob/1 and http:// //.") == []


def test_the_words_of_a_page_are_read_and_its_scripts_are_not() -> None:
    page = f"<style>a{{}}</style><p>Look&nbsp;<a href='{POST}'>here</a>"
    page += "<script>var a='http://b.example';</script> ok"
    text = to_text(page)
    assert uris(text) == [POST] and "here" in text and "ok" in text and "var a" not in text


@pytest.mark.parametrize("more", ["", "."])
def test_a_text_that_lies_about_its_letters_is_read(more: str) -> None:
    said = f"See {POST}{more}".encode()
    for charset in ("utf-16", "utf-16le", "utf-32", "nonsense"):
        assert POST in decode_text(said, charset)
    for charset in ("utf-16", "utf-16le"):
        assert POST in decode_text(said.decode().encode(charset), charset)


def report_mail(kind: str, fields: str) -> bytes:
    """A mail in the form of RFC 5965."""
    lines = ["From: fbl@isp.example", "To: abuse@roseau.test", "Subject: FW: spam", "MIME-Version: 1.0"]
    lines += [f'Content-Type: multipart/report; report-type={kind}; boundary="b"', "", "--b"]
    lines += ["Content-Type: text/plain", "", "This is a report.", "--b"]
    lines += ["Content-Type: message/feedback-report", "", fields, "--b", "Content-Type: message/rfc822", ""]
    lines += ["From: bob@roseau.test", "Subject: Buy", "", f"Buy at {POST}9", "--b--", ""]
    return "\n".join(lines).encode()


def test_an_arf_report_is_read() -> None:
    fields = (
        f"Feedback-Type: fraud\nUser-Agent: x/1\nVersion: 1\nReported-URI: {POST}\nReported-Uri: <{POST}2>\n"
    )
    mail = read_mail(report_mail("feedback-report", fields + "Source-IP: 192.0.2.1\n"), HOSTS)
    assert mail.report and (mail.report.kind, mail.report.reason) == ("arf", "scam")
    assert list(dict.fromkeys(link.uri for link in mail.links)) == [POST, f"{POST}2", f"{POST}9"]
    assert "192.0.2.1" in mail.report.facts


XARF: dict[str, Any] = {
    "xarf_version": "4.0.0",
    "report_id": "550e8400-e29b-41d4-a716-446655440000",
    "timestamp": "2026-11-20T10:00:00Z",
    "reporter": {"org": "Example", "contact": "abuse@example.org", "domain": "example.org"},
    "sender": {"org": "Example", "contact": "abuse@example.org", "domain": "example.org"},
    "source_identifier": "192.0.2.7",
    "category": "content",
    "type": "fraud",
    "url": POST,
    "evidence": [
        {"content_type": "text/plain", "payload": base64.b64encode(f"also {POST}3".encode()).decode()},
        {"content_type": "text/plain", "payload": "!!"},
    ],
}


def test_a_xarf_report_is_read() -> None:
    head = "From: abuse@example.org\nSubject: report\nMIME-Version: 1.0\nContent-Type: application/json\n\n"
    mail = read_mail(head.encode() + json.dumps(XARF).encode(), HOSTS)
    assert mail.report and (mail.report.kind, mail.report.reason) == ("xarf", "scam")
    assert mail.report.contact == ("Example", "abuse@example.org")
    assert mail.report.reference == XARF["report_id"]
    assert {POST, f"{POST}3"} <= {link.uri for link in mail.links}


@pytest.mark.parametrize("missing", ["xarf_version", "report_id", "reporter", "category"])
def test_a_report_that_is_none_is_a_mail(missing: str) -> None:
    lie = {name: told for name, told in XARF.items() if name != missing}
    mail = read_mail(json.dumps(lie).encode(), HOSTS)
    assert mail.report is None and POST in [link.uri for link in mail.links]


async def test_a_mail_that_says_arf_and_is_not_becomes_a_notice(server: Server, cast: Cast) -> None:
    status_id = make_post(server, cast.bob)
    raw = report_mail("feedback-report", "Nothing: here").replace(POST.encode() + b"9", b"(none)")
    raw = raw.replace(b"This is a report.", f"https://roseau.test/@bob/{status_id}".encode())
    received = receive(server, raw)
    assert status_ids(server, received) == [status_id]
    assert value(server, "SELECT channel FROM notices") == "mail"


async def test_words_without_an_address_are_a_notice(server: Server) -> None:
    received = receive(server, letter("Bob has threatened to kill me.", "eve@example.org", "Help"))
    assert received.notice_id is not None
    (comment, reason) = rows(server, "SELECT comment, reason FROM notices")[0]
    assert "threatened to kill me" in comment and comment.startswith("Help")
    assert reason == "threat"


async def test_machines_that_answer_are_not_answered(server: Server) -> None:
    away = b"Auto-Submitted: auto-replied\n" + letter("I am away until Monday.", "eve@example.org")
    assert receive(server, away).refusal == "automatic_reply"
    assert value(server, "SELECT COUNT(*) FROM notices") == 0
    assert value(server, "SELECT refusal FROM received_mails") == "automatic_reply"


async def test_a_folder_of_mails_is_emptied(server: Server, cast: Cast, tmp_path: Path) -> None:
    folder = tmp_path / "abuse"
    folder.mkdir()
    post = f"https://roseau.test/@bob/{make_post(server, cast.bob)}"
    (folder / "1.eml").write_bytes(letter(post))
    (folder / "2.eml").write_bytes(b"Auto-Submitted: auto-replied\n" + letter("Away.", "eve@example.org"))
    # A server was killed after it had taken this one up.
    (folder / "3.eml.taking").write_bytes(letter(post, "eve@example.org"))
    (folder / "notes.txt").write_text("not a mail")
    secret = tmp_path / "secret"
    secret.write_text("From: x\n\nsecret")
    (folder / "4.eml").symlink_to(secret)
    assert await empty_folder(server, folder) == 3
    assert await empty_folder(server, folder) == 0
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["1.eml", "3.eml"]
    assert [path.name for path in (folder / "refused").iterdir()] == ["2.eml"]
    assert (folder / "notes.txt").exists()
    assert value(server, "SELECT COUNT(*) FROM notices") == 2


async def test_a_mail_with_more_items_than_a_notice_takes_loses_none(
    server: Server, cast: Cast, worker: Worker
) -> None:
    text = "\n".join(f"https://roseau.test/@bob/{n}" for n in range(1, 1201))
    received = await take_mail(server, letter(text))
    assert received.items == 500
    await worker.settle()
    assert value(server, "SELECT COUNT(*) FROM notice_items") == 1200
    assert value(server, "SELECT COUNT(*) FROM host_letters") == 3
    assert value(server, "SELECT COUNT(DISTINCT deadline_at) FROM host_letters") == 1


async def test_what_was_taken_in_keeps_the_mail_sealed(server: Server) -> None:
    raw = letter("A secret sentence.", "eve@example.org")
    server.database.write_now(receive_mail, server.site, raw)
    (sealed,) = rows(server, "SELECT original FROM notices")[0]
    assert sealed and b"secret sentence" not in bytes(sealed)


async def test_a_mailbox_is_emptied_and_a_mail_is_marked_when_it_is_saved(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    postmaster = Postmaster(authority.context("127.0.0.1", "localhost"))
    box = to_mailbox(f"imaps://abuse:secret@localhost:{postmaster.port}/INBOX")
    try:
        for uid in range(1, 13):
            postmaster.put(uid, letter(f"Mail number {uid}", "eve@example.org"))
        monkeypatch.setattr("roseau.doors.abuse_mail.receive_mail", _fail_at("number 3"))
        with pytest.raises(Unavailable):
            await empty_mailbox(server, box)
        # What was saved before the disk was full is marked, and the rest is not.
        assert [uid for uid, marks in postmaster.marks.items() if marks] == [1, 2]
        monkeypatch.undo()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert await empty_mailbox(server, box) == 10
        assert await empty_mailbox(server, box) == 0
    finally:
        postmaster.close()
    assert value(server, "SELECT COUNT(*) FROM notices") == 12


def _fail_at(words: str) -> Any:
    def receive_or_fail(tx: Any, site: Any, raw: bytes, mail: Any) -> Any:
        if words.encode() in raw:
            raise Unavailable
        return receive_mail(tx, site, raw, mail)

    return receive_or_fail
