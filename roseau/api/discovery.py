"""What other programs look for first: NodeInfo, WebFinger (RFC 7033), host-meta (RFC 6415)."""

from html import escape
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from starlette.responses import Response

from roseau import __version__
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.census import Census, load_census
from roseau.domain.accounts.loading import Account, find_account_id, load_account
from roseau.domain.names import list_doors
from roseau.domain.site import Choices, Site, load_choices, registrations_of
from roseau.doors.addresses import account_url, avatar_url
from roseau.kernel.errors import BadRequest, Gone, NotFound
from roseau.storage.database import Transaction

routes = Routes()

_SCHEMA = "http://nodeinfo.diaspora.software/ns/schema"
_VERSIONS = ("2.0", "2.1")


@routes.get("/.well-known/nodeinfo", access="open")
async def nodeinfo_links(call: Call) -> Response:
    """Where the NodeInfo documents are."""
    base_url = call.server.site.base_url
    links = [
        {"rel": f"{_SCHEMA}/{version}", "href": f"{base_url}/nodeinfo/{version}"} for version in _VERSIONS
    ]
    return call.json({"links": links})


@routes.get("/nodeinfo/{version}", access="open")
async def nodeinfo(call: Call) -> Response:
    """What runs here, for how many (nodeinfo.diaspora.software, versions 2.0 and 2.1)."""
    version = call.request.path_params["version"]
    if version not in _VERSIONS:
        raise NotFound
    choices, census = await call.server.database.scan(_census)
    body = msgspec.json.encode(_to_nodeinfo(call.server.site, version, choices, census))
    return Response(body, 200, call.headers, f'application/json; profile="{_SCHEMA}/{version}#"')


def _census(tx: Transaction) -> tuple[Choices, Census]:
    return load_choices(tx), load_census(tx)


def _to_nodeinfo(site: Site, version: str, choices: Choices, census: Census) -> dict[str, Any]:
    return {
        "version": version,
        "software": {"name": "roseau", "version": __version__},
        # The schema asks for at least one protocol of its list; this is the one that Roseau is made for.
        "protocols": ["activitypub"],
        "services": {"outbound": [], "inbound": []},
        "usage": {
            "users": {
                "total": census.users,
                "activeMonth": census.active_month,
                "activeHalfyear": census.active_half_year,
            },
            "localPosts": census.statuses,
        },
        "openRegistrations": registrations_of(site, choices) in ("open", "approval"),
        "metadata": {"nodeName": choices.title, "nodeDescription": choices.short_description},
    }


@routes.get("/.well-known/webfinger", access="open")
async def webfinger(call: Call) -> Response:
    """An account of this site, by `acct:name@domain` or by an address of its profile."""
    resource = call.query().get("resource", "")
    if not resource:
        raise BadRequest("The parameter resource is missing")
    account = await call.server.database.read(_find_resource, call.server.site, resource)
    body = msgspec.json.encode(_to_descriptor(call.server.site, account))
    return Response(body, 200, call.headers, "application/jrd+json; charset=utf-8")


def _find_resource(tx: Transaction, site: Site, resource: str) -> Account:
    account_id = _find_id(tx, site, resource)
    view = load_account(tx, account_id) if account_id else None
    if view is None:
        raise NotFound
    if view.account.deleted_at is not None or view.account.suspended_at is not None:
        raise Gone
    return view.account


def _find_id(tx: Transaction, site: Site, resource: str) -> int | None:
    doors = list_doors(tx, site)
    if any(resource.startswith(f"{door.url}/") for door in doors):
        kind, _, name = unquote(urlsplit(resource).path).strip("/").rpartition("/")
        if kind == "users" or (not kind and name.startswith("@")):
            return find_account_id(tx, name.removeprefix("@"))
        return None
    name, at, domain = resource.removeprefix("acct:").removeprefix("@").rpartition("@")
    names = {door.name.lower() for door in doors}
    return find_account_id(tx, name) if at and domain.lower() in names else None


def _to_descriptor(site: Site, account: Account) -> dict[str, Any]:
    profile = account_url(site.base_url, account)
    return {
        "subject": f"acct:{account.username}@{site.domain}",
        "aliases": [profile, account.uri],
        "links": [
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": profile},
            {"rel": "self", "type": "application/activity+json", "href": account.uri},
            {"rel": "http://webfinger.net/rel/avatar", "href": avatar_url(site.base_url, account)},
        ],
    }


@routes.get("/.well-known/host-meta", access="open")
async def host_meta(call: Call) -> Response:
    """Where WebFinger is, for those who ask the old way."""
    template = escape(f"{call.server.site.base_url}/.well-known/webfinger?resource={{uri}}")
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" template="{template}"/>\n'
        "</XRD>\n"
    )
    return Response(body, 200, call.headers, "application/xrd+xml; charset=utf-8")
