"""Hashtags (docs.joinmastodon.org/methods/tags): look at, follow, show on one's profile."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.present.tags import to_featured_tag, to_tag
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.loading import AccountView, load_account
from roseau.domain.timelines import followed_tags
from roseau.domain.timelines.followed_tags import FeaturedTag, TagView
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction

routes = Routes()


class NameForm(msgspec.Struct):
    """A hashtag, with or without its #."""

    name: str = ""


@routes.get("/api/v1/tags/{name}", access="anyone", scope="read:follows")
async def show(call: Call) -> Response:
    """A hashtag, how much it is used, and whether one follows it."""
    name = call.request.path_params["name"]
    view = await call.server.database.scan(followed_tags.find_tag, call.viewer, name)
    return call.json(to_tag(call.server.site.base_url, view, call.viewer))


async def _change(call: Call, command: Callable[[Transaction, int, str], Any]) -> Response:
    name = call.request.path_params["name"]

    def act(tx: Transaction) -> TagView:
        command(tx, call.viewer, name)
        return followed_tags.find_tag(tx, call.viewer, name)

    view = await call.server.database.write(act)
    return call.json(to_tag(call.server.site.base_url, view, call.viewer))


@routes.post("/api/v1/tags/{name}/follow", scope="write:follows")
async def follow(call: Call) -> Response:
    """Have posts with the hashtag come home."""
    return await _change(call, followed_tags.follow_tag)


@routes.post("/api/v1/tags/{name}/unfollow", scope="write:follows")
async def unfollow(call: Call) -> Response:
    """Follow the hashtag no longer."""
    return await _change(call, followed_tags.unfollow_tag)


@routes.post("/api/v1/tags/{name}/feature", scope="write:accounts")
async def feature(call: Call) -> Response:
    """Show the hashtag on one's profile."""
    return await _change(call, followed_tags.feature_tag)


@routes.post("/api/v1/tags/{name}/unfeature", scope="write:accounts")
async def unfeature(call: Call) -> Response:
    """Show the hashtag on one's profile no longer."""
    return await _change(call, followed_tags.unfeature_tag)


@routes.get("/api/v1/followed_tags", scope="read:follows")
async def followed(call: Call) -> Response:
    """The hashtags that one follows."""
    page = call.page(100, 200)
    found = await call.server.database.scan(followed_tags.list_followed_tags, call.viewer, page)
    if found:
        call.link(found[0][0], found[-1][0], full=len(found) >= page.limit)
    return call.json([to_tag(call.server.site.base_url, view, call.viewer) for _, view in found])


@routes.get("/api/v1/featured_tags", scope="read:accounts")
async def featured(call: Call) -> Response:
    """The hashtags on one's profile."""
    view, tags = await call.server.database.scan(load_featured, call.viewer)
    return call.json([to_featured_tag(call.server.site.base_url, view.account, tag) for tag in tags])


def load_featured(tx: Transaction, member_id: int) -> tuple[AccountView, list[FeaturedTag]]:
    """A member, and the hashtags on their profile."""
    view = load_account(tx, member_id)
    if view is None:
        raise NotFound
    return view, followed_tags.list_featured_tags(tx, member_id)


@routes.post("/api/v1/featured_tags", scope="write:accounts")
async def add_featured(call: Call) -> Response:
    """Show a hashtag on one's profile."""
    form = await call.form(NameForm)

    def act(tx: Transaction) -> tuple[AccountView, FeaturedTag]:
        made = followed_tags.feature_tag(tx, call.viewer, form.name)
        return load_featured(tx, call.viewer)[0], made

    view, tag = await call.server.database.write(act)
    return call.json(to_featured_tag(call.server.site.base_url, view.account, tag))


@routes.delete("/api/v1/featured_tags/{id}", scope="write:accounts")
async def remove_featured(call: Call) -> Response:
    """Show a hashtag on one's profile no longer."""
    await call.server.database.write(followed_tags.remove_featured_tag, call.viewer, call.path_id())
    return call.json({})


@routes.get("/api/v1/featured_tags/suggestions", scope="read:accounts")
async def suggested(call: Call) -> Response:
    """Hashtags that one uses often and could show."""
    found = await call.server.database.scan(followed_tags.list_suggested_tags, call.viewer)
    return call.json([to_tag(call.server.site.base_url, view, call.viewer) for view in found])
