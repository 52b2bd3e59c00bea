"""Making of a notice what it turns out to be: a letter of a host, or an order, one case with its clock."""

from typing import Any, Literal

from sqlalchemy import bindparam, select, update

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation.cases.joining import Opening, find_open_case, note_event, open_case, recount
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.desk.letters import Letter, read_letter
from roseau.domain.moderation.desk.mails import read_mail
from roseau.domain.moderation.desk.taking import add_letter
from roseau.domain.moderation.notices.drafts import Filed
from roseau.domain.moderation.notices.filing import open_original
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import REASONS
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import statement

_notice = statement(select(notices).where(notices.c.id == bindparam("notice")))
_items = statement(
    select(notice_items.c.id, notice_items.c.case_id, cases.c.state)
    .select_from(notice_items.outerjoin(cases, cases.c.id == notice_items.c.case_id))
    .where(notice_items.c.notice_id == bindparam("notice"))
    .order_by(notice_items.c.position)
)
_rename = statement(
    update(notices).where(notices.c.id == bindparam("notice")).values(channel=bindparam("new_channel"))
)
_move = statement(
    update(notice_items)
    .where(notice_items.c.notice_id == bindparam("notice"))
    .values(case_id=bindparam("new_case"))
)
_left = statement(select(notice_items.c.id).where(notice_items.c.case_id == bindparam("case")).limit(1))
_close = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"), cases.c.state != "closed")
    .values(state="closed", closed_at=bindparam("at"))
)


def make_letter(
    tx: Transaction, site: Site, account_id: int, notice_id: int, deadline_at: int | None = None
) -> int:
    """Make a letter of a mail that came in as a notice; the letter's id.

    `deadline_at` None: what the mail says, else a day from its receipt. Raises Forbidden, NotFound, and
    Invalid for what is one already or has been decided in part.
    """
    require(tx, account_id, "manage_letters")
    notice: Any = tx.one(_notice, notice=notice_id)
    if notice is None:
        raise NotFound
    mail = read_mail(open_original(site, notice_id, notice.original) or notice.comment.encode())
    letter = read_letter(mail, notice.received_at)
    if deadline_at is not None:
        letter = Letter(letter.provider, letter.reference, deadline_at, True)
    filed = take_over(tx, site, account_id, notice_id, "letter", letter.deadline_at)
    return add_letter(tx, filed, mail.subject, mail.reply_to, letter, notice.received_at)


def take_over(
    tx: Transaction,
    site: Site,
    account_id: int,
    notice_id: int,
    kind: Literal["letter", "order"],
    deadline_at: int,
) -> Filed:
    """Put all items of a notice into one case of lane S0; cases that stood for nothing else are closed."""
    notice: Any = tx.one(_notice, notice=notice_id)
    if notice is None:
        raise NotFound
    items: list[Any] = tx.all(_items, notice=notice_id)
    if notice.channel in ("host_letter", "authority_order") or find_open_case(tx, f"{kind}:{notice_id}"):
        raise Invalid("This is a letter or an order already.")
    if any(item.state not in ("open", "paused", None) for item in items):
        raise Invalid("Some of this has been decided. Write the rest down as a letter or order of its own.")
    earlier = list(dict.fromkeys(item.case_id for item in items if item.case_id is not None))
    for case_id in earlier:
        refuse_party(tx, case_id, account_id)
    opening = Opening(
        subject=f"{kind}:{notice_id}",
        lane="S0",
        reason=notice.reason,
        severity=REASONS[notice.reason].severity,
        received_at=notice.received_at,
        deadline_at=deadline_at,
    )
    new_id = open_case(tx, site, opening)
    tx.run(_rename, notice=notice_id, new_channel="host_letter" if kind == "letter" else "authority_order")
    tx.run(_move, notice=notice_id, new_case=new_id)
    for case_id in earlier:
        note_event(tx, case_id, "joined", account_id=account_id, detail={"notice": notice_id, "case": new_id})
        if tx.one(_left, case=case_id) is None:
            tx.run(_close, case=case_id, at=tx.now)
            tx.emit(CaseUpdated(case_id))
        else:
            recount(tx, case_id)
    recount(tx, new_id)
    return Filed(notice_id, notice.number, (new_id,), tuple(item.id for item in items))
