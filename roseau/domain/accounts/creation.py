"""Making an account of this site, whoever asks for it: a sign-up, an operator, the demo."""

from typing import Literal

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.accounts.names import MAX_DISPLAY_NAME, check_email, check_username, email_key
from roseau.domain.events import AccountCreated
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement, upsert

#: The roles that every site has; a site can make others for its team (`moderation/team/roles.py`).
Role = Literal["member", "reviewer", "moderator", "admin", "owner"]
ROLES: tuple[Role, ...] = ("member", "reviewer", "moderator", "admin", "owner")

MIN_PASSWORD = 8
MAX_PASSWORD = 256


class NewAccount(msgspec.Struct, kw_only=True):
    """What an account starts with. `password_hash` may be empty: then nobody can sign in with a password."""

    username: str
    email: str
    password_hash: str = ""
    role: Role = "member"
    display_name: str = ""
    locale: str = "en"
    time_zone: str = "UTC"
    locked: bool = False
    discoverable: bool = False
    bot: bool = False
    reason: str = ""
    confirmed: bool = True
    approved: bool = True
    invite_id: int | None = None
    rules_accepted: bool = False
    age_confirmed: bool = False


_ACCOUNT = (
    "id username username_key uri display_name actor_type locked discoverable indexable created_at updated_at"
)
_USER = (
    "account_id email email_key password_hash role locale time_zone reason created_at confirmed_at "
    "approved_at rules_accepted_at age_confirmed_at invite_id"
)
# Two people can ask for the same name at the same moment: the unique keys decide, and the later one is told.
_insert_account = statement(
    upsert(accounts).values({name: bindparam(name) for name in _ACCOUNT.split()}).on_conflict_do_nothing()
)
_insert_user = statement(
    upsert(users).values({name: bindparam(name) for name in _USER.split()}).on_conflict_do_nothing()
)
_taken_name = statement(
    select(accounts.c.id).where(accounts.c.username_key == bindparam("username"), accounts.c.domain == "")
)
_taken_email = statement(select(users.c.account_id).where(users.c.email_key == bindparam("email")))


def check_password(password: str) -> Problem | None:
    """Why this cannot be a password, or None. Length is all that is asked (NIST SP 800-63B, 3.1.1)."""
    if not password:
        return Problem("password", "ERR_BLANK", "Password can't be blank")
    if len(password) < MIN_PASSWORD:
        return Problem("password", "ERR_TOO_SHORT", "Password is too short (minimum is 8 characters)")
    if len(password) > MAX_PASSWORD:
        return Problem("password", "ERR_TOO_LONG", "Password is too long (maximum is 256 characters)")
    return None


def find_problems(tx: Transaction, new: NewAccount, *, reserved_allowed: bool = False) -> list[Problem]:
    """Everything that stands against making this account, so that a form can show it at once."""
    found = [check_username(new.username, reserved_allowed=reserved_allowed), check_email(new.email)]
    if found[0] is None and tx.value(_taken_name, username=new.username.lower()):
        found.append(_name_taken())
    if found[1] is None and tx.value(_taken_email, email=email_key(new.email)):
        found.append(_email_taken())
    if len(new.display_name) > MAX_DISPLAY_NAME:
        found.append(
            Problem("display_name", "ERR_TOO_LONG", "Display name is too long (maximum is 40 characters)")
        )
    return [problem for problem in found if problem is not None]


def _name_taken() -> Problem:
    return Problem("username", "ERR_TAKEN", "Username has already been taken")


def _email_taken() -> Problem:
    return Problem("email", "ERR_TAKEN", "Email has already been taken")


def create_account(tx: Transaction, site: Site, new: NewAccount, *, reserved_allowed: bool = False) -> int:
    """Make the account and its login; its id. Raises Invalid."""
    if problems := find_problems(tx, new, reserved_allowed=reserved_allowed):
        raise Invalid(problems=tuple(problems))
    account_id = ids.new_id()
    made = tx.run(
        _insert_account,
        id=account_id,
        username=new.username,
        username_key=new.username.lower(),
        uri=f"{site.base_url}/users/{new.username}",
        display_name=new.display_name,
        actor_type="Service" if new.bot else "Person",
        locked=new.locked,
        discoverable=new.discoverable,
        indexable=new.discoverable,
        created_at=tx.now,
        updated_at=tx.now,
    )
    if not made:
        raise Invalid(problems=(_name_taken(),))
    made = tx.run(
        _insert_user,
        account_id=account_id,
        email=new.email.strip(),
        email_key=email_key(new.email),
        password_hash=new.password_hash,
        role=new.role,
        locale=new.locale,
        time_zone=new.time_zone,
        reason=new.reason,
        created_at=tx.now,
        confirmed_at=tx.now if new.confirmed else None,
        approved_at=tx.now if new.approved else None,
        rules_accepted_at=tx.now if new.rules_accepted else None,
        age_confirmed_at=tx.now if new.age_confirmed else None,
        invite_id=new.invite_id,
    )
    if not made:
        raise Invalid(problems=(_email_taken(),))
    tx.emit(AccountCreated(account_id))
    return account_id
