"""What stands around every page of the console: its places with their counts, who is on duty, the way back.

`await render_console(request, "console/x.html", current="desk", ...)` renders a page of the console in it.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select
from starlette.requests import Request
from starlette.responses import Response

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.cases.queue import PAGE, Counts, count_cases
from roseau.domain.moderation.team.duty import on_duty
from roseau.domain.moderation.vocabulary import Permission
from roseau.doors.server import server_of
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import decision_ends, decisions, measures
from roseau.storage.statements import statement
from roseau.web.console.guard import permissions_here, staff_of
from roseau.web.console.words import Words, words_in
from roseau.web.rendering import language_of, render, render_part, translations_of


class Place(msgspec.Struct, frozen=True):
    """A place in the navigation; `count`: how many things wait there."""

    key: str
    href: str
    words: str
    count: int = 0


class Undo(msgspec.Struct, frozen=True):
    """A decision that its maker can still take back with one key."""

    number: int
    until: int
    words: str


class Frame(msgspec.Struct, frozen=True):
    """The frame of one page for one of the team. `finding`: the page itself is the search."""

    places: list[Place]
    permissions: frozenset[Permission]
    on_duty: list[AccountView]
    counts: Counts
    keys: bool
    undo: Undo | None = None
    finding: bool = False


class _Seen(msgspec.Struct):
    counts: Counts
    on_duty: list[AccountView]
    #: Number, end of the time to undo, and the measures of the last decision; None when it is past.
    last: tuple[int, int, list[str]] | None


#: Key, address, permission. The words are in `place_words`.
PLACES: Final[tuple[tuple[str, str, Permission], ...]] = (
    ("queue", "/moderation", "view_cases"),
    ("appeals", "/moderation/appeals", "view_cases"),
    ("desk", "/moderation/letters", "manage_letters"),
    ("people", "/moderation/people", "manage_users"),
    ("servers", "/moderation/servers", "manage_federation"),
    ("templates", "/moderation/templates", "manage_rules"),
    ("audit", "/moderation/audit", "view_audit_log"),
    ("team", "/moderation/team", "view_cases"),
)

_last = statement(
    select(decisions.c.id, decisions.c.number, decisions.c.undo_until)
    .select_from(decisions.outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id))
    .where(
        decisions.c.decider_id == bindparam("account"),
        decisions.c.undo_until > bindparam("now"),
        decision_ends.c.decision_id.is_(None),
    )
    .order_by(decisions.c.id.desc())
    .limit(1)
)
_kinds = statement(
    select(measures.c.kind).where(measures.c.decision_id == bindparam("decision")).order_by(measures.c.id)
)


async def render_console(
    request: Request, template: str, /, status: int = 200, *, finding: bool = False, **context: Any
) -> Response:
    """A whole page of the console. Its template extends `layouts/console.html`."""
    has = permissions_here(request)
    seen = await server_of(request).database.read(_see, staff_of(request).account.id, "view_cases" in has)
    words = words_in(language_of(request))
    frame = Frame(
        places=_places(request, seen.counts),
        permissions=has,
        on_duty=seen.on_duty,
        counts=seen.counts,
        keys=staff_of(request).shortcuts,
        undo=_undo_of(request, words, seen.last),
        finding=finding,
    )
    return render(request, template, status, frame=frame, words=words, page_size=PAGE, **context)


def render_console_part(
    request: Request, template: str, /, status: int = 200, *, say: str = "", **context: Any
) -> Response:
    """A part of such a page; it knows the words of the console, and not the frame."""
    words = words_in(language_of(request))
    keys = staff_of(request).shortcuts
    return render_part(request, template, status, say=say, words=words, keys=keys, page_size=PAGE, **context)


def _see(tx: Transaction, account_id: int, counted: bool) -> _Seen:
    last = tx.one(_last, account=account_id, now=tx.now)
    return _Seen(
        count_cases(tx, account_id) if counted else Counts(),
        list(load_accounts(tx, on_duty(tx)).values()),
        (last.number, last.undo_until, tx.values(_kinds, decision=last.id)) if last else None,
    )


def place_words(gettext: Callable[[str], str]) -> dict[str, str]:
    """What the places of the navigation are called."""
    _ = gettext
    return {
        "queue": _("Queue"),
        "appeals": _("Appeals"),
        "desk": _("Host desk"),
        "people": _("People"),
        "servers": _("Servers"),
        "templates": _("Templates"),
        "audit": _("Log"),
        "team": _("Team"),
    }


def _places(request: Request, counts: Counts) -> list[Place]:
    words = place_words(translations_of(request).gettext)
    numbers = {"queue": counts.todo, "appeals": counts.appeals}
    has = permissions_here(request)
    return [
        Place(key, href, words[key], numbers.get(key, 0))
        for key, href, permission in PLACES
        if permission in has
    ]


def _undo_of(request: Request, words: Words, last: tuple[int, int, list[str]] | None) -> Undo | None:
    if last is None:
        return None
    number, until, kinds = last
    _ = translations_of(request).gettext
    said = ", ".join(dict.fromkeys(words.measures.get(kind, kind) for kind in kinds))
    return Undo(number, until, said or _("Closed without a measure"))
