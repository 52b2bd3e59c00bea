"""Other servers as the team handles them (docs.joinmastodon.org/methods/admin/domain_blocks)."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from roseau.api.present.admin import to_domain_allow, to_domain_block
from roseau.api.routing import Call, Routes
from roseau.domain.moderation.servers import allows, permissions
from roseau.domain.moderation.servers.formats import Severity
from roseau.domain.moderation.servers.permissions import DomainPermission, DomainPermissionDraft
from roseau.domain.moderation.team.permissions import require
from roseau.domain.relationships.blocking import to_domain
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction

routes = Routes()


class BlockForm(msgspec.Struct, kw_only=True):
    """A server, and what it may do."""

    domain: str = ""
    severity: Severity | UnsetType = UNSET
    reject_media: bool | UnsetType = UNSET
    reject_reports: bool | UnsetType = UNSET
    private_comment: str | UnsetType | None = UNSET
    public_comment: str | UnsetType | None = UNSET
    obfuscate: bool | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """What is said, by the names of a draft."""
        names = self.__struct_fields__[1:]
        values = {name: getattr(self, name) for name in names if getattr(self, name) is not UNSET}
        return {name: "" if value is None else value for name, value in values.items()}


class AllowForm(msgspec.Struct):
    """A server by its name."""

    domain: str = ""


@routes.get("/api/v1/admin/domain_blocks", scope="admin:read:domain_blocks")
async def index(call: Call) -> Response:
    """The servers that are limited in some way."""
    page = call.page(100, 200)

    def read(tx: Transaction) -> list[DomainPermission]:
        require(tx, call.viewer, "manage_federation")
        return permissions.list_domain_permissions(tx, page)

    found = await call.server.database.read(read)
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    return call.json([to_domain_block(one) for one in found])


def _find(tx: Transaction, call: Call) -> DomainPermission:
    require(tx, call.viewer, "manage_federation")
    return permissions.find_domain_permission(tx, call.path_id())


@routes.get("/api/v1/admin/domain_blocks/{id}", scope="admin:read:domain_blocks")
async def show(call: Call) -> Response:
    """One of them."""
    return call.json(to_domain_block(await call.server.database.read(_find, call)))


@routes.post("/api/v1/admin/domain_blocks", scope="admin:write:domain_blocks")
async def create(call: Call) -> Response:
    """Limit a server: a decision, whose public reason is the public comment."""
    form = await call.form(BlockForm)
    site = call.server.site

    def run(tx: Transaction) -> DomainPermission:
        require(tx, call.viewer, "manage_federation")
        if permissions.find_permission_of(tx, to_domain(form.domain)) is not None:
            raise Invalid(problems=(Problem("domain", "ERR_TAKEN", "Domain has already been taken"),))
        wanted: dict[str, Any] = {"severity": "silence"} | form.given()
        draft = DomainPermissionDraft(domain=form.domain, **wanted)
        return permissions.find_domain_permission(
            tx, permissions.set_domain_permission(tx, site, call.viewer, draft)
        )

    return call.json(to_domain_block(await call.server.database.write(run)))


@routes.put("/api/v1/admin/domain_blocks/{id}", scope="admin:write:domain_blocks")
async def update(call: Call) -> Response:
    """Limit it otherwise; what is not said stays."""
    form = await call.form(BlockForm)
    site = call.server.site

    def run(tx: Transaction) -> DomainPermission:
        before = _find(tx, call)
        names = [name for name in DomainPermissionDraft.__struct_fields__ if hasattr(before, name)]
        values = {name: getattr(before, name) for name in names} | form.given()
        permission_id = permissions.set_domain_permission(
            tx, site, call.viewer, DomainPermissionDraft(**values)
        )
        return permissions.find_domain_permission(tx, permission_id)

    return call.json(to_domain_block(await call.server.database.write(run)))


@routes.delete("/api/v1/admin/domain_blocks/{id}", scope="admin:write:domain_blocks")
async def delete(call: Call) -> Response:
    """Limit it no longer: what was cut is tied again."""

    def run(tx: Transaction) -> None:
        domain = _find(tx, call).domain
        permissions.lift_domain_permission(tx, call.server.site, call.viewer, domain)

    await call.server.database.write(run)
    return call.json({})


# Servers by name


@routes.get("/api/v1/admin/domain_allows", scope="admin:read:domain_allows")
async def list_allows(call: Call) -> Response:
    """The servers with which a site federates that names them."""
    page = call.page(100, 200)

    def read(tx: Transaction) -> list[allows.DomainAllow]:
        require(tx, call.viewer, "manage_federation")
        return allows.list_domain_allows(tx, page)

    found = await call.server.database.read(read)
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    return call.json([to_domain_allow(one) for one in found])


@routes.get("/api/v1/admin/domain_allows/{id}", scope="admin:read:domain_allows")
async def show_allow(call: Call) -> Response:
    """One of them."""

    def read(tx: Transaction) -> allows.DomainAllow:
        require(tx, call.viewer, "manage_federation")
        return allows.find_domain_allow(tx, call.path_id())

    return call.json(to_domain_allow(await call.server.database.read(read)))


@routes.post("/api/v1/admin/domain_allows", scope="admin:write:domain_allows")
async def allow(call: Call) -> Response:
    """Name a server."""
    form = await call.form(AllowForm)
    made = await call.server.database.write(allows.allow_domain, call.server.site, call.viewer, form.domain)
    return call.json(to_domain_allow(made))


@routes.delete("/api/v1/admin/domain_allows/{id}", scope="admin:write:domain_allows")
async def disallow(call: Call) -> Response:
    """Name it no longer."""
    gone = await call.server.database.write(allows.disallow_domain, call.viewer, call.path_id())
    return call.json(to_domain_allow(gone))
