"""Promotion: a reed becomes the primary. Promises, the longest log, a new epoch; then the server can start.

`docs/survival.md`, "Epochs", has the rule. Nothing is changed here before enough reeds have promised.
"""

import asyncio
import logging
import ssl
import time
from typing import NamedTuple

import msgspec

from roseau.kernel.errors import RoseauError
from roseau.storage.database import Transaction
from roseau.storage.secrets import LostKey, open_data_key
from roseau.storage.sqlite import SqliteDatabase
from roseau.survival.contract import (
    Membership,
    choose_longest,
    promises_needed,
    to_automatic,
    to_commanded,
)
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.asking import Answers, ask_all
from roseau.survival.reeds.carrying import unpack_settings
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.machines import FORCED, begin_epoch, find_position, keep_machine, load_roster
from roseau.survival.reeds.reed import LOST_SECONDS, Reed
from roseau.survival.reeds.roster import Machine, save_state

log = logging.getLogger("roseau.survival")

TRIES = 4


class NotPromoted(RoseauError):
    """This reed does not become the primary; the sentence says why."""

    status, code = 409, "not_promoted"


class Promoted(msgspec.Struct):
    """What came of it: the epoch, the position, and what `--force` may have cost."""

    epoch: int
    number: int
    counted: int
    needed: int
    forced: str = ""


class Won(NamedTuple):
    """Enough promises: of which epoch, under which membership, and what the promising reeds said."""

    epoch: int
    membership: Membership
    answers: Answers[messages.Promised]


async def promote(
    reed: Reed, web_address: str, *, commanded: bool, force: bool = False, handed: bool = False
) -> Promoted:
    """Make this reed the primary; its data folder is a primary's when this returns. Raises NotPromoted.

    `handed`: the primary itself has asked for it, so that it need not be lost.
    """
    if commanded and not handed and not force:
        await _wait_until_lost(reed)
    won = await _win(reed, force, giving_way=not commanded)
    own = reed.identity.id
    forced = _to_warning(won) if force else ""
    await _fetch_longest(reed, won)
    former = reed.state.roster.primary
    await reed.close()
    if (reed.state.promised, reed.state.promised_to) != (won.epoch, own):
        raise NotPromoted("Another machine was promised a higher epoch meanwhile. `roseau status` shows who.")
    if commanded or former is None:
        members = to_commanded(won.membership, won.epoch, own, {own, *won.answers.promised})
    else:
        members = to_automatic(won.membership, won.epoch, own, former.id)
    reason = FORCED if forced else "commanded" if commanded else "automatic"
    return _begin_reign(reed, members, web_address, reason, forced)


async def _wait_until_lost(reed: Reed) -> None:
    """A primary that has just died is not known to be lost; one that answers is not to be replaced."""
    until = time.monotonic() + 2 * LOST_SECONDS
    while reed.primary is not None and not reed.lost:
        if time.monotonic() > until:
            raise NotPromoted(
                "The primary still ships to this machine. `roseau switch` there hands the site over without "
                "losing a request; --force takes it."
            )
        await asyncio.sleep(0.1)


async def _win(reed: Reed, force: bool, giving_way: bool) -> Won:
    """Enough promises, judged by the membership in the longest log. Raises NotPromoted.

    `giving_way`: not against another candidate, for two that outbid each other leave nobody to acknowledge.
    """
    own = reed.identity.id
    copy = await reed.on_disk(reed.standby.reread)
    membership, heard = copy.membership, 0
    for _ in range(TRIES):
        if own not in membership.reeds and not force:
            raise NotPromoted(
                "This machine is not counted among the reeds, so it may lack what was acknowledged. "
                "Promote one that is, or use --force."
            )
        epoch = max(reed.state.promised, copy.position.epoch, heard) + 1
        await reed.promise(epoch, own)
        asked = membership.reeds - {own}
        others = [one for one in reed.state.roster.machines if one.id in asked]
        answers = await ask_all(
            reed.identity, others, epoch, messages.Promise(epoch=epoch), messages.Promised
        )
        if answers.overtaken is not None and answers.overtaken.epoch >= epoch:
            heard = answers.overtaken.epoch
            if not giving_way:
                continue
            if heard > epoch:
                await reed.promise(heard, answers.overtaken.machine_id)
            reed.wait_for_another()
            raise NotPromoted("Another machine is being promoted.")
        for answer in answers.promised.values():
            reed.learn(answer.roster)
        copy = await reed.on_disk(reed.standby.reread)
        longest = max(answers.promised.values(), key=lambda answer: answer.position, default=None)
        newest = copy.membership
        if longest is not None and longest.position > copy.position:
            newest = longest.membership
        if newest != membership:
            # Who counts is what the longest log says; its members have to be asked.
            membership = newest
            continue
        if len(answers.promised) + (own in membership.reeds) >= promises_needed(membership) or force:
            return Won(epoch, membership, answers)
        raise NotPromoted(_to_shortage(Won(epoch, membership, answers)))
    raise NotPromoted(
        "Other machines began higher epochs meanwhile. Look at `roseau status` on each of them."
    )


def _to_shortage(won: Won) -> str:
    silent = "; ".join(f"{machine}: {reason}" for machine, reason in won.answers.silent.items())
    return (
        f"{promises_needed(won.membership)} of {len(won.membership.reeds)} reeds have to agree, and "
        f"{len(won.answers.promised) + 1} do ({silent}). A write may have been acknowledged that only the "
        "others have. Bring one of them back, or use --force and accept that loss."
    )


def _to_warning(won: Won) -> str:
    missing = promises_needed(won.membership) - len(won.answers.promised) - 1
    if missing <= 0 and not won.answers.silent:
        return ""
    return (
        "Writes that were acknowledged by reeds which did not answer "
        f"({', '.join(won.answers.silent) or 'this one was not counted'}) may be missing."
    )


async def _fetch_longest(reed: Reed, won: Won) -> None:
    """Take from another reed what its log has beyond this one. Raises NotPromoted."""
    copy = await reed.on_disk(reed.standby.reread)
    logs = {one: answer.position for one, answer in won.answers.promised.items()}
    logs[reed.identity.id] = copy.position
    longest, holder = choose_longest((position, one) for one, position in logs.items())
    if longest.number == 0:
        raise NotPromoted("There is no copy of the site on any of these machines.")
    if copy.position >= longest:
        return
    machine = reed.state.roster.find(holder)
    if machine is None:
        raise NotPromoted(f"The longest log is on {holder}, which is not listed any more.")
    log.warning("fetching_log from=%s own=%d longest=%d", machine.name, copy.position.number, longest.number)
    place = copy.place
    question = messages.Fetch(
        epoch=copy.position.epoch,
        number=copy.position.number,
        mark=copy.mark,
        salts=place.salts if place else "",
        offset=place.offset if place else 0,
    )
    try:
        line = await wire.call(reed.identity, machine, reed.state.promised, "ask")
        try:
            await line.send(question)
            await reed.take_log(line)
        finally:
            line.close()
    except (OSError, ssl.SSLError, wire.Refused, wire.Overtaken) as error:
        raise NotPromoted(
            f"{machine.name} has a longer log, and it cannot be fetched: {error}. Promote that machine."
        ) from error
    copy = await reed.on_disk(reed.standby.reread)
    if copy.position < longest or copy.membership != won.membership:
        # Or its holder has taken more since it promised, and who counts is another question now.
        raise NotPromoted(f"The log of {machine.name} did not arrive whole. Try again, or promote it there.")


def _begin_reign(reed: Reed, members: Membership, web_address: str, reason: str, forced: str) -> Promoted:
    """The first commit of the reign, and the machine's own knowledge that it is the primary."""
    database = SqliteDatabase(reed.folder / "roseau.db")
    try:
        own = own_machine(reed.identity, reed.state.name, reed.state.address, web_address)

        def begin(tx: Transaction) -> int:
            keep_machine(tx, own)
            number = find_position(tx).number
            begin_epoch(tx, members, own.id, reason)
            return number

        # So that nobody takes over who cannot open the members' sessions.
        data_key = open_data_key(database, reed.folder)
        database.keep_whole()
        number = database.write_now(begin)
        database.read_now(unpack_settings, data_key, reed.folder)
        reed.state.roster = database.read_now(
            load_roster, automatic=reed.state.roster.automatic, base_url=reed.state.roster.base_url
        )
    except LostKey as error:
        raise NotPromoted(str(error)) from error
    finally:
        database.close()
    reed.state.role = "primary"
    reed.state.superseded, reed.state.superseded_by = 0, ""
    reed.state.pointing = True
    save_state(reed.folder, reed.state)
    log.warning("promoted epoch=%d number=%d counted=%d", members.epoch, number, len(members.reeds))
    return Promoted(members.epoch, number, len(members.reeds), members.needed, forced)


def own_machine(identity: Identity, name: str, address: str, web_address: str) -> Machine:
    """This machine as the primary."""
    return Machine(
        id=identity.id,
        name=name,
        address=address,
        certificate=identity.certificate,
        sealing_key=identity.sealing_public,
        role="primary",
        web_address=web_address,
    )
