"""A small world of machines that follow the contract: what the model walks, one step at a time.

The rules are those of `survival/contract.py`, imported. Each step checks that the contract holds, and raises
`Broken` when it does not. Machines reach each other as the caller of a step pleases.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import msgspec

from roseau.survival.contract import (
    Membership,
    Position,
    Reign,
    choose_longest,
    contains,
    find_acknowledged,
    may_promise,
    may_ship,
    promises_needed,
    to_automatic,
    to_commanded,
    to_followed,
    to_joint,
    usual_needed,
)


class Broken(AssertionError):
    """The contract does not hold."""


class Entry(NamedTuple):
    """One commit. The first of an epoch says who reigns and who counts."""

    epoch: int
    number: int
    what: int
    members: Membership | None = None
    primary: str = ""


class Candidacy(msgspec.Struct):
    """What a candidate has collected."""

    epoch: int
    membership: Membership
    promised: dict[str, tuple[Position, Membership]]


class Machine(msgspec.Struct, eq=False):
    """What a machine has on disk, and as a primary in memory."""

    name: str
    log: list[Entry] = []
    promised: int = 0
    promised_to: str = ""
    #: Whom it has promised to may ship it this epoch and all later ones.
    followed: int = 0
    reigns: bool = False
    lost: bool = False
    superseded: bool = False
    #: On disk of a primary: the epoch that enough of those who counted before have agreed to.
    settled: int = 0
    candidacy: Candidacy | None = None
    memberships: list[Membership] = []
    stored: dict[str, int] = {}
    under_way: dict[str, int] = {}
    acknowledged: int = 0

    @property
    def position(self) -> Position:
        """How far its log has come."""
        return Position(self.log[-1].epoch, self.log[-1].number) if self.log else Position(0, 0)

    @property
    def memberships_ever(self) -> list[Membership]:
        """Who counted in each epoch, as its log says."""
        return [entry.members for entry in self.log if entry.members]

    @property
    def former(self) -> str:
        """Who reigned last, as its log says."""
        return next(entry.primary for entry in reversed(self.log) if entry.members)

    @property
    def history(self) -> list[Reign]:
        """Where each epoch began, as its log says."""
        return [Reign(entry.epoch, entry.number - 1) for entry in self.log if entry.members]


class World:
    """A primary `P`, so many reeds that count, and one that does not."""

    #: How many promises a candidate needs.
    needed: Callable[[Membership], int] = staticmethod(promises_needed)
    #: Who of those that counted before has to have the first commit of an epoch.
    joint_of: Callable[[Membership, str], Membership] = staticmethod(to_joint)
    #: Which epoch is settled is known after a restart.
    kept = True
    #: A primary looks at the logs of those who promise it the next epoch.
    looking = True
    #: Who was promised a later epoch may not come back with its own by asking for one later still.
    cutting = True

    def __init__(self, reeds: int) -> None:
        names = "ABCDE"[:reeds]
        self.machines = {name: Machine(name) for name in (*names, "S", "P")}
        self.made: set[Position] = set()
        self.agreed: list[tuple[Entry, int]] = []
        #: Each reign: its epoch, who, and the log that it began with.
        self.reigned: list[tuple[int, str, tuple[Entry, ...]]] = []
        first = self.machines["P"]
        first.reigns = True
        members = Membership(1, frozenset(names), usual_needed(reeds))
        first.memberships, first.settled = [members], 1
        self._append(first, 1, members)
        for name in names:
            self.ship("P", name)

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    # What is always true

    def _append(self, primary: Machine, epoch: int, members: Membership | None = None) -> None:
        entry = Entry(epoch, len(primary.log) + 1, len(self.made), members, primary.name)
        position = Position(epoch, entry.number)
        if position in self.made:
            raise Broken(f"two logs have different commits at {position}")
        if any(begun == epoch and by != primary.name for begun, by, _ in self.reigned):
            raise Broken(f"two primaries of epoch {epoch}")
        self.made.add(position)
        primary.log.append(entry)

    def _agree(self, primary: Machine, entry: Entry) -> None:
        epoch = primary.memberships[0].epoch
        for begun, other, log in self.reigned:
            if begun > epoch and entry not in log:
                raise Broken(f"{entry} is acknowledged and not in the log with which {other} reigns")
        self.agreed.append((entry, epoch))

    # A primary

    def commit(self, name: str) -> None:
        """A write, on this disk."""
        primary = self[name]
        self._append(primary, primary.memberships[0].epoch)
        self._settle(primary)

    def ship(self, name: str, to: str, upto: int | None = None, *, late: bool = False) -> None:
        """The log, whole or up to a number, to one machine; `late`: its answer comes by `answer`."""
        primary, reed = self[name], self[to]
        epoch = primary.memberships[0].epoch
        if reed.lost:
            return
        if reed.reigns:
            reed.superseded = reed.superseded or epoch > reed.memberships[0].epoch
            return
        followed = reed.followed if self.cutting else 0
        if not may_ship(reed.promised, reed.promised_to, followed, epoch, name):
            primary.superseded = reed.promised_to != name
            return
        if epoch > reed.promised:
            self._give(reed, epoch, name)
        length = len(primary.log) if upto is None else min(upto, len(primary.log))
        if reed.position.epoch > epoch or (reed.position.epoch == epoch and len(reed.log) > len(primary.log)):
            return
        if reed.log and contains(primary.history, len(primary.log), reed.position):
            if reed.log != primary.log[: len(reed.log)]:
                raise Broken(f"the log of {to} passes for the beginning of that of {name}, and is not")
            reed.log = primary.log[: max(length, len(reed.log))]
        elif length:
            # A base copy is of this moment.
            reed.log = list(primary.log)
        primary.under_way[to] = len(reed.log)
        if not late:
            self.answer(name, to)

    def answer(self, name: str, of: str) -> None:
        """What a reed has stored is heard of."""
        primary = self[name]
        if of in primary.under_way:
            primary.stored[of] = primary.under_way.pop(of)
            self._settle(primary)

    def _settle(self, primary: Machine) -> None:
        begun = next(entry.number for entry in reversed(primary.log) if entry.members)
        found = len(primary.log)
        for membership in primary.memberships:
            if membership.needed:
                stored = [primary.stored.get(reed, 0) for reed in membership.reeds]
                found = min(found, find_acknowledged(stored, membership.needed))
        if found < begun and not primary.acknowledged:
            # Nobody waits for what was there before this reign, and its own first commit has to be there.
            return
        for entry in primary.log[primary.acknowledged : found]:
            self._agree(primary, entry)
        primary.acknowledged = max(primary.acknowledged, found)
        if primary.acknowledged >= begun:
            primary.memberships, primary.settled = primary.memberships[:1], primary.memberships[0].epoch

    def _list(self, primary: Machine) -> list[Membership]:
        """Who has to have a commit: those that count, and until they have agreed, of those before."""
        *before, newest = primary.memberships_ever
        if not before or primary.settled >= newest.epoch:
            return [newest]
        joint = type(self).joint_of(before[-1], primary.name)
        return [newest, joint] if joint.needed else [newest]

    def change(self, name: str, reeds: Collection[str], reached: Collection[str]) -> bool:
        """Other members from now on, if enough of the present ones promise the next epoch."""
        primary, old = self[name], self[name].memberships[0]
        if len(primary.memberships) > 1:
            # Those before these may be needed yet, and a second change would forget them.
            return False
        epoch = max(old.epoch, primary.promised) + 1
        primary.promised, primary.promised_to = epoch, name
        answers = [one for one in sorted(old.reeds) if one in reached and self._promise(one, epoch, name)]
        if any(self[one].promised_to != name for one in old.reeds if one in reached and not self[one].lost):
            primary.superseded = True
            return False
        if self.looking and any(self[one].position.epoch > old.epoch for one in answers):
            primary.superseded = True
            return False
        if len(answers) < (type(self).needed(old) if old.reeds else 0):
            return False
        members = Membership(epoch, frozenset(reeds), usual_needed(len(reeds)))
        self._begin(primary, members)
        return True

    def restart(self, name: str) -> None:
        """The process ends and begins anew."""
        machine = self[name]
        machine.candidacy = None
        if machine.reigns:
            machine.stored, machine.under_way = {}, {}
            machine.settled = machine.settled if self.kept else machine.position.epoch
            machine.memberships = self._list(machine)

    def demote(self, name: str, under: str) -> None:
        """A former primary becomes a reed of one with a higher epoch."""
        machine, primary = self[name], self[under]
        machine.reigns, machine.superseded = False, False
        self._give(machine, primary.memberships[0].epoch, under)

    # A candidate

    def _promise(self, name: str, epoch: int, candidate: str) -> bool:
        reed = self[name]
        if reed.lost or reed.reigns or not reed.log:
            return False
        if not may_promise(reed.promised, reed.promised_to, epoch, candidate):
            return False
        self._give(reed, epoch, candidate)
        return True

    def _give(self, reed: Machine, epoch: int, to: str) -> None:
        reed.followed = to_followed(reed.promised_to, reed.followed, epoch, to)
        reed.promised, reed.promised_to = epoch, to

    def stand(self, name: str) -> bool:
        """Begin to ask for promises."""
        reed = self[name]
        return bool(reed.log) and self._stand(reed, reed.memberships_ever[-1])

    def _stand(self, reed: Machine, membership: Membership) -> bool:
        reed.candidacy = None
        if reed.name not in membership.reeds:
            return False
        epoch = max(reed.promised, membership.epoch) + 1
        self._give(reed, epoch, reed.name)
        reed.candidacy = Candidacy(epoch, membership, {reed.name: (reed.position, reed.memberships_ever[-1])})
        return True

    def ask(self, name: str, other: str) -> None:
        """Ask one reed that counts for its promise."""
        reed, candidacy = self[name], self[name].candidacy
        if candidacy is None or other not in candidacy.membership.reeds - {name}:
            return
        if self[other].lost or self[other].reigns or not self[other].log:
            return
        if not self._promise(other, candidacy.epoch, name):
            # It has promised a higher epoch, or this one to somebody else: a higher one still is asked for.
            reed.promised = max(candidacy.epoch, self[other].promised)
            self._stand(reed, candidacy.membership)
            return
        candidacy.promised[other] = (self[other].position, self[other].memberships_ever[-1])

    def reign(self, name: str, *, commanded: bool = True) -> bool:
        """Become the primary, if enough have promised, judged by who counts in the longest log."""
        reed, candidacy = self[name], self[name].candidacy
        if candidacy is None or (reed.promised, reed.promised_to) != (candidacy.epoch, name):
            return False
        longest, holder = choose_longest((said[0], one) for one, said in candidacy.promised.items())
        membership = candidacy.promised[holder][1]
        if membership != candidacy.membership:
            self._stand(reed, membership)
            return False
        if len(candidacy.promised) < type(self).needed(membership):
            return False
        if not commanded and len(membership.reeds) < 3:
            return False
        if reed.position < longest:
            if self[holder].lost:
                return False
            reed.log = list(self[holder].log)
        if reed.position < longest or reed.memberships_ever[-1] != membership:
            # The log that it would reign with has to be the one that it was judged by.
            return False
        if commanded:
            members = to_commanded(membership, candidacy.epoch, name, candidacy.promised)
        else:
            members = to_automatic(membership, candidacy.epoch, name, reed.former)
        reed.candidacy, reed.reigns, reed.superseded = None, True, False
        reed.stored, reed.under_way, reed.acknowledged = {}, {}, 0
        self._begin(reed, members)
        return True

    def _begin(self, primary: Machine, members: Membership) -> None:
        for entry, epoch in self.agreed:
            if epoch < members.epoch and entry not in primary.log:
                raise Broken(f"{primary.name} reigns without {entry}, which was acknowledged")
        self._append(primary, members.epoch, members)
        primary.memberships = self._list(primary)
        self.reigned.append((members.epoch, primary.name, tuple(primary.log)))
        self._settle(primary)

    def promote(self, name: str, reached: Collection[str], *, commanded: bool = True) -> bool:
        """A whole promotion: ask all who are reached, and reign."""
        self.stand(name)
        for _ in range(4):
            for other in sorted(reached):
                self.ask(name, other)
            if self.reign(name, commanded=commanded):
                return True
        return False

    def lose(self, name: str) -> None:
        """The machine and its disk are gone."""
        machine = self[name]
        machine.lost, machine.log, machine.candidacy = True, [], None
        machine.reigns = False
