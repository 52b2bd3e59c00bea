"""Decisions as the statements and letters about them need them: rows of a decision, written by hand."""

from typing import Any

import msgspec

from roseau.domain.moderation.decisions.drafts import DecisionDraft, Grounds, MeasureDraft
from roseau.domain.moderation.statements.writing import write_statement
from roseau.doors.server import Server
from roseau.kernel import clock, ids
from roseau.storage.schema.cases import decisions, measures
from roseau.storage.statements import insertion, statements
from tests.conftest import Member
from tests.moderation.acting import value

RULE = "No private data of others."
FACTS = "The post gives a street and a number, and asks people to go there."
_decide = insertion(
    decisions, "id number case_id ground law facts rule_id decider_id decider_role decided_at undo_until"
)
_measure = insertion(
    measures, "id decision_id statement_id kind status_id account_id domain from_at until_at words"
)


def to_grounds(case_id: int, account_id: int | None, *drafts: MeasureDraft, **fields: Any) -> Grounds:
    """What a statement is written from; `fields` are the decision's, and others of the grounds."""
    known = {name: fields.pop(name) for name in list(fields) if name in DecisionDraft.__struct_fields__}
    known.setdefault("ground", "rule")
    known.setdefault("facts", FACTS)
    if known["ground"] == "rule":
        known.setdefault("rule_id", 4)
    draft = DecisionDraft(measures=drafts, **known)
    fields.setdefault("decision_id", ids.new_id())
    fields.setdefault("decision_number", fields["decision_id"] % 10**6)
    defaults: dict[str, Any] = {
        "case_number": 1, "rule_text": RULE, "rule_version": None, "reason": "private_data", "lane": "S1",
        "channels": {"in_app": 1}, "decider_role": "moderator", "decided_at": clock.now(),
    }  # fmt: skip
    return Grounds(draft=draft, account_id=account_id, **(defaults | fields))


def write_decision(server: Server, decider: Member | None, case_id: int, grounds: Grounds) -> int:
    """The rows of a decision, its statement and measures; the decision's id."""

    def write(tx: Any) -> None:
        draft = grounds.draft
        tx.run(
            _decide, id=grounds.decision_id, number=grounds.decision_number, case_id=case_id,
            ground=draft.ground, law=draft.law, facts=draft.facts, rule_id=draft.rule_id,
            decider_id=decider.id if decider else None, decider_role="moderator",
            decided_at=tx.now, undo_until=tx.now,
        )  # fmt: skip
        if not draft.measures:
            return
        statement_id = write_statement(tx, server.site, grounds)
        for measure in draft.measures:
            fields = msgspec.structs.asdict(measure)
            fields.pop("territory")
            tx.run(
                _measure, id=ids.new_id(), decision_id=grounds.decision_id, statement_id=statement_id,
                from_at=tx.now, **fields,
            )  # fmt: skip

    server.database.write_now(write)
    return grounds.decision_id


def removal(server: Server, status_id: int, **fields: Any) -> tuple[MeasureDraft, dict[str, Any]]:
    """A post that is removed, and what grounds say of it."""
    written = value(server, "SELECT created_at FROM statuses WHERE id = :id", id=status_id)
    return MeasureDraft(kind="remove", status_id=status_id), {
        "status_id": status_id, "written_at": written, "content_types": ("text",), **fields,
    }  # fmt: skip


def change(server: Server, sql: str, **parameters: Any) -> int:
    """Change rows by a statement in SQL; how many."""
    return server.database.write_now(lambda tx: tx.run(statements(sql, sql), **parameters))
