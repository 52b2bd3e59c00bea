"""What those hear who sent a notice: that it came, what was decided, and whether that was taken back.

They learn what kind of measure was taken and by which rule, and nothing of anybody else. Whoever was told of
a decision is told of its end.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, or_, select

from roseau.domain.moderation.notices.contacts import open_contact
from roseau.domain.moderation.statements.deliveries import Kind, Letter, cancel_deliveries, queue_delivery
from roseau.domain.moderation.statements.places import notice_url
from roseau.domain.moderation.statements.readers import find_member, to_language
from roseau.domain.moderation.statements.returned import Returned, load_returned, say_returned
from roseau.domain.moderation.statements.wording import Redress, say_redress
from roseau.domain.moderation.vocabulary import APPEAL, REASONS
from roseau.domain.names import find_front_url
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock
from roseau.kernel.i18n import format_moment, translations
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeals, decisions, deliveries, measure_ends, measures
from roseau.storage.schema.moderation import rule_versions
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import statement

#: A receipt is there within this time.
RECEIPT = 60 * clock.SECOND
#: Machines and the team itself do not wait for letters.
_UNANSWERED = frozenset(("own_initiative", "ap_flag", "arf", "xarf"))
#: So many addresses of a notice are named in a letter about it.
NAMED = 3


class Notifier(msgspec.Struct, frozen=True):
    """Somebody who sent a notice, and how they are reached."""

    notice_id: int
    number: str
    received_at: int
    language: str
    zone: str
    account_id: int | None
    address: str
    #: What they named, as they named it.
    uris: tuple[str, ...] = ()

    @property
    def who(self) -> str:
        """The same for all notices of one person."""
        return str(self.account_id or self.address.casefold() or f"notice {self.notice_id}")


_notice_columns = (
    notices.c.id,
    notices.c.number,
    notices.c.channel,
    notices.c.reason,
    notices.c.language,
    notices.c.account_id,
    notices.c.contact,
    notices.c.received_at,
)
_notice = statement(select(*_notice_columns).where(notices.c.id == bindparam("wanted")))
_of_case = statement(
    select(*_notice_columns, notice_items.c.uri)
    .select_from(notice_items.join(notices, notices.c.id == notice_items.c.notice_id))
    .where(notice_items.c.case_id == bindparam("case"))
    .order_by(notices.c.id, notice_items.c.position)
)
_decision = statement(
    select(
        decisions.c.id,
        decisions.c.number,
        decisions.c.case_id,
        decisions.c.ground,
        decisions.c.decided_at,
        rule_versions.c.texts,
    )
    .select_from(
        decisions.outerjoin(
            rule_versions,
            (rule_versions.c.rule_id == decisions.c.rule_id)
            & (rule_versions.c.version == decisions.c.rule_version),
        )
    )
    .where(decisions.c.id == bindparam("wanted"))
)
_kinds = statement(
    select(measures.c.kind)
    .where(measures.c.decision_id == bindparam("decision"))
    .group_by(measures.c.kind)
    .order_by(func.min(measures.c.id))
)
_told = statement(
    select(deliveries.c.account_id, deliveries.c.notice_id, deliveries.c.kind, deliveries.c.language)
    .where(
        deliveries.c.decision_id == bindparam("decision"),
        deliveries.c.cancelled_at.is_(None),
        or_(deliveries.c.shown_at.is_not(None), deliveries.c.mailed_at.is_not(None)),
        deliveries.c.kind.in_(("statement", "warning", "outcome", "reversal")),
    )
    .order_by(deliveries.c.id)
)
_answered = statement(
    select(deliveries.c.account_id, deliveries.c.notice_id).where(
        deliveries.c.decision_id == bindparam("decision"), deliveries.c.cancelled_at.is_(None)
    )
)
_facts = statement(select(decisions.c.facts).where(decisions.c.id == bindparam("wanted")))
_standing = statement(
    select(measures.c.id)
    .select_from(measures.outerjoin(measure_ends, measure_ends.c.measure_id == measures.c.id))
    .where(measures.c.decision_id == bindparam("decision"), measure_ends.c.measure_id.is_(None))
    .limit(1)
)
_appellant = statement(
    select(appeals.c.account_id, appeals.c.notice_id).where(appeals.c.id == bindparam("appeal"))
)


def to_notifier(tx: Transaction, site: Site, notice_id: int) -> Notifier | None:
    """Whom to write to about a notice; None for a machine, the team, or a mail without a sender."""
    row: Any = tx.one(_notice, wanted=notice_id)
    return None if row is None else _to_notifier(tx, site, row, ())


def _to_notifier(tx: Transaction, site: Site, row: Any, uris: tuple[str, ...]) -> Notifier | None:
    if row.channel in _UNANSWERED:
        return None
    member = find_member(tx, row.account_id)
    contact = None if member else open_contact(site, row.id, row.contact)
    address = contact[1].strip() if contact else ""
    # Who used the form and left no address has the number of the notice, and finds the letter on its page.
    if member is None and not address and row.channel != "web":
        return None
    return Notifier(
        notice_id=row.id,
        number=row.number,
        received_at=row.received_at,
        language=member.language if member else to_language(row.language),
        zone=member.zone if member else "UTC",
        account_id=member.account_id if member else None,
        address=address,
        uris=uris,
    )


def list_notifiers(tx: Transaction, site: Site, case_id: int) -> list[Notifier]:
    """Everybody who can be told about a case, each once, by their first notice."""
    named: dict[int, list[str]] = {}
    rows: dict[int, Any] = {}
    for row in tx.all(_of_case, case=case_id):
        rows.setdefault(row.id, row)
        named.setdefault(row.id, []).append(row.uri)
    found: dict[str, Notifier] = {}
    for notice_id, row in rows.items():
        notifier = _to_notifier(tx, site, row, tuple(uri for uri in named[notice_id] if uri))
        if notifier is not None:
            found.setdefault(notifier.who, notifier)
    return list(found.values())


# A receipt


def queue_receipt(tx: Transaction, site: Site, notice_id: int) -> int | None:
    """Tell whoever sent a notice that it came, and where to follow it; None where nobody can be told."""
    row: Any = tx.one(_notice, wanted=notice_id)
    notifier = None if row is None else _to_notifier(tx, site, row, ())
    if notifier is None or not (notifier.account_id or notifier.address):
        return None
    _ = translations(notifier.language).gettext
    moment = format_moment(notifier.language, notifier.received_at, notifier.zone)
    said = [
        _("We have your notice of %(moment)s. Its number is %(number)s.")
        % {"moment": moment, "number": notifier.number},
        _("A person of our team reads it and decides. You will hear what was decided."),
    ]
    if row.reason in REASONS and REASONS[row.reason].lane == "S0":
        said.append(_("If somebody is in danger now, call the emergency services at once: 112 in Europe."))
    said.append(_("Follow it here: %(url)s") % {"url": notice_url(find_front_url(tx, site), notifier.number)})
    letter = _to_letter(notifier, "receipt", _("We have your notice"), said)
    return queue_delivery(tx, site, msgspec.structs.replace(letter, patience=RECEIPT))


# An outcome


def tell_outcome(tx: Transaction, site: Site, case_id: int, decision_id: int, send_at: int) -> list[int]:
    """Tell everybody who sent a notice of the case what was decided, once; the ids of the letters."""
    decision: Any = tx.one(_decision, wanted=decision_id)
    kinds = tx.values(_kinds, decision=decision_id)
    front_url = find_front_url(tx, site)
    body = load_choices(tx).dispute_body
    told: list[int] = []
    known = {_reader_of(row) for row in tx.all(_answered, decision=decision_id)}
    for notifier in list_notifiers(tx, site, case_id):
        if _reader_of(notifier) in known:
            continue
        language = notifier.language
        until = max(decision.decided_at, send_at) + APPEAL
        redress = Redress(until, notice_url(front_url, notifier.number), body)
        said = [
            _say_notice(notifier),
            " ".join(say_done(language, kinds)),
            _say_ground(language, decision),
            *say_redress(language, redress, notifier.zone),
        ]
        letter = _to_letter(
            notifier, "outcome", translations(language).gettext("What became of your notice"), said
        )
        letter = msgspec.structs.replace(letter, decision_id=decision_id, send_at=send_at)
        told.append(queue_delivery(tx, site, letter))
    return told


def _say_notice(notifier: Notifier) -> str:
    words = translations(notifier.language)
    values: dict[str, object] = {
        "moment": format_moment(notifier.language, notifier.received_at, notifier.zone),
        "number": notifier.number,
        "named": ", ".join(notifier.uris[:NAMED]),
        "count": len(notifier.uris) - NAMED,
    }
    if not notifier.uris:
        return words.gettext("We have decided about your notice no. %(number)s of %(moment)s.") % values
    if len(notifier.uris) <= NAMED:
        named = words.gettext("We have decided about your notice no. %(number)s of %(moment)s: %(named)s")
        return named % values
    return (
        words.ngettext(
            "We have decided about your notice no. %(number)s of %(moment)s: %(named)s and %(count)s more"
            " address.",
            "We have decided about your notice no. %(number)s of %(moment)s: %(named)s and %(count)s more"
            " addresses.",
            len(notifier.uris) - NAMED,
        )
        % values
    )


def say_done(language: str, kinds: Iterable[str]) -> list[str]:
    """Measures in general terms, as anybody may know them; a sentence each."""
    _ = translations(language).gettext
    sentences = {
        "remove": _("We removed it."),
        "hold": _("We hid it until we have looked at it closely."),
        "interstitial": _("It now stands behind a warning."),
        "label": _("We added a note to it."),
        "limit": _("We restricted the account behind it."),
        "freeze": _("We restricted the account behind it."),
        "suspend": _("We suspended the account behind it."),
        "domain_limit": _("We restricted what this site takes from the server it came from."),
        "domain_reject_media": _("We restricted what this site takes from the server it came from."),
        "domain_suspend": _("This site exchanges nothing with the server it came from any more."),
        "reminder": _("We reminded the author of our rules."),
    }
    # What is between us and somebody who sends notices without a ground is nobody else's business.
    found = list(dict.fromkeys(sentences[kind] for kind in kinds if kind in sentences))
    return found or [_("We took no measure.")]


def _say_ground(language: str, decision: Any) -> str:
    _ = translations(language).gettext
    if decision.ground == "law":
        return _("We hold it to be against the law.")
    if decision.ground == "rule":
        return _("It is against this rule of our site: “%(rule)s”.") % {
            "rule": rule_text(language, decision.texts)
        }
    return _("A person of our team read it, and found nothing that our rules or the law forbid.")


def rule_text(language: str, texts: str | None) -> str:
    """A rule in that language, or in the first that it has; from the JSON of `rule_versions.texts`."""
    versions = msgspec.json.decode(texts or "{}", type=dict[str, dict[str, str]])
    found = versions.get(language) or next(iter(versions.values()), {})
    return found.get("text", "")


# What was taken back


def tell_reversal(
    tx: Transaction,
    site: Site,
    decision_id: int,
    reversing_id: int | None = None,
    *,
    send_at: int = 0,
    appeal_id: int | None = None,
) -> list[int]:
    """Tell whoever was told of a decision that it no longer stands; what was not sent yet is never sent.

    Those who are told otherwise are left out: by a statement of the reversing decision, or by the answer to
    the appeal that brought it about. Returns the letters' ids.
    """
    cancel_deliveries(tx, decision_id)
    otherwise = {_reader_of(row) for row in tx.all(_answered, decision=reversing_id or 0)}
    if appeal_id is not None:
        otherwise.add(_reader_of(tx.one(_appellant, appeal=appeal_id)))
    decision: Any = tx.one(_decision, wanted=decision_id)
    facts = "" if reversing_id is None else str(tx.value(_facts, wanted=reversing_id) or "")
    partly = tx.value(_standing, decision=decision_id) is not None
    told: list[int] = []
    for row in tx.all(_told, decision=decision_id):
        reader = _reader_of(row)
        if reader in otherwise:
            continue
        otherwise.add(reader)
        letter = (
            _to_author(row, decision.number, facts, partly, load_returned(tx, decision_id))
            if row.notice_id is None
            else _to_sender(tx, site, row, partly)
        )
        if letter is not None:
            about = decision_id if reversing_id is None else reversing_id
            letter = msgspec.structs.replace(letter, decision_id=about, send_at=send_at)
            told.append(queue_delivery(tx, site, letter))
    return told


def _reader_of(row: Any) -> tuple[str, int | None]:
    return ("account", row.account_id) if row.account_id is not None else ("notice", row.notice_id)


def _to_sender(tx: Transaction, site: Site, row: Any, partly: bool) -> Letter | None:
    notifier = to_notifier(tx, site, row.notice_id)
    if notifier is None:
        return None
    _ = translations(notifier.language).gettext
    if partly:
        again = _(
            "We looked again at what we decided about your notice no. %(number)s, and took a part back."
        )
    else:
        again = _("We looked again at what we decided about your notice no. %(number)s, and took it back.")
    said = [
        again % {"number": notifier.number},
        _("What that had done is undone, as far as it can be undone here."),
        _("Read more: %(url)s") % {"url": notice_url(find_front_url(tx, site), notifier.number)},
    ]
    return _to_letter(notifier, "reversal", _("A decision about your notice was taken back"), said)


def _to_author(row: Any, number: int, facts: str, partly: bool, found: tuple[Returned, ...]) -> Letter:
    _ = translations(row.language).gettext
    if partly:
        again = _("We looked again at our decision no. %(number)s and took a part of it back.")
        subject = _("A part of a decision about you was taken back")
    else:
        again = _("We looked again at our decision no. %(number)s and took it back.")
        subject = _("A decision about you was taken back")
    back = _("What it took from you is back, as far as it can be put back here.")
    said = [f"{again % {'number': number}} {back}", " ".join(say_returned(row.language, found)), facts]
    return Letter(
        kind="reversal",
        subject=subject,
        text="\n\n".join(part for part in said if part),
        account_id=row.account_id,
        language=row.language,
    )


def _to_letter(notifier: Notifier, kind: Kind, subject: str, paragraphs: list[str]) -> Letter:
    return Letter(
        kind=kind,
        subject=subject,
        text="\n\n".join(part for part in paragraphs if part),
        account_id=notifier.account_id,
        address=notifier.address,
        notice_id=notifier.notice_id,
        language=notifier.language,
    )
