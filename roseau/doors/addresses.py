"""The addresses of things: accounts, statuses, tags, pictures. `base_url` may be empty for a local path."""

from urllib.parse import quote

from roseau.domain.accounts.loading import Account
from roseau.domain.statuses.loading import Status


def media_url(base_url: str, name: str) -> str:
    """A blob's address."""
    return f"{base_url}/media/{name[:2]}/{name[2:4]}/{name}"


def account_url(base_url: str, account: Account) -> str:
    """The profile's page here; for a remote account its name with the domain."""
    return f"{base_url}/@{account.acct}"


def status_url(base_url: str, account: Account, status_id: int) -> str:
    """The status's page here."""
    return f"{base_url}/@{account.acct}/{status_id}"


def tag_url(base_url: str, name: str) -> str:
    """A hashtag's page."""
    return f"{base_url}/tags/{quote(name.lower())}"


def avatar_url(base_url: str, account: Account, *, static: bool = False) -> str:
    """The avatar, or the picture that stands for none. Clients know that one by its name."""
    name = (account.avatar_static if static else "") or account.avatar
    return media_url(base_url, name) if name else f"{base_url}/avatars/original/missing.png"


def header_url(base_url: str, account: Account, *, static: bool = False) -> str:
    """The header, or the picture that stands for none."""
    name = (account.header_static if static else "") or account.header
    return media_url(base_url, name) if name else f"{base_url}/headers/original/missing.png"


def public_url(base_url: str, account: Account, status: Status) -> str:
    """Where people read the status: its own site's page."""
    if status.local:
        return status_url(base_url, account, status.id)
    return status.url or status.uri
