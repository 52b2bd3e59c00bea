"""Reports as Mastodon's `Report` (docs.joinmastodon.org/entities/Report)."""

import msgspec

from roseau.api.present.accounts import to_account
from roseau.domain.moderation.notices.listing import MyNotice
from roseau.kernel import clock


def to_report(base_url: str, notice: MyNotice) -> bytes:
    """The `Report` entity, encoded; `reason` and `number` are ours."""
    return msgspec.json.encode(
        {
            "id": str(notice.id),
            "action_taken": notice.outcome is not None,
            "action_taken_at": None if notice.outcome_at is None else clock.to_iso(notice.outcome_at),
            "category": notice.category,
            "comment": notice.comment,
            "forwarded": notice.forward,
            "created_at": clock.to_iso(notice.received_at),
            "status_ids": [str(status_id) for status_id in notice.status_ids] or None,
            "rule_ids": [str(rule_id) for rule_id in notice.rule_ids] or None,
            "collection_ids": [str(identifier) for identifier in notice.collection_ids],
            "target_account": None
            if notice.target is None
            else msgspec.Raw(to_account(base_url, notice.target)),
            "reason": notice.reason,
            "number": notice.number,
        }
    )
