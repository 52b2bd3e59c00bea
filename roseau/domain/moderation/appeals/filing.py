"""Filing an appeal: by the author, or by whoever sent a notice, once each, while the time for it runs."""

from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, or_, select

from roseau.domain.moderation import log
from roseau.domain.moderation.appeals.drafts import (
    MAX_MEDIA,
    MAX_TEXT,
    Appeal,
    AppealDraft,
    Appealed,
    list_appeals,
    load_appeal,
    load_appealed,
)
from roseau.domain.moderation.appeals.letters import hand_out, send_receipt
from roseau.domain.moderation.appeals.reviewing import find_outside_reviewer, list_others
from roseau.domain.moderation.cases.joining import Opening, open_case
from roseau.domain.moderation.vocabulary import APPEAL, APPEAL_ANSWER, APPEAL_LAPSE
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.errors import Forbidden, Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.cases import appeal_media, appeals
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import misuse_marks, notice_items, notices
from roseau.storage.statements import insertion, one_of, statement

LAPSE = "appeal_lapse"
#: These do not lapse: what is against the law, and danger to people.
NEVER_LAPSING = frozenset(("S0", "S1"))

_notice_of = statement(
    select(notices.c.id, notices.c.account_id)
    .select_from(notices.join(notice_items, notice_items.c.notice_id == notices.c.id))
    .where(
        notice_items.c.case_id == bindparam("case"),
        or_(
            notices.c.number == bindparam("of_number"),
            notices.c.account_id == bindparam("member"),
        ),
        notices.c.channel != "own_initiative",
    )
    .order_by(notices.c.id)
    .limit(1)
)
_own_media = statement(
    select(media_attachments.c.id).where(
        one_of(media_attachments.c.id, "ids"),
        media_attachments.c.account_id == bindparam("member"),
        media_attachments.c.status_id.is_(None),
        media_attachments.c.state != "failed",
    )
)
_paused = statement(
    select(misuse_marks.c.id).where(
        misuse_marks.c.account_id == bindparam("member"),
        misuse_marks.c.side == "notifier",
        misuse_marks.c.kind == "paused",
        misuse_marks.c.lifted_at.is_(None),
        misuse_marks.c.until > bindparam("now"),
    )
)
_insert = insertion(
    appeals,
    "id decision_id appellant account_id notice_id text language filed_at answer_due_at lapses_at case_id"
    " outside_reviewer_id handed_out_at",
)
_add_media = insertion(appeal_media, "appeal_id media_id position")


class LapseJob(msgspec.Struct, frozen=True):
    """An appeal that nobody may have answered by now."""

    appeal_id: int


class _Appellant(msgspec.Struct, frozen=True):
    kind: Literal["author", "notifier"]
    account_id: int | None
    notice_id: int | None


def file_appeal(tx: Transaction, site: Site, draft: AppealDraft) -> int:
    """Appeal against a decision; the appeal's id. It is a case of its own, which others read.

    Raises NotFound to those whom the decision does not concern, Invalid for what cannot be taken: no words,
    too many, too late, a second time, or against what no longer stands.
    """
    decision = load_appealed(tx, draft.decision_id)
    appellant = _find_appellant(tx, draft, decision)
    _check(tx, draft, decision, appellant)
    media = _find_media(tx, draft)
    appeal_id = ids.new_id()
    case_id = open_case(
        tx,
        site,
        Opening(
            subject=f"appeal:{appeal_id}",
            kind="appeal",
            # Whatever the case was: what is to be done at once has been done.
            lane="S4",
            reason=decision.case_reason,
            target_account_id=decision.case_target_account_id,
            status_id=decision.case_status_id,
            deadline_at=tx.now + APPEAL_ANSWER,
        ),
    )
    outside_id, lapses_at = _plan_without_others(tx, decision, appellant, case_id)
    tx.run(
        _insert,
        id=appeal_id,
        decision_id=decision.id,
        appellant=appellant.kind,
        account_id=appellant.account_id,
        notice_id=appellant.notice_id,
        text=draft.text.strip(),
        language=draft.language,
        filed_at=tx.now,
        answer_due_at=tx.now + APPEAL_ANSWER,
        lapses_at=lapses_at,
        case_id=case_id,
        outside_reviewer_id=outside_id,
        handed_out_at=None if outside_id is None else tx.now,
    )
    for position, media_id in enumerate(media):
        tx.run(_add_media, appeal_id=appeal_id, media_id=media_id, position=position)
    if lapses_at is not None:
        add_job(tx, LAPSE, LapseJob(appeal_id), run_at=lapses_at, dedupe=f"{LAPSE}:{appeal_id}")
    _tell(tx, site, load_appeal(tx, appeal_id), decision)
    log.append(tx, "appeal", {"number": decision.number, "appellant": appellant.kind})
    return appeal_id


def _tell(tx: Transaction, site: Site, appeal: Appeal, decision: Appealed) -> None:
    send_receipt(tx, site, appeal, decision)
    if appeal.outside_reviewer_id is not None:
        hand_out(tx, site, appeal, decision)


def _find_appellant(tx: Transaction, draft: AppealDraft, decision: Appealed) -> _Appellant:
    if draft.account_id is not None and draft.account_id == decision.account_id:
        return _Appellant("author", draft.account_id, None)
    row: Any = tx.one(
        _notice_of, case=decision.case_id, of_number=draft.notice_number, member=draft.account_id
    )
    if row is None or row.account_id != draft.account_id:
        raise NotFound
    return _Appellant("notifier", row.account_id, row.id)


def _check(tx: Transaction, draft: AppealDraft, decision: Appealed, appellant: _Appellant) -> None:
    if not draft.text.strip():
        raise Invalid(problems=(Problem("text", "ERR_BLANK", "Say what we got wrong."),))
    if len(draft.text) > MAX_TEXT:
        raise Invalid(problems=(Problem("text", "ERR_TOO_LONG", "An appeal has 5000 characters at most."),))
    if tx.now > (decision.appeal_until or decision.decided_at + APPEAL):
        raise Invalid("The time to appeal against this decision is over.")
    for appeal in list_appeals(tx, decision.id):
        theirs = appeal.account_id is not None and appeal.account_id == appellant.account_id
        if theirs or (appeal.notice_id is not None and appeal.notice_id == appellant.notice_id):
            raise Invalid("You have already appealed against this decision.")
    if appellant.kind == "notifier" and decision.case_lane != "S0":
        _refuse_paused(tx, appellant)
    if decision.ended is not None:
        raise Invalid("This decision no longer stands: there is nothing left to appeal against.")


def _refuse_paused(tx: Transaction, appellant: _Appellant) -> None:
    """A pause holds back appeals about what somebody reported, too (DSA art. 23(2)); no author is paused."""
    if appellant.account_id is not None and tx.value(_paused, member=appellant.account_id, now=tx.now):
        raise Forbidden("Your reports are paused, and with them appeals about what you reported.")


def _find_media(tx: Transaction, draft: AppealDraft) -> list[int]:
    wanted = list(dict.fromkeys(draft.media_ids))
    if not wanted:
        return []
    own = tx.values(_own_media, ids=wanted, member=draft.account_id)
    if len(wanted) > MAX_MEDIA or len(own) < len(wanted):
        raise Invalid(
            problems=(Problem("media_ids", "ERR_INVALID", "Send up to four uploads of your own along."),)
        )
    return wanted


def _plan_without_others(
    tx: Transaction, decision: Appealed, appellant: _Appellant, case_id: int
) -> tuple[int | None, int | None]:
    """Who reads it from outside, and when it lapses, where nobody of the team may refuse it."""
    if list_others(tx, decision, case_id):
        return None, None
    outside_id = find_outside_reviewer(tx, decision, case_id)
    stays = decision.ground == "law" or decision.case_lane in NEVER_LAPSING
    # What a notifier appeals against is that too little was done: that cannot lapse.
    lapses = appellant.kind == "author" and not stays
    return outside_id, tx.now + APPEAL_LAPSE if lapses else None
