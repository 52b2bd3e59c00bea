"""Finds the addresses that a letter names, however it writes them: broken, bracketed, defanged, in tables.

Nothing is fetched. Every expression here reads its text once, so that ten thousand addresses take
ten times as long as a thousand.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

import msgspec

#: No address is longer; what is, is cut.
LONGEST: Final = 2_000
#: So many lines may one address be broken over.
_MOST_LINES: Final = 4

# What is invisible, or only says where a line may break.
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# Addresses made harmless, as people who report abuse write them: hxxps://example[.]org.
_DOTS: Final = re.compile(r"[\[({] ?(?:\.|dot|point) ?[\])}]|\\\.", re.IGNORECASE)
_SCHEME: Final = re.compile(
    r"\b(?:http|hxxp|htxp|h\*\*p|meow)(s?) ?: ?(?://|\[//\]|\[/\]{2}) ?\n?", re.IGNORECASE
)
_COLON: Final = re.compile(r"\[(://|:)\]")
_QUOTES: Final = re.compile(r"^(?:[>|] ?)+", re.MULTILINE)
_BRACKETED: Final = re.compile(r"<\s{0,9}+(?:URL:)?\s{0,9}+(https?://[^<>]{1,2000})>", re.IGNORECASE)
_BROKEN: Final = re.compile(r"=?[ \t]*+\n[ \t]*+")
_SPACES: Final = re.compile(r"\s+")

# What an address is made of. Commas, semicolons and bars are left out: they part the cells of tables,
# and no address of ours has one.
_BODY: Final = r"[^\s<>\"“”«»`|\\^{},;\x00-\x1f]"
_ENDS: Final = ".!?:'*~…’‘="
_CONTINUED: Final = re.compile(rf"[ \t]*({_BODY}+)")
_NUMBER: Final = re.compile(r"(?<![\w/.=@-])\d{15,19}(?![\w/-]|\.\w)")
_PAIRS: Final = {")": "(", "]": "["}

# Services that rewrite the links of a mail put the true address into their own.
_WRAPPED: Final = re.compile(
    r"(?:=|/|__)(https?(?:%3A|:)(?:%2F|/){1,2}[^&\s]+?)(?:__;|__$|&|$)", re.IGNORECASE
)

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)([^<>]*+)>|<!--")
#: What stands between these is not said to anybody.
_UNSAID: Final = frozenset(("script", "style", "head", "title"))
_REFERENCE: Final = re.compile(
    r"\b(?:href|src|cite)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE
)
_INLINE: Final = frozenset(
    "a abbr b code del em font i ins mark s small span strong sub sup tt u wbr".split()  # noqa: SIM905
)


class Link(msgspec.Struct, frozen=True):
    """An address of a letter. `others` are further ways to read it: as going on in the lines that follow."""

    uri: str
    others: tuple[str, ...] = ()


def find_links(text: str, hosts: Iterable[str] = ()) -> list[Link]:
    """Every http(s) address in the text, in order, each once.

    An address of one of the `hosts` is also found without its scheme.
    """
    text = _refang(text)
    # Broken in the middle of a number, several may begin alike and go on differently.
    return list(dict.fromkeys(_list_links(text, _expression(tuple(hosts)))))


def find_handles(text: str, hosts: Iterable[str]) -> list[str]:
    """Accounts that the text calls by their names, as @name@host; each once."""
    named = "|".join(re.escape(host) for host in hosts)
    if not named:
        return []
    expression = re.compile(rf"(?<![\w@./])@[\w.-]{{1,60}}@(?:{named})(?![\w.-]*\w)", re.IGNORECASE)
    return list(dict.fromkeys(expression.findall(_refang(text))))


def find_numbers(text: str) -> list[int]:
    """Numbers that stand alone and could be those of statuses; each once."""
    return list(dict.fromkeys(int(found) for found in _NUMBER.findall(text)))


def to_text(page: str) -> str:
    """What a page of HTML says, with the address of each link behind its words."""
    said: list[str] = []
    unclosed: set[str] = set()
    at = 0
    for tag in _TAG.finditer(page):
        if tag.start() < at:
            continue
        said += page[at : tag.start()], _say_tag(tag)
        at = tag.end()
        name = (tag[2] or "").lower()
        closing = f"</{name}" if name in _UNSAID and not tag[1] else "" if name else "-->"
        if closing and closing not in unclosed:
            end = _find_closing(page, closing, at)
            if end < 0:
                # Nor will it be found again: each is looked for to the end of the page once only.
                unclosed.add(closing)
            else:
                at = end
    return html.unescape("".join((*said, page[at:])))


def _find_closing(page: str, closing: str, start: int) -> int:
    end = min(
        (at for at in (page.find(closing, start), page.find(closing.upper(), start)) if at >= 0), default=-1
    )
    return end if closing != "-->" or end < 0 else end + len(closing)


def _say_tag(tag: re.Match[str]) -> str:
    name = (tag[2] or "").lower()
    said = ""
    if tag[3] and (reference := _REFERENCE.search(tag[3])):
        address = reference[1] or reference[2] or reference[3] or ""
        said = f" <{_SPACES.sub('', address)}> " if address[:4].lower() in ("http", "hxxp") else ""
    if name in _INLINE or not name:
        return said
    return f"{said} " if name in ("td", "th", "img") else f"{said}\n"


def _refang(text: str) -> str:
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\\/", "/"))
    text = _QUOTES.sub("", text)
    text = _COLON.sub(r"\1", _DOTS.sub(".", text))
    text = _SCHEME.sub(r"http\1://", text)
    return _BRACKETED.sub(lambda found: f" {_BROKEN.sub('', found[1])}\0", text)


def _expression(hosts: tuple[str, ...]) -> re.Pattern[str]:
    begins = [r"https?://(?=[\w\[%])"]
    if hosts:
        named = "|".join(re.escape(host) for host in sorted(hosts, key=len, reverse=True))
        begins.append(rf"(?<![\w@./:-])(?:www\.)?(?:{named})(?=/[@\w])")
    return re.compile(rf"(?:{'|'.join(begins)}){_BODY}{{3,{LONGEST}}}", re.IGNORECASE)


def _list_links(text: str, expression: re.Pattern[str]) -> Iterator[Link]:
    for found in expression.finditer(text):
        for whole in _split(found[0]):
            uri = _trim(whole)
            if len(uri) < len("http://a"):
                continue
            other = list(_go_on(text, found.end(), whole)) if found[0].endswith(whole) else []
            if uri.endswith(("_", "-")):
                other.append(uri.rstrip("_-"))
            ways = [_with_scheme(way) for way in (uri, *other)]
            ways += [way.replace("www.", "", 1) for way in ways if "://www." in way.lower()[:12]]
            yield Link(ways[0], tuple(ways[1:]))
            for inner in _WRAPPED.finditer(uri, 8):
                yield Link(_trim(unquote(inner[1])))


def _split(whole: str) -> list[str]:
    """Two addresses may stand together without anything between them; one inside another is no second."""
    at = whole.find("http", 8)
    if at < 0 or whole[at - 1] in "=/_:" or "?" in whole[:at]:
        return [whole]
    if not whole[at:].startswith(("http://", "https://")):
        return [whole]
    return [whole[:at], *_split(whole[at:])]


def _trim(uri: str) -> str:
    """Without what ends the sentence, and without a bracket that was not opened in the address."""
    uri = uri[:LONGEST]
    while uri:
        last = uri[-1]
        if last in _ENDS or (last in _PAIRS and uri.count(last) > uri.count(_PAIRS[last])):
            uri = uri[:-1]
        else:
            break
    for closing, opening in _PAIRS.items():
        # As Markdown writes a link: [words](address)[…
        at = uri.find(f"{closing}{opening}")
        if at > 0:
            uri = uri[:at]
        at = uri.find(closing)
        if at > 0 and opening not in uri[:at]:
            uri = uri[:at]
    return uri


def _go_on(text: str, end: int, whole: str) -> Iterator[str]:
    """The address with the beginnings of the next lines, when it stands at the end of its own."""
    joined = whole.removesuffix("=")
    for _ in range(_MOST_LINES - 1):
        if text[end : end + 1] == " ":
            end += 1
        if text[end : end + 1] != "\n":
            return
        following = _CONTINUED.match(text, end + 1)
        if following is None or following[1].lower().startswith(("http:", "https:")):
            return
        joined = (joined + following[1])[:LONGEST]
        yield _trim(joined)
        joined, end = joined.removesuffix("="), following.end()


def _with_scheme(uri: str) -> str:
    return uri if uri[:4].lower() == "http" else f"https://{uri}"
