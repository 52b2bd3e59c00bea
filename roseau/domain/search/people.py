"""Searching accounts by their names, hashtags by their beginning, and both and posts by their address."""

from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    table,
    text,
    union,
)

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.accounts.lookup import WITH_PEOPLE, find_accounts, find_by_handle, shown
from roseau.domain.names import list_doors
from roseau.domain.search.asking import to_handle
from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView, load_status
from roseau.domain.statuses.visibility import viewer, visible
from roseau.kernel.ids import parse_id
from roseau.kernel.text.searching import fts5_query, normalise_hashtag, tsquery
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.statuses import status_tags, statuses, tags
from roseau.storage.statements import statement, statements

# Accounts

_a = accounts
_followed = exists(select(literal(1)).where(follows.c.account_id == viewer, follows.c.target_id == _a.c.id))
_begins = func.substr(_a.c.username_key, 1, func.length(bindparam("name", type_=_a.c.username_key.type)))
_name = bindparam("name", type_=_a.c.username_key.type)
#: The name itself, then names that begin so, those one follows before others, the known before the unknown.
_rank = (
    case((_a.c.username_key == _name, 0), (_begins == _name, 1), else_=2),
    case((_followed, 0), else_=1),
    _a.c.followers_count.desc(),
    _a.c.username_key,
    _a.c.id,
)


def _named(indexed: Any) -> Any:
    # The very name is looked up as well: who has just joined is found before the index has them.
    exactly = select(_a.c.id).where(_a.c.username_key == _name, _a.c.domain == bindparam("domain"))
    return (
        select(_a.c.id)
        .select_from(WITH_PEOPLE)
        .where(
            _a.c.id.in_(union(indexed, exactly)),
            shown(),
            _a.c.suspended_at.is_(None),
            _a.c.moved_to_id.is_(None),
            or_(_followed, bindparam("anybody", type_=_a.c.locked.type)),
        )
        .order_by(*_rank)
        .limit(bindparam("limit"))
        .offset(bindparam("skipped"))
    )


_fts5 = table("account_search", column("rowid"))
_vectors = table("account_search", column("account_id"))
_find_accounts = statements(
    sqlite=_named(select(_fts5.c.rowid).where(text("account_search MATCH :match"))),
    postgresql=_named(
        select(_vectors.c.account_id).where(text("account_search.words @@ CAST(:match AS tsquery)"))
    ),
)


def search_accounts(
    tx: Transaction,
    site: Site,
    reader_id: int,
    query: str,
    *,
    limit: int = 40,
    offset: int = 0,
    following: bool = False,
) -> list[AccountView]:
    """Accounts whose names hold all the words, the best first. `following`: among those one follows."""
    name, domain = to_handle(query) or (query, "")
    if domain.lower() == site.domain:
        domain = ""
    words = f"{name} {domain}"
    match = fts5_query(words) if tx.dialect == "sqlite" else tsquery(words)
    if not match:
        return []
    found = tx.values(
        _find_accounts,
        match=match, viewer=reader_id, name=name.lower(), domain=domain.lower(),
        anybody=not following, limit=limit, skipped=offset,
    )  # fmt: skip
    people = load_accounts(tx, found)
    return [people[account_id] for account_id in found]


# Hashtags

#: Somebody used it where the reader may look: a hashtag of a private post is as private as the post.
_is_used = exists(
    select(literal(1))
    .select_from(status_tags.join(statuses, statuses.c.id == status_tags.c.status_id))
    .where(status_tags.c.tag_id == tags.c.id, statuses.c.visibility == "public", visible(statuses))
)


def _tags(begins: ColumnElement[bool]) -> Any:
    return (
        select(tags.c.id)
        .where(begins, _is_used)
        .order_by(func.length(tags.c.name), tags.c.name)
        .limit(bindparam("limit"))
        .offset(bindparam("skipped"))
    )


_prefix = bindparam("prefix", type_=tags.c.name.type)
_find_tags = statements(
    # A range, which the index answers; in PostgreSQL it would depend on the collation.
    sqlite=_tags(and_(tags.c.name >= _prefix, tags.c.name < _prefix + literal("\U0010ffff"))),
    postgresql=_tags(func.starts_with(tags.c.name, _prefix)),
)


def search_tags(
    tx: Transaction, reader_id: int, query: str, *, limit: int = 20, offset: int = 0
) -> list[int]:
    """The ids of hashtags that begin so and stand in a public post; the shortest first, then by name."""
    prefix = normalise_hashtag(query.strip())
    if not prefix or any(letter.isspace() for letter in query.strip()):
        return []
    return tx.values(_find_tags, viewer=reader_id, prefix=prefix, limit=limit, skipped=offset)


# Addresses

_by_address = statement(
    select(statuses.c.id).where(
        or_(
            statuses.c.uri == bindparam("address"),
            and_(statuses.c.url == bindparam("address"), statuses.c.url != ""),
        )
    )
)
_account_by_address = statement(
    select(_a.c.id).where(
        or_(_a.c.uri == bindparam("address"), and_(_a.c.url == bindparam("address"), _a.c.url != ""))
    )
)


def is_address(query: str) -> bool:
    """Whether the query is a link."""
    return query.startswith(("https://", "http://"))


def find_by_address(
    tx: Transaction, site: Site, reader_id: int, address: str
) -> tuple[AccountView | None, StatusView | None]:
    """The account or the post that lives at this address, if the reader may see it."""
    try:
        parts = urlsplit(address)._replace(query="", fragment="")
    except ValueError:
        return None, None
    path = [unquote(part) for part in parts.path.split("/") if part]
    if any(address.startswith(f"{door.url}/") for door in list_doors(tx, site)):
        if path and path[0] == "users":
            path = ["@" + path[1], *path[3:4]] if len(path) in (2, 4) else []
        if path and path[0].startswith("@"):
            return _find_here(tx, site, reader_id, path)
    status_id = tx.value(_by_address, address=parts.geturl())
    if status_id is not None:
        return None, load_status(tx, reader_id, status_id)
    account_id = tx.value(_account_by_address, address=parts.geturl())
    found = find_accounts(tx, [account_id]) if account_id is not None else []
    return (found[0] if found else None), None


def _find_here(
    tx: Transaction, site: Site, reader_id: int, path: list[str]
) -> tuple[AccountView | None, StatusView | None]:
    """`/@name` and `/@name/id`."""
    if len(path) == 1:
        return find_by_handle(tx, site, path[0]), None
    status_id = parse_id(path[1])
    return None, None if status_id is None else load_status(tx, reader_id, status_id)
