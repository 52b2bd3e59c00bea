"""Where things are in a mirror, as seen from one of its pages: all links are relative."""

import hashlib
import re
from typing import Final
from urllib.parse import unquote

from markupsafe import Markup

from roseau.domain.accounts.loading import Account
from roseau.domain.media.attachments import Attachment
from roseau.domain.statuses.details import Emoji
from roseau.domain.statuses.loading import StatusView
from roseau.kernel.text.searching import normalise_hashtag
from roseau.survival.mirror.folder import media_path
from roseau.web import assets, wording

_LOCAL: Final = re.compile(r'(href|src)="/([^"/][^"]*)"')
_MEDIA: Final = re.compile(r"media/../../([0-9a-f]{64}\.[a-z0-9]{1,5})\Z")
#: Names that are names of files everywhere.
_PLAIN_TAG: Final = re.compile(r"[a-z0-9_]{1,64}")


def account_file(username: str) -> str:
    """A member's page."""
    return f"@{username}/index.html"


def status_file(username: str, status_id: int) -> str:
    """The page of a post."""
    return f"@{username}/{status_id}.html"


def tag_file(name: str) -> str:
    """The page of a hashtag. Not every host has names in every script."""
    if _PLAIN_TAG.fullmatch(name):
        return f"tags/{name}.html"
    return f"tags/-{hashlib.sha256(name.encode()).hexdigest()[:16]}.html"


class Links:
    """The links of one page; it remembers which media the page shows."""

    def __init__(self, path: str, base_url: str, people: frozenset[str], *, tags: bool) -> None:
        self.path = path
        self.base_url = base_url
        #: The way from the page to the top of the mirror.
        self.root = "../" * path.count("/")
        self.blobs: set[str] = set()
        self._people = people
        self._tags = tags

    def to(self, path: str) -> str:
        """A file of the mirror."""
        return f"{self.root}{path}"

    def asset(self, name: str) -> str:
        """A file of `static/`."""
        return self.to(assets.asset(name).removeprefix("/"))

    def icon(self, name: str) -> Markup:
        """An icon, silent for screen readers."""
        drawn = Markup('<svg class="i" aria-hidden="true"><use href="{}#{}"/></svg>')
        return drawn.format(self.asset("icons.svg"), name)

    def account(self, account: Account) -> str:
        """Somebody's page: here, or where they live."""
        if account.local:
            return self._person(account.username)
        return account.url or f"{self.base_url}/@{account.acct}"

    def status(self, view: StatusView) -> str:
        """A post's page."""
        return self.to(status_file(view.author.account.username, view.id))

    def live(self, path: str) -> str:
        """An address on the site itself."""
        return f"{self.base_url}/{path}"

    def media(self, name: str) -> str:
        """A picture or another upload."""
        self.blobs.add(name)
        return self.to(media_path(name))

    def picture(self, attachment: Attachment) -> str:
        """The small form of an attachment; empty where this site has no copy."""
        name = attachment.small_file or attachment.file
        return self.media(name) if name else ""

    def content(self, view: StatusView) -> Markup:
        """The text of a post, with links that hold here."""
        return self.relink(wording.content(view.status), listed=view.status.visibility == "public")

    def words(self, text: str, emojis: tuple[Emoji, ...]) -> Markup:
        """A line of text with its emojis."""
        return self.relink(wording.emojify(text, emojis))

    def relink(self, text: str, *, listed: bool = False) -> Markup:
        """Safe HTML of the site with links that hold here. Only what is listed has its hashtags here."""
        own = str(text).replace(f'href="{self.base_url}/@', 'href="/@')
        return Markup(_LOCAL.sub(lambda found: self._relink(found, listed), own))  # noqa: S704, safe before

    def _relink(self, found: re.Match[str], listed: bool) -> str:
        kind, path = found[1], found[2]
        if blob := _MEDIA.match(path):
            return f'{kind}="{self.media(blob[1])}"'
        if path.startswith("@") and "@" not in path[1:]:
            return f'{kind}="{self._person(path[1:])}"'
        return f'{kind}="{self._tag(path) if listed else self.live(path)}"'

    def _person(self, username: str) -> str:
        return self.to(account_file(username)) if username in self._people else self.live(f"@{username}")

    def _tag(self, path: str) -> str:
        if not self._tags or not path.startswith("tags/"):
            return self.live(path)
        return self.to(tag_file(normalise_hashtag(unquote(path.removeprefix("tags/")))))
