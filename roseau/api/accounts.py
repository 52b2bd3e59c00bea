"""Accounts (docs.joinmastodon.org/methods/accounts): reading them, their posts and the people around them."""

from typing import Literal

import msgspec
from starlette.responses import Response

from roseau.api.lists import to_list
from roseau.api.present.accounts import to_account
from roseau.api.present.tags import to_featured_tag
from roseau.api.relationships import IdsForm, answer_people
from roseau.api.routing import Call, Routes
from roseau.api.timelines import to_page
from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.lookup import find_account, find_accounts, find_by_handle
from roseau.domain.relationships import discovery, listing, marks
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines import queries
from roseau.domain.timelines.followed_tags import FeaturedTag, list_featured_tags
from roseau.domain.timelines.lists import list_lists_with
from roseau.kernel.errors import NotFound
from roseau.kernel.text.searching import normalise_hashtag
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()

#: As many as one can walk through by offsets.
MAX_OFFSET = 10_000


class LookupQuery(msgspec.Struct):
    """The name of an account, `name` or `name@domain`."""

    acct: str = ""


class StatusesQuery(msgspec.Struct):
    """Which of an account's posts."""

    pinned: bool = False
    only_media: bool = False
    exclude_replies: bool = False
    exclude_reblogs: bool = False
    exclude_direct: bool = False
    tagged: str = ""


class DirectoryQuery(msgspec.Struct):
    """Which part of the directory; there is no more than 80 at once."""

    order: Literal["active", "new"] = "active"
    local: bool = False
    offset: int = 0
    limit: int = 40


class LimitQuery(msgspec.Struct):
    """How many; there are no more than 80 at once."""

    limit: int = 40


def find_or_404(tx: Transaction, account_id: int) -> AccountView:
    """The account. Raises NotFound."""
    view = find_account(tx, account_id)
    if view is None:
        raise NotFound
    return view


@routes.get("/api/v1/accounts", access="anyone", scope="read:accounts")
async def index(call: Call) -> Response:
    """Several accounts."""
    form = await call.form(IdsForm)
    found = await call.server.database.read(find_accounts, form.ids())
    return call.json_list([to_account(call.server.site.base_url, view) for view in found])


@routes.get("/api/v1/accounts/lookup", access="anyone", scope="read:accounts")
async def lookup(call: Call) -> Response:
    """An account by its name."""
    form = await call.form(LookupQuery)
    view = await call.server.database.read(find_by_handle, call.server.site, form.acct)
    if view is None:
        raise NotFound
    return call.json(to_account(call.server.site.base_url, view))


@routes.get("/api/v1/accounts/familiar_followers", scope="read:follows")
async def familiar_followers(call: Call) -> Response:
    """Those among the followers of these accounts whom one follows."""
    form = await call.form(IdsForm)
    found = await call.server.database.scan(discovery.list_familiar_followers, call.viewer, form.ids())
    base_url = call.server.site.base_url
    return call.json_list(
        [
            b'{"id":"%d","accounts":[%b]}'
            % (account_id, b",".join(to_account(base_url, view) for view in friends))
            for account_id, friends in found.items()
        ]
    )


@routes.get("/api/v1/accounts/{id}", access="anyone", scope="read:accounts")
async def show(call: Call) -> Response:
    """One account."""
    view = await call.server.database.read(find_or_404, call.path_id())
    return call.json(to_account(call.server.site.base_url, view))


@routes.get("/api/v1/accounts/{id}/statuses", access="anyone", scope="read:statuses")
async def statuses(call: Call) -> Response:
    """What an account posted, as far as one may see it."""
    form = await call.form(StatusesQuery)
    page = call.page()
    views = await call.server.database.read(_list_statuses, call.viewer, call.path_id(), page, form)
    return to_page(call, views)


def _list_statuses(
    tx: Transaction, viewer: int, account_id: int, page: Page, form: StatusesQuery
) -> list[StatusView]:
    find_or_404(tx, account_id)
    if form.pinned:
        # There are few of them, and all are on the first page.
        first = page.max_id is None and page.min_id is None and page.since_id is None
        return queries.list_pinned(tx, viewer, account_id)[: page.limit] if first else []
    return queries.list_account_statuses(
        tx,
        viewer,
        account_id,
        page,
        only_media=form.only_media,
        exclude_replies=form.exclude_replies,
        exclude_reblogs=form.exclude_reblogs,
        exclude_direct=form.exclude_direct,
        tagged=normalise_hashtag(form.tagged),
    )


@routes.get("/api/v1/accounts/{id}/followers", access="anyone", scope="read:accounts")
async def followers(call: Call) -> Response:
    """Who follows an account."""
    page = call.page(40, 80)
    found = await call.server.database.read(_list_followers, call.viewer, call.path_id(), page)
    return answer_people(call, found, page)


def _list_followers(tx: Transaction, viewer: int, account_id: int, page: Page) -> list[listing.Related]:
    find_or_404(tx, account_id)
    return listing.list_followers(tx, viewer, account_id, page)


@routes.get("/api/v1/accounts/{id}/following", access="anyone", scope="read:accounts")
async def following(call: Call) -> Response:
    """Whom an account follows."""
    page = call.page(40, 80)
    found = await call.server.database.read(_list_following, call.viewer, call.path_id(), page)
    return answer_people(call, found, page)


def _list_following(tx: Transaction, viewer: int, account_id: int, page: Page) -> list[listing.Related]:
    find_or_404(tx, account_id)
    return listing.list_following(tx, viewer, account_id, page)


@routes.get("/api/v1/accounts/{id}/endorsements", access="anyone", scope="read:accounts")
async def endorsements(call: Call) -> Response:
    """Whom an account shows on its profile."""
    page = call.page(40, 80)
    found = await call.server.database.read(_list_endorsed, call.viewer, call.path_id(), page)
    return answer_people(call, found, page)


def _list_endorsed(tx: Transaction, viewer: int, account_id: int, page: Page) -> list[listing.Related]:
    find_or_404(tx, account_id)
    return listing.list_endorsed(tx, viewer, account_id, page)


@routes.get("/api/v1/accounts/{id}/featured_tags", access="anyone", scope="read:accounts")
async def featured_tags(call: Call) -> Response:
    """The hashtags on an account's profile."""
    view, tags = await call.server.database.scan(_load_featured_tags, call.path_id())
    return call.json([to_featured_tag(call.server.site.base_url, view.account, tag) for tag in tags])


def _load_featured_tags(tx: Transaction, account_id: int) -> tuple[AccountView, list[FeaturedTag]]:
    view = find_or_404(tx, account_id)
    return view, list_featured_tags(tx, account_id) if view.account.suspended_at is None else []


@routes.get("/api/v1/accounts/{id}/lists", scope="read:lists")
async def lists(call: Call) -> Response:
    """One's lists that an account is in."""
    found = await call.server.database.read(list_lists_with, call.viewer, call.path_id())
    return call.json([to_list(one) for one in found])


@routes.get("/api/v1/accounts/{id}/identity_proofs", scope="read:accounts")
async def identity_proofs(call: Call) -> Response:
    """Nothing: Mastodon gave them up, and old apps still ask."""
    return call.json([])


@routes.get("/api/v1/directory", access="anyone")
async def directory(call: Call) -> Response:
    """Accounts that want to be found."""
    form = await call.form(DirectoryQuery)
    found = await call.server.database.scan(
        discovery.list_directory,
        call.viewer,
        order=form.order,
        local=form.local,
        offset=min(max(form.offset, 0), MAX_OFFSET),
        limit=min(max(form.limit, 1), 80),
    )
    return call.json_list([to_account(call.server.site.base_url, view) for view in found])


async def _suggest(call: Call) -> list[bytes]:
    form = await call.form(LimitQuery)
    found = await call.server.database.scan(
        discovery.list_suggestions, call.viewer, min(max(form.limit, 1), 80)
    )
    return [to_account(call.server.site.base_url, view) for view in found]


@routes.get("/api/v1/suggestions", scope="read:accounts")
async def suggestions_v1(call: Call) -> Response:
    """Whom one might like to follow."""
    return call.json_list(await _suggest(call))


@routes.get("/api/v2/suggestions", scope="read:accounts")
async def suggestions(call: Call) -> Response:
    """Whom one might like to follow, and why."""
    why = b'{"source":"past_interactions","sources":["friends_of_friends"],"account":%b}'
    return call.json_list([why % account for account in await _suggest(call)])


@routes.delete("/api/v1/suggestions/{id}", scope="write:accounts")
async def dismiss_suggestion(call: Call) -> Response:
    """Have an account suggested no more."""
    await call.server.database.write(marks.dismiss_suggestion, call.viewer, call.path_id())
    return call.json({})
