"""What templates say of things of the domain: words for an audience, initials, content ready to be shown."""

import html
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from markupsafe import Markup

from roseau.domain.accounts.loading import Account
from roseau.domain.media.attachments import Attachment
from roseau.domain.statuses.details import Emoji, Mention
from roseau.domain.statuses.loading import Status
from roseau.web.addresses import media_url, tag_path

_SHORTCODE: Final = re.compile(r":([a-zA-Z0-9_]{2,}):")
_TAG: Final = re.compile(r"(<[^>]*>)")
_MENTION: Final = re.compile(r'<a href="([^"]*)" class="u-url mention">')
_HASHTAG: Final = re.compile(r'<a href="[^"]*" class="mention hashtag" rel="tag">#<span>([^<]*)</span>')
_WORD: Final = re.compile(r"\w+")
_COLOURS: Final = 8
# Most browsers also claim to be others: the first that is found is the one.
_BROWSERS: Final = (
    (r"Edg\w*/(\d+)", "Edge"),
    (r"OPR/(\d+)", "Opera"),
    (r"(?:Firefox|FxiOS)/(\d+)", "Firefox"),
    (r"(?:Chrom\w*|CriOS|HeadlessChrome)/(\d+)", "Chrome"),
    (r"Version/(\d+).*Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


class Size(msgspec.Struct):
    """The width and height of a picture, in pixels; 0 where they are not known."""

    width: int = 0
    height: int = 0


class Focus(msgspec.Struct):
    """What must stay in sight when a picture is cut: from -1 to 1, rightwards and upwards from its middle."""

    x: float = 0.0
    y: float = 0.0


class Meta(msgspec.Struct):
    """What is known of a picture, as Mastodon's `meta`."""

    original: Size = msgspec.field(default_factory=Size)
    small: Size = msgspec.field(default_factory=Size)
    focus: Focus = msgspec.field(default_factory=Focus)


class Audience(msgspec.Struct, frozen=True):
    """An audience as the composer offers it: a sentence, not an icon."""

    value: str
    icon: str
    name: str
    sentence: str


def words(gettext: Callable[[str], str]) -> dict[str, Any]:
    """Tables of words in one language, for the templates' globals."""
    _ = gettext
    audiences = [
        Audience("public", "globe", _("Public"), _("Everyone, no account needed")),
        Audience(
            "unlisted", "moon", _("Quiet public"), _("Visible to all, but not in search or public timelines")
        ),
        Audience("private", "users", _("Followers"), _("Only the people who follow you")),
        Audience("direct", "at-sign", _("People mentioned"), _("Only the people named in the text")),
    ]
    return {"audiences": audiences, "audience_of": {audience.value: audience for audience in audiences}}


def initials(account: Account) -> str:
    """One or two letters that stand for an account without a picture."""
    found: list[str] = _WORD.findall(account.name) or [account.username]
    return (found[0][:1] + (found[-1][:1] if len(found) > 1 else "")).upper()


def colour(account: Account) -> int:
    """Which of the colours of drawn avatars is this account's; always the same."""
    return sum(account.acct.encode()) % _COLOURS


def browser(user_agent: str) -> str:
    """A browser and its system as people call them, `Firefox 145, Linux`; else what it says itself."""
    name = next(
        (f"{known} {found[1]}" for pattern, known in _BROWSERS if (found := re.search(pattern, user_agent))),
        "",
    )
    system = next((known for mark, known in _SYSTEMS if mark in user_agent), "")
    return ", ".join(part for part in (name, system) if part) or user_agent[:60]


def meta_of(attachment: Attachment) -> Meta:
    """Sizes and focal point of an attachment."""
    return msgspec.json.decode(attachment.meta or "{}", type=Meta)


def focus_classes(focus: Focus) -> str:
    """Classes that keep a focal point in sight: a strict style-src leaves no room for style attributes."""
    x = round((max(-1.0, min(1.0, focus.x)) + 1) * 5)
    y = round((1 - max(-1.0, min(1.0, focus.y))) * 5)
    return f"fx{x} fy{y}"


def content(status: Status) -> Markup:
    """The text as it is shown here: mentions and hashtags lead to pages of this site, emojis are pictures."""
    local = {html.escape(mention.url): html.escape(f"/@{_acct(mention)}") for mention in status.mentions}

    def mention_link(found: re.Match[str]) -> str:
        return f'<a href="{local.get(found[1], found[1])}" class="u-url mention">'

    def tag_link(found: re.Match[str]) -> str:
        path = tag_path(html.unescape(found[1]))
        return f'<a href="{path}" class="mention hashtag" rel="tag">#<span>{found[1]}</span>'

    text = _HASHTAG.sub(tag_link, _MENTION.sub(mention_link, status.content))
    # Links open where the reader is; whoever wants a new tab knows how to ask for one.
    text = text.replace(' target="_blank"', "")
    return emojify(Markup(text), status.emojis)  # noqa: S704, the domain keeps nothing but safe HTML


def _acct(mention: Mention) -> str:
    return f"{mention.username}@{mention.domain}" if mention.domain else mention.username


def emojify(text: str, emojis: tuple[Emoji, ...] = ()) -> Markup:
    """Text, escaped unless it is HTML already, with its custom emojis as pictures."""
    safe = text if isinstance(text, Markup) else Markup.escape(text)
    known = {emoji.shortcode: emoji for emoji in emojis}
    if not known:
        return safe
    parts = _TAG.split(str(safe))
    for index in range(0, len(parts), 2):
        parts[index] = _SHORTCODE.sub(lambda found: _picture(found, known), parts[index])
    return Markup("".join(parts))  # noqa: S704, made of what was safe above


def _picture(found: re.Match[str], known: dict[str, Emoji]) -> str:
    emoji = known.get(found[1])
    if emoji is None:
        return found[0]
    picture = Markup('<img class="emoji" src="{}" alt="{}" title="{}" loading="lazy" decoding="async">')
    return picture.format(media_url(emoji.file), found[0], found[0])


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "initials": initials,
    "colour": colour,
    "browser": browser,
    "meta_of": meta_of,
    "focus_classes": focus_classes,
    "content": content,
    "emojify": emojify,
}
"""What templates may do to a thing with `|`."""
