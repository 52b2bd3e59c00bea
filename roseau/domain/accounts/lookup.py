"""Finding accounts that may be shown: by id, and by the names that people write."""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, and_, bindparam, or_, select

from roseau.domain.accounts.loading import Account, AccountView, find_account_id, load_account, load_accounts
from roseau.domain.site import Site
from roseau.kernel.text.parsed import ResolvedMention
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import one_of, statement

#: `accounts` with the people behind them, for `shown`.
WITH_PEOPLE = accounts.outerjoin(users, users.c.account_id == accounts.c.id)


def shown() -> ColumnElement[bool]:
    """The account of `WITH_PEOPLE` is there for others: not left, and let in if it is of this site."""
    return and_(
        accounts.c.deleted_at.is_(None),
        or_(
            accounts.c.domain != "", and_(users.c.confirmed_at.is_not(None), users.c.approved_at.is_not(None))
        ),
    )


_shown = statement(
    select(accounts.c.id).select_from(WITH_PEOPLE).where(one_of(accounts.c.id, "ids"), shown())
)
_named = statement(
    select(accounts.c.id)
    .select_from(WITH_PEOPLE)
    .where(
        accounts.c.username_key == bindparam("username"), accounts.c.domain == bindparam("domain"), shown()
    )
)


def find_account(tx: Transaction, account_id: int) -> AccountView | None:
    """The account, if others may know of it. Suspended ones are found, too: they are shown as such."""
    return load_account(tx, account_id) if tx.values(_shown, ids=[account_id]) else None


def find_accounts(tx: Transaction, ids: Iterable[int]) -> list[AccountView]:
    """Those of these accounts that others may know of, in that order."""
    wanted = list(dict.fromkeys(ids))
    known = set(tx.values(_shown, ids=wanted)) if wanted else set()
    found = load_accounts(tx, known)
    return [found[account_id] for account_id in wanted if account_id in found]


def find_by_handle(tx: Transaction, site: Site, handle: str) -> AccountView | None:
    """The account that `name`, `@name`, `name@domain` or `@name@domain` stands for."""
    username, _, domain = handle.strip().removeprefix("@").lower().partition("@")
    account_id = tx.value(_named, username=username, domain="" if domain == site.domain else domain)
    return None if account_id is None else load_account(tx, account_id)


def find_mentioned(tx: Transaction, site: Site, handles: Iterable[str]) -> dict[str, Account]:
    """The accounts that handles (`name` or `name@domain`) stand for; unknown ones are left out."""
    ids_by_handle: dict[str, int] = {}
    for handle in handles:
        username, _, domain = handle.partition("@")
        account_id = find_account_id(tx, username, "" if domain == site.domain else domain)
        if account_id is not None:
            ids_by_handle[handle] = account_id
    views = load_accounts(tx, ids_by_handle.values())
    found = {handle: views[account_id].account for handle, account_id in ids_by_handle.items()}
    return {
        handle: account
        for handle, account in found.items()
        if account.deleted_at is None and account.suspended_at is None
    }


def to_mentions(site: Site, found: Mapping[str, Account]) -> dict[str, ResolvedMention]:
    """Mentioned accounts as a text wants them to be rendered."""
    return {
        handle: ResolvedMention(
            account.url or f"{site.base_url}/@{account.acct}", account.username, account.acct
        )
        for handle, account in found.items()
    }


def resolve_mentions(tx: Transaction, site: Site, handles: Iterable[str]) -> dict[str, ResolvedMention]:
    """What the handles of a parsed text stand for, for rendering it."""
    return to_mentions(site, find_mentioned(tx, site, handles))
