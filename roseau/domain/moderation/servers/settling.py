"""What the measures in force make of another server: the one row of `domain_permissions` that others read."""

import msgspec
from sqlalchemy import bindparam, delete, or_, select, update

from roseau.domain.moderation.measures.force import Measure, list_on_domain
from roseau.domain.moderation.measures.withholding import withhold_account
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import decisions
from roseau.storage.schema.moderation import domain_permissions
from roseau.storage.statements import statement, upsert

_SEVERITIES = {"domain_suspend": "suspend", "domain_limit": "silence", "domain_reject_media": "noop"}
_HARDEST = ("domain_reject_media", "domain_limit", "domain_suspend")

_p = domain_permissions.c
_present = statement(select(_p.id, _p.reject_reports).where(_p.domain == bindparam("wanted")))
_add = statement(
    upsert(domain_permissions)
    .values(
        id=bindparam("id"),
        domain=bindparam("domain"),
        severity=bindparam("severity"),
        reject_media=bindparam("reject_media", type_=_p.reject_media.type),
        public_comment=bindparam("public_comment"),
        measure_id=bindparam("measure_id"),
        created_by_id=bindparam("created_by_id"),
        created_at=bindparam("at"),
        updated_at=bindparam("at"),
        expires_at=bindparam("expires_at"),
    )
    .on_conflict_do_nothing()
)
_follow = statement(
    update(domain_permissions)
    .where(_p.domain == bindparam("wanted"))
    .values(
        severity=bindparam("new_severity"),
        reject_media=bindparam("new_reject_media", type_=_p.reject_media.type),
        measure_id=bindparam("new_measure"),
        updated_at=bindparam("at"),
        expires_at=bindparam("new_end"),
    )
)
_remove = statement(delete(domain_permissions).where(_p.domain == bindparam("wanted")))
_of_domain = statement(
    select(accounts.c.id).where(
        or_(accounts.c.domain == bindparam("wanted"), accounts.c.domain.like(bindparam("under")))
    )
)


class _Reason(msgspec.Struct, frozen=True):
    decider_id: int | None
    summary: str


_reason = statement(
    select(decisions.c.decider_id, decisions.c.summary).where(decisions.c.id == bindparam("decision")),
    into=_Reason,
)


def settle_domain(tx: Transaction, domain: str, without: frozenset[int] = frozenset()) -> None:
    """Have the row of a server say what its measures in force make of it, but for those in `without`.

    Called whenever one of them begins or ends, and after the accounts of the server were settled.
    """
    force = list_on_domain(tx, domain, without)
    present = tx.one(_present, wanted=domain)
    if not force:
        if present is not None and present.reject_reports:
            tx.run(
                _follow, wanted=domain, new_severity="noop", new_reject_media=False, new_measure=None,
                at=tx.now, new_end=None,
            )  # fmt: skip
        else:
            tx.run(_remove, wanted=domain)
        return
    hardest = max(force, key=lambda measure: _HARDEST.index(measure.kind))
    rejecting = [measure for measure in force if measure.kind == "domain_reject_media"]
    if present is None:
        _add_row(tx, domain, hardest, bool(rejecting))
    else:
        tx.run(
            _follow, wanted=domain, new_severity=_SEVERITIES[hardest.kind], new_reject_media=bool(rejecting),
            new_measure=hardest.id, at=tx.now, new_end=hardest.until_at,
        )  # fmt: skip
    if rejecting:
        for account_id in tx.values(_of_domain, wanted=domain, under=f"%.{domain}"):
            withhold_account(tx, max(measure.id for measure in rejecting), account_id)


def _add_row(tx: Transaction, domain: str, hardest: Measure, reject_media: bool) -> None:
    reason = tx.one(_reason, decision=hardest.decision_id)
    tx.run(
        _add,
        id=ids.new_id(),
        domain=domain,
        severity=_SEVERITIES[hardest.kind],
        reject_media=reject_media,
        public_comment=reason.summary if reason else "",
        measure_id=hardest.id,
        created_by_id=reason.decider_id if reason else None,
        at=tx.now,
        expires_at=hardest.until_at,
    )
