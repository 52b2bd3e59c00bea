"""Answering the items of letters and orders: comply, contest, done already, not here; and holding them."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.decisions.deciding import OPEN, Decided, decide_items, has_open_items
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.rows import CaseSettled, hold_case, set_state
from roseau.domain.moderation.decisions.settling import plan_close
from roseau.domain.moderation.desk.reading import Disposition, Item, load_items
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import HOLD, Ground, MeasureKind, Permission
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.notices import authority_orders, item_dispositions, notice_items
from roseau.storage.statements import insertion, one_of, statement

MAX_REASON: Final = 5_000
#: What stands in a draft, in each language, where a person has to say something.
UNFINISHED: Final = ("[say why]", "[dites pourquoi]")
#: What an item has to be for the short answers: nobody tells a host what is not so.
_GONE: Final = ("removed", "suspended", "deleted")
#: In one transaction: each item is a decision with a statement of its own.
PORTION: Final = 50


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """How items are complied with: by which rule or law, with what facts, and which measures."""

    ground: Ground = "rule"
    rule_id: int | None = None
    law: str = ""
    facts: str
    summary: str = ""
    #: What is done about posts, and what about accounts that were named themselves.
    measure: MeasureKind = "remove"
    account_measure: MeasureKind = "limit"


_case_of = statement(
    select(notice_items.c.case_id, notice_items.c.notice_id)
    .where(one_of(notice_items.c.id, "ids"))
    .distinct()
)
_order_of = statement(
    select(authority_orders.c.id).where(authority_orders.c.notice_id == bindparam("notice"))
)
_dispose = insertion(item_dispositions, "id item_id kind reason decision_id account_id at")


def comply(
    tx: Transaction, site: Site, account_id: int, item_ids: Sequence[int], how: Compliance
) -> dict[int, Decided]:
    """Do what the letter asks about these items: a decision, a measure and a statement for each.

    Raises Forbidden, CaseSettled, NotFound for items of different letters, Invalid for what is not here.
    """
    case_id, items = _enter(tx, site, account_id, item_ids)
    if any(item.state in ("not_here", "deleted") for item in items):
        raise Invalid("What is not here cannot be taken down. Answer that it is not here.")
    drafts = {item.id: _to_draft(tx, item, how) for item in items}
    decided = decide_items(tx, site, account_id, case_id, drafts)
    _log(tx, "comply", items)
    return decided


def hold(
    tx: Transaction, site: Site, account_id: int, item_ids: Sequence[int], facts: str, law: str = ""
) -> dict[int, Decided]:
    """Take items out of sight at once, for a day at most, until somebody has decided: by any moderator.

    Raises Forbidden, CaseSettled, NotFound, Invalid.
    """
    case_id, items = _enter(tx, site, account_id, item_ids, permission="decide_cases")
    held = [item for item in items if item.status_id is not None and item.state == "up"]
    how = Compliance(ground="law", law=law, facts=facts, measure="hold")
    return decide_items(tx, site, account_id, case_id, {item.id: _to_draft(tx, item, how) for item in held})


def contest(
    tx: Transaction, site: Site, account_id: int, item_ids: Sequence[int], reason: str
) -> dict[int, Decided]:
    """Keep these items, and say why: a decision that nothing was found against them.

    Raises Forbidden, CaseSettled, NotFound, Invalid.
    """
    reason = _check_reason(reason, needed=True)
    case_id, items = _enter(tx, site, account_id, item_ids)
    draft = DecisionDraft(ground="none", facts=reason)
    decided = decide_items(tx, site, account_id, case_id, {item.id: draft for item in items})
    _log(tx, "contest", items)
    return decided


def note(
    tx: Transaction, site: Site, account_id: int, item_ids: Sequence[int], kind: Disposition, reason: str = ""
) -> None:
    """Answer that these items were taken down before, or are not here. Nothing is decided by it.

    Raises Forbidden, CaseSettled, NotFound, and Invalid when it is not so.
    """
    reason = _check_reason(reason, needed=False)
    case_id, items = _enter(tx, site, account_id, item_ids)
    wanted = _GONE if kind == "already_done" else ("not_here",)
    if kind not in ("already_done", "not_here") or any(item.state not in wanted for item in items):
        raise Invalid("This is not so: look at the item again.")
    _note(tx, site, account_id, case_id, [(item.id, kind) for item in items], reason)


def note_plain(tx: Transaction, site: Site, account_id: int, notice_id: int) -> int:
    """Answer every item at once of which the answer is plain: gone already, or never here; how many."""
    items = [item for item in load_items(tx, site, notice_id) if item.answer is None]
    plain = [(item.id, item.suggestion) for item in items if item.suggestion in ("already_done", "not_here")]
    if plain:
        case_id, _ = _enter(tx, site, account_id, [item_id for item_id, _ in plain])
        _note(tx, site, account_id, case_id, plain, "")
    return len(plain)


def _note(
    tx: Transaction,
    site: Site,
    account_id: int,
    case_id: int,
    answers: Sequence[tuple[int, Disposition]],
    reason: str,
) -> None:
    tx.run_many(
        _dispose,
        [
            {
                "id": ids.new_id(), "item_id": item_id, "kind": kind, "reason": reason,
                "decision_id": None, "account_id": account_id, "at": tx.now,
            }
            for item_id, kind in answers
        ],
    )  # fmt: skip
    if not has_open_items(tx, case_id):
        set_state(tx, case_id, "decided", decided_at=tx.now)
        plan_close(tx, case_id, tx.now)
    tx.emit(CaseUpdated(case_id))
    for _, kind in answers:
        log.append(tx, "disposition", {"kind": kind})


def _enter(
    tx: Transaction,
    site: Site,
    account_id: int,
    item_ids: Sequence[int],
    permission: Permission | None = None,
) -> tuple[int, list[Item]]:
    """The case of the items, held, and the items; for somebody who may answer them."""
    found = tx.all(_case_of, ids=list(item_ids))
    if len(found) != 1 or found[0].case_id is None:
        raise NotFound
    case_id, notice_id = found[0].case_id, found[0].notice_id
    is_order = tx.one(_order_of, notice=notice_id) is not None
    require(tx, account_id, permission or ("manage_orders" if is_order else "manage_letters"))
    case = hold_case(tx, case_id)
    refuse_party(tx, case_id, account_id)
    if case.state not in OPEN:
        raise CaseSettled
    wanted = set(item_ids)
    items = [item for item in load_items(tx, site, notice_id) if item.id in wanted]
    if len(items) < len(wanted):
        raise NotFound
    if any(item.answer is not None for item in items):
        raise CaseSettled
    return case_id, items


def _to_draft(tx: Transaction, item: Item, how: Compliance) -> DecisionDraft:
    until = tx.now + HOLD if how.measure == "hold" else None
    if item.status_id is not None:
        measure = MeasureDraft(kind=how.measure, status_id=item.status_id, until_at=until)
    else:
        measure = MeasureDraft(kind=how.account_measure, account_id=item.account_id)
    return DecisionDraft(
        ground=how.ground,
        rule_id=how.rule_id if how.ground == "rule" else None,
        law=how.law,
        facts=how.facts,
        summary=how.summary,
        measures=(measure,),
    )


def _check_reason(reason: str, *, needed: bool) -> str:
    reason = reason.strip()
    if needed and not reason:
        raise Invalid(problems=(Problem("reason", "ERR_BLANK", "Say why: the host will read it"),))
    if any(words in reason for words in UNFINISHED):
        raise Invalid(
            problems=(Problem("reason", "ERR_INVALID", "Finish the draft: it still says [say why]"),)
        )
    if len(reason) > MAX_REASON:
        raise Invalid(problems=(Problem("reason", "ERR_TOO_LONG", "This is too long"),))
    return reason


def _log(tx: Transaction, kind: Disposition, items: Sequence[Item]) -> None:
    for _ in items:
        log.append(tx, "disposition", {"kind": kind})
