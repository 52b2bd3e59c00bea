"""The site's secrets: in the database, sealed under a data key that is wrapped for this machine.

The machine's own key lies in the data folder, beside the database and readable by its owner only.
Survival wraps the same data key for the recovery key and for each reed.
"""

import os
from pathlib import Path

from sqlalchemy import bindparam, insert, select

from roseau.kernel import keys
from roseau.storage.database import Database, Transaction
from roseau.storage.schema.site import data_keys, secrets
from roseau.storage.statements import statement, upsert

THIS_MACHINE = "primary"

_wrapped = statement(select(data_keys.c.wrapped).where(data_keys.c.holder == bindparam("name")))
_wrap = statement(
    upsert(data_keys)
    .values(holder=bindparam("holder"), wrapped=bindparam("wrapped"), created_at=bindparam("created_at"))
    .on_conflict_do_nothing()
)
_sealed = statement(select(secrets.c.sealed).where(secrets.c.name == bindparam("wanted")))
_keep = statement(
    insert(secrets).values(
        name=bindparam("name"), sealed=bindparam("sealed"), created_at=bindparam("created_at")
    )
)


class LostKey(RuntimeError):
    """This machine's key does not open the data key that lies in the database."""


def read_machine_key(folder: Path) -> bytes:
    """This machine's key, made at first use: 32 bytes in `machine.key`, mode 0600."""
    path = folder / "machine.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = keys.new_key()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(key)
            handle.flush()
            os.fsync(handle.fileno())
        return key


def open_data_key(database: Database, folder: Path) -> bytes:
    """The key under which this site's secrets are sealed; made for a new site. Raises LostKey."""
    machine_key = read_machine_key(folder)
    return database.write_now(_open_data_key, machine_key)


def _open_data_key(tx: Transaction, machine_key: bytes) -> bytes:
    wrapped = tx.value(_wrapped, name=THIS_MACHINE)
    if wrapped is None:
        tx.run(
            _wrap,
            holder=THIS_MACHINE,
            wrapped=keys.seal(machine_key, "data-key", keys.new_key()),
            created_at=tx.now,
        )
        wrapped = tx.value(_wrapped, name=THIS_MACHINE)
    try:
        return keys.unseal(machine_key, "data-key", bytes(wrapped))
    except keys.Unsealable as error:
        raise LostKey(
            "machine.key in the data folder is not this database's. Put back the one from the backup."
        ) from error


def find_secret(tx: Transaction, data_key: bytes, name: str) -> bytes | None:
    """A secret of the site's, opened; None when there is none of that name."""
    sealed = tx.value(_sealed, wanted=name)
    return None if sealed is None else keys.unseal(data_key, name, bytes(sealed))


def keep_secret(tx: Transaction, data_key: bytes, name: str, value: bytes) -> None:
    """Seal and keep a new secret of the site's."""
    tx.run(_keep, name=name, sealed=keys.seal(data_key, name, value), created_at=tx.now)
