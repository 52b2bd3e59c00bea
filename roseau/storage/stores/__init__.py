"""Places for blobs: what every store can do, how one fails, and how the address of one is read.

A store keeps bytes under the name of a blob (`storage/blobs.py`). It may be slow, away, full or wrong; it is
called in threads, and whatever it hands out is held against its name by the caller.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol

from roseau.settings import WrongSetting


class Missing(LookupError):
    """The store answers, and does not have this blob."""


class StoreAway(RuntimeError):
    """The store cannot be used now; the message is a sentence for the operator, without secrets."""


class Store(Protocol):
    """A place for blobs. Every function raises StoreAway when the place cannot be reached, or is full."""

    @property
    def name(self) -> str:
        """What operators call it: its address, without secrets. No two stores of a site have the same."""

    def check(self) -> None:
        """See that it can be used. Raises StoreAway."""

    def has(self, name: str) -> bool:
        """Whether there is anything under this name, right or wrong."""

    def put(self, name: str, path: Path) -> None:
        """Keep the bytes of a file; they outlive a power cut there when this returns. Again is harmless."""

    def get(self, name: str, into: Path) -> None:
        """Write what is kept under this name into a new file. Raises Missing."""

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of all that is kept, or of what begins with one or two hexadecimal digits."""

    def remove(self, name: str) -> None:
        """Keep it no longer; nothing happens when it is not there."""


def open_store(address: str, memory: Path | None = None) -> Store:
    """The store at an address: a folder, or `s3://…` (`stores/bucket.py`). Nothing is looked at yet.

    `memory` is a folder in which a store may remember that it was used before. Raises WrongSetting.
    """
    scheme = address.partition("://")[0] if "://" in address else ""
    if scheme not in ("", "s3"):
        raise WrongSetting("media_stores: an address is that of a folder, or begins with s3://.")
    # The library for buckets is large, and most sites have none.
    opener: Callable[[str, Path | None], Store] = import_module(
        f"roseau.storage.stores.{'bucket' if scheme else 'folder'}"
    ).open_address
    return opener(address, memory)
