"""Statuses (docs.joinmastodon.org/methods/statuses): reading, and what members do with them."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec

import msgspec
from starlette.responses import Response

from roseau.api.present.accounts import to_account
from roseau.api.present.statuses import to_status, to_statuses
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.preferences import Visibility
from roseau.domain.statuses import interactions, marks
from roseau.domain.statuses.context import load_context
from roseau.domain.statuses.loading import StatusView, load_status, load_statuses
from roseau.doors import limits
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()

P = ParamSpec("P")

MOST_AT_ONCE = 20


class ManyForm(msgspec.Struct):
    """Which statuses."""

    id: list[str] = []


class ReblogForm(msgspec.Struct):
    """Who sees the reblog."""

    visibility: Visibility | None = None


def _shown(view: StatusView | None) -> StatusView:
    if view is None:
        raise NotFound
    return view


def _to_answer(call: Call, view: StatusView | None) -> Response:
    return call.json(to_status(call.server.site.base_url, _shown(view), call.viewer))


# Reading


@routes.get("/api/v1/statuses", access="anyone", scope="read:statuses")
async def index(call: Call) -> Response:
    """Several statuses by id; those that the caller may not see are left out."""
    form = await call.form(ManyForm)
    if len(form.id) > MOST_AT_ONCE:
        raise Invalid("Validation failed: too many posts were asked for at once")
    wanted = [found for text in form.id if (found := parse_id(text)) is not None]
    views = await call.server.database.read(load_statuses, call.viewer, list(dict.fromkeys(wanted)))
    return call.json_list(to_statuses(call.server.site.base_url, views, call.viewer))


@routes.get("/api/v1/statuses/{id}", access="anyone", scope="read:statuses")
async def show(call: Call) -> Response:
    """One status."""
    return _to_answer(call, await call.server.database.read(load_status, call.viewer, call.path_id()))


@routes.get("/api/v1/statuses/{id}/context", access="anyone", scope="read:statuses")
async def context(call: Call) -> Response:
    """What it answers, and what answers it."""
    ancestors, descendants = await call.server.database.scan(_context, call.viewer, call.path_id())
    base_url = call.server.site.base_url
    return call.json(
        b'{"ancestors":[%b],"descendants":[%b]}'
        % (
            b",".join(to_statuses(base_url, ancestors, call.viewer)),
            b",".join(to_statuses(base_url, descendants, call.viewer)),
        )
    )


def _context(tx: Transaction, viewer: int, status_id: int) -> tuple[list[StatusView], list[StatusView]]:
    _shown(load_status(tx, viewer, status_id))
    return load_context(tx, viewer, status_id)


@routes.get("/api/v1/statuses/{id}/favourited_by", access="anyone", scope="read:statuses")
async def favourited_by(call: Call) -> Response:
    """Who favourited it."""
    return await _people(call, interactions.list_favourited_by)


@routes.get("/api/v1/statuses/{id}/reblogged_by", access="anyone", scope="read:statuses")
async def reblogged_by(call: Call) -> Response:
    """Who reblogged it, but privately."""
    return await _people(call, interactions.list_reblogged_by)


async def _people(
    call: Call, listing: Callable[[Transaction, int, int, Page], list[tuple[int, AccountView]]]
) -> Response:
    page = call.page(40, 80)
    rows = await call.server.database.read(listing, call.viewer, call.path_id(), page)
    if rows:
        call.link(rows[0][0], rows[-1][0], full=len(rows) >= page.limit)
    return call.json_list([to_account(call.server.site.base_url, view) for _, view in rows])


# Acting


async def _act(
    call: Call,
    command: Callable[Concatenate[Transaction, int, int, P], object],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Do it, and answer with the status as it then is."""
    found = call.path_id()

    def act(tx: Transaction) -> StatusView | None:
        command(tx, call.viewer, found, *args, **kwargs)
        return load_status(tx, call.viewer, found)

    return _to_answer(call, await call.server.database.write(act))


@routes.post("/api/v1/statuses/{id}/favourite", scope="write:favourites")
async def favourite(call: Call) -> Response:
    """Like it."""
    return await _act(call, interactions.favourite)


@routes.post("/api/v1/statuses/{id}/unfavourite", scope="write:favourites")
async def unfavourite(call: Call) -> Response:
    """Take the like back."""
    return await _act(call, interactions.unfavourite)


@routes.post("/api/v1/statuses/{id}/bookmark", scope="write:bookmarks")
async def bookmark(call: Call) -> Response:
    """Keep it for later."""
    return await _act(call, marks.bookmark)


@routes.post("/api/v1/statuses/{id}/unbookmark", scope="write:bookmarks")
async def unbookmark(call: Call) -> Response:
    """Keep it no longer."""
    return await _act(call, marks.unbookmark)


@routes.post("/api/v1/statuses/{id}/pin", scope="write:accounts")
async def pin(call: Call) -> Response:
    """Show it at the top of one's profile."""
    return await _act(call, marks.pin)


@routes.post("/api/v1/statuses/{id}/unpin", scope="write:accounts")
async def unpin(call: Call) -> Response:
    """Take it from the top of one's profile."""
    return await _act(call, marks.unpin)


@routes.post("/api/v1/statuses/{id}/mute", scope="write:mutes")
async def mute(call: Call) -> Response:
    """Hear no more of its conversation."""
    return await _act(call, marks.mute_conversation)


@routes.post("/api/v1/statuses/{id}/unmute", scope="write:mutes")
async def unmute(call: Call) -> Response:
    """Hear of its conversation again."""
    return await _act(call, marks.unmute_conversation)


@routes.post("/api/v1/statuses/{id}/reblog", scope="write:statuses")
async def reblog(call: Call) -> Response:
    """Show it to one's followers; the answer is the reblog."""
    form = await call.form(ReblogForm)
    return _to_answer(call, await call.server.database.write(_reblog, call, call.path_id(), form.visibility))


def _reblog(tx: Transaction, call: Call, status_id: int, visibility: Visibility | None) -> StatusView | None:
    reblog_id = interactions.reblog_status(tx, call.server.site, call.viewer, status_id, visibility)
    return load_status(tx, call.viewer, reblog_id)


@routes.post("/api/v1/statuses/{id}/unreblog", scope="write:statuses")
async def unreblog(call: Call) -> Response:
    """Take the reblog back; the answer is what was reblogged."""
    call.spend(limits.DELETIONS)
    return _to_answer(call, await call.server.database.write(_unreblog, call.viewer, call.path_id()))


def _unreblog(tx: Transaction, viewer: int, status_id: int) -> StatusView | None:
    return load_status(tx, viewer, interactions.unreblog(tx, viewer, status_id))
