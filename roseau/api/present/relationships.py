"""What is between two people as Mastodon's `Relationship` (docs.joinmastodon.org/entities/Relationship)."""

from typing import Any

import msgspec

from roseau.api.present.accounts import to_account
from roseau.domain.relationships.listing import Related
from roseau.domain.relationships.loading import Relationship
from roseau.kernel import clock


def to_relationship(relationship: Relationship) -> dict[str, Any]:
    """The `Relationship` entity."""
    return {
        "id": str(relationship.id),
        "following": relationship.following,
        "showing_reblogs": relationship.reblogs,
        "notifying": relationship.notify,
        "languages": msgspec.json.decode(relationship.languages) or None,
        "followed_by": relationship.followed_by,
        "blocking": relationship.blocking,
        "blocked_by": relationship.blocked_by,
        "muting": relationship.muting,
        "muting_notifications": relationship.muting_notifications,
        "muting_expires_at": _to_seconds(relationship.muting_expires_at),
        "requested": relationship.requested,
        "requested_by": relationship.requested_by,
        "domain_blocking": relationship.domain_blocking,
        "endorsed": relationship.endorsed,
        "note": relationship.note,
    }


def to_muted_account(base_url: str, related: Related) -> bytes:
    """The `MutedAccount` entity, encoded: an account, and until when it is muted."""
    until = msgspec.json.encode(_to_seconds(related.expires_at))
    return to_account(base_url, related.view)[:-1] + b',"mute_expires_at":' + until + b"}"


def _to_seconds(instant: int | None) -> str | None:
    """Whole seconds, as Mastodon has them in these two places."""
    return None if instant is None else clock.to_iso(instant)[:19] + "Z"
