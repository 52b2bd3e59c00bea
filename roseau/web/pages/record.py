"""A member's moderation record: what was decided about them and why, their sealed posts, and their appeals.

It is there for members who are suspended, too: nobody is judged without being heard.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.media.uploads import process_media, receive_media
from roseau.domain.moderation.appeals.drafts import MAX_MEDIA, AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.appeals.own import (
    Entry,
    MeasureState,
    export_record,
    find_entry,
    list_record,
    open_own_copy,
)
from roseau.domain.moderation.cases.asking import Question, answer_question, list_my_questions
from roseau.domain.moderation.statements.returned import say_returned
from roseau.doors import limits
from roseau.doors.forms import to_struct
from roseau.doors.multipart import Upload
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.i18n import format_date
from roseau.storage.database import Transaction
from roseau.web.pages.statuses import id_of
from roseau.web.problems import problems_of
from roseau.web.rendering import language_of, render, translations_of
from roseau.web.sessions import (
    field_of,
    form_of,
    is_suspended,
    member_of,
    member_only,
    open_to_suspended,
    redirect,
    spend,
    takes_files,
)

Words = Callable[[str], str]


class Sent(msgspec.Struct):
    """What the form of an appeal sends."""

    text: str = ""
    media: list[Upload] = []


@open_to_suspended
@member_only
async def show(request: Request) -> Response:
    """Every decision about the member."""
    return await _list(request)


async def _list(request: Request, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    entries, questions = await server_of(request).database.read(_read, member_of(request).account.id)
    return render(
        request,
        "record/list.html",
        status,
        entries=entries,
        questions=questions,
        draft=field_of(request, "text") if problems else "",
        problems=problems or {},
        suspended=is_suspended(request),
    )


def _read(tx: Transaction, account_id: int) -> tuple[list[Entry], list[Question]]:
    return list_record(tx, account_id), list_my_questions(tx, account_id)


@open_to_suspended
@member_only
async def answer(request: Request) -> Response:
    """Answer a question of the team."""
    server = server_of(request)
    try:
        await server.database.write(
            answer_question,
            server.site,
            member_of(request).account.id,
            id_of(request),
            field_of(request, "text"),
        )
    except Invalid as error:
        return await _list(request, 422, problems_of(request, error))
    return redirect(request, "/record", say=translations_of(request).gettext("Your answer is with the team."))


@open_to_suspended
@member_only
async def show_decision(request: Request) -> Response:
    """One of them, with the form to appeal."""
    return _page(request, await _entry(request), "")


async def _entry(request: Request) -> Entry:
    number = int(request.path_params["number"])
    return await server_of(request).database.read(find_entry, member_of(request).account.id, number)


def _page(
    request: Request, entry: Entry, draft: str, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    return render(
        request,
        "record/decision.html",
        status,
        entry=entry,
        facts=_to_facts(request, entry),
        returned=say_returned(language_of(request), entry.returned),
        has_copy=any(measure.kind in ("remove", "hold") for measure in entry.measures),
        draft=draft,
        problems=problems or {},
        suspended=is_suspended(request),
    )


def _to_facts(request: Request, entry: Entry) -> list[tuple[str, str]]:
    """The letter as a table: what art. 17(3) of the Digital Services Act wants said."""
    _ = translations_of(request).gettext
    fields: dict[str, Any] = msgspec.json.decode(entry.fields)
    rows = [(_("The facts"), fields["b"]["facts"])]
    if fields["e"]:
        said = _("%(rule)s We did not judge whether it is illegal.")
        rows.append((_("The rule"), said % {"rule": _sentence(fields["e"]["text"])}))
    if fields["d"]:
        rows.append((_("The law"), fields["d"]["law"]))
    rows.append((_("Measure and duration"), _say_measures(request, entry.measures)))
    rows.append((_("Who decided"), _say_decider(_, fields["c"])))
    rows.append((_("What set it off"), _say_source(_, fields["b"]["source"])))
    rows.append(
        (
            _("Elsewhere"),
            _("A certified body (%(body)s), or a court.") % {"body": fields["f"]["dispute_body"]},
        )
    )
    return [(name, words) for name, words in rows if words]


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def _say_measures(request: Request, measures: list[MeasureState]) -> str:
    words = translations_of(request)
    named = measure_words(words.gettext)
    until = words.gettext("%(measure)s until %(day)s")
    said = []
    for measure in measures:
        name = named.get(measure.kind, measure.kind)
        if measure.until_at is None:
            said.append(name)
        else:
            day = format_date(language_of(request), measure.until_at, member_of(request).time_zone)
            said.append(until % {"measure": name, "day": day})
    return ", ".join(said)


def measure_words(_: Words) -> dict[str, str]:
    """Each measure, as it is said to whom it concerns."""
    return {
        "reminder": _("A reminder of the rule, without consequences"),
        "label": _("A note beside your post"),
        "interstitial": _("Your post stands behind a warning"),
        "hold": _("Your post is hidden until somebody has decided"),
        "remove": _("Your post is taken down"),
        "limit": _("Your account is limited: only your followers meet your posts"),
        "freeze": _("Your account is frozen: you can read, and not post"),
        "suspend": _("Your account is suspended"),
        "warn_misuse": _("A warning"),
        "pause_notices": _("Your reports are not looked at"),
    }


def _say_decider(_: Words, automation: dict[str, Any]) -> str:
    if automation["decision"] == "fully":
        return _("A machine, until a person looks at it.")
    if automation["detection"]:
        return _("A moderator. An automatic rule had found it.")
    return _("A moderator.")


def _say_source(_: Words, source: str) -> str:
    return {
        "notice": _("Reports, whose senders are protected."),
        "authority_order": _("An order of an authority."),
        "host_letter": _("A letter of the company that hosts the site."),
        "own_initiative": _("The team came across it."),
    }.get(source, "")


@open_to_suspended
@takes_files
@member_only
async def appeal(request: Request) -> Response:
    """Ask for somebody else to look again."""
    entry = await _entry(request)
    server, member_id = server_of(request), member_of(request).account.id
    try:
        media = await _take_media(request, to_struct(form_of(request), Sent).media)
        spend(request, limits.REPORTS, str(member_id))
        draft = AppealDraft(
            decision_id=entry.decision_id,
            text=field_of(request, "text"),
            account_id=member_id,
            language=language_of(request),
            media_ids=media,
        )
        await server.database.write(file_appeal, server.site, draft)
    except Invalid as error:
        fields = {"media_ids": "media[]", "media": "media[]"}
        return _page(request, entry, field_of(request, "text"), 422, problems_of(request, error, fields))
    _ = translations_of(request).gettext
    said = _("Your appeal has arrived. Somebody else will read it, and answer within 7 days.")
    return redirect(request, f"/record/{entry.number}", say=said)


async def _take_media(request: Request, uploads: list[Upload]) -> tuple[int, ...]:
    server, member_id = server_of(request), member_of(request).account.id
    taken: list[int] = []
    for upload in uploads[:MAX_MEDIA]:
        if not upload.size:
            continue
        spend(request, limits.UPLOADS, str(member_id))
        taken.append(await receive_media(server, member_id, upload.path))
        await process_media(server, taken[-1])
    return tuple(taken)


@open_to_suspended
@member_only
async def show_copy(request: Request) -> Response:
    """What was taken down, as its author wrote it."""
    entry = await _entry(request)
    server = server_of(request)
    copies = await server.database.read(
        open_own_copy, server.site, member_of(request).account.id, entry.decision_id
    )
    if not copies:
        raise NotFound
    return render(
        request, "record/copy.html", copies=copies, number=entry.number, suspended=is_suspended(request)
    )


@open_to_suspended
@member_only
async def download(request: Request) -> Response:
    """Everything of moderation that is the member's own, as a file."""
    server = server_of(request)
    body = await server.database.scan(export_record, server.site, member_of(request).account.id)
    headers = {"Content-Disposition": 'attachment; filename="record.json"', "Cache-Control": "no-store"}
    return Response(body, 200, headers, "application/json")


@open_to_suspended
@member_only
async def find_strike(request: Request) -> Response:
    """Where apps look for a decision by its id, as Mastodon has it."""
    wanted = id_of(request)
    entries = await server_of(request).database.read(list_record, member_of(request).account.id)
    number = next((entry.number for entry in entries if entry.decision_id == wanted), None)
    if number is None:
        raise NotFound
    return redirect(request, f"/record/{number}")


routes = [
    Route("/disputes/strikes", show),
    Route("/disputes/strikes/{id}", find_strike),
    Route("/record", show),
    Route("/record.json", download),
    Route("/record/questions/{id}", answer, methods=["POST"]),
    Route("/record/{number:int}", show_decision),
    Route("/record/{number:int}/appeal", appeal, methods=["POST"]),
    Route("/record/{number:int}/copy", show_copy),
]
