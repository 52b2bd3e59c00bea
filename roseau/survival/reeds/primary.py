"""The primary: keeps its reeds, changes who counts, hands over. What `Server.survival` is on SQLite."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from roseau.domain.site import choose, load_choices
from roseau.kernel.errors import NotFound, Unavailable
from roseau.settings import Settings
from roseau.storage.database import Transaction
from roseau.storage.secrets import wrap_for
from roseau.storage.sqlite import SqliteDatabase
from roseau.survival.contract import Membership, usual_needed
from roseau.survival.reeds import messages, pairing, wire
from roseau.survival.reeds.court import Court
from roseau.survival.reeds.epochs import change, resume
from roseau.survival.reeds.evidence_carrying import carry_keys
from roseau.survival.reeds.handover import Door, hand_over
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.links import Link
from roseau.survival.reeds.machines import (
    drop_machine,
    find_events_before,
    find_joint,
    keep_machine,
    list_reigns,
    load_roster,
)
from roseau.survival.reeds.reed_store import ReedStores
from roseau.survival.reeds.roster import Machine, Roster, load_state, save_state
from roseau.survival.reeds.shipping import NotPrimary, Shipper
from roseau.survival.standing import KeyErrand, KeysFound, NotReached, Standing

log = logging.getLogger("roseau.survival")

#: A reed that could not be counted yet is tried again after so long.
COUNT_AGAIN_SECONDS = 1.0

T = TypeVar("T")


class Primary:
    """The survival of one site, as long as its server runs. Opened by `open_primary`."""

    def __init__(
        self, database: SqliteDatabase, folder: Path, settings: Settings, data_key: bytes, base_url: str
    ) -> None:
        self.database = database
        self.folder = folder
        self.settings = settings
        self.base_url = base_url
        self.identity = Identity.of(folder)
        self.state = load_state(folder)
        self.shipper = Shipper(database, folder, self.identity, settings.survival_log_bytes)
        self.shipper.on_overtaken = self._overtaken
        self.shipper.on_news = self._news
        self.shipper.on_agreed = self._agreed
        #: Set by the application, which has one.
        self.gate: Door | None = None
        #: The same: the reeds as stores of pictures.
        self.stores: ReedStores | None = None
        self._data_key = data_key
        self._court: Court | None = None
        self._rehearsal: asyncio.subprocess.Process | None = None
        self.changing = threading.Lock()
        self._starting = threading.Lock()
        self._resuming = threading.Lock()
        self._resumer: threading.Thread | None = None
        self._counting: set[str] = set()
        self._handing = False
        self._running = False

    # Its life

    def start(self) -> None:
        """Keep the log and ship it, if there is anybody to ship it to."""
        roster = self.database.read_now(self.load_roster)
        if len(roster.machines) > 1 or self.settings.vaults:
            self._start(roster)

    def _start(self, roster: Roster) -> None:
        joint = None
        if self.state.settled < roster.epoch:
            joint = self.database.read_now(find_joint, self.identity.id)
        self.shipper.start(roster, self.database.read_now(list_reigns), joint)
        self._running = True
        if self.state.superseded:
            self.shipper.supersede(
                messages.Superseded(epoch=self.state.superseded, name=self.state.superseded_by)
            )
        if self.state.listen:
            self._court = Court(self)
            self.shipper.call(self._court.listen(*wire.split_address(self.state.listen)))
        self._tell_stores()

    def _tell_stores(self) -> None:
        if self.stores is not None:
            self.stores.follow()

    def close(self) -> None:
        """Ship no more."""
        if self._running:
            if self.stores is not None:
                self.stores.close()
            if self._court is not None:
                self.shipper.call(self._court.close())
            self.shipper.close()
            self._running = False

    @property
    def own(self) -> Machine:
        """This machine as the others are to know it."""
        return Machine(
            id=self.identity.id,
            name=self.state.name or "primary",
            address=self.state.address,
            certificate=self.identity.certificate,
            sealing_key=self.identity.sealing_public,
            role="primary",
            web_address=f"http://{self.settings.host}:{self.settings.port}",
        )

    def load_roster(self, tx: Transaction) -> Roster:
        """Everybody, as the database lists them."""
        return load_roster(tx, automatic=self.settings.survival_automatic, base_url=self.base_url)

    def standing(self) -> Standing:
        """How the site stands at this moment."""
        if not self._running:
            return Standing(machine_id=self.identity.id)
        return self.shipper.standing()

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the shipping thread, from another event loop."""
        return await asyncio.wrap_future(self.shipper.submit(work))

    # Pairing

    def invite(self, tx: Transaction) -> str:
        """A one-time code for a new reed."""
        if self.shipper.superseded is not None:
            raise NotPrimary
        return pairing.invite(tx, self._data_key, self.base_url).to_text()

    async def pair(self, request: pairing.PairRequest) -> pairing.PairAnswer:
        """Take a machine in that has a code. Raises NotPaired, Invalid."""
        try:
            answer = await self.database.write(self._pair, request)
        except pairing.NotPaired:
            used = await self.database.read(pairing.was_used, request.invitation)
            log.warning("pairing_refused name=%r replayed=%s", request.name, used)
            raise
        log.warning("machine_paired name=%r address=%s", request.name, request.address)
        await asyncio.to_thread(self.refresh)
        return answer

    def _pair(self, tx: Transaction, request: pairing.PairRequest) -> pairing.PairAnswer:
        _, secret = pairing.pair(tx, self._data_key, self.own, request)
        if not load_choices(tx).base_url:
            # It may have been a setting of this machine; the next one has to know it too.
            choose(tx, None, base_url=self.base_url)
        return pairing.to_answer(
            tx, secret, automatic=self.settings.survival_automatic, base_url=self.base_url
        )

    def refresh(self) -> None:
        """Ship to whom the database lists."""
        with self._starting:
            # Of several machines that are paired at once, the first has the log kept from now on.
            if not self._running:
                self._start(self.database.read_now(self.load_roster))
                return
        self.shipper.call(self._reload())

    def enter(self, joint: Membership | None) -> None:
        """Ship to the members of the epoch that has begun, and until they agree to those of `joint` too."""
        self.shipper.call(self._reload(joint, begun=True))

    def readmit(self, machine: Machine, address: str) -> messages.Joined:
        """List a machine that was the primary, or has moved, as a reed that is shipped to."""
        wire.split_address(address)
        returned = msgspec.structs.replace(machine, address=address, role="reed")

        def list_it(tx: Transaction) -> messages.Joined:
            keep_machine(tx, returned)
            wrap_for(tx, self._data_key, returned.id, returned.sealing_key)
            reign = list_reigns(tx)[-1]
            events = find_events_before(tx, reign.epoch)
            return messages.Joined(
                epoch=reign.epoch,
                after_number=reign.after_number,
                after_event=events or 0,
                roster=self.load_roster(tx),
            )

        joined = self.database.write_alone(list_it)
        log.warning("machine_returned name=%r address=%s", machine.name, address)
        # The link is made by this thread's own event loop, after the answer.
        self.shipper.submit(self._reload())
        return joined

    async def _reload(self, joint: Membership | None = None, *, begun: bool = False) -> None:
        # Read here, where one roster is taken after another: an older one never follows a newer.
        roster = self.database.read_now(self.load_roster)
        if not begun and roster.epoch != self.shipper.epoch:
            # Whoever has begun that epoch says in a moment who has to agree to it.
            return
        await self.shipper.set_roster(roster, joint)
        self._tell_stores()

    # Who counts

    def count(self, name: str) -> None:
        """Count a reed that has caught up, in a new epoch. Raises NotFound, Unavailable."""
        machine = self._find(name)
        link = self.shipper.links.get(machine.id)
        if link is None or not link.live:
            raise Unavailable(
                "%(name)s has not caught up yet, or does not answer. `roseau status` shows how far it is.",
                values={"name": machine.name},
            )

        def add(present: Membership) -> tuple[frozenset[str], int] | None:
            reeds = present.reeds | {machine.id}
            needed = max(usual_needed(len(reeds)), present.needed)
            return None if machine.id in present.reeds else (reeds, needed)

        change(self, add, f"count {machine.name}")

    def remove(self, name: str, force: bool = False) -> None:
        """Let a machine go, in a new epoch if it counted. Raises NotFound, TooFewPromises."""
        machine = self._find(name)

        def drop(present: Membership) -> tuple[frozenset[str], int] | None:
            reeds = present.reeds - {machine.id}
            return (reeds, usual_needed(len(reeds))) if machine.id in present.reeds else None

        change(self, drop, f"remove {machine.name}", force=force)
        self.database.write_alone(drop_machine, machine.id)
        self.refresh()

    def _find(self, name: str) -> Machine:
        machine = self.shipper.roster.find(name)
        if machine is None or machine.id == self.identity.id:
            raise NotFound(
                "There is no reed named %(name)s. `roseau status` lists them.", values={"name": name}
            )
        return machine

    # Rehearsing and handing over

    async def rehearse(self) -> None:
        """Begin a rehearsal on a copy, in a process of its own. Raises Unavailable."""
        if self._rehearsal is not None and self._rehearsal.returncode is None:
            raise Unavailable("A rehearsal is under way. Its result will be here in a few minutes.")
        command = [sys.executable, "-P", "-m", "roseau", "rehearse", "--data", str(self.folder)]
        self._rehearsal = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
        )

    async def switch(self, machine_id: str) -> None:
        """Hand the site over to this reed; when it returns, that one is the primary. Raises RoseauError."""
        await self.hand_over(machine_id)

    async def hand_over(self, name: str) -> str:
        """Make a reed the primary without losing a request; the address of its server. Raises RoseauError."""
        machine = self._find(name)
        self._handing = True
        try:
            address = await hand_over(self, machine)
            self.supersede(
                messages.Superseded(
                    epoch=self.shipper.epoch + 1, reigns=True, name=machine.name, machine_id=machine.id
                )
            )
        finally:
            self._handing = False
        self.shipper.hold(False)
        if self.gate is not None:
            self.gate.lead_to(address)
        return address

    # Evidence keys

    def list_keepers(self) -> list[str]:
        """The reeds that answer now."""
        links = list(self.shipper.links.items()) if self._running else []
        return [machine_id for machine_id, link in links if link.live]

    async def carry_keys(self, machine_id: str, errand: KeyErrand) -> KeysFound:
        """Do an errand about evidence keys on a reed. Raises NotReached."""
        link = self.shipper.links.get(machine_id)
        if link is None or not link.live:
            raise NotReached("It does not answer.")
        return await self.within(carry_keys(self.shipper, link.machine, errand))

    # What the links say

    def _news(self, link: Link) -> None:
        """A newly invited reed that has caught up is counted: the invitation was the operator's command."""
        machine = link.machine
        if machine.role == "joining" and link.live and machine.id not in self._counting:
            self._counting.add(machine.id)
            threading.Thread(target=self._count_joined, args=(machine,), name="counting", daemon=True).start()

    def _count_joined(self, machine: Machine) -> None:
        try:
            while self._running and self.shipper.superseded is None:
                try:
                    self.count(machine.id)
                    return
                except Unavailable as error:
                    # Others are being counted, or a reed that has to agree does not answer just now.
                    log.warning("counting_waits name=%s reason=%s", machine.name, error)
                    time.sleep(COUNT_AGAIN_SECONDS)
        except NotFound:
            log.info("counting_given_up name=%s", machine.name)
        finally:
            self._counting.discard(machine.id)

    def _overtaken(self, notice: messages.Superseded) -> None:
        """A reed has promised a higher epoch: somebody reigns in it, or somebody has tried to."""
        if notice.epoch <= self.shipper.epoch or self.shipper.superseded is not None:
            return
        if notice.reigns:
            self.supersede(notice)
        elif self._handing:
            # The one that this machine has asked; its server takes a moment to start.
            return
        elif not self.changing.locked():
            with self._resuming:
                if self._resumer is None or not self._resumer.is_alive():
                    self._resumer = threading.Thread(
                        target=resume, args=(self,), name="resuming", daemon=True
                    )
                    self._resumer.start()

    def supersede(self, notice: messages.Superseded) -> None:
        """Write nothing more, and remember it: another machine runs the site."""
        if self.shipper.superseded is not None:
            return
        log.error("superseded epoch=%d by=%s", notice.epoch, notice.name or notice.machine_id)
        self.state.superseded = notice.epoch
        self.state.superseded_by = notice.name or notice.machine_id
        save_state(self.folder, self.state)
        self.shipper.supersede(notice)

    def _agreed(self) -> None:
        """The old members have the beginning of this epoch: from now on the new ones are enough."""
        self.state.settled = self.shipper.epoch
        save_state(self.folder, self.state)


def open_primary(
    database: object, folder: Path, settings: Settings, data_key: bytes, base_url: str
) -> Primary | None:
    """The survival of a site on SQLite; None on PostgreSQL, whose own replication does this work."""
    if not isinstance(database, SqliteDatabase):
        return None
    return Primary(database, folder, settings, data_key, base_url)
