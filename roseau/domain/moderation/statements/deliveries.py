"""Letters of the moderation on their way: queued with their cause, delivered by every way that there is.

The ways are the page (a member's record, or what a number shows), a notification, and mail. A letter is
delivered when all that are open to its reader are behind it; one that is late calls somebody.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import and_, bindparam, func, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.statements.readers import MemberReader, find_member
from roseau.domain.moderation.vocabulary import DELIVERY_LATE
from roseau.domain.notifications.official import Official, notify_member
from roseau.domain.site import Site
from roseau.kernel import clock, ids, keys
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.cases import deliveries
from roseau.storage.statements import insertion, statement

JOB = "moderation_delivery"
#: What the mail server does not take is tried again after so long, and for so long.
AGAIN = 5 * clock.MINUTE
PERSISTENCE = 30 * clock.DAY

Kind = Literal[
    "statement",
    "receipt",
    "outcome",
    "appeal_receipt",
    "appeal_answer",
    "reversal",
    "question",
    "warning",
]
#: What somebody is told as a notification too; a receipt is on the page that asked for it.
_NOTIFIED: dict[str, Official] = {
    "statement": "moderation_warning",
    "warning": "moderation_warning",
    "question": "moderation_question",
    "outcome": "report_outcome",
    "appeal_answer": "appeal_answer",
    "reversal": "appeal_answer",
}
#: Not about what the reader did, but about what became of what they said.
_NOT_ABOUT_THEM = frozenset(("receipt", "outcome", "appeal_receipt"))


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said to somebody: a member, or an outsider by mail, or (with neither) nobody we reach."""

    kind: Kind
    subject: str
    text: str
    account_id: int | None = None
    #: The mail address of somebody without an account.
    address: str = ""
    notice_id: int | None = None
    decision_id: int | None = None
    appeal_id: int | None = None
    language: str = "en"
    #: Not before then; 0: now.
    send_at: int = 0
    #: It counts as late so long after `send_at`.
    patience: int = DELIVERY_LATE


class Delivery(msgspec.Struct, frozen=True):
    """A letter as its row has it."""

    id: int
    kind: Kind
    account_id: int | None
    address: bytes | None
    notice_id: int | None
    decision_id: int | None
    appeal_id: int | None
    language: str
    subject: str
    text: str
    created_at: int
    send_at: int
    due_at: int
    shown_at: int | None
    notified_at: int | None
    mailed_at: int | None
    delivered_at: int | None
    cancelled_at: int | None
    trouble: str


class DeliveryJob(msgspec.Struct, frozen=True):
    """Take one letter to its reader."""

    delivery_id: int


_d = deliveries
_columns = [_d.c[name] for name in Delivery.__struct_fields__]
_insert = insertion(
    _d,
    "id kind account_id address notice_id decision_id appeal_id language subject text"
    " created_at send_at due_at",
)
_one = statement(select(*_columns).where(_d.c.id == bindparam("wanted")), into=Delivery)
_overdue = and_(_d.c.delivered_at.is_(None), _d.c.cancelled_at.is_(None), _d.c.due_at < bindparam("now"))
_count_late = statement(select(func.count()).select_from(_d).where(_overdue))
_late = statement(
    select(*_columns).where(_overdue).order_by(_d.c.due_at).limit(bindparam("most")),
    into=Delivery,
)
_mark = statement(
    update(_d)
    .where(_d.c.id == bindparam("wanted"))
    .values(
        shown_at=bindparam("shown"),
        notified_at=bindparam("notified"),
        mailed_at=bindparam("mailed"),
        delivered_at=bindparam("delivered"),
        trouble=bindparam("why"),
        # Whoever was reached by mail is in the notice still; the letter needs the address no more.
        address=bindparam("kept"),
    )
)
_cancel = statement(
    update(_d)
    .where(
        _d.c.decision_id == bindparam("decision"),
        _d.c.delivered_at.is_(None),
        _d.c.shown_at.is_(None),
        _d.c.cancelled_at.is_(None),
    )
    .values(cancelled_at=bindparam("at"))
)


def queue_delivery(tx: Transaction, site: Site, letter: Letter) -> int:
    """Have a letter delivered, from the moment it may be sent on; the id of its row."""
    delivery_id = ids.new_id()
    send_at = max(letter.send_at, tx.now)
    sealed = keys.seal(site.data_key, _seal_name(delivery_id), letter.address.encode())
    tx.run(
        _insert,
        id=delivery_id,
        kind=letter.kind,
        account_id=letter.account_id,
        address=sealed if letter.address else None,
        notice_id=letter.notice_id,
        decision_id=letter.decision_id,
        appeal_id=letter.appeal_id,
        language=letter.language,
        subject=letter.subject,
        text=letter.text,
        created_at=tx.now,
        send_at=send_at,
        due_at=send_at + letter.patience,
    )
    add_job(tx, JOB, DeliveryJob(delivery_id), run_at=send_at, dedupe=f"{JOB}:{delivery_id}")
    return delivery_id


def _seal_name(delivery_id: int) -> str:
    return f"delivery {delivery_id}"


def cancel_deliveries(tx: Transaction, decision_id: int) -> int:
    """Keep back what has not gone out about a decision that is undone; how many letters that was."""
    return tx.run(_cancel, decision=decision_id, at=tx.now)


def find_delivery(tx: Transaction, delivery_id: int) -> Delivery | None:
    """One letter, or None."""
    return tx.one(_one, wanted=delivery_id)


def list_late_deliveries(tx: Transaction, most: int = 100) -> list[Delivery]:
    """The letters that should have been delivered by now, the latest of all first."""
    return tx.all(_late, now=tx.now, most=most)


def count_late_deliveries(tx: Transaction) -> int:
    """How many letters should have been delivered by now."""
    return int(tx.value(_count_late, now=tx.now))


class Envelope(msgspec.Struct, frozen=True):
    """A letter that has to go by mail now: to whom, and whom to greet."""

    delivery: Delivery
    address: str
    name: str


def deliver(tx: Transaction, site: Site, delivery_id: int) -> Envelope | None:
    """Show a letter and notify its reader; what is left is to be mailed, and then `note_mailed`.

    Does nothing for a letter that is delivered, cancelled, or not to be sent yet.
    """
    delivery = find_delivery(tx, delivery_id)
    if delivery is None or delivery.delivered_at or delivery.cancelled_at or delivery.send_at > tx.now:
        return None
    reader = find_member(tx, delivery.account_id)
    shown, notified = delivery.shown_at, delivery.notified_at
    if shown is None and (reader is not None or delivery.notice_id is not None):
        shown = tx.now
    if notified is None and reader is not None and not reader.shut_out and delivery.kind in _NOTIFIED:
        notify_member(
            tx, reader.account_id, _NOTIFIED[delivery.kind], "delivery", delivery.id,
            dedupe=f"delivery-{delivery.id}",
        )  # fmt: skip
        notified = tx.now
    delivery = msgspec.structs.replace(delivery, shown_at=shown, notified_at=notified)
    envelope = None if delivery.mailed_at else _to_envelope(site, delivery, reader)
    if envelope is None:
        _finish(tx, delivery)
    else:
        _write(tx, delivery)
    return envelope


def note_mailed(tx: Transaction, delivery_id: int, trouble: str = "") -> None:
    """Write down that the mail server has it, or why it never will: then the other ways have to do."""
    delivery = find_delivery(tx, delivery_id)
    if delivery is None or delivery.delivered_at:
        return
    if trouble:
        delivery = msgspec.structs.replace(delivery, trouble=trouble)
        # With nothing but mail, a mail that nobody takes is a letter that did not arrive.
        reached = delivery.notified_at is not None
        (_finish if reached else _write)(tx, delivery)
        return
    _finish(tx, msgspec.structs.replace(delivery, mailed_at=tx.now, trouble=""))


def postpone(tx: Transaction, delivery_id: int, trouble: str) -> None:
    """Have the mail tried again in a while: jobs give up after some hours, and reasons are owed longer."""
    delivery = find_delivery(tx, delivery_id)
    if delivery is None or delivery.delivered_at:
        return
    _write(tx, msgspec.structs.replace(delivery, trouble=trouble))
    if tx.now - delivery.send_at < PERSISTENCE:
        add_job(
            tx, JOB, DeliveryJob(delivery_id), run_at=tx.now + AGAIN, dedupe=f"{JOB}:{delivery_id}:{tx.now}"
        )


def _to_envelope(site: Site, delivery: Delivery, reader: MemberReader | None) -> Envelope | None:
    if reader is not None:
        wanted = reader.wants_mail(about_them=delivery.kind not in _NOT_ABOUT_THEM)
        return Envelope(delivery, reader.email, reader.name) if wanted else None
    if delivery.address is None:
        return None
    address = keys.unseal(site.data_key, _seal_name(delivery.id), delivery.address).decode()
    return Envelope(delivery, address, "")


def _finish(tx: Transaction, delivery: Delivery) -> None:
    done = msgspec.structs.replace(delivery, delivered_at=tx.now, address=None)
    _write(tx, done)
    ways = {"page": done.shown_at, "notification": done.notified_at, "mail": done.mailed_at}
    entry: dict[str, Any] = {
        "kind": done.kind,
        "seconds": max(0, tx.now - done.created_at) // 1000,
        "ways": [name for name, at in ways.items() if at is not None],
    }
    log.append(tx, "delivery", entry)


def _write(tx: Transaction, delivery: Delivery) -> None:
    tx.run(
        _mark,
        wanted=delivery.id,
        shown=delivery.shown_at,
        notified=delivery.notified_at,
        mailed=delivery.mailed_at,
        delivered=delivery.delivered_at,
        why=delivery.trouble,
        kept=delivery.address,
    )
