"""Notifications that come from the site itself: what moderation decided, asks, or answers.

They have no sender and pass no policy, no mute and no block: nobody can be kept from hearing why their post
is gone. What each is about stands in `notification_subjects`.
"""

from typing import Literal, get_args

from sqlalchemy import bindparam

from roseau.domain.events import Notified
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import notification_subjects
from roseau.storage.schema.timelines import notifications
from roseau.storage.statements import insertion, statement, upsert

Official = Literal[
    "moderation_warning",
    "severed_relationships",
    "admin.report",
    "report_outcome",
    "appeal_answer",
    "moderation_question",
    "terms_changed",
]
#: What the row's `subject_id` is the id of: a letter, a measure, a notice; or the version of the terms.
SubjectKind = Literal["delivery", "measure", "notice", "terms"]
OFFICIAL: frozenset[str] = frozenset(get_args(Official))
#: Mastodon has no such types: they are told to those alone who name them.
OURS = frozenset(("report_outcome", "appeal_answer", "moderation_question", "terms_changed"))

_n = notifications
_insert = statement(
    upsert(_n)
    .values(
        {
            name: bindparam(name)
            for name in ("id", "account_id", "type", "from_account_id", "dedupe", "group_key", "created_at")
        }
    )
    .on_conflict_do_nothing()
)
_insert_subject = insertion(notification_subjects, "notification_id kind subject_id")


def notify_member(
    tx: Transaction,
    account_id: int,
    kind: Official,
    subject_kind: SubjectKind,
    subject_id: int,
    *,
    dedupe: str,
    from_id: int | None = None,
) -> bool:
    """Tell a member once. Without a sender it comes from the member's own account, as Mastodon has it."""
    notification_id = ids.new_id()
    told = tx.run(
        _insert,
        id=notification_id,
        account_id=account_id,
        type=kind,
        from_account_id=from_id or account_id,
        dedupe=dedupe,
        group_key=f"ungrouped-{notification_id}",
        created_at=tx.now,
    )
    if not told:
        return False
    tx.run(_insert_subject, notification_id=notification_id, kind=subject_kind, subject_id=subject_id)
    tx.emit(Notified(notification_id, account_id))
    return True
