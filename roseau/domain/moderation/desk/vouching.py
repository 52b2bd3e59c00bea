"""Whether the mail server that took a mail in says who wrote it (RFC 8601, RFC 7489, RFC 6376).

Anybody can write such a line into a mail, and a mail server removes those that carry its own name: whoever
asks has to know that name. All is read as it was sent, because decoded words can hold whatever looks well.
"""

import re
from collections.abc import Iterator
from typing import Final

_ADDRESS: Final = r"[^\s<>@,;:\"()\[\]]{1,64}@[A-Za-z0-9.-]{1,253}"
#: One address, and a name before it that is no second one.
_FROM: Final = re.compile(rf"(?:(?:\"[^\"\\<>@]*\"|[^\"<>@,;:()\[\]]*)\s*<({_ADDRESS})>|({_ADDRESS}))")
_RESULT: Final = re.compile(r"\s*(dmarc|dkim)\s*=\s*([a-z]+)\b(.*)", re.IGNORECASE | re.DOTALL)
_MOST_LINES: Final = 20
_MOST_LETTERS: Final = 5_000


def find_voucher(results: list[str], written: list[str], sender: str) -> str:
    """The name of the mail server that vouches for the sender of a mail, in small letters; empty: none does.

    `results` are the fields `Authentication-Results`, the newest first, `written` the fields `From`, both
    undecoded; `sender` is whom readers of the mail take for its sender.
    """
    sender = sender.lower()
    if not sender or not results or _only_sender(written) != sender:
        return ""
    domain = sender.rpartition("@")[2]
    read = [_read(line) for line in results[:_MOST_LINES]]
    voucher = read[0][0]
    proven = False
    # What stands below the line of another server came with the mail.
    for name, said in read:
        if name != voucher:
            break
        for method, result, properties in said:
            if method == "dmarc" and result != "pass":
                return ""
            proven = proven or (result == "pass" and _is_about(method, properties, domain))
    return voucher if proven else ""


def _only_sender(senders: list[str]) -> str:
    found = _FROM.fullmatch(" ".join(senders[0].split())) if len(senders) == 1 else None
    return (found[1] or found[2]).lower() if found else ""


def _is_about(method: str, properties: str, domain: str) -> bool:
    """Whether what passed is the sender's domain, or, of a signature, one above it."""
    wanted = "header.from" if method == "dmarc" else "header.d"
    found = re.search(rf"(?:^|\s){re.escape(wanted)}\s*=\s*@?([a-z0-9.-]+)(?:\s|$)", properties)
    if found is None:
        return False
    named = found[1].rstrip(".")
    return named == domain or (method == "dkim" and "." in named and domain.endswith(f".{named}"))


def _read(line: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The server's name, and each result: method, result, properties."""
    name, *results = "".join(_without_asides(line[:_MOST_LETTERS])).lower().split(";")
    said = [(found[1], found[2], found[3].strip()) for part in results if (found := _RESULT.fullmatch(part))]
    return (name.split() or [""])[0], said


def _without_asides(line: str) -> Iterator[str]:
    """The letters that are neither quoted nor in a comment: what a stranger chose stands in those."""
    depth, quoted, escaped = 0, False, False
    for letter in line:
        if escaped:
            escaped = False
        elif letter == "\\" and (quoted or depth):
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
            # Something stands here, so that what is around it is not read as one word.
            yield "'"
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif not depth:
            yield letter
