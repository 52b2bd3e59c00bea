"""Signing in: a password, then a code where the member asked for one, then a session.

A password is verified outside the transaction, because Argon2 takes tens of milliseconds: the door
(`doors/passwords.py`) looks the login up with `find_login`, verifies, and hands the `Proven` on.
"""

import msgspec
from sqlalchemy import bindparam, or_, select

from roseau.domain.accounts.links import find_link, make_link, use_link
from roseau.domain.accounts.names import email_key
from roseau.domain.accounts.second_factor import check_code
from roseau.domain.accounts.sessions import open_session
from roseau.domain.site import Site
from roseau.kernel.errors import Forbidden, Gone, Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement


class Login(msgspec.Struct, frozen=True):
    """What is needed to verify a password. Nobody's login has the id 0 and an empty hash."""

    account_id: int = 0
    password_hash: str = ""


class Proven(msgspec.Struct, frozen=True):
    """Somebody who gave the right password; good as long as the password is the same."""

    account_id: int
    password_hash: str


class SignedIn(msgspec.Struct, frozen=True):
    """A session is open; `token` goes into the cookie."""

    account_id: int
    token: str


class CodeNeeded(msgspec.Struct, frozen=True):
    """The password was right, and a code is asked for: the ticket stands for the first half, ten minutes."""

    ticket: str


class _Standing(msgspec.Struct, frozen=True):
    account_id: int
    password_hash: str
    otp_enabled_at: int | None
    disabled_at: int | None
    deleted_at: int | None


_by_name = statement(
    select(users.c.account_id, users.c.password_hash)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        or_(
            users.c.email_key == bindparam("email"),
            (accounts.c.username_key == bindparam("username")) & (accounts.c.domain == ""),
        ),
        accounts.c.deleted_at.is_(None),
    )
    .order_by(users.c.account_id),
    into=Login,
)
_by_id = statement(
    select(users.c.account_id, users.c.password_hash).where(users.c.account_id == bindparam("account")),
    into=Login,
)
_standing = statement(
    select(
        users.c.account_id,
        users.c.password_hash,
        users.c.otp_enabled_at,
        users.c.disabled_at,
        accounts.c.deleted_at,
    )
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.account_id == bindparam("account")),
    into=_Standing,
)


def find_login(tx: Transaction, name: str) -> Login:
    """The login with that mail address or user name; nobody's when there is none."""
    key = email_key(name)
    return tx.one(_by_name, email=key, username=key.removeprefix("@")) or Login()


def find_login_of(tx: Transaction, account_id: int) -> Login:
    """The member's login, to ask for the password again before a grave change."""
    return tx.one(_by_id, account=account_id) or Login()


def wrong_password() -> Invalid:
    """What is said to a wrong name and to a wrong password alike."""
    return Invalid(problems=(Problem("password", "ERR_INVALID", "The name or the password is wrong"),))


def check_proven(tx: Transaction, proven: Proven) -> None:
    """Make sure that the password is still the one that was proven. Raises Invalid."""
    if find_login_of(tx, proven.account_id).password_hash != proven.password_hash:
        raise wrong_password()


def sign_in(tx: Transaction, proven: Proven, user_agent: str = "") -> SignedIn | CodeNeeded:
    """Open a session, or ask for a code first. Raises Forbidden for a login that is disabled, Invalid.

    A member who has not confirmed the address, still waits for approval or is suspended is let in, to be
    told so: `Session.in_order` says whether they may do more.
    """
    standing = _check_standing(tx, proven)
    if standing.otp_enabled_at is not None:
        return CodeNeeded(make_link(tx, "second_factor", proven.account_id, proven.password_hash))
    return SignedIn(proven.account_id, open_session(tx, proven.account_id, user_agent))


def find_half_signed_in(tx: Transaction, ticket: str) -> int | None:
    """Who gave the right password and is asked for a code; None when the ticket is no longer good."""
    link = find_link(tx, "second_factor", ticket)
    return None if link is None else link.account_id


def sign_in_with_code(tx: Transaction, site: Site, ticket: str, code: str, user_agent: str = "") -> SignedIn:
    """The second half: a code of the app or a recovery code. Raises Gone (begin anew), Invalid, Forbidden."""
    link = use_link(tx, "second_factor", ticket)
    if link.account_id is None:
        raise Gone("This link is no longer valid. Ask for a new one.")
    _check_standing(tx, Proven(link.account_id, link.detail))
    check_code(tx, site, link.account_id, code)
    return SignedIn(link.account_id, open_session(tx, link.account_id, user_agent))


def _check_standing(tx: Transaction, proven: Proven) -> _Standing:
    standing = tx.one(_standing, account=proven.account_id)
    if standing is None or standing.password_hash != proven.password_hash or standing.deleted_at is not None:
        raise wrong_password()
    if standing.disabled_at is not None:
        raise Forbidden("Your login is currently disabled")
    return standing
