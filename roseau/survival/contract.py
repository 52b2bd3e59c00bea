"""The rules of the contract (`docs/survival.md`) as pure functions: who may acknowledge, who may reign.

Nothing here knows of sockets or files, so that a model can walk every interleaving.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple


class Position(NamedTuple):
    """How far a log has come. The later epoch is the longer log, whatever the numbers."""

    epoch: int
    number: int


class Membership(NamedTuple):
    """Who counts in an epoch: the reeds (N), and how many of them every commit needs (K)."""

    epoch: int
    reeds: frozenset[str]
    needed: int


class Reign(NamedTuple):
    """One line of a history: in this epoch the log went on behind that number."""

    epoch: int
    after_number: int


def usual_needed(reeds: int) -> int:
    """K for N reeds: one of one or two, more than half from three on."""
    return reeds // 2 + 1 if reeds >= 3 else min(reeds, 1)


def promises_needed(membership: Membership) -> int:
    """How many reeds have to promise a higher epoch.

    N-K+1 makes sure that one of them has every acknowledged commit; more than half, that no two candidates
    find enough (`docs/decisions/0008-promises-of-more-than-half.md`).
    """
    reeds = len(membership.reeds)
    return max(reeds - membership.needed + 1, reeds // 2 + 1)


def to_joint(old: Membership, primary: str) -> Membership:
    """Who of the old members, besides the new primary, has to have the first commit of an epoch.

    So many that every other set of old members that could promise a later epoch meets one of them, and
    learns of the new membership from its log; and more than half, so that those meet one too who counted
    before, if the old members had not agreed to their own epoch yet. (One change of members is one machine.)
    """
    reeds = len(old.reeds)
    holders = max(reeds - promises_needed(old) + 1, reeds // 2 + 1) if reeds else 0
    return Membership(old.epoch, old.reeds - {primary}, max(0, holders - (primary in old.reeds)))


def find_acknowledged(numbers: Collection[int], needed: int) -> int:
    """The last number that at least `needed` reeds have; 0 when there are not so many reeds."""
    if len(numbers) < needed:
        return 0
    return sorted(numbers, reverse=True)[needed - 1]


def may_promise(promised: int, promised_to: str, epoch: int, candidate: str) -> bool:
    """Whether a reed may promise an epoch: a higher one to anybody, the same only again to the same."""
    return epoch > promised or (epoch == promised and candidate == promised_to)


def may_ship(promised: int, promised_to: str, followed: int, epoch: int, primary: str) -> bool:
    """Whether a reed takes the log of a primary that ships in that epoch.

    A primary that was promised the next epoch may ship what it has before it begins it, but not if somebody
    else was promised one since: then it has to begin first (`followed`, by `to_followed`).
    """
    return epoch > promised or (primary == promised_to and epoch >= followed)


def to_followed(promised_to: str, followed: int, epoch: int, candidate: str) -> int:
    """The first epoch in which whom a reed promises `epoch` to may ship to it."""
    return followed if candidate == promised_to else epoch


def contains(history: Sequence[Reign], length: int, position: Position) -> bool:
    """Whether a log with this history and length has everything that a copy at `position` has.

    A copy that is ahead of where its epoch ended in this history holds what nobody agreed to.
    """
    epochs = sorted(history)
    for index, reign in enumerate(epochs):
        if reign.epoch == position.epoch:
            later = epochs[index + 1 :]
            end = later[0].after_number if later else length
            return position.number <= end
    return not epochs and position.number <= length


def choose_longest(positions: Iterable[tuple[Position, str]]) -> tuple[Position, str]:
    """The longest log and who has it."""
    return max(positions)


def to_commanded(membership: Membership, epoch: int, promoted: str, promised: Collection[str]) -> Membership:
    """The members after a promotion by command: those that promised. The command says so."""
    reeds = (membership.reeds & frozenset(promised)) - {promoted}
    return Membership(epoch, reeds, usual_needed(len(reeds)))


def to_automatic(membership: Membership, epoch: int, promoted: str, former: str) -> Membership:
    """The members after a promotion that nobody commanded: as many as before, and K as before."""
    return Membership(epoch, membership.reeds - {promoted} | {former}, membership.needed)
