"""Other servers: what they may do here, the lists that are followed, and what waits from them."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.servers.drafts import Waiting, accept_draft, discard_draft, list_drafts
from roseau.domain.moderation.servers.permissions import (
    DomainPermission,
    DomainPermissionDraft,
    lift_domain_permission,
    list_all_domain_permissions,
    set_domain_permission,
)
from roseau.domain.moderation.servers.subscriptions import (
    Subscription,
    SubscriptionDraft,
    list_subscriptions,
    subscribe,
    unsubscribe,
)
from roseau.domain.policy import Rule, list_rules
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import field_of, form_of, redirect

_HERE: Final = "/moderation/servers"
_DRAFTS: Final = 100


class _Seen(msgspec.Struct):
    permissions: list[DomainPermission]
    drafts: list[Waiting]
    lists: list[Subscription]
    rules: list[Rule]


def _load(tx: Transaction) -> _Seen:
    return _Seen(
        list_all_domain_permissions(tx),
        list_drafts(tx, Page(limit=_DRAFTS)),
        list_subscriptions(tx),
        list_rules(tx),
    )


async def show_servers(request: Request) -> Response:
    """Everything at once; `q` looks for a name."""
    return await _show(request)


async def _show(request: Request, problems: dict[str, str] | None = None) -> Response:
    seen = await server_of(request).database.scan(_load)
    asked = request.query_params.get("q", "").strip().lower()
    return await render_console(
        request,
        "console/servers.html",
        422 if problems else 200,
        permissions=[one for one in seen.permissions if asked in one.domain],
        drafts=seen.drafts,
        lists=seen.lists,
        rules=seen.rules,
        asked=asked,
        form=form_of(request) if problems else {},
        problems=problems or {},
    )


async def limit_server(request: Request) -> Response:
    """Limit or block a server; blocking asks once more."""
    _ = translations_of(request).gettext
    given = _given(request, DomainPermissionDraft)
    try:
        draft = to_struct(given, DomainPermissionDraft)
        if draft.severity == "suspend" and "confirmed" not in form_of(request):
            return _ask_once_more(request, draft.domain, given)
        server = server_of(request)
        await server.database.write(set_domain_permission, server.site, staff_of(request).account.id, draft)
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    return redirect(request, _HERE, say=_("Saved."))


def _given(request: Request, struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of the form that were filled in."""
    form = form_of(request)
    return {name: form[name] for name in struct.__struct_fields__ if form.get(name) not in (None, "")}


def _ask_once_more(request: Request, domain: str, given: dict[str, Any]) -> Response:
    _ = translations_of(request).gettext
    return render(
        request,
        "confirm.html",
        heading=_("Block %(name)s?") % {"name": domain},
        sentence=_(
            "Nobody here sees its people any more, and follows in both directions are cut. They are kept,"
            " and tied again when the block is lifted."
        ),
        action=_HERE,
        words=_("Block the server"),
        danger=True,
        back=_HERE,
        fields=given,
    )


async def lift(request: Request) -> Response:
    """Limit a server no longer."""
    server = server_of(request)
    await server.database.write(
        lift_domain_permission, server.site, staff_of(request).account.id, field_of(request, "domain")
    )
    _ = translations_of(request).gettext
    return redirect(request, _HERE, say=_("Lifted. What was cut is tied again."))


async def judge_draft(request: Request) -> Response:
    """Do what a list asks for, put it away, or never hear of that server again."""
    server, by_id = server_of(request), staff_of(request).account.id
    draft_id, verdict = parse_id(request.path_params["id"]), request.path_params["verdict"]
    if draft_id is None or verdict not in ("accept", "discard", "exclude"):
        raise NotFound
    if verdict == "accept":
        try:
            await server.database.write(accept_draft, server.site, by_id, draft_id)
        except Invalid as error:
            return await _show(request, problems_of(request, error))
    else:
        await server.database.write(
            lambda tx: discard_draft(tx, by_id, draft_id, exclude=verdict == "exclude")
        )
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


async def follow_list(request: Request) -> Response:
    """Follow a list of others from now on."""
    _ = translations_of(request).gettext
    try:
        draft = to_struct(_given(request, SubscriptionDraft), SubscriptionDraft)
        await server_of(request).database.write(subscribe, staff_of(request).account.id, draft)
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    return redirect(request, _HERE, say=_("The list is fetched each day, from now on."))


async def leave_list(request: Request) -> Response:
    """Follow a list no longer, and lift what came from it, or keep it."""
    server, by_id = server_of(request), staff_of(request).account.id
    list_id = parse_id(request.path_params["id"])
    if list_id is None:
        raise NotFound
    lifted = field_of(request, "lift") == "1"
    await server.database.write(lambda tx: unsubscribe(tx, server.site, by_id, list_id, lift=lifted))
    _ = translations_of(request).gettext
    return redirect(request, _HERE, say=_("The list is followed no more."))


routes = console_routes(
    [
        Route(_HERE, show_servers),
        Route(_HERE, limit_server, methods=["POST"]),
        Route(f"{_HERE}/lift", lift, methods=["POST"]),
        Route(f"{_HERE}/drafts/{{id}}/{{verdict}}", judge_draft, methods=["POST"]),
        Route(f"{_HERE}/lists", follow_list, methods=["POST"]),
        Route(f"{_HERE}/lists/{{id}}/leave", leave_list, methods=["POST"]),
    ],
    permission="manage_federation",
)
