"""OAuth 2 for clients: tokens, their revocation, who they stand for, and the metadata.

RFC 6749 sections 4 and 5, RFC 7009, RFC 8414, docs.joinmastodon.org/methods/oauth. The page that asks the
member is in `web/`; what it may ask is decided in `domain/accounts/grants.py`.
"""

from base64 import b64decode
from typing import ClassVar
from urllib.parse import unquote_plus

import msgspec
from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.domain.accounts.apps import App, recognise_client
from roseau.domain.accounts.grants import (
    IssuedToken,
    Refusal,
    exchange_code,
    grant_client,
    issuer_of,
)
from roseau.domain.accounts.loading import AccountView, load_account
from roseau.domain.accounts.scopes import SCOPES
from roseau.domain.accounts.tokens import revoke_token
from roseau.doors.addresses import account_url, avatar_url
from roseau.doors.names import site_here
from roseau.kernel.errors import NotFound, RoseauError
from roseau.storage.database import Transaction

routes = Routes()


class OAuthError(RoseauError):
    """A refusal in the words of RFC 6749, section 5.2: `code` is for programs, the sentence for people."""

    status: ClassVar[int] = 400

    def __init__(self, code: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.error = code
        self.http_status = status


def _unknown_client() -> OAuthError:
    return OAuthError(
        "invalid_client",
        "Client authentication failed due to unknown client, no client authentication included, or "
        "unsupported authentication method.",
        401,
    )


class TokenForm(msgspec.Struct, kw_only=True):
    """What a client sends to get a token; the client may name itself in the header instead (Basic)."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    scope: str = ""


class RevocationForm(msgspec.Struct, kw_only=True):
    """What a client sends to give a token back."""

    token: str = ""
    client_id: str = ""
    client_secret: str = ""


@routes.post("/oauth/token", access="open")
async def token(call: Call) -> Response:
    """Turn a code, or the client's own credentials, into a token."""
    # RFC 6749, section 5.1: what holds a token is not kept by anybody on the way.
    call.headers["Cache-Control"] = "no-store"
    form = await call.form(TokenForm)
    try:
        return call.json(await _give_token(call, form))
    except OAuthError as error:
        return _refuse(call, error)


async def _give_token(call: Call, form: TokenForm) -> dict[str, object]:
    if not form.grant_type:
        raise OAuthError("invalid_request", "Missing required parameter: grant_type.")
    if form.grant_type not in ("authorization_code", "client_credentials"):
        raise OAuthError(
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        )
    client_id, secret = _client_of(call, form.client_id, form.client_secret)
    outcome = await call.server.database.write(_issue, client_id, secret, form)
    if outcome is None:
        raise _unknown_client()
    if isinstance(outcome, Refusal):
        raise OAuthError(outcome.error, outcome.description)
    return {
        "access_token": outcome.token,
        "token_type": "Bearer",
        "scope": outcome.scopes,
        "created_at": outcome.created_at // 1000,
    }


def _issue(tx: Transaction, client_id: str, secret: str, form: TokenForm) -> IssuedToken | Refusal | None:
    app = recognise_client(tx, client_id, secret)
    if app is None:
        return None
    if form.grant_type == "client_credentials":
        return grant_client(tx, app, form.scope)
    return exchange_code(
        tx, app, code=form.code, redirect_uri=form.redirect_uri, code_verifier=form.code_verifier
    )


@routes.post("/oauth/revoke", access="open")
async def revoke(call: Call) -> Response:
    """Give a token back; one that nobody knows is as good as given back (RFC 7009, section 2.2)."""
    form = await call.form(RevocationForm)
    client_id, secret = _client_of(call, form.client_id, form.client_secret)
    if await call.server.database.write(_revoke, client_id, secret, form.token):
        return call.json({})
    return _refuse(
        call, OAuthError("unauthorized_client", "You are not authorized to revoke this token", 403)
    )


def _revoke(tx: Transaction, client_id: str, secret: str, given: str) -> bool:
    app: App | None = recognise_client(tx, client_id, secret)
    return app is not None and revoke_token(tx, app.id, given)


@routes.get("/oauth/userinfo", scope="profile")
async def userinfo(call: Call) -> Response:
    """Who the token stands for (OpenID Connect Core, section 5.3), in Mastodon's claims."""
    view = await call.server.database.read(load_account, call.viewer)
    if view is None:
        raise NotFound
    return call.json(_to_claims(call, view))


routes.post("/oauth/userinfo", scope="profile")(userinfo)


def _to_claims(call: Call, view: AccountView) -> dict[str, str]:
    base_url, account = call.server.site.base_url, view.account
    return {
        "iss": issuer_of(site_here(call.request)),
        "sub": account.uri,
        "name": account.display_name,
        "preferred_username": account.username,
        "profile": account_url(base_url, account),
        "picture": avatar_url(base_url, account),
    }


@routes.get("/.well-known/oauth-authorization-server", access="open")
async def metadata(call: Call) -> Response:
    """What this authorisation server does (RFC 8414), under the name by which it was asked."""
    site = site_here(call.request)
    base_url = site.base_url
    return call.json(
        {
            "issuer": issuer_of(site),
            "authorization_endpoint": f"{base_url}/oauth/authorize",
            "token_endpoint": f"{base_url}/oauth/token",
            "revocation_endpoint": f"{base_url}/oauth/revoke",
            "userinfo_endpoint": f"{base_url}/oauth/userinfo",
            "app_registration_endpoint": f"{base_url}/api/v1/apps",
            "service_documentation": "https://docs.joinmastodon.org/",
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


def _client_of(call: Call, client_id: str, secret: str) -> tuple[str, str]:
    """The client's name and secret, from the header or the body (RFC 6749, section 2.3.1)."""
    kind, _, encoded = call.request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return client_id, secret
    try:
        name, colon, key = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise _unknown_client() from None
    return (unquote_plus(name), unquote_plus(key)) if colon else (name, "")


def _refuse(call: Call, error: OAuthError) -> Response:
    if error.http_status == 401:
        call.headers["WWW-Authenticate"] = 'Basic realm="Roseau"'
    return call.json({"error": error.error, "error_description": str(error)}, error.http_status)
