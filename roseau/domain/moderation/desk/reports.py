"""Reports that are written for machines: ARF (RFC 5965) and XARF v4, if they are what they say."""

import base64
import binascii
import re
from collections.abc import Iterator
from email.parser import HeaderParser
from email.policy import compat32
from typing import Any, Final, Literal

import msgspec

from roseau.domain.moderation.desk.parts import Taken, decode_text, decode_words

_MOST_JSON: Final = 5_000_000
_MOST_LEAVES: Final = 20_000
_MOST_DEPTH: Final = 20
_DIGITS: Final = re.compile(r"4(?:\.\d+)*")

#: What every XARF v4 report has (xarf-spec, schemas/v4/xarf-core.json).
_XARF_REQUIRED: Final = (
    "xarf_version",
    "report_id",
    "timestamp",
    "reporter",
    "sender",
    "source_identifier",
    "category",
    "type",
)
#: The types of XARF, as our reasons; what is not here follows its category, or is `other`.
_XARF_REASONS: Final = {
    "csam": "csam",
    "csem": "csam",
    "phishing": "scam",
    "fraud": "scam",
    "malware": "scam",
    "brand_infringement": "impersonation",
    "exposed_data": "private_data",
    "spam": "spam",
    "bulk_messaging": "spam",
}
_ARF_REASONS: Final = {"abuse": "spam", "fraud": "scam", "virus": "scam"}
#: What names the reported thing's original, or its reporter, and not the thing itself.
_ASIDE: Final = frozenset(
    ("reporter", "sender", "original_url", "original_work_url", "rights_holder", "legacy")
)
_URI_FIELDS: Final = ("reported-uri", "reported-url")
_FACTS: Final = (
    "feedback-type",
    "source-ip",
    "reported-domain",
    "arrival-date",
    "received-date",
    "incidents",
)


class Report(msgspec.Struct, frozen=True):
    """What a report for machines says. `text` is where addresses stand, `facts` what people are shown."""

    kind: Literal["arf", "xarf"]
    reason: str
    text: str
    facts: str
    reference: str = ""
    #: Whom the report says it is from: a name and a mail address.
    contact: tuple[str, str] = ("", "")


def find_report(taken: Taken) -> Report | None:
    """The report in a mail; None when there is none, or when it only says that it is one."""
    for part in taken.parts:
        if part.kind.endswith("json") or part.name.lower().endswith(".json"):
            if found := read_xarf(part.data):
                return found
        elif part.kind == "message/feedback-report":
            if found := _read_arf(decode_text(part.data, part.charset)):
                return found
        elif part.data[:1] == b"{" and part.kind.startswith("text/") and (found := read_xarf(part.data)):
            return found
    return None


def _read_arf(text: str) -> Report | None:
    message = HeaderParser(policy=compat32).parsestr(text.strip() + "\n\n")
    fields: dict[str, list[str]] = {}
    for name, value in message.items():
        fields.setdefault(name.lower(), []).append(decode_words(str(value)))
    kinds = fields.get("feedback-type")
    if not kinds:
        return None
    uris = [uri.strip("<> ") for name in _URI_FIELDS for uri in fields.get(name, [])]
    facts = [f"{name}: {value}" for name in _FACTS for value in fields.get(name, [])[:5]]
    return Report(
        "arf",
        _ARF_REASONS.get(kinds[0].split()[0].lower() if kinds[0] else "", "other"),
        "\n".join(uris),
        "\n".join(facts),
    )


def read_xarf(data: bytes) -> Report | None:
    """A XARF v4 report; None when it is not one."""
    if len(data) > _MOST_JSON:
        return None
    try:
        said = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(said, dict) or any(name not in said for name in _XARF_REQUIRED):
        return None
    if not _DIGITS.fullmatch(str(said["xarf_version"])):
        return None
    kind, category = str(said["type"]).lower(), str(said["category"]).lower()
    by_category = {"copyright": "copyright", "messaging": "spam"}.get(category, "other")
    leaves = [value for name, value in _list_leaves(said, "", 0) if name not in _ASIDE][:_MOST_LEAVES]
    facts = [
        f"{name}: {str(said[name])[:500]}"
        for name in ("report_id", "timestamp", "category", "type", "source_identifier", "description")
        if said.get(name)
    ]
    return Report(
        "xarf",
        _XARF_REASONS.get(kind, by_category),
        "\n".join(leaves + list(_list_evidence(said.get("evidence")))),
        "\n".join(facts),
        str(said["report_id"])[:200],
        _contact_of(said["reporter"]),
    )


def _contact_of(reporter: Any) -> tuple[str, str]:
    if not isinstance(reporter, dict):
        return "", ""
    name = reporter.get("org") or reporter.get("name") or ""
    address = reporter.get("contact") or reporter.get("email") or ""
    return str(name)[:200], str(address)[:254]


def _list_leaves(said: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each text in the report with the name it stands under."""
    if depth > _MOST_DEPTH or name in _ASIDE:
        return
    if isinstance(said, str):
        yield name, said
    elif isinstance(said, dict):
        for inner, value in said.items():
            if inner != "payload":
                yield from _list_leaves(value, str(inner), depth + 1)
    elif isinstance(said, list):
        for value in said:
            yield from _list_leaves(value, name, depth + 1)


def _list_evidence(evidence: Any) -> Iterator[str]:
    """The texts among the evidence, which is given as base64."""
    for item in evidence[:50] if isinstance(evidence, list) else ():
        if not isinstance(item, dict) or not isinstance(item.get("payload"), str):
            continue
        kind = str(item.get("content_type", "")).lower()
        if kind.startswith("text/") or kind in ("message/rfc822", "application/json"):
            try:
                yield decode_text(base64.b64decode(item["payload"]), "")
            except (binascii.Error, ValueError):
                yield item["payload"]
