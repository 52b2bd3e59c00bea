"""Profiles: what somebody writes, who follows them, whom they follow, and their public posts as a feed."""

from email.utils import formatdate
from typing import Any, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView, find_account_id, load_account
from roseau.domain.accounts.lookup import find_by_handle
from roseau.domain.relationships.discovery import list_familiar_followers
from roseau.domain.relationships.listing import list_followers, list_following
from roseau.domain.relationships.loading import Relationship, load_relationship, load_relationships
from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines.queries import list_account_statuses, list_pinned
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Gone, NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.addresses import account_path
from roseau.web.pages.timelines import next_of, page_of
from roseau.web.rendering import environment, is_fragment, language_of, render, render_part, viewer_of
from roseau.web.sessions import Handler

#: The last part of the address, and what it shows of somebody's posts.
TABS: Final[dict[str, Any]] = {
    "": {"exclude_replies": True},
    "with_replies": {"exclude_reblogs": True},
    "media": {"only_media": True},
}
_FAMILIAR = 5
#: How many posts a feed holds, and how far back they are looked for.
_FEED = 20
_FEED_DEPTH = 40


class Person(msgspec.Struct):
    """Whose page it is, what is between them and the reader, and why nothing more is shown, if so.

    `closed` is empty, or `suspended`, `blocked` (by them) or `limited` (by the site, until one asks).
    """

    view: AccountView
    relationship: Relationship | None
    closed: Literal["", "suspended", "blocked", "limited"]
    moved_to: AccountView | None
    familiar: list[AccountView]


class _Profile(msgspec.Struct):
    person: Person
    pinned: list[StatusView] = []
    views: list[StatusView] = []
    last_id: int | None = None
    count: int = 0


class _People(msgspec.Struct):
    person: Person
    rows: list[tuple[AccountView, Relationship | None]] = []
    last_id: int | None = None
    #: The account does not say whom it follows, and who follows it.
    hidden: bool = False


def _find(tx: Transaction, site: Site, handle: str) -> AccountView:
    view = find_by_handle(tx, site, handle)
    if view is not None:
        return view
    username, _, domain = handle.partition("@")
    gone_id = find_account_id(tx, username, "" if domain == site.domain else domain)
    gone = load_account(tx, gone_id) if gone_id is not None else None
    if gone is not None and gone.account.deleted_at is not None:
        raise Gone("This account was deleted, with everything it had posted.")
    raise NotFound("Nobody of this name is known here.")


def _meet(tx: Transaction, site: Site, viewer_id: int, handle: str, anyway: bool) -> Person:
    view = _find(tx, site, handle)
    account = view.account
    own = account.id == viewer_id
    relationship = load_relationship(tx, viewer_id, account.id) if viewer_id else None
    closed: Literal["", "suspended", "blocked", "limited"] = ""
    if account.suspended_at is not None:
        closed = "suspended"
    elif relationship is not None and relationship.blocked_by:
        closed = "blocked"
    elif account.limited_at is not None and not (own or anyway or (relationship and relationship.following)):
        closed = "limited"
    familiar = []
    if viewer_id and not own and not closed:
        familiar = list_familiar_followers(tx, viewer_id, [account.id])[account.id][:_FAMILIAR]
    moved_to = load_account(tx, account.moved_to_id) if account.moved_to_id is not None else None
    return Person(view, relationship, closed, moved_to, familiar)


def _look(tx: Transaction, request: Request, viewer_id: int, tab: str, page: Page) -> _Profile:
    person = _meet(tx, server_of(request).site, viewer_id, request.path_params["acct"], _anyway(request))
    if person.closed:
        return _Profile(person)
    author_id = person.view.id
    views = list_account_statuses(tx, viewer_id, author_id, page, exclude_direct=True, **TABS[tab])
    pinned = list_pinned(tx, viewer_id, author_id) if not tab else []
    above = {view.id for view in pinned}
    return _Profile(
        person,
        pinned if page.max_id is None else [],
        [view for view in views if view.id not in above],
        views[-1].id if views else None,
        len(views),
    )


def _anyway(request: Request) -> bool:
    """The reader wants to see an account that the site keeps out of the way."""
    return request.query_params.get("anyway") == "1"


def _viewer_id(request: Request) -> int:
    viewer = viewer_of(request)
    return viewer.account.id if viewer else 0


def _elsewhere(request: Request, view: AccountView, *rest: str) -> Response | None:
    """The way to the one address of the page, where it was asked for under another (`@Ada`, `@ada@here`)."""
    if request.path_params["acct"] == view.account.acct:
        return None
    return RedirectResponse(account_path(view.account, *rest), 301)


def _status_of(person: Person) -> int:
    return Forbidden.status if person.closed == "suspended" else 200


def _show_posts(tab: str) -> Handler:
    async def show(request: Request) -> Response:
        found = await server_of(request).database.scan(
            _look, request, _viewer_id(request), tab, page_of(request)
        )
        person = found.person
        if elsewhere := _elsewhere(request, person.view, *([tab] if tab else [])):
            return elsewhere
        next_url = next_of(request, found.last_id, found.count)
        if is_fragment(request) and "max_id" in request.query_params:
            return render_part(request, "fragments/posts.html", views=found.views, next_url=next_url)
        return render(
            request, "profile.html", _status_of(person), person=person, tab=tab, pinned=found.pinned,
            views=found.views, next_url=next_url,
        )  # fmt: skip

    show.__name__ = f"show_{tab or 'posts'}"
    return show


def _list(tx: Transaction, request: Request, viewer_id: int, kind: str, page: Page) -> _People:
    person = _meet(tx, server_of(request).site, viewer_id, request.path_params["acct"], _anyway(request))
    account = person.view.account
    if person.closed:
        return _People(person)
    listing = list_followers if kind == "followers" else list_following
    people = listing(tx, viewer_id, account.id, page)
    known: dict[int, Relationship] = {}
    if viewer_id:
        found = load_relationships(tx, viewer_id, [related.view.id for related in people])
        known = {relationship.id: relationship for relationship in found}
    return _People(
        person,
        [(related.view, known.get(related.view.id)) for related in people],
        people[-1].id if people else None,
        account.hide_collections and account.id != viewer_id,
    )


def _show_people(kind: str) -> Handler:
    async def show(request: Request) -> Response:
        found = await server_of(request).database.scan(
            _list, request, _viewer_id(request), kind, page_of(request)
        )
        if elsewhere := _elsewhere(request, found.person.view, kind):
            return elsewhere
        next_url = next_of(request, found.last_id, len(found.rows))
        if is_fragment(request) and "max_id" in request.query_params:
            return render_part(request, "fragments/accounts.html", accounts=found.rows, next_url=next_url)
        return render(
            request, "people.html", _status_of(found.person), person=found.person, kind=kind,
            accounts=found.rows, hidden_list=found.hidden, next_url=next_url,
        )  # fmt: skip

    show.__name__ = f"show_{kind}"
    return show


def _feed(tx: Transaction, request: Request) -> tuple[AccountView, list[StatusView]]:
    view = _find(tx, server_of(request).site, request.path_params["acct"])
    if view.account.suspended_at is not None:
        raise Forbidden("This account is suspended.")
    views = list_account_statuses(
        tx, 0, view.id, Page(limit=_FEED_DEPTH), exclude_replies=True, exclude_reblogs=True
    )
    return view, [one for one in views if one.status.visibility == "public"][:_FEED]


async def feed(request: Request) -> Response:
    """Somebody's public posts for feed readers (RSS 2.0, rssboard.org/rss-specification)."""
    view, views = await server_of(request).database.scan(_feed, request)
    template = environment(language_of(request)).get_template("feed.xml")
    body = template.render(
        author=view.account,
        views=views,
        base_url=server_of(request).site.base_url,
        rfc822=lambda instant: formatdate(instant / clock.SECOND, usegmt=True),
    )
    headers = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
    return Response(body, headers=headers, media_type="application/rss+xml")


routes = [
    Route("/@{acct}.rss", feed),
    Route("/@{acct}", _show_posts("")),
    Route("/@{acct}/with_replies", _show_posts("with_replies")),
    Route("/@{acct}/media", _show_posts("media")),
    Route("/@{acct}/followers", _show_people("followers")),
    Route("/@{acct}/following", _show_people("following")),
]
