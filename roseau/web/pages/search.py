"""The search page: people, hashtags and posts; posts are for members, and a link leads to what it names."""

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.relationships.loading import Relationship, load_relationships
from roseau.domain.search.asking import MAX_QUERY, find_time_zone, parse_question
from roseau.domain.search.people import find_by_address, is_address, search_accounts, search_tags
from roseau.domain.search.statuses import search_statuses
from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines.followed_tags import TagView, load_tags
from roseau.doors import limits
from roseau.doors.server import server_of
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.addresses import account_path, status_path
from roseau.web.pages.timelines import PAGE, next_of, page_of
from roseau.web.rendering import is_fragment, render, render_part, viewer_of
from roseau.web.sessions import query, spend

KINDS = ("people", "tags", "posts")
#: How many of each kind stand on the page that shows all of them.
_FEW = {"people": 4, "tags": 5, "posts": 10}
#: Further than this nobody pages by hand.
_MOST_SKIPPED = 10_000


class Found(msgspec.Struct):
    """What was found, and where it goes on."""

    people: list[tuple[AccountView, Relationship | None]] = []
    tags: list[TagView] = []
    posts: list[StatusView] = []

    @property
    def nothing(self) -> bool:
        """Whether nothing was found."""
        return not (self.people or self.tags or self.posts)


def _search(
    tx: Transaction, site: Site, viewer_id: int, words: str, kind: str, page: Page, skipped: int
) -> Found:
    found = Found()
    kinds = {kind} if kind else _kinds_of(words)

    def most(one: str) -> int:
        return page.limit if kind else _FEW[one]

    if "people" in kinds:
        views = search_accounts(tx, site, viewer_id, words, limit=most("people"), offset=skipped)
        relations = load_relationships(tx, viewer_id, [view.id for view in views]) if viewer_id else []
        known = {relation.id: relation for relation in relations}
        found.people = [(view, known.get(view.id)) for view in views]
    if "tags" in kinds:
        tag_ids = search_tags(tx, viewer_id, words, limit=most("tags"), offset=skipped)
        found.tags = load_tags(tx, viewer_id, tag_ids)
    if "posts" in kinds and viewer_id:
        question = parse_question(words, find_time_zone(tx, viewer_id))
        page = msgspec.structs.replace(page, limit=most("posts"))
        found.posts = search_statuses(tx, site, viewer_id, question, page)
    return found


def _kinds_of(words: str) -> set[str]:
    """What a query can only mean by its first letter."""
    if words.startswith("#"):
        return {"tags", "posts"}
    return {"people"} if words.startswith("@") else set(KINDS)


def _skipped(request: Request) -> int:
    given = request.query_params.get("offset", "")
    return min(int(given), _MOST_SKIPPED) if given.isascii() and given.isdigit() and len(given) < 6 else 0


def _next(request: Request, found: Found, kind: str, skipped: int) -> str:
    if kind == "posts":
        return next_of(request, found.posts[-1].id if found.posts else None, len(found.posts))
    rows = len(found.people) if kind == "people" else len(found.tags)
    if not kind or rows < PAGE:
        return ""
    words = request.query_params.get("q", "")
    return f"/search?{query(q=words, type=kind, offset=str(skipped + rows))}"


async def show(request: Request) -> Response:
    """The search field, and what is found."""
    words = request.query_params.get("q", "").replace("\0", "").strip()[:MAX_QUERY]
    kind = request.query_params.get("type", "")
    kind = kind if kind in KINDS else ""
    viewer = viewer_of(request)
    viewer_id = viewer.account.id if viewer else 0
    if not words:
        return render(request, "search.html", words="", kind=kind, found=Found(), next_url="")
    if not viewer:
        spend(request, limits.BY_ADDRESS)
    server = server_of(request)
    if is_address(words):
        account, status = await server.database.scan(find_by_address, server.site, viewer_id, words)
        if account is not None or status is not None:
            to = (
                status_path(status.author.account, status.id)
                if status is not None
                else account_path(account.account)
                if account is not None
                else "/search"
            )
            return _lead_to(request, to)
    page, skipped = page_of(request), _skipped(request)
    found = await server.database.scan(_search, server.site, viewer_id, words, kind, page, skipped)
    next_url = _next(request, found, kind, skipped)
    if is_fragment(request) and (page.max_id is not None or skipped):
        return render_part(request, "fragments/found.html", found=found, next_url=next_url)
    return render(request, "search.html", words=words, kind=kind, found=found, next_url=next_url)


def _lead_to(request: Request, to: str) -> Response:
    if is_fragment(request):
        return Response(headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)


routes = [Route("/search", show)]
