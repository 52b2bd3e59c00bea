"""Whatever people do about each other, the counts are the rows, and no two rows contradict each other."""

import asyncio
import itertools
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from roseau.domain.accounts.profiles import ProfileChanges, update_profile
from roseau.domain.accounts.removal import delete_account
from roseau.domain.relationships import blocking, following, marks
from roseau.domain.timelines import lists
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import blocks, endorsements, follow_requests, follows
from roseau.storage.schema.timelines import list_accounts
from roseau.storage.schema.timelines import lists as lists_table
from roseau.storage.statements import one_of, statement

pytestmark = pytest.mark.anyio

PEOPLE = 3
_person = st.integers(0, PEOPLE - 1)

_counts = statement(
    select(
        accounts.c.id,
        accounts.c.followers_count,
        accounts.c.following_count,
        select(func.count()).where(follows.c.target_id == accounts.c.id).scalar_subquery().label("followers"),
        select(func.count())
        .where(follows.c.account_id == accounts.c.id)
        .scalar_subquery()
        .label("following"),
    ).where(one_of(accounts.c.id, "ids"))
)


def _pairs(table: Any) -> Any:
    return statement(select(table.c.account_id, table.c.target_id).where(one_of(table.c.account_id, "ids")))


_PAIRS = {table.name: _pairs(table) for table in (follows, follow_requests, blocks, endorsements)}
_listed = statement(
    select(lists_table.c.account_id, list_accounts.c.account_id)
    .join(lists_table, lists_table.c.id == list_accounts.c.list_id)
    .where(one_of(lists_table.c.account_id, "ids"))
)


def check(tx: Any, ids: list[int]) -> None:
    """Everything that has to be true between these people at any moment."""
    for row in tx.all(_counts, ids=ids):
        assert (row.followers_count, row.following_count) == (row.followers, row.following)
    pairs = {name: {tuple(row) for row in tx.all(found, ids=ids)} for name, found in _PAIRS.items()}
    either_way = pairs["blocks"] | {(other, one) for one, other in pairs["blocks"]}
    assert not either_way & (pairs["follows"] | pairs["follow_requests"] | pairs["endorsements"])
    assert not pairs["follows"] & pairs["follow_requests"]
    assert pairs["endorsements"] <= pairs["follows"]
    assert {tuple(row) for row in tx.all(_listed, ids=ids)} <= pairs["follows"]
    assert not any(one == other for found in pairs.values() for one, other in found)


class Neighbours(RuleBasedStateMachine):
    """Three people, one of them locked at first, who do things about each other."""

    join: Any
    server: Any
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.people = [self.join(f"p{next(self.numbers)}", locked=place == 0).id for place in range(PEOPLE)]
        self.lists = [self.write(lists.create_list, person, "friends").id for person in self.people]

    def write(self, command: Any, *args: Any, **kwargs: Any) -> Any:
        return self.server.database.write_now(command, *args, **kwargs)

    def attempt(self, command: Any, *args: Any, **kwargs: Any) -> None:
        """A refusal is an answer, too; what counts is what the rows say then."""
        with suppress(Forbidden, Invalid, NotFound):
            self.write(command, *args, **kwargs)

    @rule(one=_person, other=_person, notify=st.booleans())
    def follow(self, one: int, other: int, notify: bool) -> None:
        self.attempt(following.follow_account, self.people[one], self.people[other], notify=notify)

    @rule(one=_person, other=_person)
    def let_in(self, one: int, other: int) -> None:
        self.attempt(following.authorize_follow_request, self.people[one], self.people[other])

    @rule(one=_person, other=_person)
    def block(self, one: int, other: int) -> None:
        self.attempt(blocking.block_account, self.people[one], self.people[other])

    @rule(
        one=_person,
        other=_person,
        command=st.sampled_from(
            (
                blocking.unblock_account, following.unfollow_account, following.remove_follower,
                following.reject_follow_request, blocking.mute_account, marks.unendorse_account,
            )
        ),
    )  # fmt: skip
    def do(self, one: int, other: int, command: Any) -> None:
        self.attempt(command, self.people[one], self.people[other])

    @rule(one=_person, other=_person)
    def endorse(self, one: int, other: int) -> None:
        self.attempt(marks.endorse_account, self.people[one], self.people[other])

    @rule(one=_person, other=_person)
    def put_into_a_list(self, one: int, other: int) -> None:
        if one != other:
            self.attempt(lists.add_to_list, self.people[one], self.lists[one], [self.people[other]])

    @rule(one=_person, locked=st.booleans())
    def lock(self, one: int, locked: bool) -> None:
        changes = ProfileChanges(locked=locked)
        self.attempt(update_profile, self.server.site, self.people[one], changes)

    @rule(chance=st.integers(0, 9))
    def leave(self, chance: int) -> None:
        if chance == 7:
            self.attempt(delete_account, self.server.site, self.people[-1])

    @invariant()
    def nothing_contradicts(self) -> None:
        self.server.database.read_now(check, self.people)


def test_the_counts_are_the_rows(server: Any, cast: Any, database_kind: str) -> None:
    machine = type("Here", (Neighbours,), {"server": server, "join": staticmethod(cast.join)})
    examples, steps = (150, 40) if database_kind == "sqlite" else (20, 30)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def test_the_counts_are_the_rows_when_all_act_at_once(server: Any, cast: Any) -> None:
    people = [cast.join(f"q{number}").id for number in range(PEOPLE)]
    chance = random.Random(7)
    commands = (
        following.follow_account, following.follow_account, following.unfollow_account,
        following.remove_follower, blocking.block_account, blocking.unblock_account,
    )  # fmt: skip
    doings = [(chance.choice(commands), *chance.sample(people, 2)) for _ in range(200)]
    done = await asyncio.gather(*(server.database.write(*doing) for doing in doings), return_exceptions=True)
    assert {type(outcome) for outcome in done} <= {type(None), Forbidden}
    server.database.read_now(check, people)
