"""What `roseau restore --from VAULT` does: a data folder from a vault, in a folder beside its place."""

import sys
from pathlib import Path

import msgspec

from roseau.cli.progress import progress_of
from roseau.kernel import clock
from roseau.opening import open_database, open_site
from roseau.settings import Settings
from roseau.storage.copying import fold_log
from roseau.storage.secrets import machine_id_of, read_machine_key, recover_data_key, recovery_sealing_key
from roseau.survival.history import begin_restored_reign
from roseau.survival.reeds.carrying import unpack_settings
from roseau.survival.vault.pictures import restore_pictures
from roseau.survival.vault.restoring import NothingToRestore, Restored, find_volumes, restore_database
from roseau.survival.vault.shelf import Shelf, ShelfAway, open_shelf


class VaultRefused(RuntimeError):
    """The vault cannot give what was asked for; the message says why."""


def restore_from_vault(
    settings: Settings, address: str, at: int | None, recovery_key: bytes, staging: Path
) -> str:
    """Restore a moment into an empty folder; what it is, to follow `as`. Raises VaultRefused, LostKey.

    What could not be used on the way is said on standard error.
    """
    if settings.database:
        raise VaultRefused("A vault holds a site on SQLite. Remove the setting `database` for this restore.")
    try:
        restored, pictures = _restore(open_shelf(address), at, recovery_sealing_key(recovery_key), staging)
    except (NothingToRestore, ShelfAway) as error:
        raise VaultRefused(str(error)) from error
    _open(msgspec.structs.replace(settings, data=str(staging)), recovery_key)
    place = restored.position
    made = f"its last change before that is commit {place.number}, of {clock.to_iso(place.at)}"
    held = f"{pictures} picture{'' if pictures == 1 else 's'} came with it"
    if restored.broken_off:
        return (
            f"it was at {clock.to_iso(place.at)}, commit {place.number}, where the vault breaks off; {held}"
        )
    if at is None:
        return f"it was at {clock.to_iso(place.at)}, commit {place.number}, the last in the vault; {held}"
    return f"it was at {clock.to_iso(at)}; {made}; {held}"


def _restore(shelf: Shelf, at: int | None, private: bytes, staging: Path) -> tuple[Restored, int]:
    volumes = find_volumes(shelf, private)
    with progress_of("Restoring the database") as report:
        restored = restore_database(shelf, volumes, private, at, staging / "roseau.db", report)
    with progress_of("Restoring pictures") as report:
        pictures, missing = restore_pictures(shelf, private, staging / "media", report)
    for trouble in (*restored.troubles, *missing):
        print(f"roseau: {trouble}", file=sys.stderr)
    return restored, pictures


def _open(settings: Settings, recovery_key: bytes) -> None:
    """Let this machine open it, try its secrets, and begin a reign of its own."""
    folder = Path(settings.data)
    database = open_database(settings)
    try:
        data_key = recover_data_key(database, folder, recovery_key)
        # What the site was set to went with it; what was true of the lost machine only did not.
        database.read_now(unpack_settings, data_key, folder)
        open_site(database, settings)
        machine_id = machine_id_of(read_machine_key(Path(settings.data)))
        database.write_now(begin_restored_reign, machine_id)
    finally:
        database.close()
    # Only the database itself is put in place, so nothing may be left in a log beside it.
    fold_log(folder / "roseau.db")
