"""Invitations: codes that let people sign up, made and withdrawn by members."""

import msgspec
from sqlalchemy import bindparam, or_, select, update

from roseau.kernel import ids, keys
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, invites, users
from roseau.storage.statements import insertion, statement

MAX_USES = 1_000
#: Codes of one member that can be open at the same time.
MAX_OPEN = 50


class Invite(msgspec.Struct, frozen=True):
    """An invitation; `max_uses` and `expires_at` are None where there is no end."""

    id: int
    account_id: int
    code: str
    max_uses: int | None
    uses: int
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class Inviter(msgspec.Struct, frozen=True):
    """Who invited, and as what: an invitation by a moderator stands for the approval too."""

    invite_id: int
    account_id: int
    username: str
    role: str


_columns = [invites.c[name] for name in Invite.__struct_fields__]
_usable = (
    invites.c.revoked_at.is_(None),
    or_(invites.c.expires_at.is_(None), invites.c.expires_at > bindparam("now")),
    or_(invites.c.max_uses.is_(None), invites.c.uses < invites.c.max_uses),
)
_insert = insertion(invites, "id account_id code max_uses created_at expires_at")
_of_member = statement(
    select(*_columns).where(invites.c.account_id == bindparam("account")).order_by(invites.c.id.desc()),
    into=Invite,
)
_inviter = statement(
    select(
        invites.c.id.label("invite_id"),
        invites.c.account_id,
        accounts.c.username,
        users.c.role,
    )
    .select_from(
        invites.join(accounts, accounts.c.id == invites.c.account_id).join(
            users, users.c.account_id == invites.c.account_id
        )
    )
    .where(
        invites.c.code == bindparam("wanted"),
        accounts.c.deleted_at.is_(None),
        accounts.c.suspended_at.is_(None),
        users.c.disabled_at.is_(None),
        *_usable,
    ),
    into=Inviter,
)
_spend = statement(
    update(invites).where(invites.c.id == bindparam("invite"), *_usable).values(uses=invites.c.uses + 1)
)
_revoke = statement(
    update(invites)
    .where(
        invites.c.id == bindparam("invite"),
        invites.c.account_id == bindparam("account"),
        invites.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)
_member = statement(
    select(users.c.confirmed_at, users.c.approved_at, users.c.disabled_at).where(
        users.c.account_id == bindparam("account")
    )
)


def create_invite(
    tx: Transaction, account_id: int, *, max_uses: int | None = None, lasts: int | None = None
) -> Invite:
    """A new invitation by a member; `lasts` in milliseconds. Raises Invalid, Forbidden."""
    member = tx.one(_member, account=account_id)
    if member is None or member.confirmed_at is None or member.approved_at is None or member.disabled_at:
        raise Forbidden
    if (max_uses is not None and not 1 <= max_uses <= MAX_USES) or (lasts is not None and lasts <= 0):
        raise Invalid("An invitation is for 1 to 1000 people, and ends in the future.")
    if sum(invite.revoked_at is None for invite in list_invites(tx, account_id)) >= MAX_OPEN:
        raise Invalid("There are too many open invitations. Withdraw one first.")
    invite = Invite(
        id=ids.new_id(),
        account_id=account_id,
        code=keys.new_token(9),
        max_uses=max_uses,
        uses=0,
        created_at=tx.now,
        expires_at=None if lasts is None else tx.now + lasts,
        revoked_at=None,
    )
    tx.run(
        _insert,
        id=invite.id,
        account_id=invite.account_id,
        code=invite.code,
        max_uses=invite.max_uses,
        created_at=invite.created_at,
        expires_at=invite.expires_at,
    )
    return invite


def list_invites(tx: Transaction, account_id: int) -> list[Invite]:
    """The member's invitations, the newest first."""
    return tx.all(_of_member, account=account_id)


def revoke_invite(tx: Transaction, account_id: int, invite_id: int) -> None:
    """Withdraw one of the member's invitations. Raises NotFound."""
    if not tx.run(_revoke, invite=invite_id, account=account_id, at=tx.now):
        raise NotFound


def find_inviter(tx: Transaction, code: str) -> Inviter | None:
    """Who invites with this code; None when it is not good (any more)."""
    return tx.one(_inviter, wanted=code, now=tx.now) if code else None


def spend_invite(tx: Transaction, invite_id: int) -> bool:
    """Count one use; False when somebody else was quicker with the last one."""
    return tx.run(_spend, invite=invite_id, now=tx.now) == 1
