"""Who hears of what. One function for each event; what they write is read by `reading.py` and `grouping.py`.

An event names candidates, one statement leaves those who want to know, the rows are inserted together.
The same event told twice changes nothing: a notification is one of a kind by its `dedupe`.
"""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import ColumnElement, bindparam, delete, exists, literal, not_, or_, select, union

from roseau.domain.events import (
    Blocked,
    Favourited,
    Followed,
    FollowRequested,
    Notified,
    PollClosed,
    SignedUp,
    StatusDeleted,
    StatusEdited,
    StatusPosted,
    Unfollowed,
)
from roseau.domain.notifications.policy import FACTS, POLICIES, Facts, judge
from roseau.domain.site import Site
from roseau.domain.statuses.visibility import visible
from roseau.kernel import clock, ids
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.relationships import blocks, domain_blocks, follows, mutes
from roseau.storage.schema.statuses import (
    conversation_mutes,
    favourites,
    mentions,
    poll_votes,
    polls,
    statuses,
)
from roseau.storage.schema.timelines import notifications
from roseau.storage.statements import one_of, statement, upsert

Type = Literal[
    "mention",
    "status",
    "reblog",
    "follow",
    "follow_request",
    "favourite",
    "poll",
    "update",
    "admin.sign_up",
]

#: Shown together when they come within half a day of each other.
GROUPED = frozenset(("favourite", "reblog", "follow", "admin.sign_up"))
GROUP_SPAN = 12 * clock.HOUR

_n = notifications
_s = statuses.alias("told_status")
_person = accounts.alias("person")
_actor = accounts.alias("actor")
_reader = users.c.account_id
_from: ColumnElement[int] = bindparam("actor", type_=_n.c.from_account_id.type)
_type = bindparam("type", type_=_n.c.type.type)


# Who wants to know


def _follows(person: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[bool]:
    return exists(select(literal(1)).where(follows.c.account_id == person, follows.c.target_id == other))


def _blocks(person: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[bool]:
    return exists(select(literal(1)).where(blocks.c.account_id == person, blocks.c.target_id == other))


_mutes_them = exists(
    select(literal(1)).where(
        mutes.c.account_id == _reader,
        mutes.c.target_id == _from,
        mutes.c.notifications,
        or_(mutes.c.expires_at.is_(None), mutes.c.expires_at > bindparam("now")),
    )
)
_blocks_their_site = exists(
    select(literal(1)).where(domain_blocks.c.account_id == _reader, domain_blocks.c.domain == _actor.c.domain)
)
_mutes_conversation = exists(
    select(literal(1)).where(
        conversation_mutes.c.account_id == _reader,
        conversation_mutes.c.conversation_id == _s.c.conversation_id,
    )
)
_hides_their_reblogs = exists(
    select(literal(1)).where(
        follows.c.account_id == _reader, follows.c.target_id == _from, not_(follows.c.reblogs)
    )
)
_told_before = exists(
    select(literal(1)).where(_n.c.account_id == _reader, _n.c.dedupe == bindparam("dedupe"))
)
_hearing = statement(
    select(_reader.label("account_id"), *FACTS(_reader, _actor, _s), *POLICIES)
    .select_from(
        users.join(_person, _person.c.id == _reader)
        .join(_actor, _actor.c.id == _from)
        .outerjoin(_s, _s.c.id == bindparam("status"))
        .outerjoin(POLICIES[0].table, POLICIES[0].table.c.account_id == _reader)
    )
    .where(
        one_of(_reader, "candidates"),
        users.c.approved_at.is_not(None),
        users.c.disabled_at.is_(None),
        _person.c.suspended_at.is_(None),
        _person.c.deleted_at.is_(None),
        _actor.c.suspended_at.is_(None),
        _actor.c.deleted_at.is_(None),
        not_(_mutes_them),
        not_(_blocks(_reader, _from)),
        not_(_blocks(_from, _reader)),
        or_(not_(_blocks_their_site), _follows(_reader, _from)),
        or_(not_(_mutes_conversation), _type == "poll"),
        or_(not_(_hides_their_reblogs), _type != "reblog"),
        or_(bindparam("status") == 0, visible(_s, _reader)),
        not_(_told_before),
    )
    .order_by(_reader)
)
_insert = statement(
    upsert(_n)
    .values(
        {name: bindparam(name) for name in (
            "id", "account_id", "type", "from_account_id", "status_id", "dedupe", "group_key", "filtered",
            "created_at",
        )}
    )
    .on_conflict_do_nothing()
)  # fmt: skip


def tell(
    tx: Transaction,
    kind: Type,
    candidates: Iterable[int],
    actor_id: int,
    status_id: int | None = None,
    *,
    dedupe: str,
    own: bool = False,
) -> None:
    """Notify those candidates who are members and want to know. `own`: also of what they did themselves."""
    asked = [account_id for account_id in dict.fromkeys(candidates) if own or account_id != actor_id]
    if not asked:
        return
    rows = tx.all(
        _hearing,
        candidates=asked,
        actor=actor_id,
        status=status_id or 0,
        type=kind,
        dedupe=dedupe,
        now=tx.now,
    )
    told: list[dict[str, object]] = []
    for row in rows:
        verdict = judge(kind, Facts(*row[1 : 1 + len(Facts._fields)]), row[1 + len(Facts._fields) :], tx.now)
        if verdict == "drop":
            continue
        notification_id = ids.new_id()
        told.append(
            {
                "id": notification_id,
                "account_id": row.account_id,
                "type": kind,
                "from_account_id": actor_id,
                "status_id": status_id,
                "dedupe": dedupe,
                "group_key": _group_key(kind, status_id, notification_id, tx.now),
                "filtered": verdict == "filter",
                "created_at": tx.now,
            }
        )
    if told:
        tx.run_many(_insert, told)
    for row in told:
        if not row["filtered"]:
            tx.emit(Notified(row["id"], row["account_id"]))  # type: ignore[arg-type]


def _group_key(kind: Type, status_id: int | None, notification_id: int, now: int) -> str:
    if kind not in GROUPED:
        return f"ungrouped-{notification_id}"
    span = now // GROUP_SPAN
    return f"{kind}-{span}" if status_id is None else f"{kind}-{status_id}-{span}"


# What happened, and who may want to know of it

_status = statement(
    select(
        statuses.c.account_id,
        statuses.c.visibility,
        statuses.c.reblog_of_id,
        statuses.c.in_reply_to_account_id,
        statuses.c.edited_at,
    ).where(statuses.c.id == bindparam("status"))
)
_mentioned = statement(
    select(mentions.c.account_id).where(
        mentions.c.status_id == bindparam("status"), mentions.c.silent.is_(False)
    )
)
_notified_followers = statement(
    select(follows.c.account_id).where(follows.c.target_id == bindparam("author"), follows.c.notify)
)
_reblogs = statuses.alias("reblogs")
_involved = statement(
    union(
        select(_reblogs.c.account_id).where(
            _reblogs.c.reblog_of_id == bindparam("status"), _reblogs.c.deleted_at.is_(None)
        ),
        select(favourites.c.account_id).where(favourites.c.status_id == bindparam("status")),
        select(poll_votes.c.account_id)
        .join(polls, polls.c.id == poll_votes.c.poll_id)
        .where(polls.c.status_id == bindparam("status")),
    )
)
_voters = statement(
    select(poll_votes.c.account_id).where(poll_votes.c.poll_id == bindparam("poll")).distinct()
)
_staff = statement(select(users.c.account_id).where(users.c.role.in_(["moderator", "admin", "owner"])))
_forget_updates = statement(
    delete(_n).where(
        _n.c.status_id == bindparam("status"), _n.c.type == "update", _n.c.dedupe != bindparam("keep")
    )
)
_forget_status = statement(delete(_n).where(_n.c.status_id == bindparam("status")))
_forget_one = statement(
    delete(_n).where(_n.c.account_id == bindparam("member"), _n.c.dedupe == bindparam("told"))
)
_forget_person = statement(
    delete(_n).where(_n.c.account_id == bindparam("member"), _n.c.from_account_id == bindparam("person"))
)


def tell_of_post(tx: Transaction, site: Site, event: StatusPosted) -> None:
    """Tell the mentioned, followers who asked to hear of each post, or the author of what was reblogged."""
    row = tx.one(_status, status=event.status_id) if event.fresh else None
    if row is None:
        return
    if row.reblog_of_id is not None:
        original = tx.one(_status, status=row.reblog_of_id)
        if original is not None:
            told = f"reblog-{event.status_id}"
            tell(tx, "reblog", [original.account_id], row.account_id, row.reblog_of_id, dedupe=told)
        return
    mentioned = tx.values(_mentioned, status=event.status_id)
    tell(tx, "mention", mentioned, row.account_id, event.status_id, dedupe=f"mention-{event.status_id}")
    if row.in_reply_to_account_id not in (None, row.account_id) or row.visibility == "direct":
        return
    followers = set(tx.values(_notified_followers, author=row.account_id)).difference(mentioned)
    told = f"status-{event.status_id}"
    tell(tx, "status", sorted(followers), row.account_id, event.status_id, dedupe=told)


def tell_of_edit(tx: Transaction, site: Site, event: StatusEdited) -> None:
    """Tell those who are mentioned now, and those who boosted, favourited or voted, of the new text."""
    row = tx.one(_status, status=event.status_id)
    if row is None:
        return
    mentioned = tx.values(_mentioned, status=event.status_id)
    tell(tx, "mention", mentioned, row.account_id, event.status_id, dedupe=f"mention-{event.status_id}")
    # Of several edits the last is told, as Mastodon does.
    told = f"update-{event.status_id}-{row.edited_at}"
    tx.run(_forget_updates, status=event.status_id, keep=told)
    involved = tx.values(_involved, status=event.status_id)
    tell(tx, "update", involved, row.account_id, event.status_id, dedupe=told)


def tell_of_favourite(tx: Transaction, site: Site, event: Favourited) -> None:
    """Tell the author."""
    row = tx.one(_status, status=event.status_id)
    if row is not None:
        told = f"favourite-{event.status_id}-{event.account_id}"
        tell(tx, "favourite", [row.account_id], event.account_id, event.status_id, dedupe=told)


def tell_of_follow(tx: Transaction, site: Site, event: Followed) -> None:
    """Tell the followed."""
    tell(tx, "follow", [event.target_id], event.account_id, dedupe=f"follow-{event.account_id}")


def tell_of_request(tx: Transaction, site: Site, event: FollowRequested) -> None:
    """Tell whoever is to decide about the request."""
    told = f"follow_request-{event.account_id}"
    tell(tx, "follow_request", [event.target_id], event.account_id, dedupe=told)


def tell_of_result(tx: Transaction, site: Site, event: PollClosed) -> None:
    """Tell the voters and the author that the poll has closed."""
    row = tx.one(_status, status=event.status_id)
    if row is not None:
        asked = [row.account_id, *tx.values(_voters, poll=event.poll_id)]
        tell(tx, "poll", asked, row.account_id, event.status_id, dedupe=f"poll-{event.status_id}", own=True)


def tell_of_sign_up(tx: Transaction, site: Site, event: SignedUp) -> None:
    """Tell moderators and those above."""
    tell(tx, "admin.sign_up", tx.values(_staff), event.account_id, dedupe=f"sign_up-{event.account_id}")


# What is to be told no more


def forget_post(tx: Transaction, site: Site, event: StatusDeleted) -> None:
    """Take back what was told of a status that is deleted, or of a reblog that is undone."""
    if event.reblog_of_id is None:
        tx.run(_forget_status, status=event.status_id)
        return
    original = tx.one(_status, status=event.reblog_of_id)
    if original is not None:
        tx.run(_forget_one, member=original.account_id, told=f"reblog-{event.status_id}")


def forget_follow(tx: Transaction, site: Site, event: Unfollowed) -> None:
    """Take back that somebody follows."""
    tx.run(_forget_one, member=event.target_id, told=f"follow-{event.account_id}")


def forget_person(tx: Transaction, site: Site, event: Blocked) -> None:
    """Take back all that was told of somebody who is blocked now."""
    tx.run(_forget_person, member=event.account_id, person=event.target_id)
