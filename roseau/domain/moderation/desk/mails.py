"""A mail to the abuse address as the desk reads it: who wrote, what they say, and what they point at."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from roseau.domain.moderation.desk.links import Link, find_handles, find_links, find_numbers, to_text
from roseau.domain.moderation.desk.parts import MOST_BYTES, Part, Taken, decode_text, is_mail, take_apart
from roseau.domain.moderation.desk.reports import Report, find_report
from roseau.domain.moderation.desk.vouching import find_voucher
from roseau.kernel.errors import TooLarge

#: Of a longer text only so much is looked through; the mail itself is kept whole.
_MOST_TEXT: Final = 4_000_000
_MOST_NAMED: Final = 2_000
_READABLE: Final = (".txt", ".csv", ".tsv", ".json", ".html", ".htm", ".md", ".log", ".eml", ".ics", ".xml")
_TABLES: Final = (".csv", ".tsv")
_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"()\[\]]{1,64}@[^\s<>@,;:\"()\[\]]{1,253}")
_FAILED: Final = re.compile(r"\bdmarc=(?:fail|permerror)\b", re.IGNORECASE)
_FRENCH: Final = re.compile(
    r"\b(?:le|la|les|des|une|nous|vous|votre|est|dans|pour|avec|sur|du|et)\b", re.IGNORECASE
)
_ENGLISH: Final = re.compile(r"\b(?:the|of|and|to|you|your|is|in|for|with|on|we|this|that)\b", re.IGNORECASE)


class AbuseMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail, read. `text` is everything that it says, `words` what its writer wrote for people."""

    sender: str = ""
    sender_name: str = ""
    reply_to: str = ""
    subject: str = ""
    #: When its sender says that it was written; None when that cannot be read.
    sent_at: int | None = None
    words: str = ""
    language: str = "en"
    links: list[Link] = []
    #: Accounts by their names, and numbers that may be those of statuses.
    handles: list[str] = []
    numbers: list[int] = []
    report: Report | None = None
    #: Attachments that nobody here can read by machine.
    unread: list[str] = []
    #: A mail server said that the sender is not who they say.
    forged: bool = False
    #: The mail server that says who wrote it; empty: none does. Whether it is ours, the site has to know.
    vouched_by: str = ""
    #: A machine answers a mail of ours: it was not delivered, or somebody is away.
    automatic: bool = False

    @property
    def sender_domain(self) -> str:
        """The domain of the sender's address, in small letters."""
        return self.sender.rpartition("@")[2].lower()


def read_mail(raw: bytes, hosts: Iterable[str] = ()) -> AbuseMail:
    """Read a mail, or a text that somebody pasted. Raises TooLarge; nothing else, whatever it holds.

    `hosts` are the site's own, whose addresses are also found without their scheme.
    """
    if len(raw) > MOST_BYTES:
        raise TooLarge("A mail of more than 25 MB cannot be read.")
    taken = take_apart(raw) if is_mail(raw) else Taken({}, [Part("text/plain", "", raw)], [])
    report = find_report(taken)
    texts = list(_list_texts(taken))
    words = "\n\n".join(text for text, written in texts if written)[:_MOST_TEXT]
    everything = "\n".join(
        (report.text if report else "", taken.header("subject"), *(text for text, _ in texts))
    )
    sender_name, sender = _first_address(taken, "from", "sender", "return-path")
    if report and not sender:
        sender_name, sender = report.contact
    return AbuseMail(
        sender=sender,
        sender_name=sender_name,
        reply_to=_first_address(taken, "reply-to", "from")[1] or sender,
        subject=taken.header("subject")[:500],
        sent_at=_sent_at(taken.header("date")),
        words=words.strip(),
        language=language_of(words),
        links=find_links(everything, hosts),
        handles=find_handles(everything, hosts)[:_MOST_NAMED],
        numbers=find_numbers(everything)[:_MOST_NAMED],
        report=report,
        unread=[part.name or part.kind for part in _all_parts(taken) if not _is_readable(part)][:50],
        forged=_FAILED.search(taken.header("authentication-results")) is not None,
        vouched_by=find_voucher(
            taken.undecoded.get("authentication-results", []), taken.undecoded.get("from", []), sender
        ),
        automatic=_is_automatic(taken),
    )


def _is_automatic(taken: Taken) -> bool:
    """RFC 3834 and RFC 3464; a report of abuse is made by a machine, too, but answers nobody."""
    if taken.kind == "multipart/report":
        return taken.report_type in ("delivery-status", "disposition-notification")
    replied = taken.header("auto-submitted").lower().startswith("auto-replied")
    return replied or taken.header("x-autoreply").lower() == "yes"


def language_of(text: str) -> str:
    """`fr` where French words outnumber English ones, else `en`."""
    sample = text[:20_000]
    return "fr" if len(_FRENCH.findall(sample)) > len(_ENGLISH.findall(sample)) else "en"


def host_of(uri: str) -> str:
    """The host, with the port if one is named; empty when there is none."""
    try:
        return urlsplit(uri).netloc.rpartition("@")[2].lower().rstrip(".")
    except ValueError:
        return ""


def _all_parts(taken: Taken) -> Iterator[Part]:
    yield from taken.parts
    for inner in taken.inner:
        yield from _all_parts(inner)


def _list_texts(taken: Taken, written: bool = True) -> Iterator[tuple[str, bool]]:
    """Each text, and whether the writer of this mail wrote it for people to read."""
    plain = [part for part in taken.parts if part.kind == "text/plain" and not part.name]
    for part in taken.parts:
        if not _is_readable(part):
            continue
        text = _text_of(part)
        body = not part.name and (part.kind == "text/plain" or (part.kind == "text/html" and not plain))
        yield text, written and body
    for inner in taken.inner:
        # A letter that was passed on, and little beside it, is what its sender wants to say.
        forwarded = written and not any(part.data.strip() for part in plain)
        yield inner.header("subject"), False
        yield from _list_texts(inner, forwarded)


def _is_readable(part: Part) -> bool:
    readable = part.kind.startswith("text/") or part.kind.endswith(("json", "xml", "feedback-report", "html"))
    return readable or part.name.lower().endswith(_READABLE) or part.kind.startswith("message/")


def _text_of(part: Part) -> str:
    text = decode_text(part.data[: 4 * _MOST_TEXT], part.charset)[:_MOST_TEXT]
    name = part.name.lower()
    if part.kind in ("text/html", "application/xhtml+xml") or name.endswith((".html", ".htm")):
        return to_text(text)
    if part.kind in ("text/csv", "text/tab-separated-values") or name.endswith(_TABLES):
        return _text_of_table(text)
    return _flow(text, part.delsp) if part.flowed else text


def _text_of_table(text: str) -> str:
    """The cells, each on a line of its own followed by an empty one, so that none goes on in another."""
    delimiter = max(",;\t", key=text[:10_000].count)
    try:
        rows = list(csv.reader(io.StringIO(text.replace("\0", "")), delimiter=delimiter))
    except csv.Error:
        return text
    return "\n".join(f"{cell.strip()}\n" for row in rows for cell in row)


def _flow(text: str, delsp: bool) -> str:
    """Lines that end in a space go on in the next (RFC 3676)."""
    flowed: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        words = line[depth:].removeprefix(" ")
        # An address at the end of a line may have been broken there: that is for the reading of links.
        if words.endswith(" ") and words != "-- " and "://" not in words.rstrip().rpartition(" ")[2]:
            flowed.append(words[:-1] if delsp else words)
        else:
            flowed.append(f"{words}\n")
    return "".join(flowed)


def _first_address(taken: Taken, *names: str) -> tuple[str, str]:
    for name in names:
        value = taken.header(name)[:1_000]
        for shown, address in getaddresses([value]):
            if _ADDRESS.fullmatch(address):
                return shown[:200], address[:254]
        if found := _ADDRESS.search(value):
            return "", found[0][:254]
    return "", ""


def _sent_at(value: str) -> int | None:
    try:
        sent = parsedate_to_datetime(value)
        moment = sent.replace(tzinfo=UTC) if sent.tzinfo is None else sent
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
