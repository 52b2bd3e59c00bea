"""Applications: registered by anybody (RFC 7591's aim, Mastodon's form), recognised by their secret."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.accounts.scopes import DEFAULT, parse_scopes
from roseau.domain.accounts.tokens import add_app
from roseau.kernel import keys
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.oauth import oauth_apps, oauth_tokens
from roseau.storage.statements import statement

#: "Show the code instead of redirecting": for applications without a browser of their own.
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
MAX_NAME = 60
MAX_URL = 2_000
MAX_REDIRECTS = 20
#: A redirect to one of these would run in this site's pages, or read the member's files.
_FORBIDDEN_SCHEMES = frozenset(("javascript", "data", "vbscript", "file", "about", "blob", "mailto"))


class App(msgspec.Struct, frozen=True):
    """A registered application."""

    id: int
    name: str
    website: str | None
    client_id: str
    secret_hash: str
    redirect_lines: str
    scopes: str

    @property
    def redirect_uris(self) -> list[str]:
        """Where codes may be sent, compared to the letter."""
        return self.redirect_lines.split("\n") if self.redirect_lines else []


class NewApp(msgspec.Struct, frozen=True):
    """An application that was just registered; the secret is shown this once."""

    app: App
    secret: str


class AuthorizedApp(msgspec.Struct, frozen=True):
    """An application that holds tokens of a member."""

    id: int
    name: str
    website: str | None
    tokens: int
    since: int
    last_used_at: int


_COLUMNS = [
    oauth_apps.c[{"redirect_lines": "redirect_uris"}.get(name, name)].label(name)
    for name in App.__struct_fields__
]
_by_client = statement(select(*_COLUMNS).where(oauth_apps.c.client_id == bindparam("client")), into=App)
_by_id = statement(select(*_COLUMNS).where(oauth_apps.c.id == bindparam("app")), into=App)
_of_member = statement(
    select(
        oauth_apps.c.id,
        oauth_apps.c.name,
        oauth_apps.c.website,
        func.count().label("tokens"),
        func.min(oauth_tokens.c.created_at).label("since"),
        func.max(oauth_tokens.c.last_used_at).label("last_used_at"),
    )
    .select_from(oauth_tokens.join(oauth_apps, oauth_apps.c.id == oauth_tokens.c.app_id))
    .where(oauth_tokens.c.account_id == bindparam("account"), oauth_tokens.c.revoked_at.is_(None))
    .group_by(oauth_apps.c.id, oauth_apps.c.name, oauth_apps.c.website)
    .order_by(func.max(oauth_tokens.c.last_used_at).desc(), oauth_apps.c.id),
    into=AuthorizedApp,
)


def register_app(
    tx: Transaction,
    *,
    name: str,
    redirect_uris: Sequence[str],
    scopes: str = "",
    website: str | None = None,
    client_id: str = "",
    secret: str = "",
) -> NewApp:
    """Register an application. Raises Invalid with everything that is wrong.

    Its id and secret are made up, but where an operator gives them.
    """
    uris = [uri for given in redirect_uris for uri in given.split()]
    asked = parse_scopes(scopes or DEFAULT)
    site = (website or "").strip() or None
    problems = [*_problems_of_name(name.strip()), *_problems_of_uris(uris), *_problems_of_website(site)]
    if asked is None:
        problems.append(Problem("scopes", "ERR_INVALID", "Scopes doesn't match configured on the server."))
    if problems:
        raise Invalid(problems=tuple(problems))
    client_id, secret = client_id or keys.new_token(), secret or keys.new_token()
    granted = asked or DEFAULT
    app_id = add_app(
        tx,
        name=name.strip(),
        website=site,
        client_id=client_id,
        secret=secret,
        redirect_uris=uris,
        scopes=granted,
    )
    app = App(app_id, name.strip(), site, client_id, keys.hash_token(secret), "\n".join(uris), granted)
    return NewApp(app, secret)


def find_app(tx: Transaction, app_id: int) -> App | None:
    """The application, or None."""
    return tx.one(_by_id, app=app_id)


def find_client(tx: Transaction, client_id: str) -> App | None:
    """The application with that client id, or None."""
    return tx.one(_by_client, client=client_id)


def recognise_client(tx: Transaction, client_id: str, secret: str) -> App | None:
    """The application, when it gives its secret too (RFC 6749, section 2.3.1)."""
    app = find_client(tx, client_id)
    return app if app and keys.same(app.secret_hash, keys.hash_token(secret)) else None


def list_authorized_apps(tx: Transaction, account_id: int) -> list[AuthorizedApp]:
    """The applications that hold tokens of the member; `revoke_member_tokens` takes them back."""
    return tx.all(_of_member, account=account_id)


def _problems_of_name(name: str) -> list[Problem]:
    if not name:
        return [Problem("name", "ERR_BLANK", "Name can't be blank")]
    if len(name) > MAX_NAME:
        return [Problem("name", "ERR_TOO_LONG", "Name is too long (maximum is 60 characters)")]
    return []


def _problems_of_uris(uris: list[str]) -> list[Problem]:
    if not uris:
        return [Problem("redirect_uri", "ERR_BLANK", "Redirect URI can't be blank")]
    if len(uris) > MAX_REDIRECTS or max(map(len, uris)) > MAX_URL:
        return [
            Problem("redirect_uri", "ERR_TOO_LONG", "Redirect URI is too long (maximum is 2000 characters)")
        ]
    found: list[Problem] = []
    for uri in uris:
        if uri == OUT_OF_BAND:
            continue
        scheme, colon, rest = uri.partition(":")
        if not colon or not rest.strip("/") or not _is_scheme(scheme) or _host_is_missing(uri):
            found.append(Problem("redirect_uri", "ERR_INVALID", "Redirect URI must be an absolute URI."))
        elif "#" in uri:
            found.append(Problem("redirect_uri", "ERR_INVALID", "Redirect URI cannot contain a fragment."))
        elif scheme.lower() in _FORBIDDEN_SCHEMES:
            found.append(Problem("redirect_uri", "ERR_INVALID", "Redirect URI is forbidden by the server."))
    return found[:1]


def _is_scheme(text: str) -> bool:
    """RFC 3986, section 3.1."""
    return text.isascii() and text[:1].isalpha() and all(sign.isalnum() or sign in "+-." for sign in text)


def _host_is_missing(uri: str) -> bool:
    """Whether it is a web address without a host, or one that cannot be read at all."""
    try:
        parts = urlsplit(uri)
        return parts.scheme in ("http", "https") and not parts.hostname
    except ValueError:
        return True


def _problems_of_website(website: str | None) -> list[Problem]:
    if website is None:
        return []
    scheme = website.partition("://")[0].lower()
    if len(website) > MAX_URL or scheme not in ("http", "https") or _host_is_missing(website):
        return [Problem("website", "ERR_INVALID", "Website is invalid")]
    return []
