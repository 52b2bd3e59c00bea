"""Accounts as readers see them. `load_accounts` is the one way to get them.

The part that changes rarely is kept by (id, version); the counts are read each time.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import one_of, statement


class Field(msgspec.Struct):
    """A line of a profile's table; `verified_at` when the page it names links back."""

    name: str
    value: str
    html: str = ""
    verified_at: int | None = None


class Account(msgspec.Struct, kw_only=False):
    """What others see of an account, but for its counts. The fields are the columns, in order."""

    id: int
    version: int
    username: str
    domain: str
    uri: str
    url: str
    actor_type: str
    display_name: str
    note: str
    note_html: str
    fields_json: str
    avatar: str
    avatar_static: str
    avatar_description: str
    header: str
    header_static: str
    header_description: str
    avatar_remote_url: str
    header_remote_url: str
    locked: bool
    discoverable: bool
    indexable: bool
    hide_collections: bool
    show_media: bool
    show_media_replies: bool
    show_featured: bool
    moved_to_id: int | None
    created_at: int
    suspended_at: int | None
    limited_at: int | None
    memorial_at: int | None
    deleted_at: int | None
    #: What the person behind it does on this site; empty for accounts of other sites.
    role: str = ""
    #: Filled in by whoever presents it first (`api/present`); lives as long as this version does.
    encoded: bytes = b""

    @property
    def local(self) -> bool:
        """Whether it lives on this site."""
        return not self.domain

    @property
    def acct(self) -> str:
        """`name` here, `name@domain` elsewhere."""
        return f"{self.username}@{self.domain}" if self.domain else self.username

    @property
    def name(self) -> str:
        """The display name, or the user name where there is none."""
        return self.display_name or self.username

    @property
    def bot(self) -> bool:
        """Posts by itself."""
        return self.actor_type in ("Service", "Application")

    @property
    def fields(self) -> list[Field]:
        """The profile's table."""
        return msgspec.json.decode(self.fields_json, type=list[Field])


class AccountView(msgspec.Struct):
    """An account with its present counts."""

    account: Account
    followers_count: int
    following_count: int
    statuses_count: int
    last_status_at: int | None

    @property
    def id(self) -> int:
        """The account's id."""
        return self.account.id


_COLUMNS = [
    accounts.c[{"fields_json": "fields"}.get(name, name)].label(name)
    for name in Account.__struct_fields__
    if name not in ("role", "encoded")
]
_ROLE = func.coalesce(users.c.role, "").label("role")
_counts = statement(
    select(
        accounts.c.id,
        accounts.c.version,
        accounts.c.followers_count,
        accounts.c.following_count,
        accounts.c.statuses_count,
        accounts.c.last_status_at,
    ).where(one_of(accounts.c.id, "ids"))
)
# Whoever gives somebody another role counts the account's version up.
_static = statement(
    select(*_COLUMNS, _ROLE)
    .select_from(accounts.outerjoin(users, users.c.account_id == accounts.c.id))
    .where(one_of(accounts.c.id, "ids")),
    into=Account,
)
_by_name = statement(
    select(accounts.c.id).where(
        accounts.c.username_key == bindparam("username"), accounts.c.domain == bindparam("domain")
    )
)


def load_accounts(tx: Transaction, ids: Iterable[int]) -> dict[int, AccountView]:
    """The accounts by id; those that do not exist are left out."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    rows = tx.all(_counts, ids=wanted)
    static = {row.id: tx.cached("account", (row.id, row.version)) for row in rows}
    if missing := [key for key, value in static.items() if value is None]:
        for account in tx.all(_static, ids=missing):
            static[account.id] = account
            tx.keep("account", (account.id, account.version), account)
    return {
        row.id: AccountView(
            static[row.id], row.followers_count, row.following_count, row.statuses_count, row.last_status_at
        )
        for row in rows
    }


def load_account(tx: Transaction, account_id: int) -> AccountView | None:
    """One account, or None."""
    return load_accounts(tx, [account_id]).get(account_id)


def find_account_id(tx: Transaction, username: str, domain: str = "") -> int | None:
    """The id of the account with that name; the domain is empty for this site's own."""
    return tx.value(_by_name, username=username.lower(), domain=domain.lower())  # type: ignore[no-any-return]
