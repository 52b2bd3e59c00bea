"""Notices trouble while it happens: keeps the record of the days, and mails those who run the site.

`Watch.run` looks every few seconds for as long as the application lives. It writes once a minute, and only
while writing works: what it notices in between is kept in memory and written down as soon as it can be.
"""

import asyncio
import logging
import shutil
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from sqlalchemy import desc, select

from roseau.domain.accounts.mails import Mail
from roseau.domain.moderation.evidence_places import count_overdue
from roseau.domain.moderation.statements.deliveries import count_late_deliveries
from roseau.domain.moderation.team.calling import count_unseen
from roseau.domain.site import Site
from roseau.kernel import clock, ids
from roseau.kernel.errors import RoseauError
from roseau.network.smtp import MailDelayed
from roseau.storage.database import Database, Transaction
from roseau.storage.schema.watch import survival_changes
from roseau.storage.statements import insertion, statement
from roseau.survival.standing import Condition, Standing, condition_of, missing_reeds
from roseau.survival.watching.alerts import Alarm, AlertKind, Args, keep_alerts, load_alerts, write_alerts
from roseau.survival.watching.backup_facts import BackupFacts, load_backup_facts
from roseau.survival.watching.days import UNSEEN, Day, Sizes, Tally, Trouble, find_last_day, record_days
from roseau.survival.watching.dependencies import plan_look
from roseau.survival.watching.measuring import measure

log = logging.getLogger("roseau.watch")

#: How often it looks, in seconds.
PERIOD = 3.0
#: How often it writes, and measures the data folder, in milliseconds.
RECORD = clock.MINUTE
MEASURE = 6 * clock.HOUR
#: A pause between two looks that is longer than this was an outage: the machine or the process stood still.
PAUSE = 30 * clock.SECOND
#: A tenth of the disk has to be free.
LOW = 10
#: A backup has to have been restored for a trial in so long.
PROOF = 3 * clock.DAY
#: What could not be mailed is tried again after so long, in milliseconds.
AGAIN = clock.MINUTE
#: More than this many letters that cannot be sent are not worth keeping.
OUTBOX = 200


class Change(msgspec.Struct, frozen=True):
    """From one condition to another."""

    at: int
    kind: str
    args: str


_record = insertion(survival_changes, "id at kind args")
_newest = statement(
    select(survival_changes.c.at, survival_changes.c.kind, survival_changes.c.args)
    .order_by(desc(survival_changes.c.id))
    .limit(1),
    into=Change,
)


def find_last_change(tx: Transaction) -> Change | None:
    """The newest change that was written down."""
    return tx.one(_newest)


class Watch:
    """Looks at how the site stands. `send` hands a mail over and raises MailDelayed when it cannot now.

    The site is asked for each time: the first run may give it another address.
    """

    def __init__(
        self,
        database: Database,
        site: Callable[[], Site],
        folder: Path,
        look: Callable[[], Standing],
        send: Callable[[Mail], Awaitable[None]],
    ) -> None:
        self.database, self.site, self.folder = database, site, folder
        self.look, self.send = look, send
        self.condition: Condition | None = None
        #: Since when the condition has been what it is; 0 when nobody knows.
        self.since = 0
        self.started_at = clock.now()
        #: Whether the last record could not be written although enough reeds answer: the disk is full, say.
        self.stuck = False
        self._alarm = Alarm()
        self._tally = Tally()
        self._changes: list[Change] = []
        self._outbox: list[tuple[int, Mail]] = []
        self._looked_at = 0
        self._recorded_at = 0
        self._measured_at = 0
        self._backups = BackupFacts()
        #: Letters of the moderation that should have arrived by now.
        #: What of the moderation should have happened by now and has not: how many of each.
        self._late: dict[AlertKind, int] = {}

    async def run(self) -> None:
        """Look and mail until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.tick))
            group.create_task(self._repeat(self.deliver))

    async def _repeat(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except Exception:  # whoever watches for trouble has to outlive it
                log.error("watch_failed\n%s", traceback.format_exc())
            await asyncio.sleep(PERIOD)

    async def tick(self) -> None:
        """Look once: count, notice, write down and prepare mails as it is due."""
        now = clock.now()
        standing = self.look()
        may_write = condition_of(standing) not in ("refused", "superseded")
        if self.stuck and may_write:
            standing = msgspec.structs.replace(standing, writable=False)
        condition = condition_of(standing)
        if not self._looked_at:
            await self._begin(now)
        self._count(condition, now)
        changed = self._notice(condition, standing, now)
        mailed = await self._raise_alarm(condition, standing, now)
        due = changed or mailed or self.stuck or now - self._recorded_at >= RECORD
        if may_write and due:
            await self._write_down(now)

    async def deliver(self) -> None:
        """Send the mails that wait, each on its own; those that cannot leave now are tried again."""
        now = clock.now()
        waiting, self._outbox = self._outbox, []
        for at, mail in waiting:
            if at > now:
                self._outbox.append((at, mail))
                continue
            try:
                await self.send(mail)
            except MailDelayed as error:
                log.warning("alert_delayed error=%s", error)
                self._outbox.append((now + AGAIN, mail))
            except RoseauError as error:
                log.warning("alert_rejected error=%s", error)
        del self._outbox[:-OUTBOX]

    # What is counted

    async def _begin(self, now: int) -> None:
        last, mailed, change = await self.database.read(_look_back)
        self._looked_at = now
        self._alarm = Alarm(mailed)
        if change:
            self.condition, self.since = msgspec.convert(change.kind, Condition), change.at
        # The promoted machine finds here when the lost one was last seen, so the outage is counted as it was.
        if last and now - last.seen_at > UNSEEN:
            self._tally.add("down", last.seen_at + UNSEEN, now)

    def _count(self, condition: Condition, now: int) -> None:
        before, self._looked_at = self._looked_at, now
        if now - before > PAUSE:
            self._tally.add("down", before, now)
        elif condition in ("refused", "reed_missing"):
            self._tally.add("refused" if condition == "refused" else "reed_missing", before, now)

    def _notice(self, condition: Condition, standing: Standing, now: int) -> bool:
        if condition == self.condition:
            return False
        args = {"names": _names(standing), "needed": standing.needed, "answering": standing.answering}
        self._changes.append(Change(now, condition, msgspec.json.encode(args).decode()))
        if self.condition is not None:
            log.warning("survival_changed from=%s to=%s epoch=%d", self.condition, condition, standing.epoch)
        self.condition, self.since = condition, now
        return True

    async def _write_down(self, now: int) -> None:
        sizes = None
        if now - self._measured_at >= MEASURE:
            sizes = await measure(self.database, self.folder)
        trouble, changes = self._tally.take_seconds(), list(self._changes)
        try:
            await self.database.write(_keep, trouble, sizes, changes, self._alarm.mailed, now)
        except RoseauError as error:
            self._tally.give_back(trouble)
            self.stuck = True
            log.warning("watch_not_written error=%s", error)
            return
        self.stuck = False
        self._changes = self._changes[len(changes) :]
        self._recorded_at = now
        if sizes:
            self._measured_at = now

    # What is mailed

    async def _raise_alarm(self, condition: Condition, standing: Standing, now: int) -> bool:
        if now - self._backups.looked_at >= RECORD:
            self._backups, self._late = await self.database.read(_look_around)
        due, over = self._alarm.look(self._trouble(condition, standing, now), now)
        if due or over:
            for kind in due:
                log.warning("alert kind=%s", kind)
            mails = await self.database.read(write_alerts, self.site(), due, over)
            self._outbox += [(now, mail) for mail in mails]
        return bool(due or over)

    def _trouble(self, condition: Condition, standing: Standing, now: int) -> dict[AlertKind, Args]:
        found: dict[AlertKind, Args] = {}
        if condition in ("refused", "reed_missing", "superseded"):
            found[condition] = {
                "names": standing.superseded_by if condition == "superseded" else _names(standing),
                "needed": standing.needed,
                "answering": standing.answering,
            }
        disk = shutil.disk_usage(self.folder)
        if disk.free * LOW < disk.total:
            found["disk_low"] = {"free": disk.free}
        backups = self._backups
        if backups.error:
            found["backup_failed"] = {"reason": backups.error}
        if backups.proven_since is not None and now - backups.proven_since > PROOF:
            found["backup_unproven"] = {"moment": backups.proven_since}
        return found | {kind: {"count": count} for kind, count in self._late.items() if count}


def _look_back(tx: Transaction) -> tuple[Day | None, dict[str, int], Change | None]:
    return find_last_day(tx), load_alerts(tx), find_last_change(tx)


def _look_around(tx: Transaction) -> tuple[BackupFacts, dict[AlertKind, int]]:
    late: dict[AlertKind, int] = {
        "statements_late": count_late_deliveries(tx),
        "case_unseen": count_unseen(tx),
        "erasure_waiting": count_overdue(tx),
    }
    return load_backup_facts(tx), late


def _keep(
    tx: Transaction,
    trouble: dict[str, Trouble],
    sizes: Sizes | None,
    changes: list[Change],
    mailed: dict[str, int],
    now: int,
) -> None:
    record_days(tx, trouble, sizes, now)
    for change in changes:
        tx.run(_record, id=ids.new_id(), at=change.at, kind=change.kind, args=change.args)
    keep_alerts(tx, mailed)
    plan_look(tx)


def _names(standing: Standing) -> str:
    return ", ".join(reed.name for reed in missing_reeds(standing)) or "–"
