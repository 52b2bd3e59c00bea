"""Hashtags that members follow or show on their profile, and how much a hashtag is used."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Table, bindparam, delete, exists, func, literal, select

from roseau.domain.accounts.follows import lock_accounts
from roseau.kernel import clock, ids
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.text.searching import fold, normalise_hashtag
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.statuses import featured_tags, status_tags, statuses, tag_follows, tags
from roseau.storage.statements import one_of, statement, upsert

MAX_FEATURED = 10
MAX_NAME = 100
DAYS = 7


class TagView(msgspec.Struct):
    """A hashtag as one member sees it; `id` is 0 for one that nobody has used or followed yet."""

    id: int
    #: The folded name, and how it is written.
    name: str
    display_name: str
    following: bool = False
    featuring: bool = False
    #: For today and the six days before: midnight (UTC), how many people used it, how often.
    history: list[tuple[int, int, int]] = []


class FeaturedTag(msgspec.Struct):
    """A hashtag on somebody's profile, and their posts with it. The fields are columns."""

    id: int
    tag_id: int
    name: str
    display_name: str
    statuses_count: int = 0
    last_status_id: int | None = None


_me: Any = bindparam("me")
_tag: Any = bindparam("tag")


def _marked(table: Table) -> Any:
    return exists(select(literal(1)).where(table.c.account_id == _me, table.c.tag_id == tags.c.id))


_view = select(
    tags.c.id,
    tags.c.name,
    tags.c.display_name,
    _marked(tag_follows).label("following"),
    _marked(featured_tags).label("featuring"),
)
_by_id = statement(_view.where(one_of(tags.c.id, "ids")), into=TagView)
_by_name = statement(_view.where(one_of(tags.c.name, "names", "TEXT")), into=TagView)
_day = statuses.c.created_at // clock.DAY
_history = statement(
    select(
        status_tags.c.tag_id,
        _day.label("day"),
        func.count(statuses.c.account_id.distinct()).label("people"),
        func.count().label("uses"),
    )
    .join(statuses, statuses.c.id == status_tags.c.status_id)
    .where(
        one_of(status_tags.c.tag_id, "ids"),
        status_tags.c.status_id >= bindparam("since"),
        statuses.c.visibility == "public",
        statuses.c.deleted_at.is_(None),
        statuses.c.hidden_at.is_(None),
    )
    .group_by(status_tags.c.tag_id, _day)
)
_id_of = statement(select(tags.c.id).where(tags.c.name == bindparam("wanted")))
_add = statement(
    upsert(tags)
    .values({name: bindparam(name) for name in ("id", "name", "display_name", "created_at")})
    .on_conflict_do_nothing()
)


def _mark(table: Table) -> Any:
    return statement(
        upsert(table)
        .values({name: bindparam(name) for name in ("account_id", "tag_id", "id", "created_at")})
        .on_conflict_do_nothing()
    )


def _unmark(table: Table) -> Any:
    return statement(delete(table).where(table.c.account_id == _me, table.c.tag_id == _tag))


_follow, _unfollow = _mark(tag_follows), _unmark(tag_follows)
_feature, _unfeature = _mark(featured_tags), _unmark(featured_tags)
_followed: Paged[Any] = Paged(
    select(tag_follows.c.id, tag_follows.c.tag_id).where(tag_follows.c.account_id == _me), tag_follows.c.id
)

_readable = (
    statuses.c.account_id == _me,
    statuses.c.visibility.in_(["public", "unlisted"]),
    statuses.c.reblog_of_id.is_(None),
    statuses.c.deleted_at.is_(None),
    statuses.c.hidden_at.is_(None),
)
_featured = statement(
    select(featured_tags.c.id, featured_tags.c.tag_id, tags.c.name, tags.c.display_name)
    .join(tags, tags.c.id == featured_tags.c.tag_id)
    .where(featured_tags.c.account_id == _me)
    .order_by(featured_tags.c.id),
    into=FeaturedTag,
)
_posts = statement(
    select(status_tags.c.tag_id, func.count().label("number"), func.max(statuses.c.id).label("last"))
    .join(statuses, statuses.c.id == status_tags.c.status_id)
    .where(one_of(status_tags.c.tag_id, "ids"), *_readable)
    .group_by(status_tags.c.tag_id)
)
_often_used = statement(
    select(status_tags.c.tag_id)
    .join(statuses, statuses.c.id == status_tags.c.status_id)
    .where(*_readable, statuses.c.id > bindparam("since"))
    .group_by(status_tags.c.tag_id)
    .order_by(func.count().desc(), status_tags.c.tag_id)
    .limit(bindparam("limit"))
)


def load_tags(tx: Transaction, viewer_id: int, ids: Iterable[int]) -> list[TagView]:
    """Hashtags by id, in that order, with their history and what the viewer (0: anyone) did about them."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    found = {view.id: view for view in tx.all(_by_id, me=viewer_id, ids=wanted)}
    _add_history(tx, found.values())
    return [found[tag_id] for tag_id in wanted if tag_id in found]


def _add_history(tx: Transaction, views: Iterable[TagView]) -> None:
    today = tx.now // clock.DAY
    days = range(today, today - DAYS, -1)
    since = ids.first_id_at(days[-1] * clock.DAY)
    by_id = {view.id: view for view in views}
    rows = tx.all(_history, ids=list(by_id), since=since) if any(by_id) else []
    counts = {(row.tag_id, row.day): (row.people, row.uses) for row in rows}
    for view in by_id.values():
        view.history = [(day * clock.DAY, *counts.get((view.id, day), (0, 0))) for day in days]


def find_tag(tx: Transaction, viewer_id: int, name: str) -> TagView:
    """The hashtag of that name, used or not. Raises NotFound for what cannot be one."""
    folded = to_tag_name(name)
    if folded is None:
        raise NotFound
    found = tx.one(_by_name, me=viewer_id, names=[folded]) or TagView(0, folded, _written(name))
    _add_history(tx, [found])
    return found


def _written(name: str) -> str:
    return name.strip().removeprefix("#")


def to_tag_name(name: str) -> str | None:
    """The name under which a hashtag is kept; None for what could not stand in a post as one."""
    written = _written(name)
    folded = normalise_hashtag(written)
    if not folded or folded.isdigit() or len(folded) > MAX_NAME or folded != fold(written):
        return None
    return folded


def _keep_tag(tx: Transaction, name: str) -> int:
    folded = to_tag_name(name)
    if folded is None:
        raise Invalid("Validation failed: Tag is not a valid hashtag")
    tx.run(_add, id=ids.new_id(), name=folded, display_name=_written(name), created_at=tx.now)
    return int(tx.value(_id_of, wanted=folded))


def follow_tag(tx: Transaction, member_id: int, name: str) -> None:
    """Have public posts with the hashtag come home. Raises Invalid for what cannot be one."""
    tag_id = _keep_tag(tx, name)
    tx.run(_follow, account_id=member_id, tag_id=tag_id, id=ids.new_id(), created_at=tx.now)


def unfollow_tag(tx: Transaction, member_id: int, name: str) -> None:
    """Follow the hashtag no longer; that it was never followed is fine."""
    tag_id = tx.value(_id_of, wanted=to_tag_name(name))
    if tag_id is not None:
        tx.run(_unfollow, me=member_id, tag=tag_id)


def list_followed_tags(tx: Transaction, member_id: int, page: Page) -> list[tuple[int, TagView]]:
    """The hashtags the member follows, each with the id of the row that says so; last followed first."""
    rows = _followed.fetch(tx, page, me=member_id)
    views = {view.id: view for view in load_tags(tx, member_id, [row.tag_id for row in rows])}
    return [(row.id, views[row.tag_id]) for row in rows]


def feature_tag(tx: Transaction, member_id: int, name: str) -> FeaturedTag:
    """Show the hashtag on the member's profile. Raises Invalid when there is no more room, or it is none."""
    lock_accounts(tx, member_id)
    tag_id = _keep_tag(tx, name)
    featured = {tag.tag_id for tag in tx.all(_featured, me=member_id)}
    if tag_id not in featured and len(featured) >= MAX_FEATURED:
        raise Invalid("Validation failed: You have already featured the maximum number of hashtags")
    tx.run(_feature, account_id=member_id, tag_id=tag_id, id=ids.new_id(), created_at=tx.now)
    return next(tag for tag in list_featured_tags(tx, member_id) if tag.tag_id == tag_id)


def unfeature_tag(tx: Transaction, member_id: int, name: str) -> None:
    """Show the hashtag on the profile no longer; that it was not there is fine."""
    tag_id = tx.value(_id_of, wanted=to_tag_name(name))
    if tag_id is not None:
        tx.run(_unfeature, me=member_id, tag=tag_id)


def remove_featured_tag(tx: Transaction, member_id: int, featured_id: int) -> None:
    """The same by the id of the featured tag. Raises NotFound for anybody else's."""
    for tag in tx.all(_featured, me=member_id):
        if tag.id == featured_id:
            tx.run(_unfeature, me=member_id, tag=tag.tag_id)
            return
    raise NotFound


def list_featured_tags(tx: Transaction, account_id: int) -> list[FeaturedTag]:
    """The hashtags on somebody's profile, with their public posts counted."""
    featured = tx.all(_featured, me=account_id)
    if not featured:
        return []
    posts = {row.tag_id: row for row in tx.all(_posts, me=account_id, ids=[tag.tag_id for tag in featured])}
    for tag in featured:
        if (row := posts.get(tag.tag_id)) is not None:
            tag.statuses_count, tag.last_status_id = row.number, row.last
    return featured


def list_suggested_tags(tx: Transaction, member_id: int) -> list[TagView]:
    """Hashtags that the member used most in the last 30 days, and does not feature yet."""
    since = ids.first_id_at(tx.now - 30 * clock.DAY)
    used = tx.values(_often_used, me=member_id, since=since, limit=2 * MAX_FEATURED)
    found = [view for view in load_tags(tx, member_id, used) if not view.featuring]
    return found[:MAX_FEATURED]
