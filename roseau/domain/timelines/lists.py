"""Lists: some of those one follows, read by themselves."""

from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from roseau.domain.accounts.follows import lock_accounts
from roseau.domain.accounts.loading import load_accounts
from roseau.domain.relationships.listing import Related
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.html import clean_text
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.timelines import list_accounts, lists
from roseau.storage.statements import one_of, statement, upsert

RepliesPolicy = Literal["followed", "list", "none"]

MAX_LISTS = 50
MAX_TITLE = 256


class AccountList(msgspec.Struct):
    """A list; `exclusive` keeps its members out of the home timeline. The fields are the columns."""

    id: int
    title: str
    replies_policy: str
    exclusive: bool


_owner: Any = bindparam("owner")
_list: Any = bindparam("list")
_columns = [lists.c[name] for name in AccountList.__struct_fields__]

_all = statement(select(*_columns).where(lists.c.account_id == _owner).order_by(lists.c.id), into=AccountList)
_one = statement(select(*_columns).where(lists.c.account_id == _owner, lists.c.id == _list), into=AccountList)
_holding = statement(
    select(*_columns)
    .join(list_accounts, list_accounts.c.list_id == lists.c.id)
    .where(lists.c.account_id == _owner, list_accounts.c.account_id == bindparam("member"))
    .order_by(lists.c.id),
    into=AccountList,
)
_count = statement(select(func.count()).select_from(lists).where(lists.c.account_id == _owner))
_insert = statement(
    insert(lists).values(
        {name: bindparam(name) for name in (
            "id", "account_id", "title", "replies_policy", "exclusive", "created_at",
        )}
    )
)  # fmt: skip
_change = statement(
    update(lists)
    .where(lists.c.account_id == _owner, lists.c.id == _list)
    .values({name: bindparam(name) for name in ("title", "replies_policy", "exclusive")})
)
_delete = statement(delete(lists).where(lists.c.account_id == _owner, lists.c.id == _list))
_followed = statement(
    select(follows.c.target_id).where(follows.c.account_id == _owner, one_of(follows.c.target_id, "ids"))
)
_add = statement(
    upsert(list_accounts)
    .values({name: bindparam(name) for name in ("list_id", "account_id", "id")})
    .on_conflict_do_nothing()
)
_remove = statement(
    delete(list_accounts).where(list_accounts.c.list_id == _list, one_of(list_accounts.c.account_id, "ids"))
)
_members: Paged[Any] = Paged(
    select(list_accounts.c.id, list_accounts.c.account_id)
    .join(accounts, accounts.c.id == list_accounts.c.account_id)
    .where(
        list_accounts.c.list_id == _list, accounts.c.deleted_at.is_(None), accounts.c.suspended_at.is_(None)
    ),
    list_accounts.c.id,
)


def list_lists(tx: Transaction, owner_id: int) -> list[AccountList]:
    """The member's lists, in the order of their making."""
    return tx.all(_all, owner=owner_id)


def find_list(tx: Transaction, owner_id: int, list_id: int) -> AccountList:
    """One of the member's lists. Raises NotFound for anybody else's."""
    found = tx.one(_one, owner=owner_id, list=list_id)
    if found is None:
        raise NotFound
    return found


def list_lists_with(tx: Transaction, owner_id: int, account_id: int) -> list[AccountList]:
    """Those of the member's lists that somebody is in."""
    return tx.all(_holding, owner=owner_id, member=account_id)


def create_list(
    tx: Transaction,
    owner_id: int,
    title: str,
    *,
    replies_policy: RepliesPolicy = "list",
    exclusive: bool = False,
) -> AccountList:
    """A new list. Raises Invalid."""
    title = _check_title(title)
    lock_accounts(tx, owner_id)
    if tx.value(_count, owner=owner_id) >= MAX_LISTS:
        raise Invalid("Validation failed: You have reached the maximum number of lists")
    made = AccountList(ids.new_id(), title, replies_policy, exclusive)
    tx.run(_insert, account_id=owner_id, created_at=tx.now, **msgspec.structs.asdict(made))
    return made


def _check_title(title: str) -> str:
    title = clean_text(title).replace("\n", " ").strip()
    if not title:
        raise Invalid("Validation failed: Title can't be blank")
    if len(title) > MAX_TITLE:
        raise Invalid(
            "Validation failed: Title is too long (maximum is %(most)s characters)",
            values={"most": MAX_TITLE},
        )
    return title


def update_list(
    tx: Transaction,
    owner_id: int,
    list_id: int,
    *,
    title: str | None = None,
    replies_policy: RepliesPolicy | None = None,
    exclusive: bool | None = None,
) -> AccountList:
    """Change what is given of a list. Raises Invalid, NotFound."""
    changed = find_list(tx, owner_id, list_id)
    if title is not None:
        changed.title = _check_title(title)
    if replies_policy is not None:
        changed.replies_policy = replies_policy
    if exclusive is not None:
        changed.exclusive = exclusive
    tx.run(
        _change, owner=owner_id, list=list_id, title=changed.title, replies_policy=changed.replies_policy,
        exclusive=changed.exclusive,
    )  # fmt: skip
    return changed


def delete_list(tx: Transaction, owner_id: int, list_id: int) -> None:
    """Delete a list. Raises NotFound."""
    if not tx.run(_delete, owner=owner_id, list=list_id):
        raise NotFound


def list_members(tx: Transaction, owner_id: int, list_id: int, page: Page) -> list[Related]:
    """Who is in a list, those put there last first. Raises NotFound."""
    find_list(tx, owner_id, list_id)
    rows = _members.fetch(tx, page, list=list_id)
    views = load_accounts(tx, [row.account_id for row in rows])
    return [Related(row.id, views[row.account_id]) for row in rows]


def add_to_list(tx: Transaction, owner_id: int, list_id: int, account_ids: list[int]) -> None:
    """Put people into a list, all of them or none. Raises NotFound for anyone the member does not follow."""
    find_list(tx, owner_id, list_id)
    wanted = list(dict.fromkeys(account_ids))
    lock_accounts(tx, owner_id, *wanted)
    known = {owner_id, *tx.values(_followed, owner=owner_id, ids=wanted)}
    if not known.issuperset(wanted):
        raise NotFound
    if wanted:
        tx.run_many(
            _add,
            [{"list_id": list_id, "account_id": account_id, "id": ids.new_id()} for account_id in wanted],
        )


def remove_from_list(tx: Transaction, owner_id: int, list_id: int, account_ids: list[int]) -> None:
    """Take people out of a list. Raises NotFound for a list that is not the member's."""
    find_list(tx, owner_id, list_id)
    tx.run(_remove, list=list_id, ids=account_ids)
