"""What an address stands for, as far as its letters tell: forms of this site, and of others, in any disguise.

Letters and mails break addresses in many ways: brackets around them, a full stop behind them, `hxxps`,
`example[.]org`, percent signs, http for https, another name of the site. Nothing here raises.
"""

import re
from collections.abc import Collection
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from roseau.domain.moderation.notices.drafts import MAX_URL
from roseau.kernel.ids import parse_id
from roseau.kernel.text.searching import normalise_hashtag

Kind = Literal["status", "account", "account_id", "media", "tag", "domain", "foreign", "unknown"]

_WRAPPING: Final = " \t\r\n\f\v\u00a0\u200b\ufeff<>\"'`«»“”‘’()[]{}*|"
_TRAILING: Final = _WRAPPING + ".,;:!?…"
_DOTS: Final = re.compile(r"[\[({]\s*(?:\.|dot)\s*[\])}]", re.IGNORECASE)
_SCHEME: Final = re.compile(r"h(?:tt|xx|\*\*)p(s?)(?:\[:\]|:)/{1,3}", re.IGNORECASE)
_HANDLE: Final = re.compile(r"(?:acct:)?@?([\w.-]{1,60})(?:@([\w.:-]{1,253}))?\Z")
_ACCT: Final = re.compile(r"@([\w.-]{1,60}?)(?:@([\w.:-]{1,253}))?(?:\.rss)?\Z")
_HOST: Final = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})+\Z")
_BLOB: Final = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,5}\Z")
_DEFAULT_PORTS: Final = (":80", ":443")


class Address(msgspec.Struct, frozen=True):
    """What an address names. `foreign`: something of another server, by what it may be known under."""

    kind: Kind
    status_id: int | None = None
    #: An account by its name; the domain is empty for those of this site.
    username: str = ""
    domain: str = ""
    account_id: int | None = None
    #: The name of a blob or of a tag.
    name: str = ""
    #: Ways to write the address, for a look-up.
    uris: tuple[str, ...] = ()


UNKNOWN: Final = Address("unknown")


def read_address(text: str, hosts: Collection[str]) -> Address:
    """What the address stands for; `hosts` are the names of this site, in lower case."""
    cleaned = clean_address(text)
    if not cleaned or len(cleaned) > MAX_URL:
        return UNKNOWN
    if "/" not in cleaned:
        return _read_handle(cleaned, hosts)
    try:
        parts = urlsplit(cleaned)
    except ValueError:
        return UNKNOWN
    host = normalise_host(parts.netloc)
    segments = [part for part in unquote(parts.path).split("/") if part]
    if not host:
        return UNKNOWN
    if host in hosts:
        return _read_path(segments, hosts)
    if not segments:
        return Address("domain", domain=host)
    return _read_foreign(cleaned, host, segments)


def clean_address(text: str) -> str:
    """The address as it was before somebody wrapped or disguised it, with a scheme if it has a path."""
    cleaned = text[: MAX_URL * 2].strip(_WRAPPING).rstrip(_TRAILING).replace("\x00", "")
    cleaned = _DOTS.sub(".", cleaned)
    scheme = _SCHEME.match(cleaned)
    if scheme:
        return f"http{scheme[1].lower()}://{cleaned[scheme.end() :]}"
    first, slash, _ = cleaned.partition("/")
    if slash and _HOST.match(first.partition(":")[0]):
        return f"https://{cleaned}"
    return cleaned


def normalise_host(netloc: str) -> str:
    """The host as it is compared: lower case, ASCII, without a user or a usual port."""
    host = netloc.rpartition("@")[2].lower().rstrip(".")
    for port in _DEFAULT_PORTS:
        host = host.removesuffix(port)
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return host


def _read_handle(text: str, hosts: Collection[str]) -> Address:
    """`@name`, `name@domain`, `acct:name@domain`, or a bare domain."""
    found = _HANDLE.match(text)
    if found is None:
        return UNKNOWN
    username, domain = found[1], normalise_host(found[2] or "")
    if domain or text.startswith(("@", "acct:")):
        return _account(username, domain, hosts)
    host = normalise_host(text)
    return Address("domain", domain=host) if _HOST.match(host) and host not in hosts else UNKNOWN


def _account(username: str, domain: str, hosts: Collection[str]) -> Address:
    return Address("account", username=username.lower(), domain="" if domain in hosts else domain)


def _read_path(segments: list[str], hosts: Collection[str]) -> Address:
    """A page, an endpoint or an object of this site."""
    while segments and segments[0] in ("web", "deck"):
        segments = segments[1:]
    match segments:
        case ["api", version, *rest] if version.startswith("v"):
            return _read_path(rest, hosts)
        case ["users", _, "statuses", status, *_] | ["statuses", status, *_]:
            return _status(status)
        case ["users", name, *_]:
            return _account(name, "", hosts)
        case ["accounts", account, *_]:
            return Address("account_id", account_id=found) if (found := parse_id(account)) else UNKNOWN
        case ["media", *_, name] if _BLOB.match(name):
            return Address("media", name=name)
        case ["tags", name, *_] if tag := normalise_hashtag(name):
            return Address("tag", name=tag)
        case [name, *rest] if acct := _ACCT.match(name):
            post = _status(rest[0]) if rest else UNKNOWN
            return post if post.status_id else _account(acct[1], normalise_host(acct[2] or ""), hosts)
    return UNKNOWN


def _status(text: str) -> Address:
    """The status with that id; people and programs put punctuation right behind it."""
    digits = re.match(r"[0-9]+", text)
    status_id = parse_id(digits[0]) if digits and digits.end() == len(text.rstrip(_TRAILING)) else None
    return Address("status", status_id=status_id) if status_id else UNKNOWN


def _read_foreign(url: str, host: str, segments: list[str]) -> Address:
    """Something of another server: what it may be called, and by whom it may be, going by its address."""
    bare = url.partition("#")[0]
    forms = dict.fromkeys((url, bare, bare.rstrip("/"), bare.partition("?")[0].rstrip("/")))
    uris = [form for form in forms if form]
    uris += [
        f"http{'' if form.startswith('https:') else 's'}:{form.partition(':')[2]}" for form in list(uris)
    ]
    found = _ACCT.match(segments[0])
    username = found[1] if found and not found[2] else ""
    if segments[0] == "users" and len(segments) > 1:
        username = segments[1]
    return Address(
        "foreign", username=username.lower(), domain=host, uris=tuple(uris),
        name="" if len(segments) > (2 if segments[0] == "users" else 1) else "profile",
    )  # fmt: skip
