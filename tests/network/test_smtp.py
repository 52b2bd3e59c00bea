import asyncio
import base64
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.network.smtp import MailDelayed, MailRejected, MailServer, compose_mail, send_mail, to_address
from tests.network.loopback import Authority

pytestmark = pytest.mark.anyio


class Post:
    """A mail server for one test: what it was told, and what it answers to a command instead of 250."""

    def __init__(self, answers: dict[str, str], tls: ssl.SSLContext | None, implicit: bool) -> None:
        self.answers = answers
        self.tls = tls
        self.encrypted = implicit
        self.port = 0
        self.said: list[str] = []
        self.mails: list[bytes] = []

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self.answers.get("HELLO", "220 post.example").encode() + b"\r\n")
            while line := (await reader.readline()).decode().strip():
                self.said.append(line)
                await self.answer(line.split(" ")[0].upper(), line, reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def answer(
        self, verb: str, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if verb in self.answers:
            writer.write(self.answers[verb].encode() + b"\r\n")
        elif verb == "EHLO":
            offers = ["post.example", "AUTH PLAIN", "SIZE 1000000"]
            offers += ["STARTTLS"] if self.tls and not self.encrypted else []
            lines = [f"250{' ' if offer is offers[-1] else '-'}{offer}\r\n" for offer in offers]
            writer.write("".join(lines).encode())
        elif verb == "STARTTLS":
            writer.write(b"220 go\r\n")
            await writer.drain()
            assert self.tls
            await writer.start_tls(self.tls)
            self.encrypted = True
        elif verb == "AUTH":
            writer.write(b"235 ok\r\n")
        elif verb == "DATA":
            writer.write(b"354 go\r\n")
            await writer.drain()
            self.mails.append((await reader.readuntil(b"\r\n.\r\n"))[:-3])
            writer.write(self.answers.get("BODY", "250 taken").encode() + b"\r\n")
        else:
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")


@asynccontextmanager
async def post(
    tls: ssl.SSLContext | None = None, implicit: bool = False, **answers: str
) -> AsyncIterator[Post]:
    office = Post(answers, tls, implicit)
    server = await asyncio.start_server(office.meet, "127.0.0.1", 0, ssl=tls if implicit else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()


def plain(office: Post, **more: object) -> MailServer:
    return MailServer(host="127.0.0.1", port=office.port, security="none", **more)  # type: ignore[arg-type]


def a_mail(**more: object) -> EmailMessage:
    return compose_mail(
        "Roseau <post@roseau.example>",
        "ada@exämple.fr",
        "Bienvenue à bord",
        "Bonjour Ada,\nvoici le lien.\n.\n",
        domain="roseau.example",
        **more,  # type: ignore[arg-type]
    )


def read_only(folder: Path) -> EmailMessage:
    """The one mail in the folder, read back."""
    (file,) = folder.iterdir()
    return message_from_bytes(file.read_bytes(), policy=policy.default)


async def test_a_mail_has_the_headers_it_needs(mail_folder: Path, noon: int) -> None:
    mail = a_mail(html="<p>Bonjour</p>", headers={"List-Id": "Roseau <x.example>", "Reply-To": "a@b.example"})
    await send_mail(None, mail_folder, mail)
    read = read_only(mail_folder)
    assert read["From"] == "Roseau <post@roseau.example>"
    assert read["To"] == "ada@xn--exmple-cua.fr"
    assert read["Subject"] == "Bienvenue à bord"
    assert read["Date"] == "Sun, 22 Nov 2026 12:00:00 +0000"
    assert read["Message-ID"].endswith("@roseau.example>")
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["MIME-Version"] == "1.0"
    assert (read["List-Id"], read["Reply-To"]) == ("Roseau <x.example>", "a@b.example")
    assert read.get_content_type() == "multipart/alternative"
    text, html = read.iter_parts()
    assert text.get_content_type() == "text/plain" and "Bonjour Ada" in text.get_content()
    assert html.get_content_type() == "text/html" and html.get_content().strip() == "<p>Bonjour</p>"


async def test_without_a_server_mail_lies_in_the_folder(mail_folder: Path, noon: int) -> None:
    await send_mail(None, mail_folder, a_mail())
    await send_mail(None, mail_folder, a_mail())
    files = sorted(mail_folder.iterdir())
    assert len(files) == 2
    for file in files:
        assert file.name.startswith("20261122-120000-") and file.suffix == ".eml"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(mail_folder.stat().st_mode) == 0o700


async def test_a_folder_that_cannot_be_written_delays_the_mail(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file stands where the folder should")
    with pytest.raises(MailDelayed, match="could not be written"):
        await send_mail(None, tmp_path / "mail", a_mail())


async def test_a_line_break_never_makes_a_header(mail_folder: Path) -> None:
    mail = compose_mail(
        "post@roseau.example",
        "ada@site.example",
        "Hello\r\nBcc: all@site.example\r\n\r\nBody",
        "text",
        headers={"X-Account": "ada\nBcc: all@site.example"},
        domain="roseau.example",
    )
    await send_mail(None, mail_folder, mail)
    read = read_only(mail_folder)
    assert read["Bcc"] is None
    assert read["Subject"] == "Hello Bcc: all@site.example Body"
    assert read["X-Account"] == "ada Bcc: all@site.example"
    assert read.get_content().strip() == "text"


@pytest.mark.parametrize("name", ["To", "bcc", "Content-Type", "Bad Name", "X:Y", "X\r\nBcc", ""])
def test_headers_that_are_not_the_callers(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be set"):
        a_mail(headers={name: "x"})


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@site.example",
        "ada@",
        "a@b@c",
        "a b@site.example",
        "ada@site.example\nBcc: x@y.z",
        "<>",
        "a@b c",
        "älva@site.example",
        "a..b@site.example",
        "a@site..example",
        "a@[127.0.0.1]",
        '"a b"@site.example',
        "Ada <ada@site.example> x",
        "Ada <ada@site.example",
    ],
)
def test_addresses_that_mail_cannot_be_sent_to(address: str) -> None:
    with pytest.raises(MailRejected):
        compose_mail("post@roseau.example", address, "s", "t", domain="roseau.example")


@given(st.text(max_size=60) | st.emails())
def test_any_text_is_one_address_or_none(text: str) -> None:
    try:
        address = to_address(text)
    except MailRejected:
        return
    mail = compose_mail("post@roseau.example", text, text, text, domain="roseau.example")
    assert mail["To"].addresses == (address,)
    assert message_from_bytes(mail.as_bytes(), policy=policy.default)["Bcc"] is None


async def test_mail_is_handed_over_in_the_clear_when_so_set(tmp_path: Path) -> None:
    async with post() as office:
        await send_mail(plain(office, user="me", password="pass"), tmp_path, a_mail())
    assert "EHLO roseau.example" in office.said
    assert any(line.startswith("MAIL FROM:<post@roseau.example>") for line in office.said)
    assert any(line.startswith("RCPT TO:<ada@xn--exmple-cua.fr>") for line in office.said)
    assert "AUTH PLAIN " + base64.b64encode(b"\0me\0pass").decode() in office.said
    read = message_from_bytes(office.mails[0], policy=policy.default)
    assert read["Subject"] == "Bienvenue à bord"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_is_handed_over_encrypted(security: str, trusted: Authority, tmp_path: Path) -> None:
    tls = trusted.context("localhost")
    async with post(tls, implicit=security == "tls") as office:
        server = MailServer(host="localhost", port=office.port, security=security, user="me", password="pass")  # type: ignore[arg-type]
        await send_mail(server, tmp_path, a_mail())
    assert office.encrypted
    assert len(office.mails) == 1
    if security == "starttls":
        verbs = [line.split(" ")[0] for line in office.said]
        assert verbs.index("STARTTLS") < verbs.index("AUTH")


async def test_a_server_that_withholds_starttls_gets_neither_password_nor_mail(tmp_path: Path) -> None:
    async with post() as office:
        server = MailServer(host="127.0.0.1", port=office.port, user="me", password="pass")
        with pytest.raises(MailDelayed):
            await send_mail(server, tmp_path, a_mail())
    assert not office.mails
    assert not any(line.startswith(("AUTH", "MAIL")) for line in office.said)


async def test_an_unknown_certificate_delays_the_mail(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with post(authority.context("localhost"), implicit=True) as office:
        with pytest.raises(MailDelayed):
            await send_mail(
                MailServer(host="localhost", port=office.port, security="tls"), tmp_path, a_mail()
            )
    assert not office.mails


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"RCPT": "550 no such user"}, MailRejected),
        ({"RCPT": "450 greylisted"}, MailDelayed),
        ({"MAIL": "553 not yours"}, MailRejected),
        ({"MAIL": "451 later"}, MailDelayed),
        ({"DATA": "554 no"}, MailRejected),
        ({"BODY": "554 spam"}, MailRejected),
        ({"BODY": "452 full"}, MailDelayed),
        ({"AUTH": "535 wrong password"}, MailDelayed),
        ({"HELLO": "421 busy"}, MailDelayed),
        ({"HELLO": "554 not you"}, MailDelayed),
        ({"EHLO": "550 no", "HELO": "550 no"}, MailDelayed),
        ({"RCPT": "421 closing"}, MailDelayed),
    ],
)
async def test_answers_sort_into_later_and_never(
    answers: dict[str, str], kind: type[Exception], tmp_path: Path
) -> None:
    async with post(**answers) as office:  # type: ignore[arg-type]
        with pytest.raises(kind):
            await send_mail(plain(office, user="me", password="pass"), tmp_path, a_mail())


async def test_a_silent_server_and_a_missing_one_delay_the_mail(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silence = MailServer(host="127.0.0.1", port=port, security="none", timeout=0.1)
    with pytest.raises(MailDelayed, match="too long"):
        await send_mail(silence, tmp_path, a_mail())
    server.close()
    await server.wait_closed()
    with pytest.raises(MailDelayed):
        await send_mail(silence, tmp_path, a_mail())


@pytest.mark.parametrize(
    ("written", "name", "spec"),
    [
        ("ada@site.example", "", "ada@site.example"),
        (" Ada <ada+tag@site.example> ", "Ada", "ada+tag@site.example"),
        ('"Ada, Countess" <ada@localhost>', "Ada, Countess", "ada@localhost"),
        ("Élodie <e@exämple.fr>", "Élodie", "e@xn--exmple-cua.fr"),
        ("<ada@site.example>", "", "ada@site.example"),
    ],
)
def test_addresses_are_read(written: str, name: str, spec: str) -> None:
    address = to_address(written)
    assert (address.display_name, address.addr_spec) == (name, spec)


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(MailServer(host="h", user="me", password="hunter2"))
