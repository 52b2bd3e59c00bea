"""Applications (docs.joinmastodon.org/methods/apps)."""

from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.domain.accounts.apps import App, NewApp, find_app, register_app
from roseau.domain.notifications.push import find_vapid_public_key
from roseau.domain.site import Site
from roseau.doors import limits
from roseau.kernel.errors import Unauthorized
from roseau.storage.database import Transaction

routes = Routes()


class AppForm(msgspec.Struct, kw_only=True):
    """A new application; several redirect URIs come as a list or separated by white space."""

    client_name: str = ""
    redirect_uris: str | list[str] = ""
    scopes: str = ""
    website: str | None = None


@routes.post("/api/v1/apps", access="open")
async def create(call: Call) -> Response:
    """Register an application; the answer is the only one to hold its secret."""
    form = await call.form(AppForm)
    call.spend(limits.APPS)
    new, vapid_key = await call.server.database.write(_register, call.server.site, form)
    return call.json(
        _to_entity(new.app, vapid_key)
        | {"client_id": new.app.client_id, "client_secret": new.secret, "client_secret_expires_at": 0}
    )


def _register(tx: Transaction, site: Site, form: AppForm) -> tuple[NewApp, str]:
    uris = [form.redirect_uris] if isinstance(form.redirect_uris, str) else form.redirect_uris
    new = register_app(
        tx, name=form.client_name, redirect_uris=uris, scopes=form.scopes, website=form.website
    )
    return new, find_vapid_public_key(tx, site)


@routes.get("/api/v1/apps/verify_credentials", access="app")
async def verify(call: Call) -> Response:
    """The application that the token was given to."""
    return call.json(await call.server.database.read(_verify, call))


def _verify(tx: Transaction, call: Call) -> dict[str, Any]:
    app = find_app(tx, call.caller.app_id) if call.caller else None
    if app is None:
        raise Unauthorized
    return _to_entity(app, find_vapid_public_key(tx, call.server.site))


def _to_entity(app: App, vapid_key: str) -> dict[str, Any]:
    return {
        "id": str(app.id),
        "name": app.name,
        "website": app.website,
        "scopes": app.scopes.split(),
        "redirect_uris": app.redirect_uris,
        "redirect_uri": "\n".join(app.redirect_uris),
        "vapid_key": vapid_key,
    }
