"""Who of the team may do what: the permissions of roles, and who holds one at this moment."""

import msgspec
from sqlalchemy import and_, bindparam, exists, or_, select

from roseau.domain.moderation.vocabulary import ROLES, Permission
from roseau.kernel.errors import Forbidden
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.cases import measure_ends, measures
from roseau.storage.schema.moderation import staff_roles
from roseau.storage.statements import statement

#: Roles without a task in the team; no site can give them one.
UNARMED = frozenset(("member", "reviewer"))
_NONE: frozenset[Permission] = frozenset()


class Holder(msgspec.Struct, frozen=True):
    """Somebody with a role: what the site says of the role, if anything, and since when they use codes."""

    account_id: int
    role: str
    otp_enabled_at: int | None
    permissions: str | None
    second_factor: bool | None


#: A measure that keeps its target from acting, as long as it lasts.
_held_back = exists(
    select(measures.c.id)
    .select_from(measures.outerjoin(measure_ends, measure_ends.c.measure_id == measures.c.id))
    .where(
        measures.c.account_id == users.c.account_id,
        measures.c.kind.in_(("freeze", "suspend")),
        measure_ends.c.measure_id.is_(None),
        or_(measures.c.until_at.is_(None), measures.c.until_at > bindparam("now")),
    )
)
_active = and_(
    accounts.c.deleted_at.is_(None),
    accounts.c.suspended_at.is_(None),
    users.c.disabled_at.is_(None),
    users.c.confirmed_at.is_not(None),
    users.c.approved_at.is_not(None),
    ~_held_back,
)
_holders = (
    select(
        users.c.account_id,
        users.c.role,
        users.c.otp_enabled_at,
        staff_roles.c.permissions,
        staff_roles.c.second_factor,
    )
    .select_from(
        users.join(accounts, accounts.c.id == users.c.account_id).outerjoin(
            staff_roles, staff_roles.c.name == users.c.role
        )
    )
    .where(users.c.role.not_in(sorted(UNARMED)), _active)
)
_one = statement(_holders.where(users.c.account_id == bindparam("account")), into=Holder)
_every = statement(_holders.order_by(users.c.account_id), into=Holder)


def permissions_of(tx: Transaction, account_id: int) -> frozenset[Permission]:
    """What a member may do in the team; nothing for those who are suspended, frozen or not in order.

    Where the role asks for a second factor, it is nothing until they have one (`needs_second_factor`).
    """
    holder = tx.one(_one, account=account_id, now=tx.now)
    return _NONE if holder is None else _permissions(holder)


def _permissions(holder: Holder) -> frozenset[Permission]:
    if _lacks_second_factor(holder):
        return _NONE
    return decode_permissions(holder.role, holder.permissions)


def _lacks_second_factor(holder: Holder) -> bool:
    return bool(holder.second_factor) and holder.otp_enabled_at is None


def decode_permissions(role: str, written: str | None) -> frozenset[Permission]:
    """What a role may do: as the site wrote it, else as every site has it.

    An owner may do everything, whatever is written: otherwise a site could lock out everybody.
    """
    usual = ROLES.get(role, _NONE)
    if written is None or role == "owner":
        return usual
    known = ROLES["owner"]
    return frozenset(name for name in msgspec.json.decode(written, type=list[str]) if name in known)


def require(tx: Transaction, account_id: int, permission: Permission) -> None:
    """Let somebody with this permission pass. Raises Forbidden."""
    if permission in permissions_of(tx, account_id):
        return
    if needs_second_factor(tx, account_id):
        raise Forbidden("Your role asks for two-factor sign-in. Turn it on in your settings first.")
    raise Forbidden


def needs_second_factor(tx: Transaction, account_id: int) -> bool:
    """Whether a member's role asks for a second factor that they have not set up yet."""
    holder = tx.one(_one, account=account_id, now=tx.now)
    return holder is not None and _lacks_second_factor(holder)


def list_holders(tx: Transaction, permission: Permission) -> list[int]:
    """Everybody who has the permission and can act on it now, those who came first first."""
    return [holder.account_id for holder in tx.all(_every, now=tx.now) if permission in _permissions(holder)]


def list_team(tx: Transaction) -> list[Holder]:
    """Everybody with a task in the team whose account is in order, those who came first first."""
    return tx.all(_every, now=tx.now)
