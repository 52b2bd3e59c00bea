"""Warnings and pauses for misuse, both ways, as rows that intake and the misuse table look at."""

from sqlalchemy import bindparam, update

from roseau.domain.moderation.measures.force import Measure
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.notices import misuse_marks
from roseau.storage.statements import insertion, statement

#: What pauses a notifier, and what pauses a poster.
_KINDS = {"warn_misuse": "warned", "pause_notices": "paused", "suspend": "paused"}
#: The same for those who often post what is manifestly illegal (DSA art. 23(1)).
_POSTER_KINDS = {"warn_misuse": "warned", "suspend": "paused"}

_mark = insertion(misuse_marks, "id account_id side kind decision_id at until")
_lift = statement(
    update(misuse_marks)
    .where(
        misuse_marks.c.decision_id == bindparam("decision"),
        misuse_marks.c.kind == bindparam("mark"),
        misuse_marks.c.lifted_at.is_(None),
    )
    .values(lifted_at=bindparam("at"))
)


def mark_pauses(tx: Transaction, added: list[Measure], *, poster: bool) -> None:
    """Write down who was warned or paused by these measures: for what they posted, or for their notices."""
    for measure in added:
        mark = _to_mark(measure)
        if mark and (poster or measure.kind != "suspend"):
            tx.run(
                _mark, id=ids.new_id(), account_id=measure.account_id,
                side="poster" if poster else "notifier", kind=mark, decision_id=measure.decision_id,
                at=tx.now, until=measure.until_at,
            )  # fmt: skip


def lift_pauses(tx: Transaction, ended: list[Measure]) -> None:
    """Take back the warnings and pauses of measures that ended before their time."""
    for measure in ended:
        if mark := _to_mark(measure):
            tx.run(_lift, decision=measure.decision_id, mark=mark, at=tx.now)


def _to_mark(measure: Measure) -> str:
    return _KINDS.get(measure.kind, "")
