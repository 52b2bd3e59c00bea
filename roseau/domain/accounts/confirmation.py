"""Mail addresses: confirmed through a mailed link, at sign-up and when they change."""

from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.links import Link, find_link, make_link, use_link, withdraw_links
from roseau.domain.accounts.mails import (
    find_reader,
    mail_address_changed,
    mail_confirmation,
    mail_new_address,
)
from roseau.domain.accounts.names import check_email, email_key
from roseau.domain.accounts.signin import Proven, check_proven
from roseau.domain.site import Site
from roseau.kernel.errors import Gone, Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.statements import statement

_confirmed_at = statement(select(users.c.confirmed_at).where(users.c.account_id == bindparam("account")))
_confirm = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"), users.c.email == bindparam("address"))
    .values(confirmed_at=bindparam("at"))
)
_owner = statement(select(users.c.account_id).where(users.c.email_key == bindparam("key")))
_set_email = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"))
    .values(email=bindparam("address"), email_key=bindparam("key"))
)


def is_confirmed(tx: Transaction, account_id: int) -> bool:
    """Whether the member has shown that the mail address is theirs."""
    return tx.value(_confirmed_at, account=account_id) is not None


def send_confirmation(tx: Transaction, site: Site, account_id: int, email: str = "") -> None:
    """Mail the link again, to another address if given; nothing when all is confirmed. Raises Invalid."""
    if is_confirmed(tx, account_id):
        return
    if email:
        _check_free(tx, account_id, email)
        tx.run(_set_email, account=account_id, address=email.strip(), key=email_key(email))
    reader = find_reader(tx, account_id)
    mail_confirmation(tx, site, reader, make_link(tx, "confirm_email", account_id, reader.email))


def find_confirmation(tx: Transaction, token: str) -> Link | None:
    """Whose address the link of a mail confirms (`detail` is the address), or None."""
    return find_link(tx, "confirm_email", token) or find_link(tx, "change_email", token)


def confirm_address(tx: Transaction, site: Site, token: str) -> int:
    """Confirm an address, at sign-up or after a change; whose it is. Raises Gone, Invalid."""
    if find_link(tx, "change_email", token):
        return _change_address(tx, site, token)
    link = use_link(tx, "confirm_email", token)
    if link.account_id is None or not tx.run(
        _confirm, account=link.account_id, address=link.detail, at=tx.now
    ):
        raise Gone("This link is no longer valid. Ask for a new one.")
    return link.account_id


def ask_address_change(tx: Transaction, site: Site, proven: Proven, email: str) -> None:
    """Mail a link to the new address; the old one stays until it is used. Raises Invalid."""
    check_proven(tx, proven)
    _check_free(tx, proven.account_id, email)
    reader = find_reader(tx, proven.account_id)
    address = email.strip()
    mail_new_address(tx, site, reader, address, make_link(tx, "change_email", proven.account_id, address))


def _change_address(tx: Transaction, site: Site, token: str) -> int:
    link = use_link(tx, "change_email", token)
    if link.account_id is None:
        raise Gone("This link is no longer valid. Ask for a new one.")
    _check_free(tx, link.account_id, link.detail)
    old = find_reader(tx, link.account_id).email
    tx.run(_set_email, account=link.account_id, address=link.detail, key=email_key(link.detail))
    tx.run(_confirm, account=link.account_id, address=link.detail, at=tx.now)
    # A reset that was mailed to the old address would let its owner back in.
    withdraw_links(tx, "reset_password", link.account_id)
    mail_address_changed(tx, site, find_reader(tx, link.account_id), old)
    return link.account_id


def _check_free(tx: Transaction, account_id: int, email: str) -> None:
    problem = check_email(email.strip())
    if problem is None and tx.value(_owner, key=email_key(email)) not in (None, account_id):
        problem = Problem("email", "ERR_TAKEN", "Email has already been taken")
    if problem is not None:
        raise Invalid(problems=(problem,))
