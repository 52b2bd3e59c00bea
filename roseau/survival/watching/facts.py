"""Everything that the control room knows of a site, gathered in one read."""

import shutil
from pathlib import Path

import msgspec
from sqlalchemy import Integer, and_, bindparam, case, func, or_, select

from roseau.domain.media.checking import find_last_check
from roseau.domain.site import Choices, Site, load_choices
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.log import jobs
from roseau.storage.schema.survival import machines
from roseau.storage.statements import statement
from roseau.survival.standing import Condition, Standing, condition_of
from roseau.survival.vault.standing import VaultStanding
from roseau.survival.watching.backup_facts import BackupFacts, load_backup_facts
from roseau.survival.watching.days import Day, Sizes, foresee_full, list_days
from roseau.survival.watching.dependencies import Dependency, load_dependencies
from roseau.survival.watching.rehearsals import Rehearsal, find_last_rehearsal

DAYS = 90


class Queue(msgspec.Struct, frozen=True):
    """Jobs of one kind: those that are due and not done, and those that were given up."""

    kind: str
    waiting: int
    failed: int


class Machine(msgspec.Struct, frozen=True):
    """A machine that belongs to the site."""

    id: str
    name: str
    address: str
    role: str


class Room(msgspec.Struct, frozen=True):
    """The disk of the data folder, and what the site takes of it; `full_at` is a forecast or None."""

    total: int
    free: int
    sizes: Sizes | None
    full_at: int | None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The site at the moment `now`. `since`: how long the condition lasts; 0 when nobody knows."""

    now: int
    standing: Standing = msgspec.field(default_factory=Standing)
    condition: Condition = "alone"
    since: int = 0
    started_at: int = 0
    #: SQLite ships its log to reeds; PostgreSQL replicates by its own means, which is not seen from here.
    ships: bool = True
    days: list[tuple[str, Day | None]] = []
    rehearsal: Rehearsal | None = None
    backups: BackupFacts = BackupFacts()
    dependencies: dict[str, Dependency] = {}
    queues: list[Queue] = []
    machines: list[Machine] = []
    owners: int = 1
    #: missing, unproven or proven
    recovery: str = "missing"
    room: Room
    sends_mail: bool = False
    backup_folder: str = ""
    vaults: list[VaultStanding] = []
    media_stores: int = 1
    #: When every picture was last read in every store, and how many were right in none.
    media_checked_at: int | None = None
    media_lost: int = 0
    dns_hook: bool = False

    @property
    def machine_name(self) -> str:
        """The name of this machine; empty before it has one."""
        return next((found.name for found in self.machines if found.id == self.standing.machine_id), "")

    def failed(self, *kinds: str) -> int:
        """How many jobs of these kinds, or of any, were given up."""
        return sum(queue.failed for queue in self.queues if not kinds or queue.kind in kinds)

    def waiting(self, *kinds: str) -> int:
        """How many jobs of these kinds, or of any, are due and not done yet."""
        return sum(queue.waiting for queue in self.queues if not kinds or queue.kind in kinds)


_failed = func.sum(case((jobs.c.failed_at.is_not(None), 1), else_=0)).cast(Integer).label("failed")
_due = and_(jobs.c.failed_at.is_(None), or_(jobs.c.run_at <= bindparam("now"), jobs.c.attempts > 0))
_waiting = func.sum(case((_due, 1), else_=0)).cast(Integer).label("waiting")
_queues = statement(
    select(jobs.c.kind, _waiting, _failed).group_by(jobs.c.kind).order_by(jobs.c.kind), into=Queue
)
_machines = statement(
    select(machines.c.id, machines.c.name, machines.c.address, machines.c.role)
    .where(machines.c.left_at.is_(None))
    .order_by(machines.c.paired_at),
    into=Machine,
)
_owners = statement(
    select(func.count())
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        users.c.role == "owner",
        users.c.disabled_at.is_(None),
        accounts.c.suspended_at.is_(None),
        accounts.c.deleted_at.is_(None),
    )
)


def gather_facts(
    tx: Transaction,
    site: Site,
    folder: Path,
    standing: Standing,
    vaults: list[VaultStanding],
    *,
    since: int,
    started_at: int,
) -> Facts:
    """The facts as they are now; `since` and `started_at` are what the watch knows."""
    settings = site.settings
    days = list_days(tx, DAYS)
    recorded = [day for _, day in days if day]
    disk = shutil.disk_usage(folder)
    measured = [day for day in recorded if day.measured_at]
    check = find_last_check(tx)
    return Facts(
        now=clock.now(),
        standing=standing,
        condition=condition_of(standing),
        since=since,
        started_at=started_at,
        ships=tx.dialect == "sqlite",
        days=days,
        rehearsal=find_last_rehearsal(tx),
        backups=load_backup_facts(tx),
        dependencies=load_dependencies(tx),
        queues=[queue for queue in tx.all(_queues, now=tx.now) if queue.waiting or queue.failed],
        machines=tx.all(_machines),
        owners=tx.value(_owners),
        recovery=_recovery(load_choices(tx)),
        room=Room(disk.total, disk.free, measured[-1].sizes if measured else None, foresee_full(recorded)),
        sends_mail=bool(settings.smtp_host),
        backup_folder=settings.backup_folder,
        vaults=vaults,
        media_stores=1 + len(settings.media_stores),
        media_checked_at=check.ended_at if check else None,
        media_lost=check.found().lost if check else 0,
        dns_hook=bool(settings.dns_hook),
    )


def _recovery(choices: Choices) -> str:
    if not choices.recovery_public_key:
        return "missing"
    return "proven" if choices.recovery_proven_at else "unproven"
