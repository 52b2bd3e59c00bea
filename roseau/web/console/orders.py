"""Orders of authorities: written down, carried out item by item, answered, and data handed over."""

import asyncio
from datetime import datetime
from typing import Final, get_args
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.cases.access import find_case_id
from roseau.domain.moderation.cases.working import see_case
from roseau.domain.moderation.desk.answers import gather_order_facts, write_answer
from roseau.domain.moderation.desk.disclosures import gather_disclosure, make_disclosure
from roseau.domain.moderation.desk.orders import (
    KINDS,
    Order,
    OrderDraft,
    OrderKind,
    answer_order,
    file_order,
    load_order,
    load_order_items,
)
from roseau.domain.moderation.desk.reading import Item
from roseau.domain.moderation.desk.threats import ThreatDraft, report_threat
from roseau.domain.policy import Rule, list_rules
from roseau.domain.site import Site
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.desk import chosen_items, dispose, item_words, open_items
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import language_of, translations_of
from roseau.web.sessions import field_of, form_of, redirect

_HERE: Final = "/moderation/orders"
_TEXTS: Final = ("authority", "reference", "legal_basis", "reply_to", "text", "country")
_TIMES: Final = ("received_at", "due_at", "confidential_until", "preserve_until")


class _Page(msgspec.Struct):
    order: Order
    items: list[Item]
    rules: list[Rule]
    draft: str
    now: int


async def show_form(request: Request) -> Response:
    """The form for an order that came; `notice` is the mail that it came with.

    `case`: nobody ordered anything, and an authority is told of danger to life, by the case's number.
    """
    return await _show_form(
        request, {}, {name: request.query_params.get(name, "") for name in ("notice", "case")}
    )


async def _show_form(request: Request, problems: dict[str, str], filled: dict[str, str]) -> Response:
    return await render_console(
        request, "console/desk_new_order.html", 422 if problems else 200, problems=problems, filled=filled,
        kinds=list(KINDS),
    )  # fmt: skip


async def write_down(request: Request) -> Response:
    """Write an order down; its case stands first in the queue from then on."""
    server, account_id = server_of(request), staff_of(request).account.id
    try:
        if field_of(request, "case"):
            order_id = await server.database.write(_report_threat, server.site, account_id, *_threat(request))
        else:
            order_id = await server.database.write(file_order, server.site, account_id, _draft(request))
    except Invalid as error:
        form = form_of(request)
        filled = {name: value for name, value in form.items() if isinstance(value, str)}
        return await _show_form(request, problems_of(request, error), filled)
    _ = translations_of(request).gettext
    said = _("The order is written down, and what it names is preserved.")
    if field_of(request, "case"):
        said = _("What the case holds is preserved. Send it now, and note here that you have.")
    return redirect(request, f"{_HERE}/{order_id}", say=said)


def _threat(request: Request) -> tuple[int, ThreatDraft]:
    number = parse_id(field_of(request, "case"))
    if number is None:
        raise NotFound
    names = ("authority", "reference", "reply_to", "text", "country")
    texts = {name: field_of(request, name).strip() for name in names}
    return number, ThreatDraft(**texts, language=field_of(request, "language") or language_of(request))


def _report_threat(tx: Transaction, site: Site, account_id: int, number: int, draft: ThreatDraft) -> int:
    return report_threat(tx, site, account_id, find_case_id(tx, number), draft)


def _draft(request: Request) -> OrderDraft:
    kind = field_of(request, "kind")
    if kind not in get_args(OrderKind):
        raise Invalid(problems=(Problem("kind", "ERR_INVALID", "Say what kind of order it is"),))
    texts = {name: field_of(request, name).strip() for name in _TEXTS}
    times = {name: _read_time(name, field_of(request, name), field_of(request, "zone")) for name in _TIMES}
    return msgspec.convert(
        {
            **texts, **times, "kind": kind, "language": field_of(request, "language") or language_of(request),
            "notice_id": parse_id(field_of(request, "notice")),
        },
        OrderDraft,
    )  # fmt: skip


def _read_time(name: str, text: str, zone: str) -> int | None:
    """A moment as a field of the kind datetime-local gives it. Raises Invalid."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo("Europe/Paris" if zone == "paris" else "UTC"))
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise Invalid(problems=(Problem(name, "ERR_INVALID", "This is no date and time"),)) from error


async def show_order(request: Request) -> Response:
    """An order with its items, the form of an answer, and the pack for the authority."""
    page = await _load(request)
    if page.order.case_id is not None:
        server = server_of(request)
        await server.note(see_case, server.site, staff_of(request).account.id, page.order.case_id)
    return await _show_order(request, page, {})


async def _load(request: Request) -> _Page:
    server = server_of(request)
    return await server.database.scan(_read, server.site, staff_of(request).account.id, _id(request))


def _read(tx: Transaction, site: Site, viewer_id: int, order_id: int) -> _Page:
    return _Page(
        load_order(tx, viewer_id, order_id),
        load_order_items(tx, site, viewer_id, order_id),
        list_rules(tx),
        write_answer(gather_order_facts(tx, site, viewer_id, order_id)),
        tx.now,
    )


async def _show_order(request: Request, page: _Page, problems: dict[str, str]) -> Response:
    left = [item for item in page.items if item.answer is None]
    return await render_console(
        request, "console/desk_order.html", 422 if problems else 200, order=page.order, items=page.items,
        action=f"{_HERE}/{page.order.id}/items", left=len(left), rules=page.rules, draft="", now=page.now,
        answer_draft=page.draft, problems=problems, filled=form_of(request) if problems else {},
        chosen=set(chosen_items(request)) if problems else open_items(page.items),
        **item_words(translations_of(request).gettext),
    )  # fmt: skip


async def answer_items(request: Request) -> Response:
    """Carry out, or not, what the order asks of the ticked items."""
    page = await _load(request)
    try:
        said = await dispose(request, page.order.notice_id)
    except Invalid as error:
        return await _show_order(request, await _load(request), problems_of(request, error))
    return redirect(request, f"{_HERE}/{page.order.id}", say=said)


async def note_answer(request: Request) -> Response:
    """Keep the answer as it was sent."""
    server, order_id = server_of(request), _id(request)
    words = field_of(request, "words")
    try:
        sent_at = _read_time("sent_at", field_of(request, "sent_at"), field_of(request, "zone"))
        await server.database.write(
            answer_order, server.site, staff_of(request).account.id, order_id, words, sent_at
        )
    except Invalid as error:
        return await _show_order(request, await _load(request), problems_of(request, error))
    return redirect(
        request, f"{_HERE}/{order_id}", say=translations_of(request).gettext("Noted as answered.")
    )


async def hand_over(request: Request) -> Response:
    """The pack for the authority; each look that it takes is written down, so that it is a form."""
    server, order_id = server_of(request), _id(request)
    chosen = chosen_items(request)
    try:
        found = await server.database.write(
            gather_disclosure, server.site, staff_of(request).account.id, order_id, chosen
        )
    except Invalid as error:
        return await _show_order(request, await _load(request), problems_of(request, error))
    page = await _load(request)
    pack = await asyncio.to_thread(make_disclosure, found, page.order.language)
    headers = {
        "Content-Disposition": f'attachment; filename="{pack.name}.zip"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pack.archive, 200, headers, "application/zip")


def _id(request: Request) -> int:
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NotFound
    return found


routes = console_routes(
    [
        Route(f"{_HERE}/new", show_form),
        Route(_HERE, write_down, methods=["POST"]),
        Route(f"{_HERE}/{{id}}", show_order),
        Route(f"{_HERE}/{{id}}/items", answer_items, methods=["POST"]),
        Route(f"{_HERE}/{{id}}/answer", note_answer, methods=["POST"]),
        Route(f"{_HERE}/{{id}}/pack", hand_over, methods=["POST"]),
    ],
    permission="manage_orders",
)
