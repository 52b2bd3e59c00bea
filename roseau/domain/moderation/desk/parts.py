"""Takes a mail apart into its headers and what can be read in it, whatever its sender did to it.

The standard library's parser nests as deep as a mail wants and its modern header classes fail on bad ones,
so that only its reading of single headers is used here. Depth, parts and bytes are bounded, and what is over
a bound or cannot be decoded is kept as the text that it is.
"""

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from typing import Final

import msgspec

#: A mail that is larger is not read.
MOST_BYTES: Final = 25 * 1024 * 1024
_MOST_DEPTH: Final = 12
_MOST_PARTS: Final = 300
_MOST_HEADER: Final = 100_000
_LONGEST_VALUE: Final = 10_000

# These are no ways of writing text, or take the square of its length.
_NO_CHARSETS: Final = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"))
_PROVING: Final = frozenset(("from", "authentication-results"))
_HEADERS_END: Final = re.compile(rb"\r?\n\r?\n|\A\r?\n")
_HEADER_LINE: Final = re.compile(rb"[!-9;-~]{1,76}:")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Part(msgspec.Struct, frozen=True):
    """One thing in a mail that is not made of others; `kind` is its type, such as `text/plain`."""

    kind: str
    name: str
    data: bytes
    charset: str = ""
    #: The lines are to be flowed together (RFC 3676), and whether the space at their ends goes.
    flowed: bool = False
    delsp: bool = False


class Taken(msgspec.Struct, frozen=True):
    """A mail taken apart. `inner` are the mails within it: forwarded, or attached as evidence."""

    headers: dict[str, list[str]]
    parts: list[Part]
    inner: list["Taken"]
    #: The whole mail's type, and its parameter `report-type`.
    kind: str = ""
    report_type: str = ""
    #: The fields that say who wrote it, as they came.
    undecoded: dict[str, list[str]] = {}

    def header(self, name: str) -> str:
        """The first header of that name, decoded; empty when there is none."""
        return self.headers.get(name, [""])[0]


def take_apart(raw: bytes) -> Taken:
    """Read a mail. What is no mail at all is one part of text."""
    return _take(raw, 0, iter(range(_MOST_PARTS)))


def is_mail(raw: bytes) -> bool:
    """Whether it begins like a mail, with headers."""
    # Files made by mail programs of old begin with a line of their own (mbox).
    head = raw.lstrip()[:_MOST_HEADER]
    if head.startswith(b"From "):
        head = head.partition(b"\n")[2]
    return (
        _HEADER_LINE.match(head) is not None
        and re.search(rb"(?im)^(?:from|received|mime-version):", head) is not None
    )


def _take(raw: bytes, depth: int, left: Iterator[int]) -> Taken:
    raw = raw.lstrip(b"\r\n")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    if not _HEADER_LINE.match(raw):
        return Taken({}, [Part("text/plain", "", raw)], [])
    message, body = _split(raw)
    headers: dict[str, list[str]] = {}
    undecoded: dict[str, list[str]] = {}
    for name, value in message.items():
        headers.setdefault(name.lower(), []).append(decode_words(str(value)))
        if name.lower() in _PROVING:
            undecoded.setdefault(name.lower(), []).append(str(value))
    parts: list[Part] = []
    inner: list[Taken] = []
    _walk(message, body, depth, left, parts, inner)
    return Taken(
        headers, parts, inner, message.get_content_type(), _parameter(message, "report-type").lower(),
        undecoded,
    )  # fmt: skip


def _split(raw: bytes) -> tuple[Message, bytes]:
    end = _HEADERS_END.search(raw, 0, _MOST_HEADER)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw[:_MOST_HEADER], raw[_MOST_HEADER:])
    lines = head.decode("utf-8", "surrogateescape")
    return HeaderParser(policy=compat32).parsestr(lines, headersonly=True), body


def _walk(
    message: Message, body: bytes, depth: int, left: Iterator[int], parts: list[Part], inner: list[Taken]
) -> None:
    """Add what a mail or a part of one holds to `parts` and `inner`."""
    kind = message.get_content_type()
    if next(left, None) is None:
        return
    boundary = _parameter(message, "boundary")
    if kind.startswith("multipart/") and boundary and depth < _MOST_DEPTH:
        sections = _list_sections(body, boundary.encode("utf-8", "surrogateescape"))
        for section in sections:
            section_message, section_body = _split_section(section)
            if "digest" in kind and not section_message.get("content-type"):
                section_message["content-type"] = "message/rfc822"
            _walk(section_message, section_body, depth + 1, left, parts, inner)
        if sections:
            return
    data = _undo_transfer(str(message.get("content-transfer-encoding", "")), body)
    name = _filename(message)
    if (
        kind == "message/rfc822" or (name.lower().endswith(".eml") and is_mail(data))
    ) and depth < _MOST_DEPTH:
        inner.append(_take(data, depth + 1, left))
        return
    parts.append(
        Part(
            "text/plain" if kind.startswith(("multipart/", "message/rfc822")) else kind,
            name,
            data,
            _parameter(message, "charset"),
            _parameter(message, "format").lower() == "flowed",
            _parameter(message, "delsp").lower() == "yes",
        )
    )


def _split_section(section: bytes) -> tuple[Message, bytes]:
    if section.startswith((b"\n", b"\r\n")):
        return Message(policy=compat32), section.removeprefix(b"\r").removeprefix(b"\n")
    if not _HEADER_LINE.match(section):
        return Message(policy=compat32), section
    return _split(section)


def _list_sections(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the boundaries; the last one counts even if it is never closed."""
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*+(?:\r?\n|\Z)")
    sections, start = [], -1
    for found in line.finditer(body):
        if start >= 0:
            sections.append(body[start : found.start()])
        # The line end belongs to the boundary, and may begin the next one.
        start = found.end()
        if found[1]:
            return sections
        if len(sections) >= _MOST_PARTS:
            break
    if start >= 0:
        sections.append(body[start:])
    return sections


def _parameter(message: Message, name: str) -> str:
    try:
        value = message.get_param(name, "")
        if isinstance(value, tuple):
            # RFC 2231: charset, language, value.
            value = value[2]
        return str(value or "").strip().strip('"')[:200]
    except (ValueError, LookupError):
        return ""


def _filename(message: Message) -> str:
    try:
        return decode_words(str(message.get_filename("") or ""))[:200]
    except (ValueError, LookupError):
        return ""


def _undo_transfer(encoding: str, body: bytes) -> bytes:
    match encoding.strip().lower():
        case "base64":
            return _undo_base64(body)
        case "quoted-printable":
            return quopri.decodestring(body)
    return body


def _undo_base64(body: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    try:
        if len(letters) % 4 == 1:
            letters = letters[:-1]
        decoded = base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return body
    # A mail may say base64 and be plain: nobody's words are lost over it.
    strange = sum(byte > 0x7F or byte < 9 for byte in decoded[:2000])
    plain = b" " in body.strip() and strange * 3 > len(decoded[:2000])
    return body if plain else decoded


def decode_words(value: str) -> str:
    """A header as people read it (RFC 2047); one that cannot be decoded stays as it is."""
    value = value[:_LONGEST_VALUE]
    try:
        pieces = decode_header(value)
        text = "".join(
            decode_text(piece, charset or "") if isinstance(piece, bytes) else piece
            for piece, charset in pieces
        )
    except (HeaderParseError, ValueError, LookupError):
        text = value
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(_CONTROLS.sub("", text).split())


def decode_text(data: bytes, charset: str) -> str:
    """Bytes as text. What they say of themselves is believed only if it is possible."""
    charset = charset.strip().lower()
    try:
        known = codecs.lookup(charset).name if charset and charset.isascii() else "utf-8"
    except (LookupError, ValueError):
        known = "utf-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        known = "utf-16"
    elif known.startswith(("utf-16", "utf-32")) and b"\0" not in data:
        # An address in it would have such bytes: it was never written so.
        known = "utf-8"
    elif known in _NO_CHARSETS or known in ("ascii", "iso8859-1", "cp1252"):
        known = "utf-8"
    for name in (known, "utf-8", "cp1252"):
        try:
            return _CONTROLS.sub("", data.decode(name))
        except (UnicodeError, LookupError):
            continue
    return _CONTROLS.sub("", data.decode("cp1252", "replace"))
