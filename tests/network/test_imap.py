"""A mailbox on loopback: mails are fetched unmarked, marked when they are safe, and only over proven TLS."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from roseau.network.imap import Mailbox, MailboxTrouble, fetch_mails, mark_taken, to_mailbox
from tests.network.loopback import Authority


class Postmaster:
    """An IMAP server for one client at a time: what it holds, and how each mail is marked."""

    def __init__(self, context: ssl.SSLContext | None, flags: str = "\\Seen \\*") -> None:
        self.mails: dict[int, bytes] = {}
        self.marks: dict[int, set[str]] = {}
        self.flags, self.context = flags, context
        #: Commands after which it falls silent.
        self.silent: str = ""
        self.commands: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def put(self, uid: int, raw: bytes, *marks: str) -> None:
        """Lay a mail into the mailbox."""
        self.mails[uid], self.marks[uid] = raw, set(marks)

    def close(self) -> None:
        """Let it end."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                with connection, connection.makefile("rwb") as stream:
                    self._talk(stream)
            except ssl.SSLError:
                continue
            except OSError:
                if self._socket.fileno() < 0:
                    return

    def _talk(self, stream: object) -> None:
        write, read = stream.write, stream.readline  # type: ignore[attr-defined]
        write(b"* OK ready\r\n")
        stream.flush()  # type: ignore[attr-defined]
        while line := read():
            tag, _, command = line.decode().strip().partition(" ")
            self.commands.append(command)
            if self.silent and command.upper().startswith(self.silent):
                threading.Event().wait(3)
                return
            for answer in self._answer(command):
                write(answer + b"\r\n")
            refused = command.upper().startswith("LOGIN") and "wrong" in command
            write(f"{tag} {'NO' if refused else 'OK'} done\r\n".encode())
            stream.flush()  # type: ignore[attr-defined]
            if command.upper() == "LOGOUT":
                return

    def _answer(self, command: str) -> Iterator[bytes]:
        words = command.upper().split()
        if words[0] == "CAPABILITY":
            yield b"* CAPABILITY IMAP4rev1"
        elif words[0] == "SELECT":
            yield f"* {len(self.mails)} EXISTS".encode()
            yield f"* OK [PERMANENTFLAGS ({self.flags})] kept".encode()
        elif words[:2] == ["UID", "SEARCH"]:
            hidden = "roseautaken" if "UNKEYWORD" in words else "\\seen"
            found = [uid for uid, marks in self.marks.items() if hidden not in {m.lower() for m in marks}]
            yield f"* SEARCH {' '.join(map(str, found))}".encode()
        elif words[:2] == ["UID", "FETCH"]:
            uid = int(words[2])
            raw = self.mails[uid]
            if "RFC822.SIZE" in command:
                yield f"* 1 FETCH (UID {uid} RFC822.SIZE {len(raw)})".encode()
            else:
                if part := re.search(r"<0\.(\d+)>", command):
                    raw = raw[: int(part[1])]
                yield f"* 1 FETCH (UID {uid} BODY[] {{{len(raw)}}}".encode() + b"\r\n" + raw + b")"
        elif words[:2] == ["UID", "STORE"]:
            for uid in map(int, words[2].split(",")):
                self.marks[uid] |= set(re.findall(r"[\\\w]+", command.partition("(")[2]))


@pytest.fixture
def postmaster(trusted: Authority) -> Iterator[Postmaster]:
    opened = Postmaster(trusted.context("127.0.0.1", "localhost"))
    yield opened
    opened.close()


def mailbox(postmaster: Postmaster, **fields: str) -> Mailbox:
    return to_mailbox(f"imaps://abuse:{fields.get('password', 'p%40ss')}@localhost:{postmaster.port}/INBOX")


def test_mails_are_fetched_and_marked_when_they_are_safe(postmaster: Postmaster) -> None:
    postmaster.put(7, b"From: a@b\r\n\r\none")
    # Somebody has read this one in a mail program: it is fetched all the same.
    postmaster.put(9, b"From: a@b\r\n\r\ntwo", "\\Seen")
    box = mailbox(postmaster)
    fetched = fetch_mails(box, 10, timeout=5)
    assert [(mail.uid, mail.raw[-3:]) for mail in fetched] == [("7", b"one"), ("9", b"two")]
    assert postmaster.marks == {7: set(), 9: {"\\Seen"}}
    mark_taken(box, ["7"], timeout=5)
    assert [mail.uid for mail in fetch_mails(box, 10, timeout=5)] == ["9"]
    assert "p@ss" in next(command for command in postmaster.commands if command.startswith("LOGIN"))


def test_a_server_without_keywords_marks_as_seen(trusted: Authority) -> None:
    postmaster = Postmaster(trusted.context("127.0.0.1", "localhost"), flags="\\Seen \\Deleted")
    try:
        postmaster.put(1, b"From: a@b\r\n\r\none")
        box = mailbox(postmaster)
        mark_taken(box, [mail.uid for mail in fetch_mails(box, 10, timeout=5)], timeout=5)
        assert fetch_mails(box, 10, timeout=5) == []
    finally:
        postmaster.close()


def test_no_more_are_fetched_than_asked_for(postmaster: Postmaster) -> None:
    for uid in range(1, 6):
        postmaster.put(uid, b"From: a@b\r\n\r\nx")
    assert len(fetch_mails(mailbox(postmaster), 3, timeout=5)) == 3


def test_of_a_mail_that_is_too_large_the_beginning_is_fetched(
    postmaster: Postmaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roseau.network.imap.MOST_BYTES", 100)
    postmaster.put(1, b"From: a@b\r\n\r\n" + b"x" * 1_000)
    assert [len(mail.raw) for mail in fetch_mails(mailbox(postmaster), 3, timeout=5)] == [100]


def test_a_wrong_password_is_said(postmaster: Postmaster) -> None:
    with pytest.raises(MailboxTrouble):
        fetch_mails(mailbox(postmaster, password="wrong"), 3, timeout=5)


def test_a_certificate_that_nobody_vouches_for_is_refused(authority: Authority) -> None:
    postmaster = Postmaster(authority.context("127.0.0.1", "localhost"))
    try:
        with pytest.raises(MailboxTrouble, match="certificate"):
            fetch_mails(mailbox(postmaster), 3, timeout=5)
        assert not any(command.startswith("LOGIN") for command in postmaster.commands)
    finally:
        postmaster.close()


def test_a_server_that_falls_silent_is_left(postmaster: Postmaster) -> None:
    postmaster.put(1, b"From: a@b\r\n\r\nx")
    postmaster.silent = "UID SEARCH"
    with pytest.raises(MailboxTrouble):
        fetch_mails(mailbox(postmaster), 3, timeout=0.5)


def test_the_name_is_not_said_without_tls() -> None:
    postmaster = Postmaster(None)
    try:
        plain = Mailbox(host="127.0.0.1", port=postmaster.port, security="starttls", user="a", password="b")
        with pytest.raises(MailboxTrouble):
            fetch_mails(plain, 3, timeout=5)
        assert not any(command.startswith("LOGIN") for command in postmaster.commands)
    finally:
        postmaster.close()


@pytest.mark.parametrize(
    "address", ["", "https://a:b@c/", "imaps://host/INBOX", "imaps://a@:x/", "imaps://[/"]
)
def test_what_is_no_mailbox_is_said(address: str) -> None:
    with pytest.raises(MailboxTrouble):
        to_mailbox(address)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(to_mailbox("imaps://abuse:secret@mail.example/INBOX"))
