"""Hashtags as Mastodon's `Tag` and `FeaturedTag` entities."""

from typing import Any

from roseau.domain.accounts.loading import Account
from roseau.domain.timelines.followed_tags import FeaturedTag, TagView
from roseau.doors.addresses import account_url, tag_url
from roseau.kernel import clock, ids


def to_tag(base_url: str, view: TagView, viewer: int) -> dict[str, Any]:
    """The `Tag` entity for this viewer (0: anyone)."""
    entity: dict[str, Any] = {
        "id": str(view.id) if view.id else "",
        "name": view.display_name,
        "url": tag_url(base_url, view.name),
        "history": [
            {"day": str(midnight // clock.SECOND), "accounts": str(people), "uses": str(uses)}
            for midnight, people, uses in view.history
        ],
    }
    if viewer:
        entity["following"] = view.following
        entity["featuring"] = view.featuring
    return entity


def to_featured_tag(base_url: str, account: Account, tag: FeaturedTag) -> dict[str, Any]:
    """The `FeaturedTag` entity of that account."""
    last = tag.last_status_id
    return {
        "id": str(tag.id),
        "name": tag.display_name,
        "url": f"{account_url(base_url, account)}/tagged/{tag.name}",
        "statuses_count": str(tag.statuses_count),
        "last_status_at": None if last is None else clock.to_date(ids.time_of(last)),
    }
