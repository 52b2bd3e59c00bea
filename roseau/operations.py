"""What operators may ask of a site from the command line: a closed table of named operations.

Each is a plain function `(tx, site, arguments) -> result` with structs on both sides, so that the command
line can run it itself or hand it to the server that is running (`control.py`): there is one writer.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.accounts import recovery, removal
from roseau.domain.accounts.apps import register_app
from roseau.domain.accounts.creation import NewAccount, create_account
from roseau.domain.accounts.founding import choose_address, finish_step, found_site, has_owner
from roseau.domain.accounts.links import make_link
from roseau.domain.accounts.loading import find_account_id
from roseau.domain.accounts.scopes import parse_scopes
from roseau.domain.accounts.tokens import find_app_id, find_own_app, issue_token
from roseau.domain.media.checking import Check, ask_for_check, find_check
from roseau.domain.moderation import evidence_desk as evidence
from roseau.domain.moderation.team import roles
from roseau.domain.names import SiteName, list_names
from roseau.domain.recovery_key import make_recovery_key, prove_recovery_key
from roseau.domain.site import Site, choose
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement
from roseau.survival.addresses.issuing import rotate_key
from roseau.survival.addresses.manifest import Manifest
from roseau.survival.addresses.names import GivenNames, NewName, add_name, order_names, remove_names
from roseau.survival.watching.rehearsals import Rehearsal, record_rehearsal

A = TypeVar("A", bound=msgspec.Struct)
R = TypeVar("R")


class Operation(msgspec.Struct, Generic[A, R], frozen=True):
    """One line of the table; `writes` says which of the two ways into the database it takes."""

    name: str
    arguments: type[A]
    result: Any
    function: Callable[[Transaction, Site, A], R]
    writes: bool = True


# Arguments and results


class Nothing(msgspec.Struct):
    """No arguments, or no result."""


class NewSite(msgspec.Struct):
    """The address that a site starts with and, if given, its owner."""

    base_url: str
    owner: NewAccount | None = None
    #: Where users and authorities write; empty: it is asked for in the pages.
    contact: str = ""


class Named(msgspec.Struct):
    """An account of this site, by its user name."""

    username: str


class NewRole(msgspec.Struct):
    """What somebody becomes."""

    username: str
    role: str


class NewPassword(msgspec.Struct):
    """A password, already hashed."""

    username: str
    password_hash: str


class AccountRow(msgspec.Struct):
    """A member as operators see one. The fields are the columns, in order."""

    id: int
    username: str
    display_name: str
    email: str
    role: str
    locale: str
    locked: bool
    created_at: int
    confirmed_at: int | None
    approved_at: int | None
    disabled_at: int | None
    suspended_at: int | None
    statuses_count: int
    followers_count: int
    following_count: int
    last_status_at: int | None


class NewToken(msgspec.Struct):
    """Whom a token is for, what it opens, and which application it belongs to (empty: Roseau's own)."""

    username: str
    scopes: str
    client_id: str = ""


class NewApp(msgspec.Struct):
    """An application to register; what is empty is made up."""

    name: str
    redirect_uris: list[str]
    scopes: str
    website: str | None = None
    client_id: str = ""
    client_secret: str = ""


class AppSecrets(msgspec.Struct):
    """What an application identifies itself with. The secret is shown once."""

    client_id: str
    client_secret: str


class NewRecoveryKey(msgspec.Struct):
    """Whether a proven recovery key may be replaced."""

    replace: bool = False


class RecoveryWords(msgspec.Struct):
    """The nine words, as somebody typed them."""

    text: str


# The site


def initialise(tx: Transaction, site: Site, new: NewSite) -> int | None:
    """Give the site its address, and its owner if one is named, whose id is the result.

    Raises Invalid when there are accounts, which carry the address, and Gone when there is an owner.
    """
    open_to_choice = msgspec.structs.replace(site.settings, base_url="")
    named = choose_address(tx, msgspec.structs.replace(site, settings=open_to_choice), new.base_url)
    finish_step(tx, None, "address")
    if new.contact:
        choose(
            tx,
            None,
            contact_email=new.contact,
            contact_users=new.contact,
            contact_authorities=new.contact,
        )
    return None if new.owner is None else found_site(tx, named, new.owner)


def open_first_run(tx: Transaction, site: Site, _: Nothing) -> str | None:
    """A new one-time link to the first-run pages in place of earlier ones; None once there is an owner."""
    return None if has_owner(tx) else f"{site.base_url}/first-run/{make_link(tx, 'first_run')}"


def keep_rehearsal(tx: Transaction, site: Site, rehearsal: Rehearsal) -> Nothing:
    """Keep what a rehearsal on a copy has shown."""
    record_rehearsal(tx, rehearsal)
    return Nothing()


class NewMediaCheck(msgspec.Struct):
    """Whether what is missing or wrong is to be mended."""

    repair: bool = False


class MediaCheck(msgspec.Struct):
    """A check of the media, by its id."""

    id: int


def make_recovery_words(tx: Transaction, site: Site, new: NewRecoveryKey) -> list[str]:
    """A new recovery key; its nine words, shown once."""
    return list(make_recovery_key(tx, site, None, replace=new.replace))


def prove_recovery_words(tx: Transaction, site: Site, words: RecoveryWords) -> Nothing:
    """Note that the words of the recovery key were kept."""
    prove_recovery_key(tx, words.text, None)
    return Nothing()


def list_site_names(tx: Transaction, site: Site, _: Nothing) -> list[SiteName]:
    """The site's names in their order."""
    return list_names(tx, site)


def rotate_site_key(tx: Transaction, site: Site, _: Nothing) -> Manifest:
    """Let the successor sign the manifest from now on."""
    return rotate_key(tx, site)


# Accounts

_rows = (
    select(*((accounts if name in accounts.c else users).c[name] for name in AccountRow.__struct_fields__))
    .select_from(accounts.join(users, users.c.account_id == accounts.c.id))
    .where(accounts.c.deleted_at.is_(None))
)
_list = statement(_rows.order_by(accounts.c.username_key), into=AccountRow)
_show = statement(_rows.where(accounts.c.id == bindparam("account")), into=AccountRow)
_count_owners = statement(
    select(func.count())
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.role == "owner", accounts.c.deleted_at.is_(None))
)


def add_account(tx: Transaction, site: Site, new: NewAccount) -> int:
    """Make an account, with any free name; its id."""
    return create_account(tx, site, new, reserved_allowed=True)


def list_accounts(tx: Transaction, site: Site, _: Nothing) -> list[AccountRow]:
    """Every member, by name."""
    return tx.all(_list)


def find_member(tx: Transaction, username: str) -> AccountRow:
    """The member of that name, with or without an @. Raises NotFound."""
    account_id = find_account_id(tx, username.removeprefix("@"))
    found = None if account_id is None else tx.one(_show, account=account_id)
    if found is None:
        raise NotFound(f"There is no account {username!r} here. `roseau account list` shows them all.")
    return found


def show_account(tx: Transaction, site: Site, named: Named) -> AccountRow:
    """One member."""
    return find_member(tx, named.username)


def set_role(tx: Transaction, site: Site, wanted: NewRole) -> Nothing:
    """Give somebody a role: a usual one, or one that the site made. The last owner stays one."""
    roles.set_role(tx, find_member(tx, wanted.username).id, wanted.role)
    return Nothing()


def _spare_last_owner(tx: Transaction, member: AccountRow) -> None:
    if member.role == "owner" and tx.value(_count_owners) == 1:
        raise Invalid(f"{member.username} is the only owner. Make somebody else owner first.")


def set_password(tx: Transaction, site: Site, wanted: NewPassword) -> Nothing:
    """Set a password, end every session that the old one opened, and tell the member by mail."""
    recovery.set_password(tx, site, find_member(tx, wanted.username).id, wanted.password_hash)
    return Nothing()


def delete_account(tx: Transaction, site: Site, named: Named) -> Nothing:
    """Take an account away for good. The last owner stays."""
    member = find_member(tx, named.username)
    _spare_last_owner(tx, member)
    removal.delete_account(tx, site, member.id)
    return Nothing()


# Evidence


def list_evidence(tx: Transaction, site: Site, nothing: Nothing) -> list[evidence.Preserved]:
    """What is preserved, or was."""
    return evidence.list_preserved(tx, site)


def erase_evidence(tx: Transaction, site: Site, wanted: evidence.Erasure) -> Nothing:
    """Destroy a key on every machine."""
    evidence.erase(tx, site, wanted)
    return Nothing()


# Tokens and applications


def create_token(tx: Transaction, site: Site, new: NewToken) -> str:
    """A token for a member, shown once."""
    member = find_member(tx, new.username)
    app_id = find_app_id(tx, new.client_id) if new.client_id else find_own_app(tx)
    if app_id is None:
        raise NotFound(f"There is no application {new.client_id!r}. `roseau app create` registers one.")
    scopes = parse_scopes(new.scopes)
    if scopes is None:
        raise Invalid(f"The scopes {new.scopes!r} are not all known. `read write follow push` opens most.")
    return issue_token(tx, app_id=app_id, account_id=member.id, scopes=scopes)


def create_app(tx: Transaction, site: Site, new: NewApp) -> AppSecrets:
    """Register an application under the given id and secret, or made-up ones."""
    if new.client_id and find_app_id(tx, new.client_id) is not None:
        raise Invalid(f"There is an application {new.client_id!r} already. Choose another --client-id.")
    made = register_app(
        tx,
        name=new.name,
        redirect_uris=new.redirect_uris,
        scopes=new.scopes,
        website=new.website,
        client_id=new.client_id,
        secret=new.client_secret,
    )
    return AppSecrets(made.app.client_id, made.secret)


INITIALISE = Operation("initialise", NewSite, int | None, initialise)


def ask_for_media_check(tx: Transaction, site: Site, wanted: NewMediaCheck) -> int:
    """Have every copy of every picture read; the id of the check."""
    return ask_for_check(tx, repair=wanted.repair)


def find_media_check(tx: Transaction, site: Site, wanted: MediaCheck) -> Check | None:
    """How far a check has come, and what it has found."""
    return find_check(tx, wanted.id)


MAKE_RECOVERY_WORDS = Operation("make_recovery_words", NewRecoveryKey, list[str], make_recovery_words)
PROVE_RECOVERY_WORDS = Operation("prove_recovery_words", RecoveryWords, Nothing, prove_recovery_words)
LIST_NAMES = Operation("list_names", Nothing, list[SiteName], list_site_names, writes=False)
ADD_NAME = Operation("add_name", NewName, SiteName, add_name)
REMOVE_NAMES = Operation("remove_names", GivenNames, list[SiteName], remove_names)
ORDER_NAMES = Operation("order_names", GivenNames, list[SiteName], order_names)
RECORD_REHEARSAL = Operation("record_rehearsal", Rehearsal, Nothing, keep_rehearsal)
ROTATE_KEY = Operation("rotate_key", Nothing, Manifest, rotate_site_key)
ASK_FOR_MEDIA_CHECK = Operation("ask_for_media_check", NewMediaCheck, int, ask_for_media_check)
FIND_MEDIA_CHECK = Operation("find_media_check", MediaCheck, Check | None, find_media_check, writes=False)
LIST_EVIDENCE = Operation("list_evidence", Nothing, list[evidence.Preserved], list_evidence, writes=False)
KEEP_EVIDENCE = Operation("keep_evidence", evidence.Keep, str, evidence.keep)
ERASE_EVIDENCE = Operation("erase_evidence", evidence.Erasure, Nothing, erase_evidence)
ADD_ACCOUNT = Operation("add_account", NewAccount, int, add_account)
LIST_ACCOUNTS = Operation("list_accounts", Nothing, list[AccountRow], list_accounts, writes=False)
SHOW_ACCOUNT = Operation("show_account", Named, AccountRow, show_account, writes=False)
SET_ROLE = Operation("set_role", NewRole, Nothing, set_role)
SET_PASSWORD = Operation("set_password", NewPassword, Nothing, set_password)
DELETE_ACCOUNT = Operation("delete_account", Named, Nothing, delete_account)
CREATE_TOKEN = Operation("create_token", NewToken, str, create_token)
CREATE_APP = Operation("create_app", NewApp, AppSecrets, create_app)

OPERATIONS: dict[str, Operation[Any, Any]] = {
    operation.name: operation
    for operation in (
        INITIALISE,
        MAKE_RECOVERY_WORDS,
        PROVE_RECOVERY_WORDS,
        LIST_NAMES,
        ADD_NAME,
        REMOVE_NAMES,
        ORDER_NAMES,
        ROTATE_KEY,
        RECORD_REHEARSAL,
        ASK_FOR_MEDIA_CHECK,
        FIND_MEDIA_CHECK,
        LIST_EVIDENCE,
        KEEP_EVIDENCE,
        ERASE_EVIDENCE,
        ADD_ACCOUNT,
        LIST_ACCOUNTS,
        SHOW_ACCOUNT,
        SET_ROLE,
        SET_PASSWORD,
        DELETE_ACCOUNT,
        CREATE_TOKEN,
        CREATE_APP,
    )
}
