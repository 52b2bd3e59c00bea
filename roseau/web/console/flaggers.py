"""Trusted flaggers (DSA art. 22): who they are, how they are known, and whom the mail server answers for."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.flaggers import (
    Flagger,
    FlaggerDraft,
    add_flagger,
    list_flaggers,
    set_mail_authority,
    withdraw_flagger,
)
from roseau.domain.site import load_choices
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, redirect

_HERE: Final = "/moderation/flaggers"


async def show_flaggers(request: Request) -> Response:
    """All of them, and the form for another."""
    return await _show(request, FlaggerDraft(""), {})


async def _show(request: Request, draft: FlaggerDraft, problems: dict[str, str]) -> Response:
    flaggers, people, authority = await server_of(request).database.read(_load)
    return await render_console(
        request,
        "console/flaggers.html",
        422 if problems else 200,
        flaggers=flaggers,
        people=people,
        authority=field_of(request, "mail_authority") if "mail_authority" in problems else authority,
        draft=draft,
        problems=problems,
    )


def _load(tx: Transaction) -> tuple[list[Flagger], dict[int, AccountView], str]:
    found = list_flaggers(tx)
    people = load_accounts(tx, [one.account_id for one in found if one.account_id])
    return found, people, load_choices(tx).mail_authority


async def add(request: Request) -> Response:
    """Write one down."""
    draft = FlaggerDraft(field_of(request, "name"), field_of(request, "address"), field_of(request, "member"))
    server = server_of(request)
    try:
        await server.database.write(add_flagger, server.site, staff_of(request).account.id, draft)
    except Invalid as error:
        return await _show(request, draft, problems_of(request, error))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


async def withdraw(request: Request) -> Response:
    """They come first no more."""
    flagger_id = parse_id(request.path_params["id"])
    if flagger_id is None:
        raise NotFound
    await server_of(request).database.write(withdraw_flagger, staff_of(request).account.id, flagger_id)
    _ = translations_of(request).gettext
    return redirect(request, _HERE, say=_("Withdrawn. What they sent stays as it is."))


async def save_authority(request: Request) -> Response:
    """Under which name the mail server says who wrote."""
    server = server_of(request)
    try:
        await server.database.write(
            set_mail_authority, staff_of(request).account.id, field_of(request, "mail_authority")
        )
    except Invalid as error:
        return await _show(request, FlaggerDraft(""), problems_of(request, error))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


routes = console_routes(
    [
        Route(_HERE, show_flaggers),
        Route(_HERE, add, methods=["POST"]),
        Route(f"{_HERE}/mail", save_authority, methods=["POST"]),
        Route(f"{_HERE}/{{id}}/withdraw", withdraw, methods=["POST"]),
    ],
    permission="manage_settings",
)
