"""Servers by name with which a site federates that federates with named ones only."""

import msgspec
from sqlalchemy import bindparam, delete, select

from roseau.domain.moderation.servers.permissions import check_domain
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.moderation import domain_allows
from roseau.storage.statements import statement, upsert


class DomainAllow(msgspec.Struct, frozen=True):
    """A server that is named."""

    id: int
    domain: str
    created_at: int


_a = domain_allows.c
_columns = [_a[name] for name in DomainAllow.__struct_fields__]
_page = Paged[DomainAllow](select(*_columns), _a.id, into=DomainAllow)
_one = statement(select(*_columns).where(_a.id == bindparam("wanted")), into=DomainAllow)
_named = statement(select(*_columns).where(_a.domain == bindparam("name")), into=DomainAllow)
_add = statement(
    upsert(domain_allows)
    .values({name: bindparam(name) for name in DomainAllow.__struct_fields__})
    .on_conflict_do_nothing()
)
_remove = statement(delete(domain_allows).where(_a.id == bindparam("wanted")))


def list_domain_allows(tx: Transaction, page: Page) -> list[DomainAllow]:
    """The servers that are named, the newest first."""
    return _page.fetch(tx, page)


def find_domain_allow(tx: Transaction, allow_id: int) -> DomainAllow:
    """One of them. Raises NotFound."""
    found = tx.one(_one, wanted=allow_id)
    if found is None:
        raise NotFound
    return found


def allow_domain(tx: Transaction, site: Site, by_id: int, name: str) -> DomainAllow:
    """Name a server; one that is named already stays as it is. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_federation")
    domain = check_domain(tx, site, name)
    tx.run(_add, id=ids.new_id(), domain=domain, created_at=tx.now)
    found = tx.one(_named, name=domain)
    if found is None:
        raise NotFound
    return found


def disallow_domain(tx: Transaction, by_id: int, allow_id: int) -> DomainAllow:
    """Name it no longer; the row as it was. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_federation")
    found = find_domain_allow(tx, allow_id)
    tx.run(_remove, wanted=allow_id)
    return found
