"""The site's secrets: in the database, sealed under a data key that is itself sealed to each of its holders.

Holders are machines, by their ids, and the recovery key. A machine's own key lies in its data folder, beside
the database and readable by its owner only.
"""

import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import bindparam, delete, select

from roseau.kernel import keys
from roseau.kernel.sealing import derive_key, seal_for, to_sealing_public, unseal_with
from roseau.storage.database import Database, Transaction
from roseau.storage.schema.site import data_keys, secrets
from roseau.storage.statements import insertion, statement, upsert

#: The holder that is no machine: nine words on paper.
RECOVERY = "recovery"

# How the data key of a site was held before machines had ids: under machine.key itself.
_EARLIER = "primary"
_NAME = "data-key"

_held = statement(select(data_keys.c.holder, data_keys.c.wrapped).order_by(data_keys.c.holder))
_hold = statement(
    upsert(data_keys)
    .values(holder=bindparam("holder"), wrapped=bindparam("wrapped"), created_at=bindparam("created_at"))
    .on_conflict_do_update(
        index_elements=["holder"],
        set_={name: upsert(data_keys).excluded[name] for name in ("wrapped", "created_at")},
    )
)
_drop = statement(delete(data_keys).where(data_keys.c.holder == bindparam("wanted")))
_sealed = statement(select(secrets.c.sealed).where(secrets.c.name == bindparam("wanted")))
_keep = insertion(secrets, "name sealed created_at")
_replace = statement(
    upsert(secrets)
    .values({name: bindparam(name) for name in ("name", "sealed", "created_at")})
    .on_conflict_do_update(
        index_elements=["name"],
        set_={name: upsert(secrets).excluded[name] for name in ("sealed", "created_at")},
    )
)


class LostKey(RuntimeError):
    """The data key in the database does not open with what is at hand."""


# This machine


def read_machine_key(folder: Path) -> bytes:
    """This machine's key, made at first use: 32 bytes in `machine.key`, mode 0600. Raises LostKey."""
    path = folder / "machine.key"
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return _make_machine_key(path)
    if len(key) != keys.KEY_BYTES:
        raise LostKey(
            f"{path} is damaged. Put back the one from a backup, "
            "or move it away and run `roseau recovery open`."
        )
    return key


def _make_machine_key(path: Path) -> bytes:
    key = keys.new_key()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(key)
        handle.flush()
        os.fsync(handle.fileno())
    return key


def machine_id_of(machine_key: bytes) -> str:
    """What a machine is called by others: 16 hexadecimal digits of the hash of its identity's public key."""
    identity = Ed25519PrivateKey.from_private_bytes(derive_key(machine_key, "identity"))
    return hashlib.sha256(identity.public_key().public_bytes_raw()).hexdigest()[:16]


def sealing_key_of(machine_key: bytes) -> bytes:
    """The private key with which a machine opens what is sealed to it."""
    return derive_key(machine_key, "sealing")


def recovery_sealing_key(recovery_key: bytes) -> bytes:
    """The private key with which the nine words open what is sealed to them."""
    return derive_key(recovery_key, "recovery-sealing")


# The data key


def open_data_key(database: Database, folder: Path) -> bytes:
    """The key under which this site's secrets are sealed; made for a new site. Raises LostKey.

    Writes nothing where there is nothing to settle: a server starts while nothing can be written.
    """
    machine_key = read_machine_key(folder)
    held = database.read_now(_list_held)
    if wrapped := held.get(machine_id_of(machine_key)):
        try:
            return unseal_with(sealing_key_of(machine_key), _NAME, wrapped)
        except keys.Unsealable as error:
            raise _lost() from error
    if not held:
        return database.write_now(_begin, machine_key)
    try:
        data_key = keys.unseal(machine_key, _NAME, held.get(_EARLIER, b""))
    except keys.Unsealable as error:
        raise _lost() from error
    database.write_now(_hold_here, data_key, machine_key)
    return data_key


def _lost() -> LostKey:
    return LostKey(
        "machine.key in the data folder is not this database's. Put back the one that it had, "
        "or open the site with its recovery key: `roseau recovery open`."
    )


def recover_data_key(database: Database, folder: Path, recovery_key: bytes) -> bytes:
    """The data key, opened with the recovery key and from now on held by this machine too. Raises LostKey."""
    wrapped = database.read_now(_list_held).get(RECOVERY)
    if wrapped is None:
        raise LostKey("No recovery key was ever made for this site, so nothing but its machine.key opens it.")
    try:
        data_key = unseal_with(recovery_sealing_key(recovery_key), _NAME, wrapped)
    except keys.Unsealable as error:
        raise LostKey("These words are not this site's: another's, or those of an earlier key.") from error
    database.write_now(_hold_here, data_key, read_machine_key(folder))
    return data_key


def _list_held(tx: Transaction) -> dict[str, bytes]:
    return {row.holder: bytes(row.wrapped) for row in tx.all(_held)}


def _begin(tx: Transaction, machine_key: bytes) -> bytes:
    data_key = keys.new_key()
    _hold_here(tx, data_key, machine_key)
    return data_key


def _hold_here(tx: Transaction, data_key: bytes, machine_key: bytes) -> None:
    wrap_for(tx, data_key, machine_id_of(machine_key), to_sealing_public(sealing_key_of(machine_key)))
    drop_holder(tx, _EARLIER)


def wrap_for(tx: Transaction, data_key: bytes, holder: str, public: bytes) -> None:
    """Let a holder have the data key, sealed to its public key, in place of what it had."""
    tx.run(_hold, holder=holder, wrapped=seal_for(public, _NAME, data_key), created_at=tx.now)


def drop_holder(tx: Transaction, holder: str) -> None:
    """Take the data key from a holder. What it has opened already it knows."""
    tx.run(_drop, wanted=holder)


def list_holders(tx: Transaction) -> list[str]:
    """Who can open the data key: ids of machines, and `recovery`."""
    return list(_list_held(tx))


# What is sealed under it


def find_secret(tx: Transaction, data_key: bytes, name: str) -> bytes | None:
    """A secret of the site's, opened; None when there is none of that name."""
    sealed = tx.value(_sealed, wanted=name)
    return None if sealed is None else keys.unseal(data_key, name, bytes(sealed))


def keep_secret(tx: Transaction, data_key: bytes, name: str, value: bytes, *, replace: bool = False) -> None:
    """Seal and keep a secret of the site's: a new one, or with `replace` in the place of another."""
    tx.run(
        _replace if replace else _keep,
        name=name,
        sealed=keys.seal(data_key, name, value),
        created_at=tx.now,
    )
