"""What is told at once: the team hears of a new case, members hear which of their follows a measure cut."""

from typing import Any

from sqlalchemy import bindparam, or_, select, union

from roseau.domain.events import AccountSuspended, NoticeFiled
from roseau.domain.moderation.cases.parties import is_party
from roseau.domain.moderation.team.permissions import list_holders
from roseau.domain.notifications.official import notify_member
from roseau.domain.site import Site
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.schema.cases import cases, measures, severances
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import statement

_notice = statement(
    select(notices.c.account_id, notices.c.channel).where(notices.c.id == bindparam("wanted"))
)
_earlier = notice_items.alias("earlier")
#: The cases that this notice is the first of. One of many about the same thing is no news.
_opened = statement(
    select(cases.c.id)
    .distinct()
    .select_from(notice_items.join(cases, cases.c.id == notice_items.c.case_id))
    .where(
        notice_items.c.notice_id == bindparam("wanted"),
        cases.c.subject.not_like("flood:%"),
        ~select(_earlier.c.id)
        .where(_earlier.c.case_id == cases.c.id, _earlier.c.notice_id < bindparam("wanted"))
        .exists(),
    )
)
_cut = statement(
    union(
        *(
            select(severances.c.measure_id, member.label("member"))
            .select_from(
                severances.join(measures, measures.c.id == severances.c.measure_id).join(
                    users, users.c.account_id == member
                )
            )
            .where(
                severances.c.kind == "follow",
                severances.c.restored_at.is_(None),
                other == bindparam("cut_off"),
                or_(measures.c.account_id == bindparam("cut_off"), measures.c.domain != ""),
            )
            for member, other in (
                (severances.c.account_id, severances.c.target_id),
                (severances.c.target_id, severances.c.account_id),
            )
        )
    )
)


def tell_team(tx: Transaction, site: Site, event: NoticeFiled) -> None:
    """Notify everybody who sees the queue of a notice that opened a case, but for parties to it."""
    notice: Any = tx.one(_notice, wanted=event.notice_id)
    opened = tx.values(_opened, wanted=event.notice_id)
    if notice is None or not opened or notice.channel == "own_initiative":
        return
    for member_id in list_holders(tx, "view_cases"):
        if any(is_party(tx, case_id, member_id) for case_id in opened):
            continue
        notify_member(
            tx, member_id, "admin.report", "notice", event.notice_id,
            dedupe=f"report-{event.notice_id}", from_id=notice.account_id,
        )  # fmt: skip


def tell_of_severances(tx: Transaction, site: Site, event: AccountSuspended) -> None:
    """Notify those who followed or were followed by somebody who is suspended, once for each measure."""
    for row in tx.all(_cut, cut_off=event.account_id):
        notify_member(
            tx, row.member, "severed_relationships", "measure", row.measure_id,
            dedupe=f"severed-{row.measure_id}",
        )  # fmt: skip
