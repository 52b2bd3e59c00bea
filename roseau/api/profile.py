"""A member's profile (docs.joinmastodon.org/methods/profile): its raw texts, its pictures."""

from typing import Literal

from starlette.responses import Response

from roseau.api.credentials import answer_credentials, change_profile, load_credentials
from roseau.api.present.credentials import Credentials, to_profile
from roseau.api.present.tags import to_featured_tag
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.profiles import ProfileChanges, update_profile
from roseau.domain.timelines.followed_tags import FeaturedTag, list_featured_tags
from roseau.storage.database import Transaction

routes = Routes()


def _load(tx: Transaction, member_id: int) -> tuple[Credentials, list[FeaturedTag]]:
    return load_credentials(tx, member_id), list_featured_tags(tx, member_id)


@routes.get("/api/v1/profile", scope="profile")
async def show(call: Call) -> Response:
    """One's profile, as it was typed and as it is shown."""
    base_url = call.server.site.base_url
    credentials, tags = await call.server.database.scan(_load, call.viewer)
    featured = [to_featured_tag(base_url, credentials.view.account, tag) for tag in tags]
    return call.json(to_profile(base_url, credentials, featured))


@routes.patch("/api/v1/profile", scope="write:accounts")
async def update(call: Call) -> Response:
    """Change one's profile."""
    await change_profile(call)
    return await show(call)


@routes.delete("/api/v1/profile/avatar", scope="write:accounts")
async def delete_avatar(call: Call) -> Response:
    """Take one's avatar away."""
    return await _delete(call, "avatar")


@routes.delete("/api/v1/profile/header", scope="write:accounts")
async def delete_header(call: Call) -> Response:
    """Take one's header away."""
    return await _delete(call, "header")


async def _delete(call: Call, picture: Literal["avatar", "header"]) -> Response:
    changes = ProfileChanges()
    setattr(changes, picture, ("", ""))
    setattr(changes, f"{picture}_description", "")
    await call.server.database.write(update_profile, call.server.site, call.viewer, changes)
    return await answer_credentials(call)
