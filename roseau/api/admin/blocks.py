"""Who may not sign up (docs.joinmastodon.org/methods/admin: email_domain_blocks, ip_blocks, …)."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from roseau.api.present.admin import to_canonical_email_block, to_email_domain_block, to_ip_block
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.barring import Severity
from roseau.domain.moderation import blocks
from roseau.domain.moderation.blocks import IpBlockDraft
from roseau.domain.moderation.team.permissions import require
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()


class EmailDomainForm(msgspec.Struct):
    """A provider of mail."""

    domain: str = ""
    allow_with_approval: bool = False


class IpForm(msgspec.Struct, kw_only=True):
    """A network; `expires_in` in seconds, empty or 0 for good."""

    ip: str | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    comment: str | UnsetType = UNSET
    expires_in: int | UnsetType | None = UNSET


class EmailForm(msgspec.Struct):
    """A mail address, or its hash."""

    email: str = ""
    canonical_email_hash: str = ""


async def _list(
    call: Call,
    command: Callable[[Transaction, Page], list[Any]],
    present: Callable[[Any], dict[str, Any]],
) -> Response:
    page = call.page(100, 200)

    def read(tx: Transaction) -> list[Any]:
        require(tx, call.viewer, "manage_blocks")
        return command(tx, page)

    found = await call.server.database.read(read)
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    return call.json([present(one) for one in found])


async def _show(
    call: Call, command: Callable[[Transaction, int], Any], present: Callable[[Any], dict[str, Any]]
) -> Response:
    def read(tx: Transaction) -> Any:
        require(tx, call.viewer, "manage_blocks")
        return command(tx, call.path_id())

    return call.json(present(await call.server.database.read(read)))


async def _remove(call: Call, command: Callable[[Transaction, int, int], None]) -> Response:
    await call.server.database.write(command, call.viewer, call.path_id())
    return call.json({})


# Providers of mail


@routes.get("/api/v1/admin/email_domain_blocks", scope="admin:read:email_domain_blocks")
async def list_email_domains(call: Call) -> Response:
    """Providers with which nobody may sign up."""
    return await _list(call, blocks.list_email_domain_blocks, to_email_domain_block)


@routes.get("/api/v1/admin/email_domain_blocks/{id}", scope="admin:read:email_domain_blocks")
async def show_email_domain(call: Call) -> Response:
    """One of them."""
    return await _show(call, blocks.find_email_domain_block, to_email_domain_block)


@routes.post("/api/v1/admin/email_domain_blocks", scope="admin:write:email_domain_blocks")
async def block_email_domain(call: Call) -> Response:
    """Let nobody sign up with a provider."""
    form = await call.form(EmailDomainForm)

    def run(tx: Transaction) -> blocks.EmailDomainBlock:
        return blocks.block_email_domain(
            tx, call.viewer, form.domain, allow_with_approval=form.allow_with_approval
        )

    return call.json(to_email_domain_block(await call.server.database.write(run)))


@routes.delete("/api/v1/admin/email_domain_blocks/{id}", scope="admin:write:email_domain_blocks")
async def unblock_email_domain(call: Call) -> Response:
    """Let people sign up with it again."""
    return await _remove(call, blocks.unblock_email_domain)


# Networks


@routes.get("/api/v1/admin/ip_blocks", scope="admin:read:ip_blocks")
async def list_ips(call: Call) -> Response:
    """Networks that are held back."""
    return await _list(call, blocks.list_ip_blocks, to_ip_block)


@routes.get("/api/v1/admin/ip_blocks/{id}", scope="admin:read:ip_blocks")
async def show_ip(call: Call) -> Response:
    """One of them."""
    return await _show(call, blocks.find_ip_block, to_ip_block)


@routes.post("/api/v1/admin/ip_blocks", scope="admin:write:ip_blocks")
async def block_ip(call: Call) -> Response:
    """Hold a network back."""
    form = await call.form(IpForm)
    if form.severity is UNSET:
        raise Invalid(problems=(Problem("severity", "ERR_BLANK", "Severity can't be blank"),))
    draft = IpBlockDraft(
        form.ip or "",
        form.severity,
        form.comment or "",
        _lasts(form.expires_in or None),
    )
    return call.json(to_ip_block(await call.server.database.write(blocks.block_ip, call.viewer, draft)))


def _lasts(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * clock.SECOND


@routes.put("/api/v1/admin/ip_blocks/{id}", scope="admin:write:ip_blocks")
async def change_ip(call: Call) -> Response:
    """Hold it back otherwise; what is not said stays."""
    form = await call.form(IpForm)

    def run(tx: Transaction) -> blocks.IpBlock:
        require(tx, call.viewer, "manage_blocks")
        before = blocks.find_ip_block(tx, call.path_id())
        left = None if before.expires_at is None else max(clock.SECOND, before.expires_at - tx.now)
        draft = IpBlockDraft(
            before.ip if form.ip is UNSET else form.ip,
            before.severity if form.severity is UNSET else form.severity,
            before.comment if form.comment is UNSET else form.comment,
            left if form.expires_in is UNSET else _lasts(form.expires_in or None),
        )
        return blocks.change_ip_block(tx, call.viewer, before.id, draft)

    return call.json(to_ip_block(await call.server.database.write(run)))


@routes.delete("/api/v1/admin/ip_blocks/{id}", scope="admin:write:ip_blocks")
async def unblock_ip(call: Call) -> Response:
    """Hold it back no more."""
    return await _remove(call, blocks.unblock_ip)


# People who were suspended


@routes.get("/api/v1/admin/canonical_email_blocks", scope="admin:read:canonical_email_blocks")
async def list_emails(call: Call) -> Response:
    """Addresses that may not sign up again, as hashes."""
    return await _list(call, blocks.list_canonical_email_blocks, to_canonical_email_block)


@routes.get("/api/v1/admin/canonical_email_blocks/{id}", scope="admin:read:canonical_email_blocks")
async def show_email(call: Call) -> Response:
    """One of them."""
    return await _show(call, blocks.find_canonical_email_block, to_canonical_email_block)


@routes.post("/api/v1/admin/canonical_email_blocks/test", scope="admin:read:canonical_email_blocks")
async def test_email(call: Call) -> Response:
    """Which of them an address falls under."""
    form = await call.form(EmailForm)

    def read(tx: Transaction) -> blocks.CanonicalEmailBlock | None:
        require(tx, call.viewer, "manage_blocks")
        return blocks.find_block_of_address(tx, form.email)

    found = await call.server.database.read(read)
    return call.json([] if found is None else [to_canonical_email_block(found)])


@routes.post("/api/v1/admin/canonical_email_blocks", scope="admin:write:canonical_email_blocks")
async def block_email(call: Call) -> Response:
    """Keep an address out."""
    form = await call.form(EmailForm)

    def run(tx: Transaction) -> blocks.CanonicalEmailBlock:
        return blocks.block_email(tx, call.viewer, email=form.email, digest=form.canonical_email_hash)

    return call.json(to_canonical_email_block(await call.server.database.write(run)))


@routes.delete("/api/v1/admin/canonical_email_blocks/{id}", scope="admin:write:canonical_email_blocks")
async def unblock_email(call: Call) -> Response:
    """Keep it out no more."""
    return await _remove(call, blocks.unblock_email)
