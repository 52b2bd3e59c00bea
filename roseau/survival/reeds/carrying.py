"""Settings that belong to the site rather than to one machine: carried in the database, sealed.

A promoted machine that has no `roseau.toml` gets one from them: mail, names and limits are as they were.
"""

import os
from pathlib import Path
from typing import Any

import msgspec

from roseau.settings import Settings
from roseau.storage.database import Database, Transaction
from roseau.storage.secrets import find_secret, keep_secret

NAME = "settings"
#: What is true of one machine only.
OWN = frozenset(
    (
        "data",
        "host",
        "port",
        "database",
        "synchronous",
        "trusted_proxies",
        "outgoing_networks",
        "public_address",
        "backup_folder",
        "log",
    )
)


def to_carried(settings: Settings) -> dict[str, Any]:
    """What differs from the defaults and is not one machine's own."""
    usual = Settings()
    found: dict[str, Any] = msgspec.to_builtins(settings)
    return {
        name: value
        for name, value in found.items()
        if name not in OWN and value != msgspec.to_builtins(getattr(usual, name))
    }


def carry_settings(database: Database, data_key: bytes, settings: Settings) -> None:
    """Keep the settings in force with the site. Writes only when they have changed."""
    carried = msgspec.json.encode(to_carried(settings))
    if database.read_now(find_secret, data_key, NAME) != carried:
        database.write_now(_keep, data_key, carried)


def _keep(tx: Transaction, data_key: bytes, carried: bytes) -> None:
    keep_secret(tx, data_key, NAME, carried, replace=True)


def unpack_settings(tx: Transaction, data_key: bytes, folder: Path) -> bool:
    """Write `roseau.toml` from what was carried, unless there is one; whether it was written."""
    path = folder / "roseau.toml"
    carried = find_secret(tx, data_key, NAME)
    if path.exists() or carried is None:
        return False
    settings = msgspec.json.decode(carried, type=dict[str, Any])
    lines = [f"{name} = {_to_toml(value)}" for name, value in settings.items() if value is not None]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("# The settings of the site, as the former primary had them.\n" + "\n".join(lines) + "\n")
    return True


def _to_toml(value: Any) -> str:
    """A value as TOML writes it: for text, numbers, truth values and lists of text, as JSON does."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
