"""What notifications of the site itself carry (docs.joinmastodon.org/entities/Notification).

`AccountWarning`, `Appeal`, `RelationshipSeveranceEvent` and `Report` are Mastodon's; a letter and new terms
are ours, for apps that ask for them.
"""

from typing import Any

import msgspec

from roseau.api.present.accounts import to_account
from roseau.domain.accounts.loading import AccountView
from roseau.domain.notifications.subjects import Letter, NewTerms, Report, Severance, Subject, Warning
from roseau.kernel import clock


def to_subject(base_url: str, subject: Subject, member: AccountView) -> dict[str, Any]:
    """The field of the notification that says what it is about; `member` is whom it is for."""
    match subject:
        case Warning():
            return {"moderation_warning": to_warning(base_url, subject, member)}
        case Severance():
            return {"event": to_severance(subject)}
        case Report():
            return {"report": to_report(base_url, subject)}
        case Letter():
            return {"letter": to_letter(subject)}
        case NewTerms():
            day = clock.to_date(subject.since)
            return {"terms_of_service": {"effective_date": day, "url": f"{base_url}/terms/{day}"}}


def to_warning(base_url: str, warning: Warning, member: AccountView) -> dict[str, Any]:
    """The `AccountWarning` entity: the statement of reasons, and what became of an appeal."""
    appeal = warning.appeal
    return {
        "id": str(warning.id),
        "action": warning.action,
        "text": warning.text,
        "status_ids": [str(status_id) for status_id in warning.status_ids] or None,
        "target_account": msgspec.Raw(to_account(base_url, member)),
        "appeal": None if appeal is None else {"text": appeal.text, "state": appeal.state},
        "created_at": clock.to_iso(warning.created_at),
    }


def to_severance(severance: Severance) -> dict[str, Any]:
    """The `RelationshipSeveranceEvent` entity. Nothing is purged here: what was cut can be tied again."""
    return {
        "id": str(severance.id),
        "type": severance.kind,
        "purged": False,
        "target_name": severance.target_name,
        "followers_count": severance.followers,
        "following_count": severance.following,
        "created_at": clock.to_iso(severance.created_at),
    }


def to_report(base_url: str, report: Report) -> dict[str, Any]:
    """The `Report` entity."""
    target = report.target
    return {
        "id": str(report.id),
        "action_taken": report.action_taken_at is not None,
        "action_taken_at": None if report.action_taken_at is None else clock.to_iso(report.action_taken_at),
        "category": report.category,
        "comment": report.comment,
        "forwarded": report.forwarded,
        "created_at": clock.to_iso(report.created_at),
        "status_ids": [str(status_id) for status_id in report.status_ids],
        "rule_ids": [str(rule_id) for rule_id in report.rule_ids],
        "collection_ids": [],
        "target_account": None if target is None else msgspec.Raw(to_account(base_url, target)),
    }


def to_letter(letter: Letter) -> dict[str, Any]:
    """A letter of the moderation: ours."""
    return {
        "subject": letter.subject,
        "text": letter.text,
        "created_at": clock.to_iso(letter.created_at),
        "notice_number": letter.notice_number,
        "decision_number": None if letter.decision_number is None else str(letter.decision_number),
    }
