"""Ties that a suspension cuts, kept as they were, and tied again when it ends."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, literal, or_, select, update

from roseau.domain.accounts.follows import lock_accounts
from roseau.domain.moderation.measures.force import list_suspending
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import measures, severances
from roseau.storage.schema.relationships import blocks, endorsements, follow_requests, follows
from roseau.storage.schema.timelines import list_accounts, lists
from roseau.storage.statements import Statement, insertion, one_of, statement, upsert


class Tie(msgspec.Struct):
    """A row of `severances`; `detail` is the row that was cut, as JSON."""

    id: int
    measure_id: int
    kind: str
    account_id: int
    target_id: int
    detail: str


class _Pair(msgspec.Struct, omit_defaults=True):
    """A follow, request or endorsement as it was."""

    id: int
    created_at: int
    reblogs: bool = True
    notify: bool = False
    languages: str = "[]"
    uri: str | None = None


class _Listed(msgspec.Struct):
    """A place in somebody's list."""

    list_id: int
    id: int


_one: Any = bindparam("one")


def _between(table: Any) -> ColumnElement[bool]:
    return or_(table.c.account_id == _one, table.c.target_id == _one)


_FOLLOW = ("id", "created_at", "reblogs", "notify", "languages", "uri")
_TABLES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "follow": (follows, _FOLLOW),
    "follow_request": (follow_requests, _FOLLOW),
    "endorsement": (endorsements, ("id", "created_at")),
}
_rows = {
    kind: statement(
        select(table.c.account_id, table.c.target_id, *(table.c[name] for name in names)).where(
            _between(table)
        )
    )
    for kind, (table, names) in _TABLES.items()
}
_cut: dict[str, Statement[Any]] = {
    kind: statement(delete(table).where(_between(table))) for kind, (table, _) in _TABLES.items()
}
_tie: dict[str, Statement[Any]] = {
    kind: statement(
        upsert(table)
        .values({name: bindparam(name) for name in ("account_id", "target_id", *names)})
        .on_conflict_do_nothing()
    )
    for kind, (table, names) in _TABLES.items()
}
_listed = statement(
    select(
        lists.c.account_id,
        list_accounts.c.account_id.label("target_id"),
        list_accounts.c.list_id,
        list_accounts.c.id,
    )
    .join(lists, lists.c.id == list_accounts.c.list_id)
    .where(or_(lists.c.account_id == _one, list_accounts.c.account_id == _one))
)
_unlist = statement(
    delete(list_accounts).where(
        or_(
            list_accounts.c.account_id == _one,
            list_accounts.c.list_id.in_(select(lists.c.id).where(lists.c.account_id == _one)),
        )
    )
)
_own_list = statement(
    select(lists.c.id).where(lists.c.id == bindparam("wanted"), lists.c.account_id == bindparam("owner"))
)
_list = statement(
    upsert(list_accounts)
    .values({name: bindparam(name) for name in ("id", "list_id", "account_id")})
    .on_conflict_do_nothing()
)
_keep = insertion(severances, "id measure_id kind account_id target_id detail severed_at")
_step: Any = bindparam("step")
_count_following = statement(
    update(accounts)
    .where(one_of(accounts.c.id, "ids"))
    .values(following_count=accounts.c.following_count + _step)
)
_count_followers = statement(
    update(accounts)
    .where(one_of(accounts.c.id, "ids"))
    .values(followers_count=accounts.c.followers_count + _step)
)
#: The suspension of an account, or that of its site.
_whose = or_(
    measures.c.account_id == _one,
    and_(
        measures.c.domain != "",
        or_(severances.c.account_id == _one, severances.c.target_id == _one),
    ),
)
_cut_ties = statement(
    select(*(severances.c[name] for name in Tie.__struct_fields__))
    .join(measures, measures.c.id == severances.c.measure_id)
    .where(_whose, severances.c.restored_at.is_(None))
    .order_by(severances.c.id),
    into=Tie,
)
_restored = statement(
    update(severances).where(one_of(severances.c.id, "ids")).values(restored_at=bindparam("at"))
)
_blocked = statement(
    select(
        exists(
            select(literal(1)).where(
                or_(
                    and_(blocks.c.account_id == _one, blocks.c.target_id == bindparam("two")),
                    and_(blocks.c.account_id == bindparam("two"), blocks.c.target_id == _one),
                )
            )
        )
    )
)
_there = statement(
    select(accounts.c.id, accounts.c.domain, accounts.c.suspended_at).where(
        one_of(accounts.c.id, "ids"), accounts.c.deleted_at.is_(None)
    )
)


def sever(tx: Transaction, measure_id: int, account_id: int) -> list[tuple[int, int]]:
    """Cut what ties an account to others, either way, and keep it; who followed whom."""
    cut: list[dict[str, Any]] = []

    def keep(kind: str, row: Any, detail: object) -> None:
        cut.append(
            {
                "id": ids.new_id(), "measure_id": measure_id, "kind": kind, "account_id": row.account_id,
                "target_id": row.target_id, "detail": msgspec.json.encode(detail).decode(),
                "severed_at": tx.now,
            }
        )  # fmt: skip

    lock_accounts(tx, account_id, *_others(tx, account_id))
    for row in tx.all(_listed, one=account_id):
        keep("list", row, _Listed(row.list_id, row.id))
    for kind in _TABLES:
        for row in tx.all(_rows[kind], one=account_id):
            keep(kind, row, _Pair(*row[2:]))
    followed = [(tie["account_id"], tie["target_id"]) for tie in cut if tie["kind"] == "follow"]
    _count(tx, followed, -1)
    tx.run(_unlist, one=account_id)
    for kind in _TABLES:
        tx.run(_cut[kind], one=account_id)
    if cut:
        tx.run_many(_keep, cut)
    return followed


def _others(tx: Transaction, account_id: int) -> list[int]:
    rows = tx.all(_rows["follow"], one=account_id)
    return [row.target_id if row.account_id == account_id else row.account_id for row in rows]


def _count(tx: Transaction, pairs: list[tuple[int, int]], step: int) -> None:
    """Correct the counts of followers and followed; a person may be in many of the pairs."""
    for statement_, side in ((_count_following, 0), (_count_followers, 1)):
        people: dict[int, int] = {}
        for pair in pairs:
            people[pair[side]] = people.get(pair[side], 0) + 1
        by_number: dict[int, list[int]] = {}
        for person, number in people.items():
            by_number.setdefault(number, []).append(person)
        for number, whom in by_number.items():
            tx.run(statement_, ids=whom, step=step * number)


class Tied(msgspec.Struct):
    """What was tied again, by kind, who follows whom again, and what could not be tied."""

    follows: list[tuple[int, int]] = []
    requests: int = 0
    lists: int = 0
    endorsements: int = 0
    lost: int = 0


def tie_again(tx: Transaction, account_id: int) -> Tied:
    """Tie again what suspensions of this account cut, unless a block came between or somebody left.

    With somebody who is suspended in turn, it is kept until they come back.
    """
    ties = tx.all(_cut_ties, one=account_id)
    people = {person for tie in ties for person in (tie.account_id, tie.target_id)}
    lock_accounts(tx, *people, account_id)
    there = {row.id: row for row in tx.all(_there, ids=list(people))}
    waits: dict[int, int | None] = {}
    tied = Tied()
    for tie in ties:
        other = tie.target_id if tie.account_id == account_id else tie.account_id
        if other not in there or account_id not in there:
            tied.lost += 1
            continue
        if other not in waits:
            found = there[other].suspended_at and list_suspending(tx, other, there[other].domain)
            waits[other] = max(found) if found else None
        if waits[other] is not None:
            _hand_on(tx, tie, waits[other])
        elif tx.value(_blocked, one=account_id, two=other):
            tied.lost += 1
        else:
            _restore(tx, tie, tied)
    tx.run(_restored, ids=[tie.id for tie in ties], at=tx.now)
    _count(tx, tied.follows, 1)
    return tied


def _hand_on(tx: Transaction, tie: Tie, measure_id: int | None) -> None:
    tx.run(
        _keep, id=ids.new_id(), measure_id=measure_id, kind=tie.kind, account_id=tie.account_id,
        target_id=tie.target_id, detail=tie.detail, severed_at=tx.now,
    )  # fmt: skip


def _restore(tx: Transaction, tie: Tie, tied: Tied) -> None:
    if tie.kind == "list":
        listed = msgspec.json.decode(tie.detail, type=_Listed)
        if tx.value(_own_list, wanted=listed.list_id, owner=tie.account_id) is None:
            tied.lost += 1
        else:
            tied.lists += tx.run(_list, id=listed.id, list_id=listed.list_id, account_id=tie.target_id)
        return
    pair = msgspec.json.decode(tie.detail, type=_Pair)
    names = _TABLES[tie.kind][1]
    new = tx.run(
        _tie[tie.kind],
        account_id=tie.account_id,
        target_id=tie.target_id,
        **{name: getattr(pair, name) for name in names},
    )
    if tie.kind == "follow" and new:
        tied.follows.append((tie.account_id, tie.target_id))
    elif tie.kind == "follow_request":
        tied.requests += new
    elif tie.kind == "endorsement":
        tied.endorsements += new
