"""Joining: somebody applies, and is in at once, has to confirm the address, or waits to be let in.

The API and the pages call the same `sign_up`; `domain/site.py` says which way the site is open.
"""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import bindparam, delete, select, update

from roseau.domain.accounts.barring import check_mail, check_network
from roseau.domain.accounts.confirmation import send_confirmation
from roseau.domain.accounts.creation import NewAccount, create_account, find_problems
from roseau.domain.accounts.invites import Inviter, find_inviter, spend_invite
from roseau.domain.accounts.mails import find_reader, mail_approved, mail_rejected
from roseau.domain.accounts.tokens import revoke_member_tokens
from roseau.domain.events import AccountDeleted, SignedUp
from roseau.domain.site import Site, load_choices, minimum_age_of, registrations_of
from roseau.kernel.clock import to_date
from roseau.kernel.errors import Forbidden, Invalid, NotFound, Problem
from roseau.kernel.i18n import LANGUAGES
from roseau.settings import Registrations
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement

MAX_REASON = 420
_STAFF = frozenset(("moderator", "admin", "owner"))


class Application(msgspec.Struct, kw_only=True):
    """What somebody fills in. The password comes hashed; the date of birth is looked at and forgotten."""

    username: str
    email: str
    password_hash: str
    locale: str = "en"
    time_zone: str = "UTC"
    reason: str = ""
    agreement: bool = False
    age_confirmed: bool = False
    date_of_birth: str = ""
    invite_code: str = ""
    #: Where it comes from, as the door sees it; empty where there is none.
    address: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """Somebody who asks to be let in."""

    account_id: int
    username: str
    email: str
    reason: str
    created_at: int
    confirmed_at: int | None


_waiting = statement(
    select(
        users.c.account_id,
        accounts.c.username,
        users.c.email,
        users.c.reason,
        users.c.created_at,
        users.c.confirmed_at,
    )
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.approved_at.is_(None), accounts.c.deleted_at.is_(None))
    .order_by(users.c.account_id)
    .limit(bindparam("limit")),
    into=Waiting,
)
_approve = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"), users.c.approved_at.is_(None))
    .values(approved_at=bindparam("at"))
)
_is_waiting = statement(
    select(users.c.account_id).where(
        users.c.account_id == bindparam("account"), users.c.approved_at.is_(None)
    )
)
_remove = statement(delete(accounts).where(accounts.c.id == bindparam("account")))


def sign_up(tx: Transaction, site: Site, application: Application, found: Sequence[Problem] = ()) -> int:
    """Make the account; its id. `found` is what the door has found wrong already (the password).

    Raises Forbidden when nobody may sign up, Invalid with everything that stands against it.
    """
    choices = load_choices(tx)
    mode = registrations_of(site, choices)
    if mode == "closed":
        raise Forbidden("Nobody can sign up on this site at the moment")
    inviter = find_inviter(tx, application.invite_code)
    minimum = minimum_age_of(site, choices)
    network = check_network(tx, application.address)
    if network in ("sign_up_block", "no_access"):
        raise Forbidden("Nobody can sign up from this network")
    barred, watched = check_mail(tx, application.email)
    watched = watched or network == "sign_up_requires_approval"
    new = _to_account(site, application, "approval" if watched else mode, inviter, minimum)
    problems = [
        *find_problems(tx, new),
        *([barred] if barred else ()),
        *found,
        *_problems_of_terms(application, mode, inviter),
        *_problems_of_age(application, minimum, to_date(tx.now)),
    ]
    if inviter is not None and not problems and not spend_invite(tx, inviter.invite_id):
        problems.append(_no_such_invite())
    if problems:
        raise Invalid(problems=tuple(problems))
    account_id = create_account(tx, site, new)
    if not new.confirmed:
        send_confirmation(tx, site, account_id)
    tx.emit(SignedUp(account_id))
    return account_id


def _to_account(
    site: Site, application: Application, mode: Registrations, inviter: Inviter | None, minimum: int
) -> NewAccount:
    vouched_for = inviter is not None and inviter.role in _STAFF
    return NewAccount(
        username=application.username.strip(),
        email=application.email.strip(),
        password_hash=application.password_hash,
        locale=_known_locale(application.locale),
        time_zone=_known_zone(application.time_zone),
        reason=application.reason.strip()[:MAX_REASON],
        confirmed=not site.settings.mail_confirmation,
        approved=mode != "approval" or vouched_for,
        invite_id=inviter.invite_id if inviter else None,
        rules_accepted=application.agreement,
        age_confirmed=minimum > 0,
    )


def _problems_of_terms(
    application: Application, mode: Registrations, inviter: Inviter | None
) -> list[Problem]:
    found = []
    if not application.agreement:
        found.append(Problem("agreement", "ERR_ACCEPTED", "Service agreement must be accepted"))
    if mode == "approval" and inviter is None and not application.reason.strip():
        found.append(Problem("reason", "ERR_BLANK", "Reason can't be blank"))
    if len(application.reason.strip()) > MAX_REASON:
        found.append(Problem("reason", "ERR_TOO_LONG", "Reason is too long (maximum is 420 characters)"))
    if inviter is None and (mode == "invitation" or application.invite_code):
        found.append(_no_such_invite())
    return found


def _no_such_invite() -> Problem:
    return Problem("invite_code", "ERR_INVALID", "The invitation is not valid, or not any more")


def _problems_of_age(application: Application, minimum: int, today: str) -> list[Problem]:
    """`today` as 2026-11-22. Pages let people confirm their age; the API asks for the date of birth."""
    if not minimum or (application.age_confirmed and not application.date_of_birth):
        return []
    if not application.date_of_birth:
        return [Problem("date_of_birth", "ERR_BLANK", "Date of birth can't be blank")]
    try:
        born = date.fromisoformat(application.date_of_birth)
        day = date.fromisoformat(today)
    except ValueError:
        return [Problem("date_of_birth", "ERR_INVALID", "Date of birth is invalid")]
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    if age < minimum:
        return [Problem("date_of_birth", "ERR_BELOW_LIMIT", "Date of birth is below the age limit")]
    return []


def _known_locale(locale: str) -> str:
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else LANGUAGES[0]


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


def list_waiting(tx: Transaction, limit: int = 100) -> list[Waiting]:
    """Those who wait to be let in, the longest first."""
    return tx.all(_waiting, limit=limit)


def approve_sign_up(tx: Transaction, site: Site, account_id: int) -> None:
    """Let somebody in, and tell them. Raises NotFound when nobody of that id waits."""
    if not tx.run(_approve, account=account_id, at=tx.now):
        raise NotFound
    mail_approved(tx, site, find_reader(tx, account_id))


def reject_sign_up(tx: Transaction, site: Site, account_id: int) -> None:
    """Do not let somebody in, tell them, and keep nothing of theirs. Raises NotFound.

    The row goes away, unlike that of a member who leaves: nobody has ever seen this account, its name is
    free again, and the law asks to keep no more than is needed.
    """
    if tx.value(_is_waiting, account=account_id) is None:
        raise NotFound
    mail_rejected(tx, site, find_reader(tx, account_id))
    # A token that outlived its member would be taken for the application's own.
    revoke_member_tokens(tx, account_id)
    tx.run(_remove, account=account_id)
    tx.emit(AccountDeleted(account_id))
