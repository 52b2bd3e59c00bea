"""Passwords: forgotten and chosen anew through a mailed link, or changed by who knows the present one."""

from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.links import find_link, make_link, use_link
from roseau.domain.accounts.mails import find_reader, mail_password_changed, mail_password_reset
from roseau.domain.accounts.names import email_key
from roseau.domain.accounts.sessions import revoke_sessions
from roseau.domain.accounts.signin import Proven, check_proven
from roseau.domain.accounts.tokens import revoke_member_tokens
from roseau.domain.site import Site
from roseau.kernel.errors import Gone
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement

_by_email = statement(
    select(users.c.account_id)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.email_key == bindparam("email"), accounts.c.deleted_at.is_(None))
)
_set_password = statement(
    update(users).where(users.c.account_id == bindparam("account")).values(password_hash=bindparam("hash"))
)
_confirm = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"), users.c.confirmed_at.is_(None))
    .values(confirmed_at=bindparam("at"))
)


def ask_password_reset(tx: Transaction, site: Site, email: str) -> None:
    """Mail a link that sets a new password; for an unknown address nothing happens, and nothing is said."""
    account_id = tx.value(_by_email, email=email_key(email))
    if account_id is None:
        return
    reader = find_reader(tx, account_id)
    mail_password_reset(tx, site, reader, make_link(tx, "reset_password", account_id, reader.email))


def find_password_reset(tx: Transaction, token: str) -> int | None:
    """Whose password the link sets; None when it is no longer good."""
    link = find_link(tx, "reset_password", token)
    return None if link is None else link.account_id


def reset_password(tx: Transaction, site: Site, token: str, password_hash: str) -> int:
    """Set a new password with a mailed link; whose it is. Raises Gone.

    Whoever knew the old one is thrown out: every session ends, and the applications' tokens are revoked
    (as Mastodon does). The second factor stays. That the mail arrived proves the address as well.
    """
    link = use_link(tx, "reset_password", token)
    if link.account_id is None or find_reader(tx, link.account_id).email != link.detail:
        raise Gone("This link is no longer valid. Ask for a new one.")
    tx.run(_confirm, account=link.account_id, at=tx.now)
    set_password(tx, site, link.account_id, password_hash)
    revoke_member_tokens(tx, link.account_id)
    return link.account_id


def change_password(
    tx: Transaction, site: Site, proven: Proven, password_hash: str, *, keep_session: int = 0
) -> None:
    """Set a new password, knowing the present one; the member's other sessions end, applications stay."""
    check_proven(tx, proven)
    set_password(tx, site, proven.account_id, password_hash, keep_session=keep_session)


def set_password(
    tx: Transaction, site: Site, account_id: int, password_hash: str, *, keep_session: int = 0
) -> None:
    """Set a password, end the sessions and say so by mail; an operator may do it for a member."""
    tx.run(_set_password, account=account_id, hash=password_hash)
    revoke_sessions(tx, account_id, keep=keep_session)
    mail_password_changed(tx, site, find_reader(tx, account_id))
