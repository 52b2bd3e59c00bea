"""The host desk: letters with the time that is left, an answer for each item, and the pack for the host."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.cases.working import see_case
from roseau.domain.moderation.desk.disposing import (
    PORTION,
    Compliance,
    comply,
    contest,
    hold,
    note,
    note_plain,
)
from roseau.domain.moderation.desk.moving import make_letter
from roseau.domain.moderation.desk.orders import Order, list_orders
from roseau.domain.moderation.desk.packs import (
    ANSWERS,
    APPEALS,
    STATES,
    Pack,
    answer_letter,
    contest_draft,
    gather_facts,
    make_pack,
)
from roseau.domain.moderation.desk.reading import (
    Desk,
    Item,
    Letter,
    find_letter_id,
    list_letters,
    load_letter,
)
from roseau.domain.policy import Rule, list_rules
from roseau.domain.relationships.blocking import to_domain
from roseau.domain.site import Site, choose, load_choices
from roseau.doors.abuse_mail import take_mail
from roseau.doors.multipart import Upload
from roseau.doors.server import server_of
from roseau.kernel.errors import Forbidden, Invalid, NotFound, Problem, mark
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, permissions_here, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, form_of, redirect, takes_any_file

_HERE: Final = "/moderation/letters"
_KINDS: Final = {
    "zip": "application/zip",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}


#: Names of further senders of letters.
MAX_SENDERS: Final = 100


class _All(msgspec.Struct):
    letters: list[Letter]
    done: list[Letter]
    orders: list[Order]
    now: int
    #: Names of senders of letters, one a line.
    senders: str


# The letters


async def show_desk(request: Request) -> Response:
    """Letters and orders that wait, the form for one that came elsewhere, and what was answered."""
    return await _show_desk(request, {})


async def _show_desk(request: Request, problems: dict[str, str]) -> Response:
    may_order = "manage_orders" in permissions_here(request)
    found = await server_of(request).database.scan(_load_all, staff_of(request).account.id, may_order)
    return await render_console(
        request, "console/desk.html", 422 if problems else 200, found=found, problems=problems,
        may_order=may_order, written=field_of(request, "text") if problems else "",
        senders=field_of(request, "letter_senders") if "letter_senders" in problems else found.senders,
    )  # fmt: skip


def _load_all(tx: Transaction, viewer_id: int, may_order: bool) -> _All:
    return _All(
        list_letters(tx, viewer_id),
        list_letters(tx, viewer_id, done=True),
        list_orders(tx, viewer_id) if may_order else [],
        tx.now,
        "\n".join(load_choices(tx).letter_senders),
    )


@takes_any_file
async def take_in(request: Request) -> Response:
    """Take a mail in that was pasted or uploaded, as the letter that it is."""
    _ = translations_of(request).gettext
    raw = await _sent(request)
    if not raw.strip():
        problem = Problem("text", "ERR_BLANK", "Paste the letter, or choose its file")
        return await _show_desk(request, problems_of(request, Invalid(problems=(problem,))))
    server, account_id = server_of(request), staff_of(request).account.id
    received = await take_mail(server, raw)
    if received.notice_id is None:
        return redirect(request, _HERE, say=_("Nothing was taken in: a machine has answered a mail of ours."))
    letter_id = received.letter_id or await server.database.read(find_letter_id, received.notice_id)
    if letter_id is None:
        letter_id = await server.database.write(make_letter, server.site, account_id, received.notice_id)
    return redirect(request, f"{_HERE}/{letter_id}", say=_("The letter is on the desk."))


async def make_of_notice(request: Request) -> Response:
    """Make a letter of a mail that came in as a report."""
    server = server_of(request)
    notice_id = parse_id(field_of(request, "notice"))
    if notice_id is None:
        raise NotFound
    letter_id = await server.database.write(make_letter, server.site, staff_of(request).account.id, notice_id)
    _ = translations_of(request).gettext
    return redirect(request, f"{_HERE}/{letter_id}", say=_("The letter is on the desk."))


async def save_senders(request: Request) -> Response:
    """Whose mails are letters with a clock, besides the hosts that are known."""
    if "manage_letters" not in permissions_here(request):
        raise Forbidden
    try:
        senders = _read_senders(field_of(request, "letter_senders"))
    except Invalid as error:
        return await _show_desk(request, problems_of(request, error))
    account_id = staff_of(request).account.id
    await server_of(request).database.write(lambda tx: choose(tx, account_id, letter_senders=senders))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


def _read_senders(text: str) -> tuple[str, ...]:
    lines = [line.strip().removeprefix("@") for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_SENDERS:
        raise _wrong_senders(mark("There are 100 names at most."))
    try:
        return tuple(dict.fromkeys(to_domain(line) for line in lines))
    except Invalid:
        raise _wrong_senders(
            mark("Write what stands behind the @ of an address, such as example.org.")
        ) from None


def _wrong_senders(sentence: str) -> Invalid:
    return Invalid(problems=(Problem("letter_senders", "ERR_INVALID", sentence),))


async def _sent(request: Request) -> bytes:
    """The file, if one was chosen, else the text."""
    file = form_of(request).get("file")
    if isinstance(file, Upload) and file.size:
        return await asyncio.to_thread(file.path.read_bytes)
    return field_of(request, "text").encode()


# One letter


async def show_letter(request: Request) -> Response:
    """A letter with its items, the form to answer them, and the pack."""
    letter_id = _id(request)
    desk = await _load(request, letter_id)
    if desk.letter.case_id is not None:
        server = server_of(request)
        await server.note(see_case, server.site, staff_of(request).account.id, desk.letter.case_id)
    return await _show_letter(request, desk, {})


async def _load(request: Request, letter_id: int) -> Desk:
    server = server_of(request)
    return await server.database.scan(load_letter, server.site, staff_of(request).account.id, letter_id)


async def _show_letter(request: Request, desk: Desk, problems: dict[str, str]) -> Response:
    rules, title, now = await server_of(request).database.read(_load_beside)
    draft = contest_draft(desk.letter, desk.left[0], title) if desk.left else ""
    return await render_console(
        request, "console/desk_letter.html", 422 if problems else 200, desk=desk, letter=desk.letter,
        action=f"{_HERE}/{desk.letter.id}/items", items=desk.items, left=len(desk.left), rules=rules,
        draft=draft, now=now, problems=problems, filled=form_of(request) if problems else {},
        chosen=set(chosen_items(request)) if problems else open_items(desk.items),
        **item_words(translations_of(request).gettext),
    )  # fmt: skip


def _load_beside(tx: Transaction) -> tuple[list[Rule], str, int]:
    return list_rules(tx), load_choices(tx).title, tx.now


def item_words(gettext: Callable[[str], str]) -> dict[str, Any]:
    """What states, answers and appeals of items are called."""
    return {
        "states": {name: gettext(words) for name, words in STATES.items()},
        "answers": {name: gettext(words) for name, words in ANSWERS.items()},
        "appeals": {name: gettext(words) for name, words in APPEALS.items()},
    }


async def answer_items(request: Request) -> Response:
    """Answer the items that were ticked."""
    desk = await _load(request, _id(request))
    try:
        said = await dispose(request, desk.letter.notice_id)
    except Invalid as error:
        desk = await _load(request, desk.letter.id)
        return await _show_letter(request, desk, problems_of(request, error))
    return redirect(request, f"{_HERE}/{desk.letter.id}", say=said)


async def dispose(request: Request, notice_id: int) -> str:
    """Do to the chosen items what the button says; what is told afterwards. Raises Invalid and others."""
    server, account_id = server_of(request), staff_of(request).account.id
    kind = field_of(request, "answer")
    if kind == "plain":
        count = await server.database.write(note_plain, server.site, account_id, notice_id)
        return _say_answered(request, count)
    chosen = chosen_items(request)
    if not chosen:
        raise Invalid(problems=(Problem("item", "ERR_BLANK", "Choose the items that this is about"),))
    # Each item is a decision of its own; others want to write something, too.
    for start in range(0, len(chosen), PORTION):
        await server.database.write(
            _act, server.site, account_id, kind, chosen[start : start + PORTION], _said(request)
        )
    return _say_answered(request, len(chosen))


def _say_answered(request: Request, count: int) -> str:
    words = translations_of(request)
    said = words.ngettext("%(num)s item answered.", "%(num)s items answered.", count)
    return str(said) % {"num": count}


class _Said(msgspec.Struct):
    """What was filled in beside the items."""

    how: Compliance
    reason: str


def _said(request: Request) -> _Said:
    ground = field_of(request, "rule")
    rule_id = parse_id(ground.removeprefix("rule:")) if ground.startswith("rule:") else None
    behind_warning = field_of(request, "measure") == "interstitial"
    how = Compliance(
        ground="rule" if rule_id is not None else "law",
        rule_id=rule_id,
        law=field_of(request, "law"),
        facts=field_of(request, "facts"),
        summary=field_of(request, "summary"),
        measure="interstitial" if behind_warning else "remove",
    )
    return _Said(how, field_of(request, "reason"))


def _act(tx: Transaction, site: Site, account_id: int, kind: str, item_ids: list[int], said: _Said) -> None:
    match kind:
        case "comply":
            comply(tx, site, account_id, item_ids, said.how)
        case "contest":
            contest(tx, site, account_id, item_ids, said.reason)
        case "hold":
            hold(tx, site, account_id, item_ids, said.how.facts, said.how.law)
        case "already_done" | "not_here":
            note(tx, site, account_id, item_ids, kind, said.reason)
        case _:
            raise NotFound


def open_items(items: Sequence[Item]) -> set[int]:
    """What is ticked at first: the items that are still to be looked at, and have something to be seen."""
    return {item.id for item in items if item.answer is None and item.suggestion == "comply"}


def chosen_items(request: Request) -> list[int]:
    """The items that were ticked."""
    sent: Any = form_of(request).get("item", [])
    values = sent if isinstance(sent, list) else [sent]
    return [found for value in values if isinstance(value, str) and (found := parse_id(value)) is not None]


# The pack


async def send_pack(request: Request) -> Response:
    """The answer as a ZIP file, or one of its parts."""
    kind = request.path_params["kind"]
    if kind not in _KINDS:
        raise NotFound
    pack = await _make_pack(request, _id(request))
    body = {"zip": pack.archive, "pdf": pack.document, "csv": pack.table, "txt": pack.letter.encode()}[kind]
    headers = {
        "Content-Disposition": f'attachment; filename="{pack.name}.{kind}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, 200, headers, _KINDS[kind])


async def _make_pack(request: Request, letter_id: int) -> Pack:
    server = server_of(request)
    facts = await server.database.scan(gather_facts, server.site, staff_of(request).account.id, letter_id)
    return await asyncio.to_thread(make_pack, facts)


async def note_answer(request: Request) -> Response:
    """Note that the pack was sent, with its hash."""
    letter_id = _id(request)
    pack = await _make_pack(request, letter_id)
    server, account_id = server_of(request), staff_of(request).account.id
    try:
        await server.database.write(answer_letter, server.site, account_id, letter_id, pack.sha256)
    except Invalid as error:
        return await _show_letter(request, await _load(request, letter_id), problems_of(request, error))
    return redirect(request, _HERE, say=translations_of(request).gettext("Noted as answered."))


def _id(request: Request) -> int:
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NotFound
    return found


routes = [
    *console_routes(
        [Route(f"{_HERE}/senders", save_senders, methods=["POST"])], permission="manage_settings"
    ),
    *console_routes(
        [
            Route(_HERE, show_desk),
            Route(f"{_HERE}/made", make_of_notice, methods=["POST"]),
            Route(_HERE, take_in, methods=["POST"]),
            Route(f"{_HERE}/{{id}}", show_letter),
            Route(f"{_HERE}/{{id}}/items", answer_items, methods=["POST"]),
            Route(f"{_HERE}/{{id}}/answered", note_answer, methods=["POST"]),
            Route(f"{_HERE}/{{id}}/pack.{{kind}}", send_pack),
        ],
        permission="manage_letters",
    ),
]
