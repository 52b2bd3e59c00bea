"""The roles of the team: what each may do, who has which. Nobody gives away what they do not have."""

import re

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from roseau.domain.events import AccountUpdated
from roseau.domain.moderation.team.permissions import UNARMED, decode_permissions, permissions_of, require
from roseau.domain.moderation.vocabulary import PERMISSIONS, ROLES, Permission
from roseau.kernel.errors import Forbidden, Invalid, NotFound, Problem, mark
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.moderation import duties, rests, staff_roles
from roseau.storage.schema.timelines import notifications
from roseau.storage.statements import statement, upsert

MAX_TITLE = 60
_NAME = re.compile(r"[a-z][a-z0-9_]{1,29}\Z")

#: What the roles of every site are called, where the site does not call them otherwise.
TITLES = {
    "owner": mark("Owner"),
    "admin": mark("Administration"),
    "moderator": mark("Moderation"),
    "reviewer": mark("Outside reviewer"),
    "member": mark("Member"),
}


class Role(msgspec.Struct, frozen=True):
    """A role; `own` for one that the site made. The title of a usual one may be a msgid of `TITLES`."""

    name: str
    title: str
    permissions: frozenset[Permission]
    second_factor: bool
    own: bool


class RoleDraft(msgspec.Struct, frozen=True):
    """A role as somebody wants it."""

    name: str
    title: str = ""
    permissions: tuple[str, ...] = ()
    second_factor: bool = False


_written = statement(select(staff_roles).order_by(staff_roles.c.name))
_columns = ("name", "title", "permissions", "second_factor", "updated_at")
_save = statement(
    upsert(staff_roles)
    .values({name: bindparam(name, type_=staff_roles.c[name].type) for name in _columns})
    .on_conflict_do_update(
        index_elements=["name"],
        set_={name: upsert(staff_roles).excluded[name] for name in _columns[1:]},
    )
)
_remove = statement(delete(staff_roles).where(staff_roles.c.name == bindparam("wanted")))
_count = statement(
    select(func.count())
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.role == bindparam("wanted"), accounts.c.deleted_at.is_(None))
)
_role_of = statement(
    select(users.c.role)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.account_id == bindparam("account"), accounts.c.deleted_at.is_(None))
)
_give = statement(
    update(users).where(users.c.account_id == bindparam("account")).values(role=bindparam("wanted"))
)
_touch = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(version=accounts.c.version + 1, updated_at=bindparam("at"))
)
#: What somebody was told as one of the team names those who sent notices.
_reports = delete(notifications).where(notifications.c.type == "admin.report")
_forget_reports_of = statement(_reports.where(notifications.c.account_id == bindparam("account")))
_forget_reports_in = statement(
    _reports.where(
        notifications.c.account_id.in_(select(users.c.account_id).where(users.c.role == bindparam("wanted")))
    )
)
_forget_duties = statement(delete(duties).where(duties.c.account_id == bindparam("account")))
_forget_rests = statement(delete(rests).where(rests.c.account_id == bindparam("account")))


def list_roles(tx: Transaction) -> list[Role]:
    """Every role: the usual ones from the most to the least, then the site's own."""
    written = {row.name: row for row in tx.all(_written)}
    names = [*ROLES, *(name for name in written if name not in ROLES)]
    return [_to_role(name, written.get(name)) for name in names]


def _to_role(name: str, row: object) -> Role:
    title = getattr(row, "title", "")
    return Role(
        name,
        title or TITLES.get(name, name),
        decode_permissions(name, getattr(row, "permissions", None)),
        bool(getattr(row, "second_factor", False)),
        name not in ROLES,
    )


def find_role(tx: Transaction, name: str) -> Role | None:
    """The role of that name."""
    return next((role for role in list_roles(tx) if role.name == name), None)


def save_role(tx: Transaction, by_id: int, draft: RoleDraft) -> None:
    """Make a role, or change what one may do. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_roles")
    if problem := _problem_of(draft):
        raise Invalid(problems=(problem,))
    wanted = frozenset(draft.permissions)
    held = permissions_of(tx, by_id)
    before = find_role(tx, draft.name)
    # Neither up nor down: what somebody does not hold themselves is not theirs to give or to take.
    if not (wanted ^ (before.permissions if before else frozenset())) <= held:
        raise Forbidden("Nobody can give or take permissions that they do not have.")
    tx.run(
        _save,
        name=draft.name,
        title=draft.title.strip(),
        permissions=msgspec.json.encode(sorted(wanted)).decode(),
        second_factor=draft.second_factor,
        updated_at=tx.now,
    )
    if "view_cases" not in wanted:
        tx.run(_forget_reports_in, wanted=draft.name)


def _problem_of(draft: RoleDraft) -> Problem | None:
    if draft.name in UNARMED:
        return Problem("name", "ERR_RESERVED", "This role has no task in the team.")
    if not _NAME.match(draft.name):
        return Problem("name", "ERR_INVALID", "The name of a role has 2 to 30 small letters, digits or _.")
    if len(draft.title.strip()) > MAX_TITLE:
        return Problem("title", "ERR_TOO_LONG", "The title of a role has at most 60 characters.")
    if not frozenset(draft.permissions) <= PERMISSIONS.keys():
        return Problem("permissions", "ERR_INVALID", "One of the permissions is not known.")
    if draft.name == "owner" and frozenset(draft.permissions) != ROLES["owner"]:
        return Problem("permissions", "ERR_INVALID", "An owner may do everything.")
    return None


def remove_role(tx: Transaction, by_id: int, name: str) -> None:
    """Take away a role that nobody has, or make a usual one as usual again. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_roles")
    role = find_role(tx, name)
    if role is None:
        raise NotFound
    back = ROLES.get(name, frozenset())
    if not (role.permissions ^ back) <= permissions_of(tx, by_id):
        raise Forbidden("Nobody can give or take permissions that they do not have.")
    if role.own and tx.value(_count, wanted=name):
        raise Invalid("Somebody has this role. Give them another one first.")
    tx.run(_remove, wanted=name)


def appoint(tx: Transaction, by_id: int, account_id: int, role: str) -> None:
    """Give a member a role, with no more than one holds oneself. Raises Forbidden, NotFound, Invalid."""
    require(tx, by_id, "manage_roles")
    mine = tx.value(_role_of, account=by_id)
    before = tx.value(_role_of, account=account_id)
    if before is None:
        raise NotFound
    if mine != "owner":
        held = permissions_of(tx, by_id)
        touched = [found for name in (before, role) if (found := find_role(tx, name)) is not None]
        if "owner" in (before, role) or any(not one.permissions <= held for one in touched):
            raise Forbidden("Nobody can give or take permissions that they do not have.")
    set_role(tx, account_id, role)


def set_role(tx: Transaction, account_id: int, role: str) -> None:
    """Give a member a role, whoever asks: for the operator's terminal. Raises NotFound, Invalid."""
    before = tx.value(_role_of, account=account_id)
    if before is None:
        raise NotFound
    given = find_role(tx, role)
    if given is None:
        raise Invalid("There is no role %(role)s.", values={"role": role})
    if before == "owner" and role != "owner" and tx.value(_count, wanted="owner") == 1:
        raise Invalid("This is the only owner. Make somebody else owner first.")
    tx.run(_give, account=account_id, wanted=role)
    tx.run(_touch, account=account_id, at=tx.now)
    if "view_cases" not in given.permissions:
        tx.run(_forget_reports_of, account=account_id)
    if role in UNARMED:
        tx.run(_forget_duties, account=account_id)
        tx.run(_forget_rests, account=account_id)
    tx.emit(AccountUpdated(account_id))
