"""The backups as the control room and the alerts see them: the last nights, and when one was last proven."""

import msgspec
from sqlalchemy import func, select

from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.history import backups
from roseau.storage.statements import statement
from roseau.survival.history import NIGHTLY, VAULT, Backup, list_backups

NIGHTS = 7


class BackupFacts(msgspec.Struct, frozen=True):
    """The newest first. `proven_since` is the last proof, or the first attempt where there is none."""

    looked_at: int = 0
    nightly: list[Backup] = []
    #: Base copies in vaults.
    bases: list[Backup] = []
    last_proven_at: int | None = None
    proven_since: int | None = None

    @property
    def error(self) -> str:
        """Why the newest nightly backup failed; empty when it did not, or when it is not finished."""
        finished = next((made for made in self.nightly if made.finished_at), None)
        return finished.error if finished else ""

    @property
    def last_made_at(self) -> int | None:
        """When the newest backup or base copy that succeeded was finished."""
        good = [made for made in (*self.nightly, *self.bases) if not made.error]
        return max((made.finished_at for made in good if made.finished_at), default=None)


_proven = statement(select(func.max(backups.c.proven_at)).where(backups.c.kind == NIGHTLY))
_first = statement(select(func.min(backups.c.started_at)).where(backups.c.kind == NIGHTLY))


def load_backup_facts(tx: Transaction) -> BackupFacts:
    """What is known of the backups."""
    proven_at = tx.value(_proven)
    return BackupFacts(
        tx.now,
        list_backups(tx, NIGHTLY, 2 * NIGHTS),
        list_backups(tx, VAULT, NIGHTS),
        proven_at,
        proven_at or tx.value(_first),
    )


def list_nights(facts: BackupFacts) -> list[tuple[str, bool | None]]:
    """The last seven days, today last: whether a backup of that day was proven; None where there was none."""
    nights: list[tuple[str, bool | None]] = []
    for back in reversed(range(NIGHTS)):
        day = clock.to_date(facts.looked_at - back * clock.DAY)
        made = [backup for backup in facts.nightly if clock.to_date(backup.started_at) == day]
        nights.append((day, any(backup.proven_at and not backup.error for backup in made) if made else None))
    return nights
