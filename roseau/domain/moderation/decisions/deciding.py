"""Deciding a case. Measures hold from that moment; author and notifiers hear of it after the undo window."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import bindparam, exists, literal, select

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.decisions.checking import check_draft
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.decisions.recording import Recorded, log_decision, record
from roseau.domain.moderation.decisions.rows import Case, CaseSettled, hold_case, set_state
from roseau.domain.moderation.decisions.second_voice import needs_second_voice, propose
from roseau.domain.moderation.decisions.settling import plan_close
from roseau.domain.moderation.misuse import mark_unfounded
from roseau.domain.moderation.statements.outcomes import tell_outcome
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import decision_ends
from roseau.storage.schema.notices import item_dispositions, notice_items
from roseau.storage.statements import insertion, one_of, statement

#: A case in one of these can be decided.
OPEN = ("open", "paused")


class Decided(msgspec.Struct, frozen=True):
    """A decision that was taken, or, with `proposal_id`, the interim one until a second voice is heard."""

    decision_id: int
    number: int
    proposal_id: int | None = None


class _Item(msgspec.Struct, frozen=True):
    id: int
    status_id: int | None
    account_id: int | None


_items = statement(
    select(notice_items.c.id, notice_items.c.status_id, notice_items.c.account_id).where(
        notice_items.c.case_id == bindparam("case"), one_of(notice_items.c.id, "ids")
    ),
    into=_Item,
)
_undisposed = statement(
    select(
        exists(
            select(literal(1)).where(
                notice_items.c.case_id == bindparam("case"),
                ~exists(
                    select(literal(1)).where(
                        item_dispositions.c.item_id == notice_items.c.id,
                        # What was undone or reversed disposes of nothing.
                        ~exists(
                            select(literal(1)).where(
                                decision_ends.c.decision_id == item_dispositions.c.decision_id
                            )
                        ),
                    )
                ),
            )
        )
    )
)
_dispose = insertion(item_dispositions, "id item_id kind reason decision_id account_id at")


def decide(tx: Transaction, site: Site, decider_id: int, case_id: int, draft: DecisionDraft) -> Decided:
    """Take a decision in an open case.

    Raises Forbidden for those who may not and for parties, CaseSettled when somebody was faster, Invalid
    with what is wrong in each field of the draft.
    """
    case = enter(tx, decider_id, case_id)
    draft = check_draft(tx, case, decider_id, draft)
    if needs_second_voice(tx, case, draft, decider_id):
        interim, proposal_id = propose(tx, site, case, decider_id, draft)
        return Decided(interim.id, interim.number, proposal_id)
    recorded = record(tx, site, case, draft, decider_id=decider_id)
    finish(tx, site, case, draft, recorded)
    log_decision(tx, site, case, draft, recorded, decider_id=decider_id)
    return Decided(recorded.id, recorded.number)


def enter(tx: Transaction, decider_id: int, case_id: int) -> Case:
    """Hold the case for somebody who may decide it. Raises Forbidden, NotFound, CaseSettled."""
    require(tx, decider_id, "decide_cases")
    case = hold_case(tx, case_id)
    refuse_party(tx, case_id, decider_id)
    if case.kind == "appeal":
        raise Forbidden("An appeal is answered, not decided.")
    if case.state not in OPEN:
        raise CaseSettled
    return case


def finish(tx: Transaction, site: Site, case: Case, draft: DecisionDraft, recorded: Recorded) -> None:
    """What a decision means for its case: it is decided, and everybody who sent a notice will hear of it.

    One that only holds something back leaves the case open, with its clock.
    """
    if is_hold(draft):
        set_state(tx, case.id, "open")
    else:
        set_state(tx, case.id, "decided", decided_at=tx.now)
        tell_outcome(tx, site, case.id, recorded.id, recorded.undo_until)
        plan_close(tx, case.id, recorded.undo_until)
        if draft.unfounded:
            mark_unfounded(tx, case.id, recorded.id)
    tx.emit(CaseUpdated(case.id))


def is_hold(draft: DecisionDraft) -> bool:
    """Whether a decision only holds something back until somebody has decided."""
    return bool(draft.measures) and all(measure.kind == "hold" for measure in draft.measures)


def has_open_items(tx: Transaction, case_id: int) -> bool:
    """Whether an item of a letter or an order has no answer that still stands."""
    return bool(tx.value(_undisposed, case=case_id))


def decide_items(
    tx: Transaction, site: Site, decider_id: int, case_id: int, drafts: Mapping[int, DecisionDraft]
) -> dict[int, Decided]:
    """Decide on items of a letter one by one: item id -> decision, each with a statement of its own.

    What is only held back stays open. The case is decided with its last item. Raises NotFound for what is
    no item of the case, and as `decide`.
    """
    case = enter(tx, decider_id, case_id)
    items = {item.id: item for item in tx.all(_items, case=case_id, ids=list(drafts))}
    if len(items) < len(drafts):
        raise NotFound("This is not an item of the letter.")
    taken: list[tuple[Case, DecisionDraft, Recorded]] = []
    for item_id, wanted in drafts.items():
        about = msgspec.structs.replace(
            case, target_account_id=items[item_id].account_id, status_id=items[item_id].status_id
        )
        draft = check_draft(tx, about, decider_id, wanted)
        if needs_second_voice(tx, about, draft, decider_id):
            raise Forbidden("A suspension for good needs a second voice: decide it in a case of its own.")
        recorded = record(tx, site, about, draft, decider_id=decider_id)
        if not is_hold(draft):
            tx.run(
                _dispose, id=ids.new_id(), item_id=item_id, kind="comply" if draft.measures else "contest",
                reason=draft.facts, decision_id=recorded.id, account_id=decider_id, at=tx.now,
            )  # fmt: skip
        taken.append((about, draft, recorded))
    if not has_open_items(tx, case_id):
        set_state(tx, case_id, "decided", decided_at=tx.now)
        plan_close(tx, case_id, taken[-1][2].undo_until)
    tx.emit(CaseUpdated(case_id))
    for about, draft, recorded in taken:
        log_decision(tx, site, about, draft, recorded, decider_id=decider_id)
    return {
        item_id: Decided(recorded.id, recorded.number)
        for item_id, (_, _, recorded) in zip(drafts, taken, strict=True)
    }
