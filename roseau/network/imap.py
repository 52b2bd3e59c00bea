"""A mailbox that mails are fetched from (IMAP4rev1, RFC 3501): blocking, to be run in a thread.

A mail is fetched without marking it, and marked only when whoever took it says that it is safe.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import ClassVar, Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from roseau.kernel.errors import RoseauError
from roseau.network.client import make_tls_context

#: A mail that is larger is fetched up to here, so that at least its beginning is read.
MOST_BYTES: Final = 25 * 1024 * 1024
#: A server that is silent for so long (seconds) is left.
TIMEOUT: Final = 60.0
#: Put on what was taken, where the server keeps keywords: that somebody opened a mail does not hide it then.
KEYWORD: Final = "RoseauTaken"
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")
_KEEPS: Final = re.compile(rb"\\\*|" + KEYWORD.encode(), re.IGNORECASE)


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """Where mails are fetched. `tls` speaks TLS from the start, `starttls` requires it before the name."""

    host: str
    port: int = 993
    security: Literal["tls", "starttls"] = "tls"
    user: str
    password: str
    folder: str = "INBOX"

    def __repr__(self) -> str:
        """Without the password, since settings end up in logs."""
        return f"Mailbox({self.user}@{self.host}:{self.port}/{self.folder})"


class Fetched(msgspec.Struct, frozen=True):
    """A mail in the mailbox: its number there, and what it is (its beginning, if it is too large)."""

    uid: str
    raw: bytes


class MailboxTrouble(RoseauError):
    """The mailbox cannot be read now; trying again later is right."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "mailbox_trouble"
    sentence: ClassVar[str] = "The mailbox cannot be read at the moment."


def to_mailbox(address: str) -> Mailbox:
    """Read imaps://USER:PASSWORD@HOST[:PORT]/FOLDER, or imap:// for STARTTLS. Raises MailboxTrouble."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise MailboxTrouble("The setting abuse_mailbox is not an address.") from error
    if parts.scheme not in ("imaps", "imap") or not parts.hostname or not parts.username:
        raise MailboxTrouble("abuse_mailbox has to be imaps://USER:PASSWORD@HOST/INBOX.")
    return Mailbox(
        host=parts.hostname,
        port=port or (993 if parts.scheme == "imaps" else 143),
        security="tls" if parts.scheme == "imaps" else "starttls",
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.lstrip("/")) or "INBOX",
    )


def fetch_mails(mailbox: Mailbox, most: int, timeout: float = TIMEOUT) -> list[Fetched]:
    """The oldest mails that were not marked as taken, at most so many. Raises MailboxTrouble."""
    with _opened(mailbox, timeout) as (connection, keyword):
        wanted = f"UNKEYWORD {keyword}" if keyword else "UNSEEN"
        uids = _ask(connection, "SEARCH", None, wanted, "UNDELETED")
        found = uids[0].split() if uids and isinstance(uids[0], bytes) else []
        return list(_fetch(connection, [uid.decode("ascii", "replace") for uid in found[:most]]))


def mark_taken(mailbox: Mailbox, uids: Sequence[str], timeout: float = TIMEOUT) -> None:
    """Mark mails, so that they are not fetched again. Raises MailboxTrouble."""
    if not uids:
        return
    with _opened(mailbox, timeout) as (connection, keyword):
        flags = f"({KEYWORD} \\Seen)" if keyword else "(\\Seen)"
        _ask(connection, "STORE", ",".join(uids), "+FLAGS.SILENT", flags)


def _fetch(connection: imaplib.IMAP4, uids: Sequence[str]) -> Iterator[Fetched]:
    for uid in uids:
        sizes = _ask(connection, "FETCH", uid, "(RFC822.SIZE)")
        said = next((_SIZE.search(line) for line in sizes if isinstance(line, bytes)), None)
        size = int(said[1]) if said else 0
        part = f"BODY.PEEK[]<0.{MOST_BYTES}>" if size > MOST_BYTES else "BODY.PEEK[]"
        for piece in _ask(connection, "FETCH", uid, f"({part})"):
            if isinstance(piece, tuple) and len(piece) > 1:
                yield Fetched(uid, bytes(piece[1]))
                break


def _ask(
    connection: imaplib.IMAP4, command: str, *arguments: str | None
) -> list[bytes | tuple[bytes, bytes]]:
    # imaplib leaves out an argument that is None; its types do not say so.
    kind, answer = connection.uid(command, *arguments)  # type: ignore[arg-type]
    if kind != "OK":
        raise MailboxTrouble(f"The mailbox refused the command {command}.")
    return [line for line in answer if line is not None]


@contextmanager
def _opened(mailbox: Mailbox, timeout: float) -> Iterator[tuple[imaplib.IMAP4, str]]:
    """The folder, opened, and the keyword for what was taken if the server keeps one."""
    try:
        connection = _connect(mailbox, timeout)
        try:
            connection.login(mailbox.user, mailbox.password)
            kind, _ = connection.select(_quoted(mailbox.folder))
            if kind != "OK":
                raise MailboxTrouble(f"The mailbox has no folder {mailbox.folder!r}.")
            _, flags = connection.response("PERMANENTFLAGS")
            keeps = any(isinstance(line, bytes) and _KEEPS.search(line) for line in flags or [])
            yield connection, KEYWORD if keeps else ""
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                connection.logout()
    except ssl.SSLError as error:
        raise MailboxTrouble("The certificate of the mailbox's server could not be verified.") from error
    except TimeoutError as error:
        raise MailboxTrouble("The server of the mailbox took too long to answer.") from error
    except imaplib.IMAP4.error as error:
        raise MailboxTrouble(f"The mailbox cannot be read: {_one_line(str(error))}") from error
    except OSError as error:
        raise MailboxTrouble(
            f"The server of the mailbox cannot be reached: {_one_line(str(error))}"
        ) from error


def _connect(mailbox: Mailbox, timeout: float) -> imaplib.IMAP4:
    if mailbox.security == "tls":
        return imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=make_tls_context(), timeout=timeout)
    connection = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=timeout)
    connection.starttls(make_tls_context())
    return connection


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
