"""Orders of authorities: written down with a clock, preserved, kept quiet if they say so, and answered."""

from typing import Final, Literal

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.cases.parties import party_of, refuse_party
from roseau.domain.moderation.desk.mails import read_mail
from roseau.domain.moderation.desk.moving import take_over
from roseau.domain.moderation.desk.reading import Item, load_items
from roseau.domain.moderation.desk.taking import choose_items
from roseau.domain.moderation.evidence import preserve_case
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.notices.resolving import list_hosts
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import PRESERVE
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock, ids
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import authority_orders, notices
from roseau.storage.statements import insertion, statement

OrderKind = Literal["tco", "ofac", "dsa_9", "dsa_10", "preservation", "threat_to_life", "other"]


class Clock(msgspec.Struct, frozen=True):
    """What an order of a kind gives: how long, for what reason it stands in the queue, under which law."""

    time: int
    reason: str
    law: str


#: DSA articles 9 and 10 name no hours but "without undue delay": these are ours. What an order says counts.
KINDS: Final[dict[OrderKind, Clock]] = {
    "tco": Clock(clock.HOUR, "terrorism", "Regulation (EU) 2021/784, art. 3"),
    "ofac": Clock(clock.DAY, "csam", "Loi n° 2004-575 (LCEN), art. 6-1"),
    "dsa_9": Clock(clock.DAY, "illegal", "Regulation (EU) 2022/2065, art. 9"),
    "dsa_10": Clock(3 * clock.DAY, "illegal", "Regulation (EU) 2022/2065, art. 10"),
    "preservation": Clock(clock.DAY, "illegal", ""),
    "threat_to_life": Clock(clock.HOUR, "threat_to_life", "Regulation (EU) 2022/2065, art. 18"),
    "other": Clock(clock.DAY, "illegal", ""),
}
MAX_WORDS: Final = 500
MAX_ANSWER: Final = 20_000
#: TCO art. 11(3): six weeks, and six more; other laws know longer times, and none that has no end.
MAX_EMBARGO: Final = 366 * clock.DAY
MAX_PRESERVED: Final = 3 * 366 * clock.DAY


class OrderDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An order as somebody of the team writes it down: its text, or a mail that is a notice already."""

    kind: OrderKind
    authority: str
    reference: str = ""
    legal_basis: str = ""
    reply_to: str = ""
    #: The text of the order; and the addresses in it.
    text: str = ""
    uris: tuple[str, ...] = ()
    notice_id: int | None = None
    language: str = "en"
    country: str = ""
    received_at: int | None = None
    due_at: int | None = None
    #: The author is not to be told before then.
    confidential_until: int | None = None
    preserve_until: int | None = None
    original: bytes | None = None


class Order(msgspec.Struct, frozen=True):
    """An order. The fields are the columns, in order."""

    id: int
    notice_id: int
    case_id: int | None
    case_number: int | None
    kind: OrderKind
    authority: str
    reference: str
    legal_basis: str
    reply_to: str
    received_at: int
    due_at: int
    confidential_until: int | None
    preserve_until: int | None
    evidence_key_id: str
    answered_at: int | None
    answer: str
    language: str
    words: str
    #: Nobody ordered it: the team tells an authority of its own accord (`threats.py`).
    own: bool


_add = insertion(
    authority_orders,
    "id notice_id case_id kind authority reference legal_basis reply_to received_at due_at"
    " confidential_until",
)
_orders = select(
    authority_orders.c.id,
    authority_orders.c.notice_id,
    authority_orders.c.case_id,
    cases.c.number.label("case_number"),
    *(authority_orders.c[name] for name in Order.__struct_fields__[4:16]),
    notices.c.language,
    notices.c.comment.label("words"),
    (notices.c.channel == "own_initiative").label("own"),
).select_from(
    authority_orders.join(notices, notices.c.id == authority_orders.c.notice_id).outerjoin(
        cases, cases.c.id == authority_orders.c.case_id
    )
)
_one = statement(_orders.where(authority_orders.c.id == bindparam("wanted")), into=Order)
_theirs = ~party_of(bindparam("viewer"))
_waiting = statement(
    _orders.where(authority_orders.c.answered_at.is_(None), _theirs)
    .order_by(authority_orders.c.due_at)
    .limit(200),
    into=Order,
)
_done = statement(
    _orders.where(authority_orders.c.answered_at.is_not(None), _theirs)
    .order_by(authority_orders.c.answered_at.desc())
    .limit(200),
    into=Order,
)
_answer = statement(
    update(authority_orders)
    .where(authority_orders.c.id == bindparam("wanted"))
    .values(answered_at=bindparam("at"), answer=bindparam("words"))
)


def file_order(tx: Transaction, site: Site, account_id: int, draft: OrderDraft) -> int:
    """Write an order down: its case stands first in the queue, and what it names is preserved; its id.

    Raises Forbidden, NotFound, Invalid.
    """
    require(tx, account_id, "manage_orders")
    draft = _check(tx, draft)
    kind = KINDS[draft.kind]
    received_at = draft.received_at or tx.now
    due_at = min(received_at + kind.time, draft.due_at or received_at + kind.time)
    if draft.notice_id is not None:
        filed = take_over(tx, site, account_id, draft.notice_id, "order", due_at)
    else:
        uris, status_ids = _items_of(tx, site, draft)
        filed = file_notice(
            tx,
            site,
            NoticeDraft(
                channel="authority_order",
                reason=kind.reason,
                comment=draft.text,
                language=draft.language,
                uris=uris,
                status_ids=status_ids,
                source=draft.authority,
                original=draft.original,
                deadline_at=due_at,
                received_at=received_at,
            ),
        )
    case_id, order_id = filed.case_ids[0], ids.new_id()
    tx.run(
        _add, id=order_id, notice_id=filed.notice_id, case_id=case_id, kind=draft.kind,
        authority=draft.authority, reference=draft.reference, legal_basis=draft.legal_basis or kind.law,
        reply_to=draft.reply_to, received_at=received_at, due_at=due_at,
        confidential_until=draft.confidential_until,
    )  # fmt: skip
    preserve_case(tx, site, case_id, until=draft.preserve_until or tx.now + PRESERVE, reason=draft.kind)
    order = load_order(tx, account_id, order_id)
    log.append(
        tx,
        "order",
        {
            "case": order.case_number, "kind": draft.kind, "reason": kind.reason,
            "items": len(filed.item_ids), "country": draft.country or load_choices(tx).country,
            "due_at": due_at,
        },
    )  # fmt: skip
    return order_id


def _items_of(tx: Transaction, site: Site, draft: OrderDraft) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The addresses as they were given, else what the order's text names here."""
    if draft.uris:
        return draft.uris, ()
    uris, status_ids = choose_items(
        tx, site, read_mail(draft.original or draft.text.encode(), list_hosts(tx, site))
    )
    return tuple(uris), tuple(status_ids)


def _check(tx: Transaction, draft: OrderDraft) -> OrderDraft:
    problems: list[Problem] = []
    if not draft.authority.strip():
        problems.append(Problem("authority", "ERR_BLANK", "Say which authority it is from"))
    if draft.notice_id is None and not (draft.text.strip() or draft.uris):
        problems.append(Problem("text", "ERR_BLANK", "Give the text of the order, or what it names"))
    for name in ("authority", "reference", "legal_basis", "reply_to"):
        if len(getattr(draft, name)) > MAX_WORDS:
            problems.append(Problem(name, "ERR_TOO_LONG", "This is too long"))
    if draft.received_at is not None and draft.received_at > tx.now:
        problems.append(Problem("received_at", "ERR_INVALID", "It cannot have come in the future"))
    for name, most in (("confidential_until", MAX_EMBARGO), ("preserve_until", MAX_PRESERVED)):
        until = getattr(draft, name)
        if until is not None and not tx.now < until <= tx.now + most:
            problems.append(Problem(name, "ERR_INVALID", "This moment is past, or too far away"))
    if problems:
        raise Invalid(problems=tuple(problems))
    return draft


def list_orders(tx: Transaction, viewer_id: int, *, done: bool = False) -> list[Order]:
    """The orders that wait for an answer, the most urgent first; or those that have one. Raises Forbidden.

    Those to which the viewer is party are left out.
    """
    require(tx, viewer_id, "manage_orders")
    return tx.all(_done if done else _waiting, viewer=viewer_id)


def load_order(tx: Transaction, viewer_id: int, order_id: int) -> Order:
    """An order. Raises Forbidden to parties and to those who answer no orders, NotFound."""
    require(tx, viewer_id, "manage_orders")
    order = tx.one(_one, wanted=order_id)
    if order is None:
        raise NotFound
    if order.case_id is not None:
        refuse_party(tx, order.case_id, viewer_id)
    return order


def load_order_items(tx: Transaction, site: Site, viewer_id: int, order_id: int) -> list[Item]:
    """What the order names, with what became of each. Raises Forbidden, NotFound."""
    return load_items(tx, site, load_order(tx, viewer_id, order_id).notice_id)


def answer_order(
    tx: Transaction, site: Site, account_id: int, order_id: int, answer: str, sent_at: int | None = None
) -> None:
    """Note the answer that was sent, and when if that was before now. Raises Forbidden, NotFound, Invalid."""
    order = load_order(tx, account_id, order_id)
    answer = answer.strip()
    if not answer:
        raise Invalid(problems=(Problem("answer", "ERR_BLANK", "Write the answer down as it was sent"),))
    if len(answer) > MAX_ANSWER:
        raise Invalid(problems=(Problem("answer", "ERR_TOO_LONG", "This is too long"),))
    if order.answered_at is not None:
        raise Invalid("This order has been answered.")
    sent_at = tx.now if sent_at is None else sent_at
    if not order.received_at <= sent_at <= tx.now:
        raise Invalid(
            problems=(Problem("sent_at", "ERR_INVALID", "It was sent after it came, and before now"),)
        )
    tx.run(_answer, wanted=order_id, at=sent_at, words=answer)
    body = {
        "case": order.case_number,
        "kind": order.kind,
        "took": sent_at - order.received_at,
        "late": sent_at > order.due_at,
    }
    log.append(tx, "threat_told" if order.own else "order_answer", body)
