"""Calling people for what cannot wait: a case of the lane S0 mails those on call, then all who are awake, and
when its time is over everybody, whether they rest or not. After that it is an alarm of the site.
"""

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.accounts.mails import Letter, find_reader, to_mail
from roseau.domain.events import NoticeFiled
from roseau.domain.moderation.team.duty import list_awake, whom_to_call
from roseau.domain.moderation.team.permissions import list_holders
from roseau.domain.names import find_front_url
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock
from roseau.kernel.i18n import LANGUAGES, translations
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import notice_items
from roseau.storage.statements import statement

#: The job that looks whether somebody came.
CALL_AGAIN = "moderation_call_again"
#: So long those who were called first have before everybody is.
PATIENCE = 5 * clock.MINUTE


class CallAgain(msgspec.Struct, frozen=True):
    """Payload of the job `CALL_AGAIN`."""

    case_id: int
    #: The time of the case is over.
    last: bool = False


_urgent = statement(
    select(cases.c.id, cases.c.number, cases.c.due_at)
    .select_from(notice_items.join(cases, cases.c.id == notice_items.c.case_id))
    .where(
        notice_items.c.notice_id == bindparam("notice"),
        cases.c.lane == "S0",
        cases.c.state != "closed",
        cases.c.seen_at.is_(None),
    )
    .distinct()
    .order_by(cases.c.id)
)
_unseen = statement(
    select(cases.c.id, cases.c.number, cases.c.due_at).where(
        cases.c.id == bindparam("case"), cases.c.state != "closed", cases.c.seen_at.is_(None)
    )
)


_count_unseen = statement(
    select(func.count())
    .select_from(cases)
    .where(
        cases.c.lane == "S0",
        cases.c.state != "closed",
        cases.c.seen_at.is_(None),
        cases.c.due_at < bindparam("now"),
    )
)


def call_team(tx: Transaction, site: Site, event: NoticeFiled) -> None:
    """The reaction: mail those on call about each urgent case of the notice that nobody has seen yet."""
    for case in tx.all(_urgent, notice=event.notice_id):
        for account_id in whom_to_call(tx):
            _mail(tx, site, account_id, case.number, case.due_at)
        add_job(
            tx, CALL_AGAIN, CallAgain(case.id), run_at=tx.now + PATIENCE, dedupe=f"{CALL_AGAIN}:{case.id}"
        )


def call_again(tx: Transaction, site: Site, job: CallAgain) -> None:
    """The job: nobody has looked, so mail everybody who does not rest; at the end of its time, everybody."""
    case = tx.one(_unseen, case=job.case_id)
    if case is None:
        return
    for account_id in list_holders(tx, "decide_cases") if job.last else list_awake(tx):
        _mail(tx, site, account_id, case.number, case.due_at)
    if not job.last:
        run_at = max(case.due_at, tx.now + PATIENCE)
        last = CallAgain(case.id, last=True)
        add_job(tx, CALL_AGAIN, last, run_at=run_at, dedupe=f"{CALL_AGAIN}:{case.id}:last")


def count_unseen(tx: Transaction) -> int:
    """How many cases that cannot wait nobody has seen within their time."""
    return int(tx.value(_count_unseen, now=tx.now))


def _mail(tx: Transaction, site: Site, account_id: int, number: int, due_at: int) -> None:
    reader = find_reader(tx, account_id)
    _ = translations(reader.locale if reader.locale in LANGUAGES else LANGUAGES[0]).gettext
    front = msgspec.structs.replace(site, base_url=find_front_url(tx, site))
    minutes = (due_at - tx.now) // clock.MINUTE
    in_time = _("Somebody has to look at it within %(minutes)s minutes.") % {"minutes": minutes}
    # What it is about is not in the mail: it may lie open on a telephone at night.
    letter = Letter(
        _("Case %(number)s cannot wait") % {"number": number},
        (in_time if minutes > 0 else _("Its time is over, and nobody has looked at it yet."),),
        (_("Open the case"), f"{front.base_url}/moderation/cases/{number}"),
        (_("You get this mail because you are on call, or because nobody who is has looked yet."),),
    )
    add_job(tx, "mail", to_mail(front, load_choices(tx).title, reader, letter))
