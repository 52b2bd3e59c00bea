"""The public record of moderation as pages: decisions, figures, roots, and the transparency reports."""

from collections.abc import Mapping
from functools import cache
from typing import Final, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.record import peers, published, reports, roots
from roseau.domain.moderation.record.published import Figures, PublicDecision, Wanted
from roseau.domain.moderation.vocabulary import Ground, MeasureKind
from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.rendering import language_of, render
from roseau.web.sessions import choices_of, query

#: How many roots stand on the page; the API has them all.
_ROOTS: Final = 14
_MOST: Final = 2**31 - 1
_NOT_FOR_SEARCH: Final = {"X-Robots-Tag": "noindex"}


class _Report(msgspec.Struct):
    run: reports.Run
    files: list[str]


class _Page(msgspec.Struct):
    figures: Figures
    reports: list[_Report]
    roots: list[roots.DayRoot]
    conflicts: list[peers.Conflict]


def _load(tx: Transaction) -> _Page:
    return _Page(
        published.load_figures(tx),
        [_Report(run, reports.list_files(tx, run.id)) for run in reports.list_reports(tx)],
        roots.list_newest_roots(tx, _ROOTS),
        peers.list_conflicts(tx),
    )


async def show_transparency(request: Request) -> Response:
    """The figures of the last year, the reports, and the roots with those who keep them."""
    found = await server_of(request).database.scan(_load)
    return render(request, "transparency.html", found=found, few=published.FEW, choices=choices_of(request))


async def list_decisions(request: Request) -> Response:
    """Decisions, the newest first, of a ground or with a measure if asked for."""
    asked = request.query_params
    wanted = Wanted(
        _one_of(asked, "ground", get_args(Ground)),
        _one_of(asked, "measure", get_args(MeasureKind)),
        min(parse_id(asked.get("before")) or _MOST, _MOST),
    )
    found: list[PublicDecision] = await server_of(request).database.scan(
        published.list_decisions, wanted, language_of(request)
    )
    next_url = ""
    if len(found) == published.PAGE:
        kept = {"ground": wanted.ground, "measure": wanted.measure}
        next_url = "/decisions?" + query(
            **{name: value for name, value in kept.items() if value}, before=str(found[-1].number)
        )
    response = render(
        request, "transparency_decisions.html", decisions=found, wanted=wanted, next_url=next_url
    )
    response.headers.update(_NOT_FOR_SEARCH)
    return response


def _one_of(asked: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = asked.get(name, "")
    return value if value in known else ""


async def show_decision(request: Request) -> Response:
    """One decision, without anybody's name."""
    number = parse_id(request.path_params["number"])
    if number is None or number > _MOST:
        raise NotFound
    found = await server_of(request).database.read(published.load_decision, number, language_of(request))
    response = render(request, "decision.html", decision=found, choices=choices_of(request))
    response.headers.update(_NOT_FOR_SEARCH)
    return response


async def give_file(request: Request) -> Response:
    """A file of a published report."""
    period, name = request.path_params["period"], request.path_params["name"]
    content = await server_of(request).database.read(reports.load_file, period, name)
    kind = {"csv": "text/csv", "json": "application/json"}.get(name.rpartition(".")[2], "text/plain")
    given = {
        "Content-Disposition": f'attachment; filename="{period}-{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, headers=given, media_type=f"{kind}; charset=utf-8")


async def give_program(request: Request) -> Response:
    """The program that makes a report anew from the log."""
    given = {"Content-Disposition": 'attachment; filename="rebuild.pyz"', "X-Content-Type-Options": "nosniff"}
    return Response(_program(), headers=given, media_type="application/zip")


@cache
def _program() -> bytes:
    return reports.pack_program()


routes = [
    Route("/transparency", show_transparency),
    Route("/transparency/rebuild.pyz", give_program),
    Route("/transparency/{period}/{name}", give_file),
    Route("/decisions", list_decisions),
    Route("/decisions/{number}", show_decision),
]
