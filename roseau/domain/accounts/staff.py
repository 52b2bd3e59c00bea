"""Who runs the site, as its pages name them."""

from sqlalchemy import select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement

_staff = statement(
    select(users.c.account_id, users.c.role)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        users.c.role.in_(("owner", "admin", "moderator")),
        accounts.c.deleted_at.is_(None),
        accounts.c.suspended_at.is_(None),
        users.c.disabled_at.is_(None),
    )
    .order_by(users.c.account_id)
)


def list_staff(tx: Transaction) -> list[tuple[AccountView, str]]:
    """Owners, admins and moderators with their roles, those who came first first."""
    rows = tx.all(_staff)
    views = load_accounts(tx, [row.account_id for row in rows])
    return [(views[row.account_id], row.role) for row in rows]
