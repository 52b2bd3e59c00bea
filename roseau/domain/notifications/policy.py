"""Whose notifications a member wants: a policy, and the requests of those whom it holds back.

What a policy filters waits under its sender until the member accepts or dismisses the request. As the
member's pair with the sender is unique, a request has the sender's id.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, exists, func, literal, select, update

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import users
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.timelines import (
    notification_permissions,
    notification_policies,
    notifications,
)
from roseau.storage.statements import one_of, statement, upsert

Choice = Literal["accept", "filter", "drop"]

#: An account is new for as long as this.
NEW = 30 * clock.DAY
#: Of these the member is told in any case: the one who did it is not the one who asks for attention.
UNFILTERED = frozenset(("poll", "update", "status", "admin.sign_up"))
#: Roles without a task in the team.
_OUTSIDE = ("member", "reviewer")
_SEVERITY: tuple[Choice, ...] = ("accept", "filter", "drop")

_n = notifications
_p = notification_policies


class Policy(msgspec.Struct, frozen=True):
    """What becomes of notifications from each kind of sender. The fields are the columns, in order."""

    for_not_following: Choice = "accept"
    for_not_followers: Choice = "accept"
    for_new_accounts: Choice = "accept"
    for_private_mentions: Choice = "accept"
    for_limited_accounts: Choice = "accept"
    for_bots: Choice = "accept"


POLICIES = [_p.c[name] for name in Policy.__struct_fields__]


class Facts(NamedTuple):
    """What a policy asks of a sender."""

    following: bool
    follower: bool
    permitted: bool
    staff: bool
    since: int
    limited: bool
    bot: bool
    private: bool


def FACTS(reader: Any, sender: Any, status: Any) -> list[ColumnElement[Any]]:  # noqa: N802 (columns)
    """The columns of `Facts`, for a reader's id, a sender's row of accounts and a row of statuses."""
    pair = notification_permissions
    team = users.alias("team")
    return [
        exists(
            select(literal(1)).where(follows.c.account_id == reader, follows.c.target_id == sender.c.id)
        ).label("following"),
        exists(
            select(literal(1)).where(follows.c.account_id == sender.c.id, follows.c.target_id == reader)
        ).label("follower"),
        exists(
            select(literal(1)).where(pair.c.account_id == reader, pair.c.from_account_id == sender.c.id)
        ).label("permitted"),
        exists(
            select(literal(1)).where(team.c.account_id == sender.c.id, team.c.role.not_in(_OUTSIDE))
        ).label("staff"),
        sender.c.created_at.label("since"),
        sender.c.limited_at.is_not(None).label("limited"),
        (sender.c.actor_type == "Service").label("bot"),
        # An answer to the reader's own post is not out of the blue.
        func.coalesce(
            and_(
                status.c.visibility == "direct",
                func.coalesce(status.c.in_reply_to_account_id, 0) != reader,
            ),
            False,
            type_=status.c.local.type,
        ).label("private"),
    ]


def judge(kind: str, facts: Facts, choices: Sequence[Choice | None], now: int) -> Choice:
    """What becomes of a notification; `choices` are the policy's columns, None where there is no policy."""
    if choices[0] is None or kind in UNFILTERED or facts.permitted or facts.staff:
        return "accept"
    policy = Policy(*choices)  # type: ignore[arg-type]
    stranger = not facts.following
    verdicts: list[Choice] = ["accept"]
    if stranger:
        verdicts.append(policy.for_not_following)
    if not facts.follower:
        verdicts.append(policy.for_not_followers)
    if stranger and now - facts.since < NEW:
        verdicts.append(policy.for_new_accounts)
    if stranger and facts.private and kind == "mention":
        verdicts.append(policy.for_private_mentions)
    if stranger and facts.limited:
        verdicts.append(policy.for_limited_accounts)
    if stranger and facts.bot:
        verdicts.append(policy.for_bots)
    return max(verdicts, key=_SEVERITY.index)


_policy = statement(select(*POLICIES).where(_p.c.account_id == bindparam("member")), into=Policy)
_set = statement(
    upsert(_p)
    .values(
        account_id=bindparam("account_id"), **{column.name: bindparam(column.name) for column in POLICIES}
    )
    .on_conflict_do_update(
        index_elements=["account_id"],
        set_={column.name: upsert(_p).excluded[column.name] for column in POLICIES},
    )
)
_waiting = and_(_n.c.account_id == bindparam("member"), _n.c.filtered, _n.c.dismissed_at.is_(None))
_pending = statement(select(func.count(_n.c.from_account_id.distinct()), func.count()).where(_waiting))


def load_policy(tx: Transaction, member_id: int) -> Policy:
    """The member's policy; the one that accepts everything when none is set."""
    return tx.one(_policy, member=member_id) or Policy()


def set_policy(tx: Transaction, member_id: int, **choices: Choice | None) -> Policy:
    """Change some of the member's choices; those that are None stay."""
    given = {name: choice for name, choice in choices.items() if choice is not None}
    policy = msgspec.structs.replace(load_policy(tx, member_id), **given)
    tx.run(_set, account_id=member_id, **msgspec.structs.asdict(policy))
    return policy


def count_pending(tx: Transaction, member_id: int) -> tuple[int, int]:
    """How many requests wait, and how many notifications in them."""
    row = tx.one(_pending, member=member_id)
    return (int(row[0]), int(row[1])) if row else (0, 0)


# Requests


class Request(msgspec.Struct):
    """What one sender has waiting; `id` is the sender's."""

    id: int
    account: AccountView
    count: int
    created_at: int
    updated_at: int
    last_status: StatusView | None


_senders = (
    select(
        _n.c.from_account_id.label("sender"),
        func.count().label("count"),
        func.min(_n.c.created_at).label("first"),
        func.max(_n.c.created_at).label("last"),
        func.max(_n.c.status_id).label("status_id"),
    )
    .where(_waiting)
    .group_by(_n.c.from_account_id)
    .subquery()
)
_requests: Paged[Any] = Paged(
    select(_senders.c.sender, _senders.c.count, _senders.c.first, _senders.c.last, _senders.c.status_id),
    _senders.c.sender,
)
_permit = statement(
    upsert(notification_permissions)
    .values(
        account_id=bindparam("account_id"),
        from_account_id=bindparam("from_account_id"),
        created_at=bindparam("created_at"),
    )
    .on_conflict_do_nothing()
)
_asking = statement(
    select(_n.c.from_account_id).distinct().where(_waiting, one_of(_n.c.from_account_id, "senders"))
)
_release = statement(
    update(_n).where(_waiting, one_of(_n.c.from_account_id, "senders")).values(filtered=False)
)
_dismiss = statement(
    update(_n).where(_waiting, one_of(_n.c.from_account_id, "senders")).values(dismissed_at=bindparam("at"))
)


def list_requests(tx: Transaction, member_id: int, page: Page) -> list[Request]:
    """The requests that wait, by the sender's id."""
    rows = _requests.fetch(tx, page, member=member_id)
    people = load_accounts(tx, [row.sender for row in rows])
    views = load_statuses(tx, member_id, [row.status_id for row in rows if row.status_id])
    by_id = {view.id: view for view in views}
    return [
        Request(row.sender, people[row.sender], row.count, row.first, row.last, by_id.get(row.status_id))
        for row in rows
    ]


def find_request(tx: Transaction, member_id: int, request_id: int) -> Request | None:
    """One request, or None."""
    found = list_requests(tx, member_id, Page(limit=1, max_id=request_id + 1, since_id=request_id - 1))
    return found[0] if found else None


def accept_requests(tx: Transaction, member_id: int, request_ids: list[int]) -> int:
    """Let these senders through, now and later; how many notifications that brought."""
    senders = tx.values(_asking, member=member_id, senders=list(request_ids))
    if not senders:
        return 0
    permits = [
        {"account_id": member_id, "from_account_id": sender, "created_at": tx.now} for sender in senders
    ]
    tx.run_many(_permit, permits)
    return tx.run(_release, member=member_id, senders=senders)


def dismiss_requests(tx: Transaction, member_id: int, request_ids: list[int]) -> int:
    """Clear away what these senders have waiting; how many notifications that was."""
    return tx.run(_dismiss, member=member_id, senders=list(request_ids), at=tx.now)
