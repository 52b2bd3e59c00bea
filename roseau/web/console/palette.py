"""Everything of the console by its name: cases, people, pages, rules. A page, and the palette's list."""

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.cases.access import find_case_id, require_look
from roseau.domain.moderation.vocabulary import Permission
from roseau.domain.policy import list_rules
from roseau.domain.site import Site
from roseau.doors.server import server_of
from roseau.kernel.errors import RoseauError
from roseau.storage.database import Transaction
from roseau.web.console.frame import PLACES, place_words, render_console
from roseau.web.console.guard import console_routes, permissions_here, staff_of
from roseau.web.console.people import find_people
from roseau.web.rendering import language_of, translations_of
from roseau.web.sessions import query

_MOST: Final = 8


class Hit(msgspec.Struct, frozen=True):
    """Something that was found."""

    icon: str
    words: str
    note: str
    href: str


async def find(request: Request) -> Response:
    """What fits what was typed; the places, when nothing was."""
    asked = request.query_params.get("q", "").strip()[:200]
    server, has = server_of(request), permissions_here(request)
    hits = _places(request, asked, has)
    if asked:
        found = await server.database.scan(
            _search, server.site, staff_of(request).account.id, asked, has, language_of(request)
        )
        hits = [*_named(request, found), *hits]
    return await render_console(request, "console/find.html", finding=True, asked=asked, hits=hits)


class _Found(msgspec.Struct):
    case: int | None
    people: list[tuple[str, str, int]]
    rules: list[str]


def _search(
    tx: Transaction, site: Site, viewer_id: int, asked: str, has: frozenset[Permission], language: str
) -> _Found:
    people = find_people(tx, site, viewer_id, asked) if "manage_users" in has else []
    wanted = asked.casefold()
    rules = [rule.said_in(language).text for rule in list_rules(tx)]
    return _Found(
        _find_case(tx, viewer_id, asked.lstrip("#n°o. ")),
        [(one.account.name, one.account.acct, one.id) for one in people[:_MOST]],
        [text for text in rules if wanted in text.casefold()][:_MOST],
    )


def _find_case(tx: Transaction, viewer_id: int, asked: str) -> int | None:
    if not asked.isascii() or not asked.isdigit() or len(asked) > 9:
        return None
    try:
        require_look(tx, find_case_id(tx, int(asked)), viewer_id)
    except RoseauError:
        # Neither there nor theirs to see: both look the same.
        return None
    return int(asked)


def _named(request: Request, found: _Found) -> list[Hit]:
    _ = translations_of(request).gettext
    hits = []
    if found.case is not None:
        case = _("Case %(number)s") % {"number": found.case}
        hits.append(Hit("flag", case, "", f"/moderation/cases/{found.case}"))
    hits += [Hit("user", name, f"@{acct}", f"/moderation/people/{key}") for name, acct, key in found.people]
    hits += [Hit("shield", text, _("Rule"), "/rules") for text in found.rules]
    return hits


def _places(request: Request, asked: str, has: frozenset[Permission]) -> list[Hit]:
    _ = translations_of(request).gettext
    words = place_words(_)
    known = [(words[key], href) for key, href, permission in PLACES if permission in has]
    known += [(name, href) for name, href, permission in _further(_) if permission in has]
    known += [
        (_("Closed cases"), "/moderation/closed"),
        (_("Keys"), "/moderation/keys"),
        (_("The rules"), "/rules"),
    ]
    wanted = asked.casefold()
    if "://" in asked and "decide_cases" in has:
        return [Hit("plus", _("Open a case about this address"), "", f"/moderation/open?{query(url=asked)}")]
    return [Hit("list", name, "", href) for name, href in known if wanted in name.casefold()]


def _further(_: Callable[[str], str]) -> list[tuple[str, str, Permission]]:
    """Pages that have no place of their own in the navigation."""
    return [
        (_("Open a case"), "/moderation/open", "decide_cases"),
        (_("Sign-up blocks"), "/moderation/blocks", "manage_blocks"),
        (_("Trusted flaggers"), "/moderation/flaggers", "manage_settings"),
    ]


routes = console_routes([Route("/moderation/find", find)], permission="view_cases")
