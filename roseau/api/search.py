"""Search (docs.joinmastodon.org/methods/search): people, hashtags and posts."""

from typing import Annotated, Any, Literal

import msgspec
from starlette.responses import Response

from roseau.api.present.accounts import to_account
from roseau.api.present.statuses import to_statuses
from roseau.api.present.tags import to_tag
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.loading import AccountView
from roseau.domain.search.asking import find_time_zone, parse_question
from roseau.domain.search.people import find_by_address, is_address, search_accounts, search_tags
from roseau.domain.search.statuses import search_statuses
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines.followed_tags import TagView, load_tags
from roseau.kernel.errors import Unauthorized
from roseau.kernel.ids import MAX_ID
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()

Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
Kind = Literal["accounts", "statuses", "hashtags"]
KINDS: tuple[Kind, ...] = ("accounts", "statuses", "hashtags")
MOST = 40
MOST_ACCOUNTS = 80
#: Further than this nobody pages by hand.
MOST_SKIPPED = 10_000


class SearchQuery(msgspec.Struct, kw_only=True):
    """What is searched, and how."""

    q: str = ""
    type: str = ""
    resolve: bool = False
    following: bool = False
    account_id: Id = 0
    limit: int = 20
    offset: int = 0

    def most(self, most: int) -> int:
        """How many are wanted."""
        return max(1, min(self.limit, most))

    def skipped(self) -> int:
        """How many are passed over."""
        return max(0, min(self.offset, MOST_SKIPPED))


class AccountsQuery(SearchQuery, kw_only=True):
    """The same for accounts alone."""

    limit: int = 40


class Found(msgspec.Struct):
    """What was found."""

    accounts: list[AccountView] = []
    statuses: list[StatusView] = []
    tags: list[TagView] = []


@routes.get("/api/v2/search", access="anyone", scope="read:search")
async def index(call: Call) -> Response:
    """People, hashtags and posts."""
    form = await call.form(SearchQuery)
    if not call.viewer and form.resolve:
        raise Unauthorized(
            "Search queries that resolve remote resources are not supported without authentication"
        )
    if not call.viewer and form.offset:
        raise Unauthorized("Search queries pagination is not supported without authentication")
    found = await call.server.database.scan(_search, call, form, call.page())
    base_url, viewer = call.server.site.base_url, call.viewer
    entity: dict[str, Any] = {
        "accounts": [msgspec.Raw(to_account(base_url, view)) for view in found.accounts],
        "statuses": [msgspec.Raw(status) for status in to_statuses(base_url, found.statuses, viewer)],
        "hashtags": [to_tag(base_url, view, viewer) for view in found.tags],
    }
    return call.json(entity)


@routes.get("/api/v1/accounts/search", scope="read:accounts")
async def accounts(call: Call) -> Response:
    """People, for the field that names somebody."""
    form = await call.form(AccountsQuery)
    views = await call.server.database.scan(
        search_accounts,
        call.server.site,
        call.viewer,
        form.q.strip(),
        limit=form.most(MOST_ACCOUNTS),
        offset=form.skipped(),
        following=form.following,
    )
    return call.json_list([to_account(call.server.site.base_url, view) for view in views])


def _search(tx: Transaction, call: Call, form: SearchQuery, page: Page) -> Found:
    query = form.q.strip()
    kinds: set[str] = {form.type} if form.type in KINDS else set(KINDS)
    # Without a kind there is no place to go on from.
    skipped = form.skipped() if form.type in KINDS else 0
    if not query:
        return Found()
    if is_address(query):
        return _find_address(tx, call, query, kinds)
    if query.startswith("#"):
        kinds &= {"hashtags"}
    elif query.startswith("@"):
        kinds &= {"accounts"}
    found = Found()
    most = form.most(MOST)
    site, viewer = call.server.site, call.viewer
    if "accounts" in kinds and not form.account_id:
        found.accounts = search_accounts(
            tx, site, viewer, query, limit=most, offset=skipped, following=form.following
        )
    if "hashtags" in kinds and not form.account_id:
        tag_ids = search_tags(tx, viewer, query, limit=most, offset=skipped)
        found.tags = load_tags(tx, viewer, tag_ids)
    if "statuses" in kinds:
        question = parse_question(query, find_time_zone(tx, viewer))
        page = msgspec.structs.replace(page, limit=most)
        found.statuses = search_statuses(
            tx, site, viewer, question, page, offset=skipped, author_id=form.account_id
        )
    return found


def _find_address(tx: Transaction, call: Call, address: str, kinds: set[str]) -> Found:
    account, status = find_by_address(tx, call.server.site, call.viewer, address)
    return Found(
        [account] if account is not None and "accounts" in kinds else [],
        [status] if status is not None and "statuses" in kinds else [],
    )
