"""The rules of the contract, walked at random: one reign at a time, and nothing acknowledged is missing.

And each part of the rules is needed: without it, the same world is broken by a few steps that are shown here.
"""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from roseau.survival.contract import Membership, promises_needed
from tests.survival.reigns import Broken, World

NAMES = some.sampled_from("ABCDESP")
SETS = some.sets(NAMES)


class Walk(RuleBasedStateMachine):
    """Every interleaving of commits, losses, promotions, returns and changes of who counts."""

    @initialize(reeds=some.integers(1, 5))
    def begin(self, reeds: int) -> None:
        self.world = World(reeds)

    def _primary(self, name: str) -> str | None:
        """The nth of those that write, so that few steps come to nothing."""
        writing = [one.name for one in self.world.machines.values() if one.reigns and not one.superseded]
        return writing[ord(name) % len(writing)] if writing else None

    def _reed(self, name: str) -> str | None:
        waiting = [one.name for one in self.world.machines.values() if not one.reigns and one.log]
        return waiting[ord(name) % len(waiting)] if waiting else None

    @rule(name=NAMES, reached=SETS)
    def commit(self, name: str, reached: set[str]) -> None:
        if primary := self._primary(name):
            self.world.commit(primary)
            for reed in sorted(reached & set(self.world.machines) - {primary}):
                self.world.ship(primary, reed)

    @rule(name=NAMES, to=NAMES, upto=some.none() | some.integers(1, 12), late=some.booleans())
    def ship(self, name: str, to: str, upto: int | None, late: bool) -> None:
        primary = self._primary(name)
        if primary and to in self.world.machines and to != primary:
            self.world.ship(primary, to, upto, late=late)

    @rule(name=NAMES, of=NAMES)
    def answer(self, name: str, of: str) -> None:
        if primary := self._primary(name):
            self.world.answer(primary, of)

    @rule(name=NAMES, reached=SETS, commanded=some.booleans())
    def promote(self, name: str, reached: set[str], commanded: bool) -> None:
        if reed := self._reed(name):
            self.world.promote(reed, reached & set(self.world.machines), commanded=commanded)

    @rule(name=NAMES)
    def stand(self, name: str) -> None:
        if reed := self._reed(name):
            self.world.stand(reed)

    @rule(name=NAMES, other=NAMES)
    def ask(self, name: str, other: str) -> None:
        reed = self._reed(name)
        if reed and other in self.world.machines:
            self.world.ask(reed, other)

    @rule(name=NAMES, commanded=some.booleans())
    def reign(self, name: str, commanded: bool) -> None:
        if reed := self._reed(name):
            self.world.reign(reed, commanded=commanded)

    @rule(name=NAMES, other=NAMES, reached=SETS)
    def change(self, name: str, other: str, reached: set[str]) -> None:
        """One more counts, or one less."""
        primary = self._primary(name)
        if primary and other in self.world.machines and other != primary and self.world[other].log:
            self.world.change(primary, self.world[primary].memberships[0].reeds ^ {other}, reached)

    @rule(name=NAMES, reached=SETS)
    def resume(self, name: str, reached: set[str]) -> None:
        """The same count, in a higher epoch: a candidate has left promises behind."""
        if primary := self._primary(name):
            self.world.change(primary, self.world[primary].memberships[0].reeds, reached)

    @rule(name=NAMES)
    def restart(self, name: str) -> None:
        if name in self.world.machines and not self.world[name].lost:
            self.world.restart(name)

    @rule(name=NAMES)
    def lose(self, name: str) -> None:
        if name in self.world.machines and sum(one.lost for one in self.world.machines.values()) < 3:
            self.world.lose(name)

    @rule()
    def demote(self) -> None:
        reigning = sorted(
            (one.memberships[0].epoch, one.name) for one in self.world.machines.values() if one.reigns
        )
        if len(reigning) > 1:
            self.world.demote(reigning[0][1], reigning[-1][1])


def walk(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Look for a broken contract."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            database=None,
        ),
    )


def test_the_contract_holds() -> None:
    walk(Walk, 250, 40)


class WithoutTheMajority(World):
    """What the contract said at first: N-K+1 promises."""

    needed = staticmethod(lambda membership: len(membership.reeds) - membership.needed + 1)


class Alone(World):
    """Who counted before an epoch has no part in it."""

    joint_of = staticmethod(lambda old, primary: Membership(old.epoch, frozenset(), 0))


class Forgetful(World):
    """A primary that begins anew takes its epoch for settled."""

    kept = False


class Few(World):
    """Enough of the old members agree for other old members to hear of it, and not for those before."""

    @staticmethod
    def joint_of(old: Membership, primary: str) -> Membership:
        holders = len(old.reeds) - promises_needed(old) + 1
        return Membership(old.epoch, old.reeds - {primary}, holders - (primary in old.reeds))


class Lenient(World):
    """Who was promised something may ship whatever it has."""

    cutting = False


class Blind(World):
    """A primary that is promised the next epoch takes its own log for the longest."""

    looking = False


def promise_twice(world: World) -> None:
    """Two pairs of four promise the same epoch."""
    world.promote("A", "B")
    world.promote("C", "D")


def reign_beside(world: World) -> None:
    """Of those that promised the second time, only one was asked before, and it has heard of nothing."""
    world.promote("A", "BC")
    world.commit("A")
    world.ship("A", "B")
    world.promote("D", "CE")


def begin_anew(world: World) -> None:
    """The one that counted before has promised, and has not heard that another counts too."""
    world.ship("P", "S")
    world.change("P", "AS", "A")
    world.restart("P")
    world.ship("P", "S")
    world.lose("P")
    world.promote("A", "")


def leave(world: World) -> None:
    """The members that a promotion goes by have never agreed to count, and those before know of nothing."""
    world.change("P", "ABCD", "ABC")
    world.ship("P", "A")
    world.lose("P")
    world.promote("A", "BC")
    world.commit("A")
    world.ship("A", "B")
    world.promote("C", "DE")


def come_back(world: World) -> None:
    """The former primary is promised an epoch by one, which is too few, and goes on in its own."""
    world.promote("B", "A")
    world.change("P", "", "")
    world.change("P", "", "A")
    world.commit("P")
    world.ship("P", "A")


def go_on(world: World) -> None:
    """The former primary is promised an epoch by enough, one of which has what it lacks."""
    world.promote("B", "A")
    world.commit("B")
    world.ship("B", "A")
    world.change("P", "", "")
    world.change("P", "AC", "AC")
    world.ship("P", "C")
    world.ship("P", "A")


@pytest.mark.parametrize(
    ("reeds", "world_of", "steps"),
    [
        (4, WithoutTheMajority, promise_twice),
        (5, Alone, reign_beside),
        (1, Alone, begin_anew),
        (1, Forgetful, begin_anew),
        (5, Few, leave),
        (2, Lenient, come_back),
        (3, Blind, go_on),
    ],
)
def test_each_rule_is_needed(
    reeds: int, world_of: Callable[[int], World], steps: Callable[[World], None]
) -> None:
    steps(World(reeds))
    with pytest.raises(Broken):
        steps(world_of(reeds))


class Promotions(RuleBasedStateMachine):
    """Four reeds that take turns in reaching some of the others."""

    def __init__(self) -> None:
        super().__init__()
        self.world = WithoutTheMajority(4)

    @rule(name=some.sampled_from("ABCD"), reached=some.sets(some.sampled_from("ABCD")))
    def promote(self, name: str, reached: set[str]) -> None:
        if not self.world[name].reigns:
            self.world.promote(name, reached)


def test_the_rule_without_the_majority_is_found_out() -> None:
    assert promises_needed(Membership(1, frozenset("ABCD"), 3)) == 3
    with pytest.raises(Broken):
        walk(Promotions, 500, 10)
