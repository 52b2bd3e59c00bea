"""Accounts as the team handles them (docs.joinmastodon.org/methods/admin/accounts)."""

from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.present.admin import to_admin_account
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.removal import delete_account
from roseau.domain.accounts.signup import approve_sign_up, reject_sign_up
from roseau.domain.moderation.team import acting
from roseau.domain.moderation.team.members import Member, Search, Standing, find_member, search_members
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import MeasureKind
from roseau.domain.site import Site
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()


class SearchV1(msgspec.Struct, kw_only=True):
    """Which accounts, as the first version of the endpoint asks."""

    local: bool = False
    remote: bool = False
    active: bool = False
    pending: bool = False
    disabled: bool = False
    silenced: bool = False
    suspended: bool = False
    sensitized: bool = False
    staff: bool = False
    username: str = ""
    display_name: str = ""
    by_domain: str = ""
    email: str = ""
    ip: str = ""


class SearchV2(msgspec.Struct, kw_only=True):
    """The same in the second version."""

    origin: str = ""
    status: str = ""
    permissions: str = ""
    role_ids: list[str] = []
    invited_by: int | None = None
    username: str = ""
    display_name: str = ""
    by_domain: str = ""
    email: str = ""
    ip: str = ""


class ActionForm(msgspec.Struct, kw_only=True):
    """What is to be done. A statement of reasons is sent whatever `send_email_notification` says."""

    type: acting.ActionType = "none"
    report_id: int | None = None
    warning_preset_id: str | None = None
    text: str = ""
    send_email_notification: bool = True


_STANDINGS: tuple[Standing, ...] = (
    "active", "pending", "disabled", "silenced", "suspended", "sensitized",
)  # fmt: skip
_ROLES = {"1": "moderator", "2": "admin", "3": "owner"}


def _search_v1(form: SearchV1) -> Search:
    return Search(
        local=True if form.local else False if form.remote else None,
        standing=next((name for name in _STANDINGS if getattr(form, name)), None),
        staff=form.staff,
        username=form.username,
        display_name=form.display_name,
        email=form.email,
        domain=form.by_domain,
    )


def _search_v2(form: SearchV2) -> Search:
    return Search(
        local={"local": True, "remote": False}.get(form.origin),
        standing=next((name for name in _STANDINGS if name == form.status), None),
        staff=form.permissions == "staff",
        roles=tuple(_ROLES.get(role, role) for role in form.role_ids),
        invited_by_id=form.invited_by or 0,
        username=form.username,
        display_name=form.display_name,
        email=form.email,
        domain=form.by_domain,
    )


async def _list(call: Call, search: Search, ip: str) -> Response:
    page = call.page(100, 200)
    # No address of anybody's network is kept, so nobody is found by one.
    found = [] if ip else await call.server.database.scan(_search, call.viewer, search, page)
    if ip:
        await call.server.database.read(require, call.viewer, "manage_users")
    if found:
        call.link(found[0].view.id, found[-1].view.id, full=len(found) >= page.limit)
    return call.json([to_admin_account(call.server.site.base_url, member) for member in found])


def _search(tx: Transaction, viewer: int, search: Search, page: Page) -> list[Member]:
    require(tx, viewer, "manage_users")
    return search_members(tx, search, page)


@routes.get("/api/v1/admin/accounts", scope="admin:read:accounts")
async def index_v1(call: Call) -> Response:
    """Accounts that fit."""
    form = await call.form(SearchV1)
    return await _list(call, _search_v1(form), form.ip)


@routes.get("/api/v2/admin/accounts", scope="admin:read:accounts")
async def index(call: Call) -> Response:
    """Accounts that fit."""
    form = await call.form(SearchV2)
    return await _list(call, _search_v2(form), form.ip)


@routes.get("/api/v1/admin/accounts/{id}", scope="admin:read:accounts")
async def show(call: Call) -> Response:
    """One account."""
    return await _answer(call, await call.server.database.read(_find, call.viewer, call.path_id()))


def _find(tx: Transaction, viewer: int, account_id: int) -> Member:
    require(tx, viewer, "manage_users")
    member = find_member(tx, account_id)
    if member is None:
        raise NotFound
    return member


async def _answer(call: Call, member: Member) -> Response:
    return call.json(to_admin_account(call.server.site.base_url, member))


def _approve(tx: Transaction, site: Site, viewer: int, account_id: int) -> Member:
    _find(tx, viewer, account_id)
    try:
        approve_sign_up(tx, site, account_id)
    except NotFound:
        raise Forbidden from None
    return _find(tx, viewer, account_id)


@routes.post("/api/v1/admin/accounts/{id}/approve", scope="admin:write:accounts")
async def approve(call: Call) -> Response:
    """Let somebody in who waits."""
    write = call.server.database.write
    return await _answer(call, await write(_approve, call.server.site, call.viewer, call.path_id()))


def _reject(tx: Transaction, site: Site, viewer: int, account_id: int) -> Member:
    member = _find(tx, viewer, account_id)
    try:
        reject_sign_up(tx, site, account_id)
    except NotFound:
        raise Forbidden from None
    return member


@routes.post("/api/v1/admin/accounts/{id}/reject", scope="admin:write:accounts")
async def reject(call: Call) -> Response:
    """Do not let somebody in who waits: nothing of them is kept."""
    write = call.server.database.write
    return await _answer(call, await write(_reject, call.server.site, call.viewer, call.path_id()))


def _delete(tx: Transaction, site: Site, viewer: int, account_id: int) -> Member:
    require(tx, viewer, "manage_settings")
    member = _find(tx, viewer, account_id)
    if member.view.account.suspended_at is None:
        raise Forbidden
    if acting.may_be_reversed(tx, account_id):
        raise Forbidden("This suspension can still be appealed, so what it hides is kept until then.")
    delete_account(tx, site, account_id)
    return member


@routes.delete("/api/v1/admin/accounts/{id}", scope="admin:write:accounts")
async def delete(call: Call) -> Response:
    """Take a suspended account away for good, once nobody can appeal any more."""
    write = call.server.database.write
    return await _answer(call, await write(_delete, call.server.site, call.viewer, call.path_id()))


@routes.post("/api/v1/admin/accounts/{id}/action", scope="admin:write:accounts")
async def act(call: Call) -> Response:
    """Decide something about an account. Without a rule to name, nothing can be decided: Invalid."""
    form = await call.form(ActionForm)
    action = acting.Action(type=form.type, report_id=form.report_id, text=form.text)
    await call.server.database.write(acting.act, call.server.site, call.viewer, call.path_id(), action)
    empty: dict[str, Any] = {}
    return call.json(empty)


async def _lift(call: Call, kind: MeasureKind) -> Response:
    def run(tx: Transaction) -> Member:
        acting.lift(tx, call.server.site, call.viewer, call.path_id(), kind)
        return _find(tx, call.viewer, call.path_id())

    return await _answer(call, await call.server.database.write(run))


@routes.post("/api/v1/admin/accounts/{id}/enable", scope="admin:write:accounts")
async def enable(call: Call) -> Response:
    """Let a frozen member in again."""
    return await _lift(call, "freeze")


@routes.post("/api/v1/admin/accounts/{id}/unsilence", scope="admin:write:accounts")
async def unsilence(call: Call) -> Response:
    """Limit an account no longer."""
    return await _lift(call, "limit")


@routes.post("/api/v1/admin/accounts/{id}/unsuspend", scope="admin:write:accounts")
async def unsuspend(call: Call) -> Response:
    """Bring a suspended account back."""
    return await _lift(call, "suspend")


@routes.post("/api/v1/admin/accounts/{id}/unsensitive", scope="admin:write:accounts")
async def unsensitive(call: Call) -> Response:
    """Uncover the posts of an account."""
    return await _lift(call, "interstitial")
