"""Other servers: what they may do here, and what waits for somebody's eyes."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.servers.drafts import (
    Waiting,
    accept_draft,
    count_drafts,
    discard_draft,
    has_draft,
    list_drafts,
)
from roseau.domain.moderation.servers.permissions import (
    DomainPermission,
    DomainPermissionDraft,
    lift_domain_permission,
    list_all_domain_permissions,
    set_domain_permission,
)
from roseau.domain.moderation.servers.subscriptions import Subscription, list_subscriptions
from roseau.domain.policy import Rule, list_rules
from roseau.domain.site import Site
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.doors.subscriptions import PORTION
from roseau.kernel.errors import Invalid, NotFound, Problem
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
    waiting: int
    lists: list[Subscription]
    rules: list[Rule]


def _load(tx: Transaction) -> _Seen:
    return _Seen(
        list_all_domain_permissions(tx),
        list_drafts(tx, Page(limit=_DRAFTS)),
        count_drafts(tx),
        list_subscriptions(tx),
        list_rules(tx),
    )


async def show_servers(request: Request) -> Response:
    """Everything at once; `q` looks for a name."""
    return await _show(request)


async def _show(request: Request, problems: dict[str, str] | None = None) -> Response:
    """The page, with what is wrong with the form that was sent."""
    seen = await server_of(request).database.scan(_load)
    asked = request.query_params.get("q", "").strip().lower()
    return await render_console(
        request,
        "console/servers.html",
        422 if problems else 200,
        permissions=[one for one in seen.permissions if asked in one.domain],
        drafts=seen.drafts,
        waiting=seen.waiting,
        lists=seen.lists,
        rules=seen.rules,
        asked=asked,
        form=form_of(request) if problems else {},
        problems=problems or {},
    )


async def limit_server(request: Request) -> Response:
    """Limit or block a server; blocking asks once more."""
    _ = translations_of(request).gettext
    given = given_of(request, DomainPermissionDraft)
    try:
        draft = to_struct(given, DomainPermissionDraft)
        if draft.severity == "suspend" and "confirmed" not in form_of(request):
            return _ask_once_more(request, draft.domain, given)
        server = server_of(request)
        await server.database.write(set_domain_permission, server.site, staff_of(request).account.id, draft)
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    return redirect(request, _HERE, say=_("Saved."))


def given_of(request: Request, struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of a struct as the form filled them in."""
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


async def judge_drafts(request: Request) -> Response:
    """Do what the lists ask for with the chosen servers, put it away, or never hear of them again."""
    server, by_id = server_of(request), staff_of(request).account.id
    verdict, chosen = field_of(request, "verdict"), _chosen(request)
    if verdict not in ("accept", "discard", "exclude"):
        raise NotFound
    if not chosen:
        problem = Problem("item", "ERR_BLANK", "Choose the servers that this is about")
        return await _show(request, problems_of(request, Invalid(problems=(problem,))))
    words = translations_of(request)
    if verdict == "accept" and len(chosen) > 1 and "confirmed" not in form_of(request):
        return _ask_for_all(request, chosen)
    try:
        for start in range(0, len(chosen), PORTION):
            await server.database.write(_judge, server.site, by_id, chosen[start : start + PORTION], verdict)
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    said = words.ngettext("%(num)s server answered.", "%(num)s servers answered.", len(chosen))
    return redirect(request, _HERE, say=str(said) % {"num": len(chosen)})


def _chosen(request: Request) -> list[int]:
    """The drafts that were ticked, or all that were shown, or the one whose button it was."""
    form = form_of(request)
    if one := parse_id(field_of(request, "one")):
        return [one]
    sent: Any = field_of(request, "shown").split(",") if "all" in form else form.get("item", [])
    values = sent if isinstance(sent, list) else [sent]
    found = [parse_id(value) for value in values if isinstance(value, str)]
    return [draft_id for draft_id in found if draft_id is not None][:_DRAFTS]


def _judge(tx: Transaction, site: Site, by_id: int, draft_ids: list[int], verdict: str) -> None:
    for draft_id in draft_ids:
        if not has_draft(tx, draft_id):
            # Somebody else of the team was faster.
            continue
        if verdict == "accept":
            accept_draft(tx, site, by_id, draft_id)
        else:
            discard_draft(tx, by_id, draft_id, exclude=verdict == "exclude")


def _ask_for_all(request: Request, chosen: list[int]) -> Response:
    words = translations_of(request)
    heading = words.ngettext(
        "Do what the lists ask for with %(num)s server?",
        "Do what the lists ask for with %(num)s servers?",
        len(chosen),
    )
    return render(
        request,
        "confirm.html",
        heading=str(heading) % {"num": len(chosen)},
        sentence=words.gettext(
            "Each is a decision of yours, with its reason in public. Where it is a block, nobody here sees"
            " the people of that server any more; everything can be put back."
        ),
        action=f"{_HERE}/drafts",
        words=words.gettext("Decide them"),
        danger=True,
        back=_HERE,
        fields={"verdict": "accept", "all": "1", "shown": ",".join(map(str, chosen))},
    )


routes = console_routes(
    [
        Route(_HERE, show_servers),
        Route(_HERE, limit_server, methods=["POST"]),
        Route(f"{_HERE}/lift", lift, methods=["POST"]),
        Route(f"{_HERE}/drafts", judge_drafts, methods=["POST"]),
    ],
    permission="manage_federation",
)
