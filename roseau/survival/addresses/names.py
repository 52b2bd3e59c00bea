"""Other names of the site: commands that add, remove and order them, and what the doors know of them.

A name is a door for members and programs as soon as DNS and the proxy lead it here. Accounts keep the
site's own domain, which no command changes.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, delete

from roseau.domain.names import DOORS, Kind, SiteName, list_names
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound, Unavailable
from roseau.storage.database import Database, Transaction
from roseau.storage.schema.site import site_names
from roseau.storage.statements import statement, upsert
from roseau.survival.addresses.issuing import issue_manifest
from roseau.survival.addresses.manifest import is_address, to_plain_address

#: Every manifest carries all of them, and every reader keeps it.
MOST_NAMES: Final = 30
#: How long the doors go on with what they know (milliseconds).
KNOWN_FOR: Final = 2 * clock.SECOND

_ONION = re.compile(r"\.onion(:[0-9]+)?$", re.IGNORECASE)
_LOCAL_HOST = re.compile(r"localhost|[0-9.]+|\[.*\]")


class NewName(msgspec.Struct):
    """A name such as `example.net`; a mirror or gateway, which is said, is an address such as https://…"""

    name: str
    kind: Literal["", "mirror", "gateway"] = ""


class GivenNames(msgspec.Struct):
    """Names of the site, as the operator writes them."""

    names: list[str]


_put = statement(
    upsert(site_names)
    .values({name: bindparam(name) for name in ("name", "kind", "position", "created_at")})
    .on_conflict_do_update(index_elements=["name"], set_={"position": upsert(site_names).excluded.position})
)
_drop = statement(delete(site_names).where(site_names.c.name == bindparam("wanted")))


def add_name(tx: Transaction, site: Site, new: NewName) -> SiteName:
    """Add a name behind the others, and sign a manifest with it. Raises Invalid."""
    name, kind = _read_name(site, new)
    present = list_names(tx, site)
    if any(known.name == name for known in present):
        raise Invalid(f"{name} is a name of this site already.")
    if len(present) >= MOST_NAMES:
        raise Invalid(f"A site has {MOST_NAMES} names at most. Remove one that is not needed any more.")
    _place(tx, present)
    tx.run(_put, name=name, kind=kind, position=len(present), created_at=tx.now)
    issue_manifest(tx, site)
    return list_names(tx, site)[-1]


def remove_names(tx: Transaction, site: Site, given: GivenNames) -> list[SiteName]:
    """Remove names; those that are left. The site's own domain stays. Raises NotFound, Invalid."""
    for name in _find_all(tx, site, given.names):
        if name.kind == "domain":
            raise Invalid(f"{name.name} cannot be removed: accounts and posts carry it.")
        tx.run(_drop, wanted=name.name)
    issue_manifest(tx, site)
    return list_names(tx, site)


def order_names(tx: Transaction, site: Site, given: GivenNames) -> list[SiteName]:
    """Put these names first, in this order; the others follow as they were. Raises NotFound, Invalid."""
    first = _find_all(tx, site, given.names)
    rest = [name for name in list_names(tx, site) if name not in first]
    _place(tx, [*first, *rest])
    issue_manifest(tx, site)
    return list_names(tx, site)


def _place(tx: Transaction, names: Sequence[SiteName]) -> None:
    for position, name in enumerate(names):
        tx.run(_put, name=name.name, kind=name.kind, position=position, created_at=tx.now)


def _find_all(tx: Transaction, site: Site, written: Sequence[str]) -> list[SiteName]:
    names = list_names(tx, site)
    known = {spelling.lower(): name for name in names for spelling in (name.name, name.url)}
    found = []
    for text in dict.fromkeys(part.strip().lower().rstrip("/") for part in written):
        if text not in known:
            raise NotFound(f"{text} is no name of this site. `roseau names list` shows them all.")
        found.append(known[text])
    if not found:
        raise Invalid("Say which names are meant.")
    return found


def _read_name(site: Site, new: NewName) -> tuple[str, Kind]:
    written = new.name.strip().rstrip("/")
    if new.kind:
        address = _to_plain(written)
        if not is_address(address, path=True):
            raise Invalid(f"{written!r} is not an address such as https://mirror.example/roseau.")
        return address, new.kind
    scheme = "https" if site.secure else "http"
    kind: Kind = "onion" if _ONION.search(written) else "alias"
    expected = "http" if kind == "onion" else scheme
    address = _to_plain(written if "://" in written else f"{expected}://{written}")
    if not is_address(address, path=False):
        raise Invalid(f"{written!r} is not a name such as example.net.")
    if not address.startswith(f"{expected}://"):
        raise Invalid(f"Members reach this site by {scheme}://, and so they do under its other names.")
    return address.partition("://")[2], kind


def _to_plain(address: str) -> str:
    try:
        return to_plain_address(address)
    except ValueError:
        raise Invalid(f"{address!r} is not an address.") from None


def list_hosts(names: Sequence[SiteName]) -> list[str]:
    """The names that DNS has to know: doors, without ports, onion addresses and bare IP addresses."""
    hosts = [urlsplit(name.url).hostname or "" for name in names if name.kind in ("domain", "alias")]
    return [host for host in dict.fromkeys(hosts) if "." in host and not _LOCAL_HOST.fullmatch(host)]


class KnownNames:
    """The site's names in memory, so that no request asks the database for them."""

    def __init__(self) -> None:
        self._doors: dict[str, str] = {}
        self._names: tuple[SiteName, ...] = ()
        self._until = 0

    async def refresh(self, database: Database, site: Site) -> None:
        """Look again, if it is time to. While the database does not answer, what was known stays."""
        now = clock.now()
        if now < self._until:
            return
        # Put on first, so that of many requests at once only one looks.
        self._until = now + KNOWN_FOR
        with suppress(Unavailable):
            self._names = tuple(await database.read(list_names, site))
        self._doors = {urlsplit(name.url).netloc: name.url for name in self._names if name.kind in DOORS}

    def url_of(self, host: str) -> str | None:
        """The address of the door with this name and port, None for a name that is not ours."""
        return self._doors.get(host.lower())

    def besides(self, host: str) -> tuple[SiteName, ...]:
        """Where else the site can be reached or read, in order."""
        return tuple(
            name
            for name in self._names
            if name.kind != "gateway" and urlsplit(name.url).netloc != host.lower()
        )
