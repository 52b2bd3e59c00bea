"""Keys for evidence that has to be kept for a time and then be gone: they lie outside the database.

`evidence/ID.key` in a machine's data folder, sealed under that machine's own key. They are in no database,
no log of it, no vault and no backup, so that what is sealed under one ends everywhere when the machines that
have it destroy it. A reed has its own copies; `survival/reeds/evidence_keeping.py` carries them there.

A destroyed key is written over before its name goes. Disks that never write in place, and snapshots that a
host takes of a whole machine, may keep the old bytes for a while; nothing here can reach those.
"""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from roseau.kernel import keys
from roseau.kernel.errors import Unavailable
from roseau.kernel.sealing import derive_key
from roseau.storage.secrets import machine_id_of, read_machine_key
from roseau.storage.syncing import sync

FOLDER = "evidence"
_ID = re.compile(r"[0-9a-f]{16}\Z")
_KEY, _GONE = ".key", ".gone"


class EvidenceKey(NamedTuple):
    """A key and what it is called: 16 hexadecimal digits."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        # So that no log and no traceback has it.
        return f"EvidenceKey({self.id})"


class EvidenceKeys:
    """The keys in one machine's data folder; without a folder none is known and none can be kept."""

    def __init__(self, data: Path | None = None) -> None:
        self._data = data
        self._machine_key = b""

    @property
    def machine_id(self) -> str:
        """The machine that these are on; empty without a folder."""
        return machine_id_of(self._read_machine_key()) if self._data else ""

    def make(self) -> EvidenceKey:
        """A new key, on this disk when it is returned. Raises Unavailable."""
        made = EvidenceKey(secrets.token_hex(8), keys.new_key())
        self.put(*made)
        return made

    def put(self, key_id: str, key: bytes) -> bool:
        """Keep a key; False when it was destroyed here before, for that is final. Raises Unavailable."""
        if self._data is None:
            raise Unavailable
        if self.is_gone(key_id):
            return False
        if self.find(key_id) == key:
            return True
        path = self._path(key_id, _KEY)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sealed = keys.seal(self._sealing_key(), _name(key_id), key)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            sync(path.parent)
            sync(self._data)
        except OSError as error:
            raise Unavailable from error
        return True

    def find(self, key_id: str) -> bytes | None:
        """A key; None when it is not on this machine, or does not open."""
        if self._data is None or self.is_gone(key_id):
            return None
        try:
            return keys.unseal(self._sealing_key(), _name(key_id), self._path(key_id, _KEY).read_bytes())
        except (FileNotFoundError, keys.Unsealable):
            return None

    def erase(self, key_id: str) -> None:
        """Destroy a key, for good: it is not taken back, whoever brings it. Raises OSError."""
        if self._data is None:
            return
        path, gone = self._path(key_id, _KEY), self._path(key_id, _GONE)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # First: from here on, whatever happens, the key opens nothing on this machine.
        os.close(os.open(gone, os.O_WRONLY | os.O_CREAT, 0o600))
        sync(path.parent)
        with suppress(FileNotFoundError):
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(max(os.fstat(file.fileno()).st_size, keys.KEY_BYTES)))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        sync(path.parent)

    def is_gone(self, key_id: str) -> bool:
        """Whether that key was destroyed here."""
        return self._path(key_id, _GONE).exists() if self._data else False

    def list_ids(self) -> list[str]:
        """The keys that are here and open."""
        return [key_id for key_id in self._list(_KEY) if self.find(key_id) is not None]

    def list_gone(self) -> list[str]:
        """The keys that were destroyed here."""
        return self._list(_GONE)

    def _list(self, suffix: str) -> list[str]:
        if self._data is None:
            return []
        found = (self._data / FOLDER).glob(f"*{suffix}")
        return sorted(path.stem for path in found if _ID.match(path.stem))

    def _path(self, key_id: str, suffix: str) -> Path:
        """Raises ValueError for anything that is not the id of a key."""
        if self._data is None or not _ID.match(key_id):
            raise ValueError(f"not the id of an evidence key: {key_id!r}")
        return self._data / FOLDER / f"{key_id}{suffix}"

    def _read_machine_key(self) -> bytes:
        if not self._machine_key and self._data is not None:
            self._machine_key = read_machine_key(self._data)
        return self._machine_key

    def _sealing_key(self) -> bytes:
        return derive_key(self._read_machine_key(), "evidence keys")


def is_id(text: str) -> bool:
    """Whether this can be the id of a key."""
    return _ID.match(text) is not None


def _name(key_id: str) -> str:
    return f"evidence-key {key_id}"
