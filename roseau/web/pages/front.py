"""The front door: what this place is, what is written here now, its rules, and the ways in."""

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.founding import has_owner
from roseau.domain.policy import list_rules
from roseau.domain.site import Choices
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines.queries import list_public
from roseau.doors.server import server_of
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.rendering import language_of, render
from roseau.web.sessions import choices_of, session_of

#: Enough to see that somebody lives here.
_POSTS = 8
_RULES = 5


class _Front(msgspec.Struct):
    views: list[StatusView]
    rules: list[tuple[str, str]]
    more_rules: bool
    founded: bool


def _look(tx: Transaction, choices: Choices, language: str) -> _Front:
    rules = [(text.text, text.hint) for text in (rule.said_in(language) for rule in list_rules(tx))]
    return _Front(
        views=list_public(tx, 0, Page(limit=_POSTS), local=True) if choices.public_timelines else [],
        rules=rules[:_RULES],
        more_rules=len(rules) > _RULES,
        founded=has_owner(tx),
    )


async def show(request: Request) -> Response:
    """The page; members are led home."""
    if session_of(request):
        return RedirectResponse("/home", 303)
    choices = choices_of(request)
    found = await server_of(request).database.read(_look, choices, language_of(request))
    return render(request, "front.html", found=found, choices=choices)


routes = [Route("/", show)]
