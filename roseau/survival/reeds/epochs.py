"""New epochs of a living primary: other members, or going on after a promotion that came to nothing.

`docs/survival.md`, "Epochs". Everything here runs on threads of its own and may wait for the reeds.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from roseau.kernel.errors import Unavailable
from roseau.storage.database import Transaction
from roseau.storage.sqlite import SqliteDatabase
from roseau.survival.contract import Membership, Position, Reign, promises_needed, to_joint
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.asking import Answers, ask_all
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.machines import FORCED, begin_epoch, find_position
from roseau.survival.reeds.roster import MachineState, save_state
from roseau.survival.reeds.shipping import NotPrimary, Shipper

log = logging.getLogger("roseau.survival")

#: A new membership is agreed to within this time, or the command says that it is not yet.
AGREE_SECONDS = 10.0
#: How often a primary tries to go on that was asked to make way, and for whom nobody has come.
RESUME_SECONDS = 1.0
TRIES = 3


class TooFewPromises(Unavailable):
    """The reeds that count do not agree to a new epoch."""

    code = "too_few_promises"


class Changing(Protocol):
    """What a change of epoch needs of the primary."""

    database: SqliteDatabase
    folder: Path
    identity: Identity
    state: MachineState
    shipper: Shipper
    changing: threading.Lock

    def enter(self, joint: Membership | None) -> None:
        """Ship to the members of the epoch that has begun, and until they agree to those of `joint` too."""
        ...

    def supersede(self, notice: messages.Superseded) -> None:
        """Write nothing more."""
        ...


#: From the present members and how many of them are needed to those of the next epoch; None: none begins.
Choice = Callable[[Membership], tuple[frozenset[str], int] | None]


def change(primary: Changing, choose: Choice, reason: str, *, force: bool = False) -> None:
    """Begin an epoch with other members: promises of the present ones, one commit, and both agree to it.

    Raises TooFewPromises, NotPrimary.
    """
    shipper = primary.shipper
    with primary.changing:
        # Chosen in here, so that of two changes the second begins where the first has ended.
        old = shipper.memberships[0]
        chosen = choose(old)
        if chosen is None:
            return
        reeds, needed = chosen
        if len(shipper.memberships) > 1 and not force:
            # The members before these may be needed yet, and a second change would forget them.
            raise TooFewPromises(
                "Too few reeds have the beginning of the present epoch yet. Try again when they do."
            )
        epoch = _collect_promises(primary, old, force)
        shipper.hold(True)
        try:
            number = _begin(primary, Membership(epoch, reeds, needed), FORCED if force else reason)
            joint = to_joint(old, primary.identity.id)
            primary.enter(None if force or not joint.needed else joint)
        finally:
            shipper.hold(False)
        log.warning("epoch_begun epoch=%d needed=%d of=%d reason=%r", epoch, needed, len(reeds), reason)
        _wait_for(shipper, number)


def _collect_promises(primary: Changing, old: Membership, force: bool) -> int:
    """An epoch that enough of the present members have promised."""
    shipper, state = primary.shipper, primary.state
    epoch = max(shipper.epoch, state.promised)
    for _ in range(TRIES):
        epoch += 1
        state.promised, state.promised_to = epoch, primary.identity.id
        save_state(primary.folder, state)
        answers = _ask(primary, old, messages.Promise(epoch=epoch), messages.Promised)
        notice = answers.overtaken
        if notice is not None and notice.reigns:
            primary.supersede(notice)
            raise NotPrimary
        if any(answer.position > _own(primary) for answer in answers.promised.values()):
            primary.supersede(messages.Superseded(epoch=epoch, reigns=True))
            raise NotPrimary
        if force or not old.reeds or len(answers.promised) >= promises_needed(old):
            return epoch
        if notice is None:
            break
        # A candidate for whom too few have promised left a higher epoch behind.
        epoch = max(epoch, notice.epoch)
    raise TooFewPromises(
        "Too few of the reeds that count answer, so nothing was changed. Try again when they do."
    )


def _ask(
    primary: Changing, members: Membership, question: messages.Message, kind: type[wire.M]
) -> Answers[wire.M]:
    shipper = primary.shipper
    asked = [machine for machine in shipper.roster.machines if machine.id in members.reeds]
    return shipper.call(ask_all(primary.identity, asked, shipper.epoch, question, kind))


def _own(primary: Changing) -> Position:
    return Position(primary.shipper.epoch, primary.shipper.log.number)


def _begin(primary: Changing, membership: Membership, reason: str) -> int:
    def begin(tx: Transaction) -> int:
        number = find_position(tx).number
        begin_epoch(tx, membership, primary.identity.id, reason)
        return number

    number = primary.database.write_alone(begin)
    primary.shipper.history.append(Reign(membership.epoch, number))
    return number + 1


def _wait_for(shipper: Shipper, number: int) -> None:
    async def agreed() -> None:
        async with asyncio.timeout(AGREE_SECONDS):
            while shipper.acknowledged < number:
                await asyncio.sleep(0.02)

    try:
        shipper.call(agreed())
    except TimeoutError:
        raise TooFewPromises(
            "The new epoch has begun, and too few reeds have it yet. Writing goes on when they do."
        ) from None


def resume(primary: Changing) -> None:
    """Go on in a higher epoch when a reed has promised one, and nobody reigns in it.

    Asks first, and disturbs nobody: a reed that follows another primary, or has more than this machine, says
    that somebody does. Then this machine is superseded. Else it tries until enough reeds agree.
    """
    shipper = primary.shipper
    while shipper.superseded is None:
        present = shipper.memberships[0]
        answers = _ask(primary, present, messages.Lost(), messages.LostAnswer)
        if answers.overtaken is not None and answers.overtaken.reigns:
            primary.supersede(answers.overtaken)
            return
        for machine_id, answer in answers.promised.items():
            if Position(answer.epoch, answer.number) > _own(primary):
                primary.supersede(messages.Superseded(epoch=answer.epoch, reigns=True, machine_id=machine_id))
                return
        alone = all(answer.primary in ("", primary.identity.id) for answer in answers.promised.values())
        if alone and len(answers.promised) >= promises_needed(present):
            try:
                change(primary, lambda members: (members.reeds, members.needed), "resumed")
            except Unavailable as error:
                log.warning("not_resumed reason=%s", error)
            else:
                return
        time.sleep(RESUME_SECONDS)
