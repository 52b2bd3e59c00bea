"""Timelines as pages: home, this site's, everybody's, a hashtag's, and the posts one has marked."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.relationships.discovery import list_directory, list_suggestions
from roseau.domain.relationships.loading import Relationship, load_relationships
from roseau.domain.statuses.loading import StatusView
from roseau.domain.statuses.marks import list_bookmarks, list_favourites
from roseau.domain.timelines.followed_tags import TagView, find_tag, follow_tag, to_tag_name, unfollow_tag
from roseau.domain.timelines.lists import AccountList, list_lists
from roseau.domain.timelines.markers import load_markers, move_marker
from roseau.domain.timelines.queries import list_home, list_public, list_tagged
from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound
from roseau.kernel.ids import parse_id
from roseau.kernel.text.searching import normalise_hashtag
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.addresses import tag_path
from roseau.web.rendering import is_fragment, render, render_part, translations_of, viewer_of
from roseau.web.sessions import back_of, choices_of, member_of, member_only, query, redirect
from roseau.web.standing import banner_of

PAGE = 20
_SUGGESTED = 5


def page_of(request: Request) -> Page:
    """The page that `max_id` in the address asks for."""
    return Page(limit=PAGE, max_id=parse_id(request.query_params.get("max_id")))


def goes_on(views: Sequence[StatusView], listing: Callable[[Page], Sequence[StatusView]]) -> bool:
    """Whether there is a next page. A full one has one; of a short one, some posts may have been hidden."""
    if not views or len(views) >= PAGE:
        return bool(views)
    return bool(listing(Page(limit=PAGE, max_id=views[-1].id)))


def next_of(request: Request, last_id: int | None, count: int) -> str:
    """The address of the page below, or empty at the end."""
    if last_id is None or count < PAGE:
        return ""
    kept = {name: value for name, value in request.query_params.items() if name != "max_id"}
    return f"{request.url.path}?{query(**kept, max_id=str(last_id))}"


def answer(
    request: Request,
    template: str,
    views: Sequence[StatusView],
    *,
    last_id: int | None = None,
    more: bool | None = None,
    **context: Any,
) -> Response:
    """A page of posts, or the next posts of it where htmx asks for more.

    `last_id` is what the next page begins under, if not the last post; `more` what `goes_on` found out.
    """
    last_id = last_id or (views[-1].id if views else None)
    next_url = next_of(request, last_id, len(views) if more is None else PAGE * more)
    if is_fragment(request) and "max_id" in request.query_params:
        return render_part(request, "fragments/posts.html", views=views, next_url=next_url)
    return render(request, template, views=views, next_url=next_url, **context)


class _Home(msgspec.Struct):
    views: list[StatusView]
    lists: list[AccountList]
    suggested: list[tuple[AccountView, Relationship]]
    #: The newest post that was there when the member last looked, and when that was.
    read_id: int
    read_at: int
    more: bool


def _look_home(tx: Transaction, member_id: int, page: Page) -> _Home:
    views = list_home(tx, member_id, page)
    marker = load_markers(tx, member_id).get("home")
    return _Home(
        views=views,
        lists=list_lists(tx, member_id),
        suggested=_suggest(tx, member_id),
        read_id=marker.last_read_id if marker else 0,
        read_at=marker.updated_at if marker else 0,
        more=goes_on(views, lambda below: list_home(tx, member_id, below)),
    )


def _suggest(tx: Transaction, member_id: int) -> list[tuple[AccountView, Relationship]]:
    """People to follow. Who follows nobody yet has no friends of friends: they meet those who write here."""
    people = list_suggestions(tx, member_id, _SUGGESTED)
    if not people:
        people = list_directory(tx, member_id, order="active", local=True, offset=0, limit=4 * _SUGGESTED)
    relations = load_relationships(tx, member_id, [view.id for view in people])
    known = {relation.id: relation for relation in relations}
    strangers = [
        (view, relation)
        for view in people
        if view.id != member_id
        and (relation := known.get(view.id)) is not None
        and not (relation.following or relation.requested)
    ]
    return strangers[:_SUGGESTED]


@member_only
async def home(request: Request) -> Response:
    """Those one follows; where one stopped reading is marked, and moves with the first page."""
    member_id = member_of(request).account.id
    database = server_of(request).database
    page = page_of(request)
    found = await database.read(_look_home, member_id, page)
    newest = found.views[0].id if found.views else 0
    if page.max_id is None and newest > found.read_id:
        await server_of(request).note(move_marker, member_id, "home", newest)
    return answer(
        request,
        "home.html",
        found.views,
        more=found.more,
        found=found,
        read_id=_stopped_at(found),
        banner=banner_of(request),
    )


def _stopped_at(found: _Home) -> int:
    """The first post that was there at the last visit; 0 when nothing stands above it."""
    if not found.read_id or not found.views or found.views[0].id <= found.read_id:
        return 0
    return next((view.id for view in found.views if view.id <= found.read_id), 0)


async def local(request: Request) -> Response:
    """What is written on this site."""
    return await _public(request, "local")


async def public(request: Request) -> Response:
    """What is written everywhere, as far as this site knows."""
    return await _public(request, "public")


async def _public(request: Request, name: str) -> Response:
    viewer = viewer_of(request)
    if viewer is None and not choices_of(request).public_timelines:
        return RedirectResponse(f"/sign_in?{query(back=request.url.path)}", 303)
    viewer_id = viewer.account.id if viewer else 0
    found = await server_of(request).database.read(_look_public, viewer_id, name, page_of(request))
    return answer(request, "timeline.html", found.views, more=found.more, name=name)


class _Public(msgspec.Struct):
    views: list[StatusView]
    more: bool


def _look_public(tx: Transaction, viewer_id: int, name: str, page: Page) -> _Public:
    def listing(asked: Page) -> list[StatusView]:
        return list_public(tx, viewer_id, asked, local=name == "local")

    views = listing(page)
    return _Public(views, goes_on(views, listing))


class _Tagged(msgspec.Struct):
    views: list[StatusView]
    more: bool
    tag: TagView


def _look_tag(tx: Transaction, viewer_id: int, name: str, page: Page) -> _Tagged:
    def listing(asked: Page) -> list[StatusView]:
        return list_tagged(tx, viewer_id, asked, [normalise_hashtag(name)])

    views = listing(page)
    return _Tagged(views, goes_on(views, listing), find_tag(tx, viewer_id, name))


def _tag_of(request: Request) -> str:
    name = to_tag_name(request.path_params["name"])
    if name is None:
        raise NotFound
    return name


async def tag(request: Request) -> Response:
    """Public posts with a hashtag."""
    viewer = viewer_of(request)
    if viewer is None and not choices_of(request).public_timelines:
        return RedirectResponse(f"/sign_in?{query(back=request.url.path)}", 303)
    viewer_id = viewer.account.id if viewer else 0
    found = await server_of(request).database.scan(_look_tag, viewer_id, _tag_of(request), page_of(request))
    return answer(request, "tag.html", found.views, more=found.more, tag=found.tag)


@member_only
async def follow(request: Request) -> Response:
    """Have the hashtag's posts at home."""
    return await _change_tag(request, True)


@member_only
async def unfollow(request: Request) -> Response:
    """No longer have them there."""
    return await _change_tag(request, False)


async def _change_tag(request: Request, following: bool) -> Response:
    name = _tag_of(request)
    member_id = member_of(request).account.id
    database = server_of(request).database
    await database.write(follow_tag if following else unfollow_tag, member_id, name)
    _ = translations_of(request).gettext
    say = (
        _("Posts with #%(name)s come to your home now.")
        if following
        else _("You no longer follow #%(name)s.")
    )
    said = say % {"name": name}
    if is_fragment(request):
        found = await database.read(find_tag, member_id, name)
        return render_part(request, "fragments/tag_follow.html", tag=found, following=following, say=said)
    return redirect(request, back_of(request, tag_path(name)), say=said)


@member_only
async def bookmarks(request: Request) -> Response:
    """What the member keeps, last kept first."""
    return await _marked(request, list_bookmarks, "bookmarks")


@member_only
async def favourites(request: Request) -> Response:
    """What the member liked, last liked first."""
    return await _marked(request, list_favourites, "favourites")


async def _marked(request: Request, listing: Any, name: str) -> Response:
    rows = await server_of(request).database.read(listing, member_of(request).account.id, page_of(request))
    last_id = rows[-1][0] if rows else None
    return answer(request, "marked.html", [view for _, view in rows], last_id=last_id, name=name)


routes = [
    Route("/home", home),
    Route("/local", local),
    Route("/public", public),
    Route("/tags/{name}", tag),
    Route("/tags/{name}/follow", follow, methods=["POST"]),
    Route("/tags/{name}/unfollow", unfollow, methods=["POST"]),
    Route("/bookmarks", bookmarks),
    Route("/favourites", favourites),
]
