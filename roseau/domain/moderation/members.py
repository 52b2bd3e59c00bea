"""A member as those who look after members see them: the login, the strikes, decisions, cases and notes."""

import msgspec
from sqlalchemy import and_, bindparam, not_, select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.cases.parties import party_of
from roseau.domain.moderation.team.permissions import require
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.schema.cases import (
    case_events,
    cases,
    decision_ends,
    decisions,
    measure_ends,
    measures,
    strikes,
)
from roseau.storage.statements import statement

MOST = 50


class Login(msgspec.Struct, frozen=True):
    """What the site knows of the person behind a local account."""

    email: str
    locale: str
    role: str
    confirmed_at: int | None
    approved_at: int | None
    disabled_at: int | None
    otp_enabled_at: int | None
    last_active_on: int | None


class PastDecision(msgspec.Struct, frozen=True):
    """A decision about them; `end`: how it ended, if it no longer stands."""

    number: int
    case_number: int
    decided_at: int
    ground: str
    facts: str
    end: str | None
    measures: tuple[str, ...] = ()


class PastCase(msgspec.Struct, frozen=True):
    """A case about them, or about something that they wrote."""

    number: int
    lane: str
    reason: str
    state: str
    received_at: int


class Note(msgspec.Struct, frozen=True):
    """A note of the team in one of these cases."""

    case_number: int
    text: str
    at: int
    account_id: int | None


class MemberRecord(msgspec.Struct, frozen=True):
    """Everything at once; `in_force`: the kinds of measures that hold now, with their ends."""

    account: AccountView
    login: Login | None
    strikes: int
    decisions: list[PastDecision]
    cases: list[PastCase]
    notes: list[Note]
    in_force: list[tuple[str, int | None]]
    authors: dict[int, AccountView]


_login = statement(
    select(*(users.c[name] for name in Login.__struct_fields__)).where(
        users.c.account_id == bindparam("account")
    ),
    into=Login,
)
_strikes = statement(
    select(strikes.c.weight).where(
        strikes.c.account_id == bindparam("account"),
        strikes.c.voided_at.is_(None),
        strikes.c.expires_at > bindparam("now"),
    )
)
_theirs = and_(cases.c.target_account_id == bindparam("account"), not_(party_of(bindparam("viewer"))))
_decisions = statement(
    select(
        decisions.c.id,
        decisions.c.number,
        cases.c.number.label("case_number"),
        decisions.c.decided_at,
        decisions.c.ground,
        decisions.c.facts,
        decision_ends.c.kind,
    )
    .select_from(
        decisions.join(cases, cases.c.id == decisions.c.case_id).outerjoin(
            decision_ends, decision_ends.c.decision_id == decisions.c.id
        )
    )
    .where(_theirs)
    .order_by(decisions.c.id.desc())
    .limit(MOST)
)
_measures = statement(
    select(measures.c.decision_id, measures.c.kind)
    .select_from(
        measures.join(decisions, decisions.c.id == measures.c.decision_id).join(
            cases, cases.c.id == decisions.c.case_id
        )
    )
    .where(cases.c.target_account_id == bindparam("account"))
    .order_by(measures.c.id)
)
_cases = statement(
    select(cases.c.number, cases.c.lane, cases.c.reason, cases.c.state, cases.c.received_at)
    .where(_theirs)
    .order_by(cases.c.id.desc())
    .limit(MOST),
    into=PastCase,
)
_notes = statement(
    select(
        cases.c.number.label("case_number"), case_events.c.text, case_events.c.at, case_events.c.account_id
    )
    .select_from(case_events.join(cases, cases.c.id == case_events.c.case_id))
    .where(case_events.c.kind == "note", _theirs)
    .order_by(case_events.c.id.desc())
    .limit(MOST),
    into=Note,
)
_in_force = statement(
    select(measures.c.kind, measures.c.until_at)
    .select_from(measures.outerjoin(measure_ends, measure_ends.c.measure_id == measures.c.id))
    .where(measures.c.account_id == bindparam("account"), measure_ends.c.measure_id.is_(None))
    .order_by(measures.c.id)
)


def load_member_record(tx: Transaction, viewer_id: int, account_id: int) -> MemberRecord:
    """What is known of an account, but for cases to which the viewer is party. Raises Forbidden, NotFound."""
    require(tx, viewer_id, "manage_users")
    account = load_accounts(tx, [account_id]).get(account_id)
    if account is None:
        raise NotFound
    kinds: dict[int, list[str]] = {}
    for row in tx.all(_measures, account=account_id):
        kinds.setdefault(row.decision_id, []).append(row.kind)
    notes = tx.all(_notes, account=account_id, viewer=viewer_id)
    return MemberRecord(
        account=account,
        login=tx.one(_login, account=account_id),
        strikes=sum(tx.values(_strikes, account=account_id, now=tx.now)),
        decisions=[
            PastDecision(
                row.number,
                row.case_number,
                row.decided_at,
                row.ground,
                row.facts,
                row.kind,
                tuple(kinds.get(row.id, ())),
            )
            for row in tx.all(_decisions, account=account_id, viewer=viewer_id)
        ],
        cases=tx.all(_cases, account=account_id, viewer=viewer_id),
        notes=notes,
        in_force=[(row.kind, row.until_at) for row in tx.all(_in_force, account=account_id)],
        authors=load_accounts(tx, [note.account_id for note in notes if note.account_id]),
    )
