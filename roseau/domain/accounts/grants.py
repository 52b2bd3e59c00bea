"""The authorisation code flow: what an application asks of a member, the code, the token it becomes.

RFC 6749 sections 4.1 and 4.4, with PKCE by S256 only (RFC 7636), the issuer named in the answer (RFC 9207).
"""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.apps import OUT_OF_BAND, App, find_client
from roseau.domain.accounts.scopes import DEFAULT, covers, parse_scopes
from roseau.domain.accounts.sessions import note_activity
from roseau.domain.accounts.tokens import issue_token, revoke_code_tokens
from roseau.domain.site import Site
from roseau.kernel import clock, keys
from roseau.storage.database import Transaction
from roseau.storage.schema.oauth import oauth_grants
from roseau.storage.statements import insertion, statement

CODE_LASTS = 10 * clock.MINUTE
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class Authorization(msgspec.Struct, frozen=True):
    """What an application may ask a member for, checked: the page shows it, `grant_code` grants it."""

    app_id: int
    app_name: str
    website: str | None
    redirect_uri: str
    scopes: str
    state: str | None = None
    code_challenge: str = ""
    force_login: bool = False

    @property
    def out_of_band(self) -> bool:
        """Whether the code is shown to the member, to be typed into the application."""
        return self.redirect_uri == OUT_OF_BAND


class NotAuthorizable(msgspec.Struct, frozen=True):
    """The question cannot be asked, and there is nowhere safe to send the member: show the sentence."""

    sentence: str


class RedirectError(msgspec.Struct, frozen=True):
    """The question is wrong in a way that the application should hear of: redirect there."""

    url: str


class Granted(msgspec.Struct, frozen=True):
    """The member agreed: redirect to `url`, or show the code where there is none (out of band)."""

    code: str
    url: str | None


class IssuedToken(msgspec.Struct, frozen=True):
    """A token to hand out."""

    token: str
    scopes: str
    created_at: int


class Refusal(msgspec.Struct, frozen=True):
    """Why no token is given, in the words of RFC 6749, section 5.2."""

    error: Literal["invalid_grant", "invalid_scope"]
    description: str


#: Marks a sentence for the catalogue; the page that shows it translates it.
_ = str

_BAD_GRANT = Refusal(
    "invalid_grant",
    "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used "
    "in the authorization request, or was issued to another client.",
)
_BAD_SCOPE = Refusal("invalid_scope", "The requested scope is invalid, unknown, or malformed.")

_insert = insertion(
    oauth_grants,
    "code_hash app_id account_id redirect_uri scopes code_challenge created_at expires_at",
)
_find = statement(
    select(
        oauth_grants.c.account_id,
        oauth_grants.c.redirect_uri,
        oauth_grants.c.scopes,
        oauth_grants.c.code_challenge,
        oauth_grants.c.expires_at,
        oauth_grants.c.used_at,
    ).where(oauth_grants.c.code_hash == bindparam("wanted"), oauth_grants.c.app_id == bindparam("app"))
)
_use = statement(
    update(oauth_grants)
    .where(oauth_grants.c.code_hash == bindparam("wanted"), oauth_grants.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)


def check_authorization(
    tx: Transaction, site: Site, params: Mapping[str, str]
) -> Authorization | NotAuthorizable | RedirectError:
    """Read the parameters of the authorisation page (RFC 6749, section 4.1.1)."""
    app = find_client(tx, params.get("client_id", ""))
    if app is None:
        return NotAuthorizable(_("This application is not known here. Let it register again."))
    redirect_uri = params.get("redirect_uri", "")
    if redirect_uri not in app.redirect_uris:
        return NotAuthorizable(_("The address to return to is not one that this application registered."))
    state = params.get("state")
    if params.get("response_type") != "code":
        return _wrong(site, redirect_uri, state, "unsupported_response_type", "Only codes are given.")
    scopes = _narrow(app, params.get("scope", ""))
    if scopes is None:
        return _wrong(site, redirect_uri, state, "invalid_scope", _BAD_SCOPE.description)
    challenge = params.get("code_challenge", "")
    if (challenge or params.get("code_challenge_method")) and (
        params.get("code_challenge_method") != "S256" or not _CHALLENGE.match(challenge)
    ):
        description = "The code challenge has to be made by S256."
        return _wrong(site, redirect_uri, state, "invalid_request", description)
    return Authorization(
        app_id=app.id,
        app_name=app.name,
        website=app.website,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=state,
        code_challenge=challenge,
        force_login=params.get("force_login", "").lower() in ("1", "true", "t", "yes"),
    )


def grant_code(tx: Transaction, site: Site, account_id: int, authorization: Authorization) -> Granted:
    """The member agrees: a code that becomes a token once, within ten minutes."""
    code = keys.new_token()
    tx.run(
        _insert,
        code_hash=keys.hash_token(code),
        app_id=authorization.app_id,
        account_id=account_id,
        redirect_uri=authorization.redirect_uri,
        scopes=authorization.scopes,
        code_challenge=authorization.code_challenge,
        created_at=tx.now,
        expires_at=tx.now + CODE_LASTS,
    )
    if authorization.out_of_band:
        return Granted(code, None)
    return Granted(code, _to_redirect(site, authorization.redirect_uri, authorization.state, code=code))


def deny_code(site: Site, authorization: Authorization) -> str | None:
    """The member refuses: where to redirect, or None (out of band: say so)."""
    if authorization.out_of_band:
        return None
    return _to_redirect(
        site,
        authorization.redirect_uri,
        authorization.state,
        error="access_denied",
        error_description="The resource owner or authorization server denied the request.",
    )


def exchange_code(
    tx: Transaction, app: App, *, code: str, redirect_uri: str, code_verifier: str
) -> IssuedToken | Refusal:
    """Turn a code into a token. It works once: a second use takes back what the first gave.

    The refusal is returned, not raised, because what a second use takes back has to be saved.
    """
    code_hash = keys.hash_token(code)
    grant = tx.one(_find, wanted=code_hash, app=app.id)
    if grant is None:
        return _BAD_GRANT
    if grant.used_at is not None:
        revoke_code_tokens(tx, code_hash)
        return _BAD_GRANT
    challenge = keys.code_challenge(code_verifier) if code_verifier else ""
    if (
        grant.expires_at <= tx.now
        or grant.redirect_uri != redirect_uri
        or not keys.same(grant.code_challenge, challenge)
    ):
        return _BAD_GRANT
    if not tx.run(_use, wanted=code_hash, at=tx.now):
        # Somebody uses the same code at this very moment, and was quicker.
        revoke_code_tokens(tx, code_hash)
        return _BAD_GRANT
    note_activity(tx, grant.account_id)
    token = issue_token(
        tx, app_id=app.id, account_id=grant.account_id, scopes=grant.scopes, code_hash=code_hash
    )
    return IssuedToken(token, grant.scopes, tx.now)


def grant_client(tx: Transaction, app: App, scope: str) -> IssuedToken | Refusal:
    """A token for the application itself (RFC 6749, section 4.4)."""
    scopes = _narrow(app, scope)
    if scopes is None:
        return _BAD_SCOPE
    return IssuedToken(issue_token(tx, app_id=app.id, account_id=None, scopes=scopes), scopes, tx.now)


def _narrow(app: App, asked: str) -> str | None:
    """The scopes asked for, when the application may have them; without a wish `read`, or what it has."""
    if not asked.strip():
        return DEFAULT if covers(app.scopes, DEFAULT) else app.scopes
    scopes = parse_scopes(asked)
    return scopes if scopes and covers(app.scopes, scopes) else None


def _wrong(
    site: Site, redirect_uri: str, state: str | None, error: str, description: str
) -> NotAuthorizable | RedirectError:
    if redirect_uri == OUT_OF_BAND:
        return NotAuthorizable(description)
    return RedirectError(_to_redirect(site, redirect_uri, state, error=error, error_description=description))


def _to_redirect(site: Site, redirect_uri: str, state: str | None, **answer: str) -> str:
    """The address to return to with the answer (RFC 6749, section 4.1.2); its own query is kept."""
    parameters = dict(answer)
    if state is not None:
        parameters["state"] = state
    parameters["iss"] = issuer_of(site)
    joint = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{joint}{urlencode(parameters)}"


def issuer_of(site: Site) -> str:
    """This site's name as an authorisation server (RFC 8414), as Mastodon writes it."""
    return f"{site.base_url}/"
