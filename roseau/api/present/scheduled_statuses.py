"""Posts to come as Mastodon's `ScheduledStatus` (docs.joinmastodon.org/entities/ScheduledStatus)."""

from typing import Any

from roseau.api.present.statuses import to_attachment
from roseau.domain.statuses.scheduling import Scheduled
from roseau.kernel import clock


def to_scheduled_status(base_url: str, scheduled: Scheduled) -> dict[str, Any]:
    """The `ScheduledStatus` entity."""
    draft = scheduled.draft
    poll = draft.poll and {
        "options": draft.poll.options,
        "expires_in": draft.poll.expires_in,
        "multiple": draft.poll.multiple,
        "hide_totals": draft.poll.hide_totals,
    }
    return {
        "id": str(scheduled.id),
        "scheduled_at": clock.to_iso(scheduled.scheduled_at),
        "params": {
            "text": draft.text,
            "poll": poll,
            "media_ids": [str(media_id) for media_id in draft.media_ids] or None,
            "sensitive": draft.sensitive,
            "spoiler_text": draft.spoiler_text or None,
            "visibility": draft.visibility,
            "language": draft.language,
            "in_reply_to_id": None if draft.in_reply_to_id is None else str(draft.in_reply_to_id),
            "application_id": scheduled.app_id,
            "scheduled_at": None,
            "idempotency": None,
            "with_rate_limit": False,
            "allowed_mentions": None,
        },
        "media_attachments": [to_attachment(base_url, item) for item in scheduled.media],
    }
