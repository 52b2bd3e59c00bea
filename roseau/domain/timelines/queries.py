"""Reading timelines. Each function gives one page as the reader (0: anyone) sees it, newest first."""

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from roseau.domain.relationships.hiding import hidden
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.domain.statuses.visibility import ANYONE, viewer, visible
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.relationships import domain_blocks, follows
from roseau.storage.schema.statuses import pins, status_tags, statuses, tags
from roseau.storage.schema.timelines import home_entries, list_accounts, lists
from roseau.storage.statements import one_of, statement

_s = statuses
_now: BindParameter[int] = bindparam("now")
_only_media = bindparam("only_media", type_=_s.c.sensitive.type)


def _with_media(s: Any) -> ColumnElement[bool]:
    return exists(select(literal(1)).where(media_attachments.c.status_id == s.c.id))


# Home and lists

_target = statuses.alias("target")
_from_home = select(home_entries.c.status_id).select_from(
    home_entries.outerjoin(_target, _target.c.id == home_entries.c.reblog_of_id)
)
_readable = and_(
    home_entries.c.account_id == viewer,
    not_(hidden(home_entries.c.author_id)),
    or_(home_entries.c.reblog_of_id.is_(None), not_(hidden(_target.c.account_id))),
)
_kept_elsewhere = exists(
    select(literal(1))
    .select_from(list_accounts.join(lists, lists.c.id == list_accounts.c.list_id))
    .where(
        lists.c.account_id == viewer,
        lists.c.exclusive,
        list_accounts.c.account_id == home_entries.c.author_id,
    )
)
_home: Paged[Any] = Paged(_from_home.where(_readable, not_(_kept_elsewhere)), home_entries.c.status_id)

_entry = statuses.alias("entry")
_replied = list_accounts.alias("replied")
_reply_wanted = or_(
    _entry.c.in_reply_to_account_id.is_(None),
    _entry.c.in_reply_to_account_id == _entry.c.account_id,
    lists.c.replies_policy == "followed",
    and_(
        lists.c.replies_policy == "list",
        or_(
            _entry.c.in_reply_to_account_id == viewer,
            exists(
                select(literal(1)).where(
                    _replied.c.list_id == lists.c.id, _replied.c.account_id == _entry.c.in_reply_to_account_id
                )
            ),
        ),
    ),
)
_list: Paged[Any] = Paged(
    select(home_entries.c.status_id)
    .select_from(
        home_entries.outerjoin(_target, _target.c.id == home_entries.c.reblog_of_id)
        .join(_entry, _entry.c.id == home_entries.c.status_id)
        .join(list_accounts, list_accounts.c.account_id == home_entries.c.author_id)
        .join(lists, lists.c.id == list_accounts.c.list_id)
    )
    .where(_readable, lists.c.id == bindparam("list"), _reply_wanted),
    home_entries.c.status_id,
)


def list_home(tx: Transaction, reader_id: int, page: Page) -> list[StatusView]:
    """The home timeline."""
    return load_statuses(
        tx, reader_id, [row[0] for row in _home.fetch(tx, page, viewer=reader_id, now=tx.now)]
    )


def list_list(tx: Transaction, reader_id: int, list_id: int, page: Page) -> list[StatusView]:
    """What the members of one of the reader's own lists posted; nothing for anybody else's list."""
    rows = _list.fetch(tx, page, viewer=reader_id, list=list_id, now=tx.now)
    return load_statuses(tx, reader_id, [row[0] for row in rows])


# Public timelines

_limited = and_(
    exists(select(literal(1)).where(accounts.c.id == _s.c.account_id, accounts.c.limited_at.is_not(None))),
    not_(
        exists(
            select(literal(1)).where(follows.c.account_id == viewer, follows.c.target_id == _s.c.account_id)
        )
    ),
)
_hides_domain = exists(
    select(literal(1))
    .select_from(accounts.join(domain_blocks, domain_blocks.c.domain == accounts.c.domain))
    .where(accounts.c.id == _s.c.account_id, domain_blocks.c.account_id == viewer)
)


def _public(condition: ColumnElement[bool]) -> Select[Any]:
    return select(_s.c.id).where(
        # These five stand in the partial indexes, word for word.
        _s.c.visibility == "public",
        _s.c.reblog_of_id.is_(None),
        _s.c.deleted_at.is_(None),
        _s.c.hidden_at.is_(None),
        condition,
        or_(_s.c.in_reply_to_account_id.is_(None), _s.c.in_reply_to_account_id == _s.c.account_id),
        or_(not_(_s.c.local_only), viewer != ANYONE),
        or_(not_(_only_media), _with_media(_s)),
        not_(_limited),
        not_(hidden(_s.c.account_id)),
        not_(_hides_domain),
    )


_everywhere: Paged[Any] = Paged(_public(true()), _s.c.id)
_here: Paged[Any] = Paged(_public(_s.c.local), _s.c.id)
_elsewhere: Paged[Any] = Paged(_public(not_(_s.c.local)), _s.c.id)


def list_public(
    tx: Transaction,
    reader_id: int,
    page: Page,
    *,
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
) -> list[StatusView]:
    """Public posts of everybody this site knows, of its members (`local`) or of everyone else (`remote`)."""
    paged = _here if local else _elsewhere if remote else _everywhere
    rows = paged.fetch(tx, page, viewer=reader_id, now=tx.now, only_media=only_media)
    return load_statuses(tx, reader_id, [row[0] for row in rows])


# Hashtags

_any_tag = exists(
    select(literal(1))
    .select_from(status_tags.join(tags, tags.c.id == status_tags.c.tag_id))
    .where(status_tags.c.status_id == _s.c.id, one_of(tags.c.name, "none_of", "TEXT"))
)
_all_tags = (
    select(func.count())
    .select_from(status_tags.join(tags, tags.c.id == status_tags.c.tag_id))
    .where(status_tags.c.status_id == _s.c.id, one_of(tags.c.name, "all_of", "TEXT"))
    .scalar_subquery()
)
_of_tags = select(status_tags.c.status_id).where(
    status_tags.c.tag_id.in_(select(tags.c.id).where(one_of(tags.c.name, "any_of", "TEXT")))
)
_tagged: Paged[Any] = Paged(
    select(_s.c.id).where(
        _s.c.id.in_(_of_tags),
        _s.c.visibility == "public",
        _s.c.reblog_of_id.is_(None),
        _all_tags == bindparam("all_count"),
        not_(_any_tag),
        or_(not_(bindparam("local", type_=_s.c.local.type)), _s.c.local),
        or_(not_(bindparam("remote", type_=_s.c.local.type)), not_(_s.c.local)),
        or_(not_(_only_media), _with_media(_s)),
        not_(hidden(_s.c.account_id)),
        not_(_limited),
        visible(_s),
    ),
    _s.c.id,
)


def list_tagged(
    tx: Transaction,
    reader_id: int,
    page: Page,
    any_of: list[str],
    *,
    all_of: list[str] | None = None,
    none_of: list[str] | None = None,
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
) -> list[StatusView]:
    """Public posts that carry one of these tags, and all and none of those. Names are folded."""
    every = list(dict.fromkeys(all_of or []))
    rows = _tagged.fetch(
        tx, page, viewer=reader_id, now=tx.now, any_of=any_of, all_of=every, all_count=len(every),
        none_of=none_of or [], local=local, remote=remote, only_media=only_media,
    )  # fmt: skip
    return load_statuses(tx, reader_id, [row[0] for row in rows])


# Profiles

_reblogged = statuses.alias("reblogged")
_by_author: Paged[Any] = Paged(
    select(_s.c.id).where(
        _s.c.account_id == bindparam("author"),
        visible(_s),
        or_(not_(_only_media), _with_media(_s)),
        or_(
            not_(bindparam("without_replies", type_=_s.c.local.type)),
            _s.c.in_reply_to_account_id.is_(None),
            _s.c.in_reply_to_account_id == _s.c.account_id,
        ),
        or_(not_(bindparam("without_reblogs", type_=_s.c.local.type)), _s.c.reblog_of_id.is_(None)),
        or_(not_(bindparam("without_direct", type_=_s.c.local.type)), _s.c.visibility != "direct"),
        or_(
            bindparam("tagged", type_=tags.c.name.type) == "",
            exists(
                select(literal(1))
                .select_from(status_tags.join(tags, tags.c.id == status_tags.c.tag_id))
                .where(status_tags.c.status_id == _s.c.id, tags.c.name == bindparam("tagged"))
            ),
        ),
    ),
    _s.c.id,
)
_pinned: Paged[Any] = Paged(
    select(pins.c.status_id).where(pins.c.account_id == bindparam("author")), pins.c.id
)


def list_account_statuses(
    tx: Transaction,
    reader_id: int,
    author_id: int,
    page: Page,
    *,
    only_media: bool = False,
    exclude_replies: bool = False,
    exclude_reblogs: bool = False,
    exclude_direct: bool = False,
    tagged: str = "",
) -> list[StatusView]:
    """What somebody posted, as far as the reader may see it."""
    rows = _by_author.fetch(
        tx, page, viewer=reader_id, author=author_id, only_media=only_media, without_replies=exclude_replies,
        without_reblogs=exclude_reblogs, without_direct=exclude_direct, tagged=tagged,
    )  # fmt: skip
    return load_statuses(tx, reader_id, [row[0] for row in rows])


def list_pinned(tx: Transaction, reader_id: int, author_id: int) -> list[StatusView]:
    """What somebody pinned to their profile, last pinned first."""
    rows = _pinned.fetch(tx, Page(limit=40), author=author_id)
    return load_statuses(tx, reader_id, [row[0] for row in rows])


_count_newer = statement(
    select(func.count()).select_from(
        select(home_entries.c.status_id)
        .select_from(home_entries.outerjoin(_target, _target.c.id == home_entries.c.reblog_of_id))
        .where(
            _readable,
            home_entries.c.status_id > bindparam("since"),
            home_entries.c.author_id != viewer,
            not_(_kept_elsewhere),
        )
        .limit(100)
        .subquery()
    )
)


def count_newer(tx: Transaction, reader_id: int, since_id: int) -> int:
    """How many posts of others are in the home timeline above that id; counts up to 100."""
    return int(tx.value(_count_newer, viewer=reader_id, since=since_id, now=tx.now))
