"""Who may not sign up: providers of mail, networks, addresses; adding, removing, and trying one out."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.barring import check_mail, check_network
from roseau.domain.moderation.blocks import (
    CanonicalEmailBlock,
    EmailDomainBlock,
    IpBlock,
    IpBlockDraft,
    block_email,
    block_email_domain,
    block_ip,
    list_canonical_email_blocks,
    list_email_domain_blocks,
    list_ip_blocks,
    unblock_email,
    unblock_email_domain,
    unblock_ip,
)
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, form_of, redirect

_HERE: Final = "/moderation/blocks"
_PORTION: Final = 50
#: How long a network may be held back, in days; 0: for good.
DAYS: Final = (1, 7, 30, 365, 0)
_REMOVE: Final[dict[str, Callable[..., None]]] = {
    "providers": unblock_email_domain,
    "networks": unblock_ip,
    "addresses": unblock_email,
}
#: What the fields of the domain are called in the forms.
_FIELDS: Final = {"canonical_email_hash": "address", "expires_in": "days"}


class _Lists(msgspec.Struct, frozen=True):
    providers: list[EmailDomainBlock]
    networks: list[IpBlock]
    addresses: list[CanonicalEmailBlock]
    #: What somebody meets who signs up from what was tried: free, approval or barred; empty: nothing was.
    verdict: str = ""


async def show_blocks(request: Request) -> Response:
    """The lists, their forms, and what becomes of an address that is tried."""
    return await _show(request, {})


async def _show(request: Request, problems: dict[str, str]) -> Response:
    asked = request.query_params
    tried = asked.get("try", "").strip()[:254]
    before = {name: parse_id(asked.get(name)) for name in _REMOVE}
    found = await server_of(request).database.read(_load, before, tried)
    return await render_console(
        request,
        "console/blocks.html",
        422 if problems else 200,
        found=found,
        tried=tried,
        days=DAYS,
        portion=_PORTION,
        filled=form_of(request) if problems else {},
        problems=problems,
    )


def _load(tx: Transaction, before: dict[str, int | None], tried: str) -> _Lists:
    return _Lists(
        list_email_domain_blocks(tx, Page(_PORTION, before["providers"])),
        list_ip_blocks(tx, Page(_PORTION, before["networks"])),
        list_canonical_email_blocks(tx, Page(_PORTION, before["addresses"])),
        _try(tx, tried) if tried else "",
    )


def _try(tx: Transaction, tried: str) -> str:
    if "@" in tried:
        problem, waits = check_mail(tx, tried)
        return "barred" if problem else "approval" if waits else "free"
    severity = check_network(tx, tried)
    return {None: "free", "sign_up_requires_approval": "approval"}.get(severity, "barred")


async def add_provider(request: Request) -> Response:
    """Hold a provider of mail back."""
    approval = "allow_with_approval" in form_of(request)
    return await _add(request, block_email_domain, field_of(request, "domain"), allow_with_approval=approval)


async def add_network(request: Request) -> Response:
    """Hold a network back, for a time or for good."""
    severity: Any = field_of(request, "severity")
    days = parse_id(field_of(request, "days"))
    draft = IpBlockDraft(
        field_of(request, "ip"), severity, field_of(request, "comment"), days * clock.DAY if days else None
    )
    return await _add(request, block_ip, draft)


async def add_address(request: Request) -> Response:
    """Keep one address out."""
    given = field_of(request, "address")
    return await _add(request, block_email, email=given, digest=given)


async def _add(request: Request, command: Callable[..., Any], *given: Any, **named: Any) -> Response:
    by_id = staff_of(request).account.id
    try:
        await server_of(request).database.write(lambda tx: command(tx, by_id, *given, **named))
    except Invalid as error:
        return await _show(request, problems_of(request, error, _FIELDS))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


async def remove(request: Request) -> Response:
    """Hold it back no more."""
    command, block_id = _REMOVE.get(request.path_params["kind"]), parse_id(request.path_params["id"])
    if command is None or block_id is None:
        raise NotFound
    await server_of(request).database.write(command, staff_of(request).account.id, block_id)
    return redirect(request, _HERE, say=translations_of(request).gettext("Removed from the list."))


routes = console_routes(
    [
        Route(_HERE, show_blocks),
        Route(f"{_HERE}/providers", add_provider, methods=["POST"]),
        Route(f"{_HERE}/networks", add_network, methods=["POST"]),
        Route(f"{_HERE}/addresses", add_address, methods=["POST"]),
        Route(f"{_HERE}/{{kind}}/{{id}}/remove", remove, methods=["POST"]),
    ],
    permission="manage_blocks",
)
