"""Mail: composing it with the right headers, and sending it through SMTP or into a folder."""

import asyncio
import os
import re
import secrets
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import ClassVar, Literal

import aiosmtplib
import idna
import msgspec

from roseau.kernel import clock
from roseau.kernel.errors import RoseauError
from roseau.network.client import make_tls_context

# A whole conversation may last this many times the limit for one command, which is all aiosmtplib knows.
PATIENCE = 4
OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "sender", "date", "subject", "message-id", "mime-version", "auto-submitted"}
    | {"content-type", "content-transfer-encoding", "content-disposition"}
)
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
ADDRESS = re.compile(
    r"""(?: (?P<name> [^<>]* ) < )?
    (?P<local> [A-Za-z0-9.!\#$%&'*+/=?^_`{|}~-]{1,64} ) @ (?P<domain> [^\s<>@\[\]]{1,253} )
    (?(name) > )""",
    re.VERBOSE,
)
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed over. `starttls` is required once chosen; `timeout` is in seconds a command."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None
    timeout: float = 20

    def __repr__(self) -> str:
        """Without the password, since settings end up in logs."""
        return f"MailServer({self.host}:{self.port}, {self.security}, user={self.user!r})"


class MailDelayed(RoseauError):
    """The mail could not be handed over now; trying again later is right."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "mail_delayed"
    sentence: ClassVar[str] = "The mail could not be sent at the moment."


class MailRejected(RoseauError):
    """The mail server, or the address itself, says that this mail can never be delivered."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "mail_rejected"
    sentence: ClassVar[str] = "Mail cannot be sent to this address."


def compose_mail(
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    html: str | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    domain: str,
) -> EmailMessage:
    """A mail written by the server itself, dated now, its Message-ID on `domain` (the site's).

    Addresses are `a@b` or `Name <a@b>`. Line breaks in the subject and in further headers become
    spaces. Raises MailRejected for an unusable address, ValueError for a header that is ours to write.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = to_address(sender)
    message["To"] = to_address(recipient)
    message["Subject"] = one_line(subject)
    message["Date"] = format_datetime(clock.to_datetime(clock.now()))
    message["Message-ID"] = make_msgid(domain=domain)
    # RFC 3834: no vacation notice answers this; the second says the same to Exchange.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    for name, value in (headers or {}).items():
        if name.lower() in OWN_HEADERS or not HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be set on a mail.")
        del message[name]
        message[name] = one_line(value)
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def to_address(written: str) -> Address:
    """Read `a@b` or `Name <a@b>`; a domain in other letters becomes its ASCII form. Raises MailRejected.

    Quoted local parts, domain literals and letters outside ASCII before the @ are not taken: hardly
    any mailbox has them, and the standard library's lenient parsers turn `a@b c` into `a@bc`.
    """
    read = None if CONTROLS.search(written) else ADDRESS.fullmatch(written.strip())
    if read is None:
        raise MailRejected
    name, local, domain = (read["name"] or "").strip().strip('"'), read["local"], read["domain"]
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
        return Address(display_name=name, addr_spec=f"{local}@{ascii_domain}")
    except (ValueError, MessageError) as error:
        raise MailRejected from error


def one_line(text: str) -> str:
    """The text without line breaks and control characters, so that it stays one header."""
    return CONTROLS.sub(" ", text).strip()


async def send_mail(server: MailServer | None, folder: Path, message: EmailMessage) -> None:
    """Hand a mail to the server, or without one write it to the folder. Raises MailDelayed, MailRejected."""
    if server is None:
        await asyncio.to_thread(write_mail, folder, message)
        return
    try:
        async with asyncio.timeout(server.timeout * PATIENCE):
            await _hand_over(server, message)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise to_mail_error(error) from error


async def _hand_over(server: MailServer, message: EmailMessage) -> None:
    encrypted = server.security != "none"
    await aiosmtplib.send(
        message,
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        timeout=server.timeout,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=make_tls_context() if encrypted else None,
        # Without this aiosmtplib looks up the machine's own full name, which can block for seconds.
        local_hostname=str(message["Message-ID"]).rpartition("@")[2].rstrip(">") or "localhost",
    )


def to_mail_error(error: Exception) -> MailDelayed | MailRejected:
    """Sort what went wrong into what another attempt may mend and what it cannot.

    Only a 5xx answer about the sender, the recipient or the content is final (RFC 5321 4.2.1). A wrong
    password or certificate is the operator's to mend, and no member's mail should be lost over it.
    """
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return to_mail_error(first)
        case (
            aiosmtplib.SMTPSenderRefused(code=code, message=said)
            | aiosmtplib.SMTPRecipientRefused(code=code, message=said)
            | aiosmtplib.SMTPDataError(code=code, message=said)
        ):
            kind = MailRejected if 500 <= code < 600 else MailDelayed
            return kind(f"The mail server answered {code} {one_line(said)[:200]}")
        case aiosmtplib.SMTPAuthenticationError(code=code):
            return MailDelayed(f"The mail server does not accept the user name and password ({code}).")
        case ssl.SSLError():
            return MailDelayed("The mail server's certificate could not be verified.")
        case TimeoutError():
            return MailDelayed("The mail server took too long to answer.")
    return MailDelayed(f"The mail could not be handed over: {one_line(str(error))[:200]}")


def write_mail(folder: Path, message: EmailMessage) -> Path:
    """Write a mail as `YYYYMMDD-HHMMSS-<random>.eml`, whole or not at all. Raises MailDelayed.

    For the owner's eyes only: such mails carry links that open accounts.
    """
    sent = message["Date"].datetime.astimezone(UTC) if message["Date"] else datetime.now(UTC)
    name = f"{sent:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.eml"
    target, draft = folder / name, folder / f".{name}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise MailDelayed(f"The mail could not be written: {error.strerror}.") from error
    return target
