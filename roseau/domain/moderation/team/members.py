"""Accounts as the team sees them: how they stand, who is behind them, and lists by how they stand."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, exists, literal, or_, select, true

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.measures.force import unended
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import accounts, invites, users
from roseau.storage.schema.cases import measures
from roseau.storage.schema.moderation import staff_roles
from roseau.storage.statements import one_of, statement

Standing = Literal["active", "pending", "disabled", "silenced", "suspended", "sensitized"]
#: What stands for anything in a search.
ANY = ""


class Member(msgspec.Struct, kw_only=True):
    """An account with what the team knows of it; of accounts of other servers, little."""

    view: AccountView
    email: str = ""
    role: str = ""
    locale: str | None = None
    reason: str = ""
    confirmed: bool = False
    approved: bool = False
    disabled: bool = False
    sensitized: bool = False
    invited_by_id: int | None = None
    #: What the site wrote of the role, if it did (`team/permissions.py`).
    role_permissions: str | None = None


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts; what is empty asks nothing."""

    local: bool | None = None
    standing: Standing | None = None
    staff: bool = False
    roles: tuple[str, ...] = ()
    username: str = ""
    display_name: str = ""
    email: str = ""
    domain: str = ""
    invited_by_id: int = 0


def _held(*kinds: str) -> ColumnElement[bool]:
    """A measure of one of these kinds keeps the account back now."""
    return exists(
        select(literal(1)).where(
            measures.c.account_id == accounts.c.id,
            measures.c.kind.in_(kinds),
            unended(),
            or_(measures.c.until_at.is_(None), measures.c.until_at > bindparam("now")),
        )
    )


_frozen = or_(users.c.disabled_at.is_not(None), _held("freeze"))
_pending = and_(users.c.account_id.is_not(None), users.c.approved_at.is_(None))
_STANDINGS: dict[str, ColumnElement[bool]] = {
    "active": and_(
        accounts.c.suspended_at.is_(None),
        accounts.c.limited_at.is_(None),
        ~_frozen,
        ~_pending,
    ),
    "pending": _pending,
    "disabled": _frozen,
    "silenced": accounts.c.limited_at.is_not(None),
    "suspended": accounts.c.suspended_at.is_not(None),
    "sensitized": accounts.c.sensitized_at.is_not(None),
}
_people = accounts.outerjoin(users, users.c.account_id == accounts.c.id)


def _like(column: Any, name: str) -> ColumnElement[bool]:
    # A pattern of nothing but the sign for anything matches all.
    return column.like(bindparam(name), escape="\\")  # type: ignore[no-any-return]


def _listing(standing: str | None, origin: bool | None, *conditions: ColumnElement[bool]) -> Paged[Any]:
    where = [
        accounts.c.deleted_at.is_(None),
        _STANDINGS[standing] if standing else true(),
        true() if origin is None else (accounts.c.domain == "" if origin else accounts.c.domain != ""),
        or_(bindparam("any_name") == 1, _like(accounts.c.username_key, "username")),
        or_(bindparam("any_title") == 1, _like(accounts.c.display_name, "title")),
        or_(bindparam("any_email") == 1, _like(users.c.email_key, "email")),
        or_(bindparam("any_domain") == 1, accounts.c.domain == bindparam("domain")),
        or_(bindparam("any_role") == 1, one_of(users.c.role, "roles", "TEXT")),
        or_(
            bindparam("any_inviter") == 1,
            users.c.invite_id.in_(select(invites.c.id).where(invites.c.account_id == bindparam("inviter"))),
        ),
    ]
    return Paged(select(accounts.c.id).select_from(_people).where(*where), accounts.c.id)


_listings = {
    (standing, origin): _listing(standing, origin)
    for standing in (None, *_STANDINGS)
    for origin in (None, True, False)
}
_details = statement(
    select(
        accounts.c.id,
        accounts.c.sensitized_at,
        users.c.email,
        users.c.role,
        users.c.locale,
        users.c.reason,
        users.c.confirmed_at,
        users.c.approved_at,
        users.c.disabled_at,
        invites.c.account_id.label("invited_by_id"),
        staff_roles.c.permissions.label("role_permissions"),
        _held("freeze").label("frozen"),
    )
    .select_from(
        _people.outerjoin(invites, invites.c.id == users.c.invite_id).outerjoin(
            staff_roles, staff_roles.c.name == users.c.role
        )
    )
    .where(one_of(accounts.c.id, "ids"))
)


def load_members(tx: Transaction, ids: Iterable[int]) -> dict[int, Member]:
    """The accounts by id; those that do not exist are left out."""
    views = load_accounts(tx, ids)
    found: dict[int, Member] = {}
    for row in tx.all(_details, ids=list(views), now=tx.now) if views else ():
        known = row.email is not None
        found[row.id] = Member(
            view=views[row.id],
            email=row.email or "",
            role=row.role or "",
            locale=row.locale,
            reason=row.reason or "",
            confirmed=not known or row.confirmed_at is not None,
            approved=not known or row.approved_at is not None,
            disabled=row.disabled_at is not None or row.frozen,
            sensitized=row.sensitized_at is not None,
            invited_by_id=row.invited_by_id,
            role_permissions=row.role_permissions,
        )
    return found


def find_member(tx: Transaction, account_id: int) -> Member | None:
    """One account, unless it is gone."""
    member = load_members(tx, [account_id]).get(account_id)
    return None if member is None or member.view.account.deleted_at is not None else member


def search_members(tx: Transaction, search: Search, page: Page) -> list[Member]:
    """Accounts that fit, the newest first. A `scan`."""
    roles = search.roles or (("moderator", "admin", "owner") if search.staff else ())
    rows = _listings[search.standing, search.local].fetch(
        tx,
        page,
        now=tx.now,
        username=_pattern(search.username.lower().removeprefix("@")),
        any_name=int(not search.username),
        title=_pattern(search.display_name),
        any_title=int(not search.display_name),
        email=_pattern(search.email.lower()),
        any_email=int(not search.email),
        domain=search.domain.lower(),
        any_domain=int(not search.domain),
        roles=list(roles),
        any_role=int(not roles),
        inviter=search.invited_by_id,
        any_inviter=int(not search.invited_by_id),
    )
    ids = [row.id for row in rows]
    found = load_members(tx, ids)
    return [found[account_id] for account_id in ids if account_id in found]


def _pattern(text: str) -> str:
    """Whatever begins with the text; a star stands for anything."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return f"{escaped}%"
