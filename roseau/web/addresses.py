"""Where things are on this site, and which of the addresses that a form gives back may be followed."""

import re
from typing import Final
from urllib.parse import quote

from roseau.domain.accounts.loading import Account

_NOT_LOCAL: Final = re.compile(r"[\x00-\x20\\\x7f]")


def account_path(account: Account, *rest: str) -> str:
    """`/@name`, or a page under it."""
    return "/".join((f"/@{account.acct}", *rest))


def status_path(author: Account, status_id: int) -> str:
    """`/@name/ID`, the conversation around a status."""
    return f"/@{author.acct}/{status_id}"


def tag_path(name: str) -> str:
    """`/tags/name`."""
    return f"/tags/{quote(name, safe='')}"


def media_url(name: str) -> str:
    """The address of a blob, such as an attachment's file."""
    return f"/media/{name[:2]}/{name[2:4]}/{name}"


def local_path(text: str | None, default: str = "/home") -> str:
    """A path on this site, as a form's `back` or a link's `next` gives it; the default for anything else."""
    if not text or len(text) > 2000 or not text.startswith("/") or text.startswith("//"):
        return default
    return default if _NOT_LOCAL.search(text) else text
