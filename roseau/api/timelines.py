"""Timelines (docs.joinmastodon.org/methods/timelines)."""

from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from roseau.api.present.statuses import to_statuses
from roseau.api.routing import Call, Routes
from roseau.domain.site import load_choices
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines import queries
from roseau.domain.timelines.lists import find_list
from roseau.kernel.errors import Invalid
from roseau.kernel.text.searching import normalise_hashtag
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()


class PublicQuery(msgspec.Struct, kw_only=True):
    """What can be asked of the public and hashtag timelines; `any`, `all` and `none` are further hashtags."""

    local: bool = False
    remote: bool = False
    only_media: bool = False
    any: list[str] = []
    all: list[str] = []
    none: list[str] = []


def to_page(call: Call, views: Sequence[StatusView]) -> Response:
    """A page of a timeline, with links to the next and the previous one."""
    if views:
        call.link(views[0].id, views[-1].id)
    return call.json_list(to_statuses(call.server.site.base_url, views, call.viewer))


@routes.get("/api/v1/timelines/home", scope="read:statuses")
async def home(call: Call) -> Response:
    """Those one follows, and oneself."""
    return to_page(call, await call.server.database.read(queries.list_home, call.viewer, call.page()))


@routes.get("/api/v1/timelines/public", access="anyone", scope="read:statuses")
async def public(call: Call) -> Response:
    """Everybody's public posts, or only this site's (`local`)."""
    form = await call.form(PublicQuery)
    await call.server.database.read(_check_open, call.viewer)
    views = await call.server.database.read(
        queries.list_public,
        call.viewer,
        call.page(),
        local=form.local,
        remote=form.remote,
        only_media=form.only_media,
    )
    return to_page(call, views)


@routes.get("/api/v1/timelines/tag/{name}", access="anyone", scope="read:statuses")
async def tag(call: Call) -> Response:
    """Public posts with a hashtag."""
    form = await call.form(PublicQuery)
    await call.server.database.read(_check_open, call.viewer)
    views = await call.server.database.scan(
        queries.list_tagged,
        call.viewer,
        call.page(),
        [normalise_hashtag(name) for name in (call.request.path_params["name"], *form.any)],
        all_of=[normalise_hashtag(name) for name in form.all],
        none_of=[normalise_hashtag(name) for name in form.none],
        local=form.local,
        remote=form.remote,
        only_media=form.only_media,
    )
    return to_page(call, views)


@routes.get("/api/v1/timelines/list/{id}", scope="read:lists")
async def of_list(call: Call) -> Response:
    """What the members of one of one's lists posted."""
    return to_page(call, await call.server.database.read(_list_of, call.viewer, call.path_id(), call.page()))


def _list_of(tx: Transaction, viewer: int, list_id: int, page: Page) -> list[StatusView]:
    find_list(tx, viewer, list_id)
    return queries.list_list(tx, viewer, list_id, page)


def _check_open(tx: Transaction, viewer: int) -> None:
    if not viewer and not load_choices(tx).public_timelines:
        raise Invalid("This method requires an authenticated user")
