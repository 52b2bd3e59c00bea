"""The names of the site: its domain, which accounts carry, and the others by which it is reached or read.

An alias and an onion address are doors to the same site. A mirror is a copy for readers; a gateway will
speak for members to other servers. The operator puts them in order, and the first is the front door.
"""

from typing import Literal

import msgspec
from sqlalchemy import select

from roseau.domain.site import Site
from roseau.storage.database import Transaction
from roseau.storage.schema.site import site_names
from roseau.storage.statements import statement

Kind = Literal["domain", "alias", "onion", "mirror", "gateway"]
#: The kinds under which this server answers.
DOORS = frozenset(("domain", "alias", "onion"))


class SiteName(msgspec.Struct, frozen=True):
    """A name, and the address that it makes; of mirrors and gateways the name is the address."""

    name: str
    kind: Kind
    url: str


_names = statement(
    select(site_names.c.name, site_names.c.kind).order_by(
        site_names.c.position, site_names.c.created_at, site_names.c.name
    )
)


def list_names(tx: Transaction, site: Site) -> list[SiteName]:
    """Every name in the operator's order. The site's own domain is among them, first unless moved."""
    found = [_to_name(site, row.name, row.kind) for row in tx.all(_names)]
    if all(name.kind != "domain" for name in found):
        found.insert(0, SiteName(site.domain, "domain", site.base_url))
    return found


def _to_name(site: Site, name: str, kind: str) -> SiteName:
    if name == site.domain:
        return SiteName(name, "domain", site.base_url)
    match kind:
        case "onion":
            return SiteName(name, "onion", f"http://{name}")
        case "mirror":
            return SiteName(name, "mirror", name)
        case "gateway":
            return SiteName(name, "gateway", name)
        case _:
            # Also a domain that was chosen before a setting named another one.
            return SiteName(name, "alias", f"{'https' if site.secure else 'http'}://{name}")


def list_doors(tx: Transaction, site: Site) -> list[SiteName]:
    """The names under which this server answers, in order."""
    return [name for name in list_names(tx, site) if name.kind in DOORS]


def find_front_url(tx: Transaction, site: Site) -> str:
    """The address that mails lead to: the first door in the operator's order."""
    return list_doors(tx, site)[0].url
