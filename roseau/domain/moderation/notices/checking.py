"""What a notice has to be before it is taken in, whichever door it comes through."""

import msgspec

from roseau.domain.moderation.cases.lanes import URGENT, Weight
from roseau.domain.moderation.misuse import is_paused
from roseau.domain.moderation.notices.drafts import (
    MAX_COMMENT,
    MAX_LETTER,
    MAX_LETTER_URLS,
    MAX_URL,
    MAX_URLS,
    NoticeDraft,
)
from roseau.domain.policy import list_rules
from roseau.kernel.errors import Forbidden, Invalid, Problem
from roseau.kernel.html import clean_text
from roseau.storage.database import Transaction

#: Channels in which machines and lawyers write, at their own length.
_LONG = URGENT | {"mail", "arf", "xarf", "ap_flag", "trusted_flagger"}


def clean_draft(draft: NoticeDraft, now: int) -> NoticeDraft:
    """The same notice without control characters, halves of characters, endless addresses, times to come."""
    return msgspec.structs.replace(
        draft,
        comment=clean_text(draft.comment).strip(),
        uris=tuple(clean_text(uri).strip()[:MAX_URL] for uri in draft.uris),
        language=clean_text(draft.language)[:20] or "en",
        received_at=None if draft.received_at is None else min(draft.received_at, now),
    )


def check_draft(tx: Transaction, draft: NoticeDraft, weight: Weight, source: str) -> None:
    """Raises Invalid for a notice that cannot be taken, Forbidden to those whose notices are paused."""
    if len(draft.comment) > (MAX_LETTER if draft.channel in _LONG else MAX_COMMENT):
        raise Invalid("Validation failed: Comment is too long (maximum is 1000 characters)")
    most = MAX_LETTER_URLS if draft.channel in _LONG else MAX_URLS
    if len(draft.uris) + len(draft.status_ids) + len(draft.collection_ids) > most:
        raise Invalid(
            problems=(
                Problem("uris", "ERR_TOO_MANY", "These are too many at once. Send them in several reports."),
            )
        )
    if draft.rule_ids and not set(draft.rule_ids) <= {rule.id for rule in list_rules(tx)}:
        raise Invalid("Validation failed: Rule ids does not reference valid rules")
    if draft.account_id is not None and draft.account_id == draft.target_account_id:
        raise Invalid("You cannot report yourself.")
    # Danger is taken in from anybody, at any time.
    if weight.lane != "S0" and is_paused(tx, draft.account_id, source):
        raise Forbidden(
            "Your reports are paused, because several of them were manifestly unfounded."
            " You can still report danger to life or abuse of children."
        )
