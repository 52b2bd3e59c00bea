"""Lists of servers: followed, after a look at what would change; taken in from a file; given to others."""

import asyncio
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.servers.drafts import forget_import, put_import
from roseau.domain.moderation.servers.formats import Entry, Format, Parsed, parse_list, write_csv
from roseau.domain.moderation.servers.permissions import list_all_domain_permissions, set_domain_permission
from roseau.domain.moderation.servers.subscriptions import (
    Plan,
    Subscription,
    SubscriptionDraft,
    change_subscription,
    exclude,
    find_subscription,
    include,
    list_excludes,
    list_subscriptions,
    plan,
    plan_fetch,
    subscribe,
    to_entry,
    to_permission,
    unsubscribe,
)
from roseau.domain.site import Site
from roseau.doors.forms import to_struct
from roseau.doors.multipart import Upload
from roseau.doors.server import server_of
from roseau.doors.subscriptions import PORTION, preview, to_draft
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.console.servers import given_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, form_of, redirect, takes_any_file

_HERE: Final = "/moderation/servers"
_LISTS: Final = f"{_HERE}/lists"
#: What a file says of a server without a word on how.
_IMPORTED: Final = SubscriptionDraft(uri="", severity="silence")
#: So many servers can be decided at once, without laying them on the desk.
MOST_AT_ONCE: Final = 200
#: What is carried through the page of an import; it has to fit into a form again.
MAX_IMPORT: Final = 600_000


class _Seen(msgspec.Struct):
    lists: list[Subscription]
    excludes: list[Any]


def _load(tx: Transaction) -> _Seen:
    return _Seen(list_subscriptions(tx), list_excludes(tx))


# Lists that are followed


async def show_lists(request: Request) -> Response:
    """The lists that are followed, the servers that none of them touches, and files."""
    return await _show(request, {})


async def _show(request: Request, problems: dict[str, str]) -> Response:
    gettext = translations_of(request).gettext
    seen = await server_of(request).database.read(_load)
    return await render_console(
        request,
        "console/server_lists.html",
        422 if problems else 200,
        lists=seen.lists,
        errors={one.id: gettext(one.error) for one in seen.lists if one.error},
        excludes=seen.excludes,
        form=form_of(request) if problems else {},
        problems=problems,
    )


async def show_preview(request: Request) -> Response:
    """What would follow from a list, fetched now; nothing is changed, and the list is not followed yet."""
    try:
        draft = to_struct(given_of(request, SubscriptionDraft), SubscriptionDraft)
        parsed, found = await preview(server_of(request), draft)
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    fields = {name: _to_field(value) for name, value in msgspec.structs.asdict(draft).items()}
    return await _show_plan(request, parsed, found, draft.title or draft.uri, fields=fields)


def _to_field(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


async def _show_plan(request: Request, parsed: Parsed, found: Plan, name: str, **context: Any) -> Response:
    return await render_console(
        request,
        "console/server_plan.html",
        parsed=parsed,
        plan=found,
        name=name,
        most=MOST_AT_ONCE,
        **context,
    )


async def follow_list(request: Request) -> Response:
    """Follow a list of others from now on."""
    _ = translations_of(request).gettext
    try:
        draft = to_struct(given_of(request, SubscriptionDraft), SubscriptionDraft)
        await server_of(request).database.write(subscribe, staff_of(request).account.id, draft)
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    return redirect(request, _LISTS, say=_("The list is fetched each day, from now on."))


async def show_list(request: Request) -> Response:
    """The settings of a list, and how its last fetch went."""
    return await _show_list(request, {})


async def _show_list(request: Request, problems: dict[str, str]) -> Response:
    followed = await _find(request)
    draft = to_draft(followed)
    filled = form_of(request) if problems else {name: _to_field(getattr(draft, name)) for name in _NAMES}
    return await render_console(
        request,
        "console/server_list.html",
        422 if problems else 200,
        followed=followed,
        filled=filled,
        error=translations_of(request).gettext(followed.error) if followed.error else "",
        problems=problems,
    )


_NAMES: Final = SubscriptionDraft.__struct_fields__


async def _find(request: Request) -> Subscription:
    list_id = parse_id(request.path_params["id"])
    if list_id is None:
        raise NotFound
    return await server_of(request).database.read(find_subscription, list_id)


async def change_list(request: Request) -> Response:
    """Follow it otherwise: it is fetched anew at once."""
    followed = await _find(request)
    try:
        draft = to_struct(given_of(request, SubscriptionDraft), SubscriptionDraft)
        account_id = staff_of(request).account.id
        await server_of(request).database.write(change_subscription, account_id, followed.id, draft)
    except Invalid as error:
        return await _show_list(request, problems_of(request, error))
    return redirect(request, f"{_LISTS}/{followed.id}", say=translations_of(request).gettext("Saved."))


async def fetch_now(request: Request) -> Response:
    """Have it fetched without waiting for tomorrow."""
    followed = await _find(request)
    await server_of(request).database.write(lambda tx: plan_fetch(tx, followed.id, tx.now))
    _ = translations_of(request).gettext
    return redirect(request, f"{_LISTS}/{followed.id}", say=_("It is being fetched."))


async def leave_list(request: Request) -> Response:
    """Follow a list no longer, and lift what came from it, or keep it."""
    followed = await _find(request)
    server, by_id = server_of(request), staff_of(request).account.id
    lifted = field_of(request, "lift") == "1"
    await server.database.write(lambda tx: unsubscribe(tx, server.site, by_id, followed.id, lift=lifted))
    _ = translations_of(request).gettext
    return redirect(request, _LISTS, say=_("The list is followed no more."))


# Servers that no list touches


async def exclude_server(request: Request) -> Response:
    """Let no list touch a server."""
    by_id, name = staff_of(request).account.id, field_of(request, "excluded")
    note = field_of(request, "note")
    try:
        await server_of(request).database.write(exclude, by_id, name, note)
    except Invalid as error:
        # What is no name of a server is said without a field.
        return await _show(request, {"excluded": _say(request, error)})
    return redirect(request, _LISTS, say=translations_of(request).gettext("No list touches it any more."))


def _say(request: Request, error: Invalid) -> str:
    return " ".join(problems_of(request, error).values())


async def include_server(request: Request) -> Response:
    """Let lists say something of a server again."""
    by_id, name = staff_of(request).account.id, field_of(request, "domain")
    await server_of(request).database.write(include, by_id, name)
    return redirect(request, _LISTS, say=translations_of(request).gettext("Lists may touch it again."))


# Files


@takes_any_file
async def show_import(request: Request) -> Response:
    """What a file would change; it is carried through the page, as it was understood."""
    server = server_of(request)
    try:
        kind = _format_of(request)
        raw = await _sent(request)
        parsed = await asyncio.to_thread(parse_list, raw, kind)
        if not parsed.entries:
            raise Invalid("Nothing in this list reads as the name of a server. Is it of this format?")
        entries = [to_entry(entry, "silence") for entry in parsed.entries]
        text = write_csv(entries)
        if len(text.encode()) > MAX_IMPORT:
            raise Invalid(
                "This file is too long for one import. Take it in in parts, or follow it as a list."
            )
    except Invalid as error:
        return await _show(request, {"list": _say(request, error)})
    found = await server.database.scan(_plan, server.site, tuple(entries))
    return await _show_plan(request, parsed, found, "", text=text)


def _plan(tx: Transaction, site: Site, entries: tuple[Entry, ...]) -> Plan:
    return plan(tx, site, entries, _IMPORTED)


def _format_of(request: Request) -> Format:
    wanted = field_of(request, "format")
    return next((known for known in ("json", "plain") if known == wanted), "csv")


async def _sent(request: Request) -> bytes:
    file = form_of(request).get("list_file")
    if isinstance(file, Upload) and file.size:
        return await asyncio.to_thread(file.path.read_bytes)
    text = field_of(request, "list")
    if not text.strip():
        raise Invalid("Choose a file, or paste a list.")
    return text.encode()


async def take_in(request: Request) -> Response:
    """Lay what was imported on the desk, or decide it at once in the name of whoever imports it."""
    server, by_id = server_of(request), staff_of(request).account.id
    parsed = await asyncio.to_thread(parse_list, field_of(request, "list").encode(), "csv")
    found = await server.database.scan(_plan, server.site, parsed.entries)
    wanted = [*found.add, *found.change]
    at_once = field_of(request, "how") == "now" and len(wanted) <= MOST_AT_ONCE
    for start in range(0, len(wanted), PORTION):
        await server.database.write(_take, server.site, by_id, wanted[start : start + PORTION], at_once)
    words = translations_of(request)
    if at_once:
        said = words.ngettext("%(num)s server is decided.", "%(num)s servers are decided.", len(wanted))
    else:
        said = words.ngettext(
            "%(num)s server waits for your eyes.", "%(num)s servers wait for your eyes.", len(wanted)
        )
    return redirect(request, _LISTS, say=str(said) % {"num": len(wanted)})


def _take(tx: Transaction, site: Site, by_id: int, entries: list[Entry], at_once: bool) -> None:
    for entry in entries:
        if at_once:
            set_domain_permission(tx, site, by_id, to_permission(entry, None))
            forget_import(tx, entry.domain)
        else:
            put_import(tx, by_id, entry)


async def export(request: Request) -> Response:
    """What is limited here as Mastodon reads and writes it."""
    every = await server_of(request).database.scan(list_all_domain_permissions)
    entries = [Entry(*(getattr(one, name) for name in Entry.__struct_fields__)) for one in every]
    headers = {
        "Content-Disposition": 'attachment; filename="domain_blocks.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(write_csv(entries), 200, headers, "text/csv; charset=utf-8")


routes = console_routes(
    [
        Route(_LISTS, show_lists),
        Route(_LISTS, follow_list, methods=["POST"]),
        Route(f"{_LISTS}/preview", show_preview, methods=["POST"]),
        Route(f"{_LISTS}/{{id}}", show_list),
        Route(f"{_LISTS}/{{id}}", change_list, methods=["POST"]),
        Route(f"{_LISTS}/{{id}}/fetch", fetch_now, methods=["POST"]),
        Route(f"{_LISTS}/{{id}}/leave", leave_list, methods=["POST"]),
        Route(f"{_HERE}/excludes", exclude_server, methods=["POST"]),
        Route(f"{_HERE}/excludes/lift", include_server, methods=["POST"]),
        Route(f"{_HERE}/import", show_import, methods=["POST"]),
        Route(f"{_HERE}/import/take", take_in, methods=["POST"]),
        Route(f"{_HERE}/export.csv", export),
    ],
    permission="manage_federation",
)
