"""Measures put into force and ended. What they do follows from those in force together.

Each target is *settled*: brought to what its measures in force make of it. So it does not matter in which
order they came, which of them overlap, and which is lifted first.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, or_, select

from roseau.domain.events import StatusCovered
from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.measures.announcing import announce, take_back
from roseau.domain.moderation.measures.force import Measure, list_on_status
from roseau.domain.moderation.measures.hiding import hide_status, hold_for_measure, show_status
from roseau.domain.moderation.measures.quarantine import WARNINGS, settle_contents
from roseau.domain.moderation.measures.standing import settle_account
from roseau.domain.moderation.measures.withholding import release, withhold_status
from roseau.domain.moderation.servers.settling import settle_domain
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import measure_ends, measures
from roseau.storage.statements import insertion, statement

End = Literal["undone", "reversed", "expired", "lapsed", "superseded"]
#: Ends what has run out.
EXPIRE = "end_measures"
HIDING = frozenset(("hold", "remove"))

_insert = insertion(measures, " ".join(Measure.__struct_fields__))
_end = insertion(measure_ends, "measure_id kind decision_id at detail")
_of_domain = statement(
    select(accounts.c.id).where(
        or_(accounts.c.domain == bindparam("wanted"), accounts.c.domain.like(bindparam("under")))
    )
)


class ExpireJob(msgspec.Struct, frozen=True):
    """There is something to end by now; which, the rows say."""


def add_measures(
    tx: Transaction,
    site: Site,
    drafts: Iterable[MeasureDraft],
    *,
    decision_id: int,
    statement_id: int,
    announce_at: int,
) -> list[Measure]:
    """Put measures into force at once; other servers are to hear of them from `announce_at` on."""
    added: list[Measure] = []
    for draft in drafts:
        measure = Measure(
            ids.new_id(), decision_id, statement_id, draft.kind, draft.status_id, draft.account_id,
            draft.domain, tx.now, draft.until_at, draft.territory, draft.words,
        )  # fmt: skip
        tx.run(_insert, **msgspec.structs.asdict(measure))
        added.append(measure)
        if measure.until_at is not None:
            add_job(tx, EXPIRE, ExpireJob(), run_at=measure.until_at, dedupe=f"{EXPIRE}:{measure.id}")
    for measure in _in_order(added):
        _settle(tx, site, measure)
        announce(tx, measure, announce_at)
    return added


def end_measures(
    tx: Transaction, site: Site, ending: list[Measure], kind: End, decision_id: int | None = None
) -> list[dict[str, Any]]:
    """End measures and put back what no other measure keeps away; what that was, for each of them."""
    without = frozenset(measure.id for measure in ending)
    release(tx, sorted(without))
    told: list[dict[str, Any]] = []
    for measure in _in_order(ending):
        detail = _settle(tx, site, measure, without) | take_back(tx, measure)
        told.append(detail)
        text = msgspec.json.encode(detail).decode()
        tx.run(_end, measure_id=measure.id, kind=kind, decision_id=decision_id, at=tx.now, detail=text)
    return told


def _in_order(found: list[Measure]) -> list[Measure]:
    """Statuses before accounts, each by its id: so two transactions never wait for each other in a circle."""
    return sorted(found, key=lambda measure: (measure.status_id is None, measure.status_id or 0, measure.id))


def _settle(
    tx: Transaction, site: Site, measure: Measure, without: frozenset[int] = frozenset()
) -> dict[str, Any]:
    if measure.status_id is not None:
        return settle_status(tx, site, measure.status_id, without)
    if measure.account_id is not None:
        return settle_account(tx, measure.account_id, without)
    for account_id in sorted(tx.values(_of_domain, wanted=measure.domain, under=f"%.{measure.domain}")):
        settle_account(tx, account_id, without)
    settle_domain(tx, measure.domain, without)
    return {}


def settle_status(
    tx: Transaction, site: Site, status_id: int, without: frozenset[int] = frozenset()
) -> dict[str, Any]:
    """Have readers see of a status what the measures in force leave, but for those in `without`.

    Says what was put back, for `measure_ends.detail`.
    """
    status = hold_for_measure(tx, status_id)
    if status is None:
        return {"gone": True}
    force = list_on_status(tx, status_id, without)
    hiding = [measure for measure in force if measure.kind in HIDING]
    whole = settle_contents(tx, site, status, force)
    said: dict[str, Any] = {"deleted_by_author": True} if status.deleted_at is not None else {}
    if not whole:
        # An empty post is not put in the place of one that was erased.
        return said | {"erased": True}
    if hiding and status.hidden_at is None:
        hide_status(tx, status)
    elif not hiding and status.hidden_at is not None:
        said["reblogs"] = show_status(tx, status)
    elif any(measure.kind in WARNINGS for measure in list_on_status(tx, status_id)) and not hiding:
        tx.emit(StatusCovered(status_id, status.account_id))
    if hiding:
        # Always under the youngest, so that nothing gets out when another one ends.
        withhold_status(tx, max(measure.id for measure in hiding), status_id)
        said["still"] = "hidden"
    return said
