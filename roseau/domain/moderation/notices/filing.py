"""Filing a notice: what it points at is found, kept as it looks, and put into cases with a clock.

One way in for every door. Nothing that a notice says is believed here, and nothing of it is lost: what cannot
be found becomes a case of its own, and what comes in floods is grouped under its source.
"""

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.accounts.loading import load_account
from roseau.domain.events import NoticeFiled
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.joining import (
    OpenCase,
    Opening,
    add_weight,
    find_open_case,
    find_open_cases,
    note_event,
    open_case,
    recount,
)
from roseau.domain.moderation.cases.lanes import URGENT, Weight, weigh
from roseau.domain.moderation.evidence import find_or_plan_key, needs_key, preserve_case
from roseau.domain.moderation.flaggers import to_flaggers_notice
from roseau.domain.moderation.notices import checking
from roseau.domain.moderation.notices.contacts import seal_contact
from roseau.domain.moderation.notices.drafts import Filed, NoticeDraft
from roseau.domain.moderation.notices.resolving import (
    Named,
    of_account,
    resolve_statuses,
    resolve_uris,
    unknown,
)
from roseau.domain.moderation.notices.snapshots import take_snapshot
from roseau.domain.moderation.notices.sources import source_of
from roseau.domain.moderation.statements.outcomes import queue_receipt
from roseau.domain.site import Site
from roseau.kernel import clock, ids, keys
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.evidence_keys import EvidenceKey
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import insertion, statement

#: More notices, or more items, of one source within an hour than these are grouped in one case.
SHARE = 20
SHARE_ITEMS = 200
#: Whoever writes through these has something to say, however much it is.
_NEVER_GROUPED = URGENT | {"trusted_flagger", "own_initiative"}
#: Without look-alikes, to be read out on the telephone: 59 bits.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

_lately = statement(
    select(func.count(notices.c.id.distinct()).label("notices"), func.count(notice_items.c.id).label("items"))
    .select_from(notices.outerjoin(notice_items, notice_items.c.notice_id == notices.c.id))
    .where(notices.c.source == bindparam("source"), notices.c.id >= bindparam("first"))
)
_add = insertion(
    notices,
    "id number channel category reason rule_ids comment language account_id contact good_faith forward"
    " target_account_id source original received_at",
)
_add_item = insertion(notice_items, "id notice_id position uri kind status_id account_id case_id snapshot_id")


class _Intake(msgspec.Struct):
    """A notice on its way into cases."""

    draft: NoticeDraft
    weight: Weight
    notice_id: int
    source: str
    received_at: int
    #: One source sends so much that its notices stand in one case.
    flood: bool
    #: Subject -> its open case.
    open: dict[str, OpenCase]
    #: The numbers of the cases that it is in, by id, and which of them it opened.
    numbers: dict[int, int] = {}
    fresh: set[int] = set()


def file_notice(tx: Transaction, site: Site, draft: NoticeDraft) -> Filed:
    """Take a notice in: its items, their snapshots, its cases, its receipt.

    Raises Invalid for what cannot be read, NotFound for ids that the member may not see, Forbidden to those
    whose notices are paused.
    """
    draft = to_flaggers_notice(tx, checking.clean_draft(draft, tx.now))
    weight = weigh(tx, draft)
    source = source_of(site, draft)
    checking.check_draft(tx, draft, weight, source)
    named = _resolve(tx, site, draft)
    # What is preserved is sealed under the key of its case from the beginning, and the case comes first.
    preserved = needs_key(weight.lane)
    snapshots = {} if preserved else _take_snapshots(tx, site, draft, named)
    tx.lock_events()
    notice_id = ids.new_id()
    number = _add_notice(tx, site, draft, weight, notice_id, source)
    intake = _Intake(
        draft, weight, notice_id, source, draft.received_at or tx.now, _floods(tx, draft, source),
        find_open_cases(tx, named),
    )  # fmt: skip
    case_ids = _into_cases(tx, site, intake, named)
    if preserved:
        evidence = {case_id: find_or_plan_key(tx, site, case_id) for case_id in dict.fromkeys(case_ids)}
        kept_under = {one.subject: evidence[case_id] for one, case_id in zip(named, case_ids, strict=True)}
        snapshots = _take_snapshots(tx, site, draft, named, kept_under)
    item_ids = [ids.new_id() for _ in named]
    tx.run_many(
        _add_item,
        [
            {
                "id": item_id, "notice_id": notice_id, "position": position, "uri": one.uri, "kind": one.kind,
                "status_id": one.status_id, "account_id": one.account_id, "case_id": case_id,
                "snapshot_id": snapshots.get(one.subject),
            }
            for position, (item_id, one, case_id) in enumerate(zip(item_ids, named, case_ids, strict=True))
        ],
    )  # fmt: skip
    distinct = tuple(dict.fromkeys(case_ids))
    for case_id in distinct:
        recount(tx, case_id)
        if preserved:
            # What came before with a milder notice is sealed anew.
            preserve_case(tx, site, case_id, reason=weight.reason)
    queue_receipt(tx, site, notice_id)
    tx.emit(NoticeFiled(notice_id))
    _log(tx, site, intake, distinct, len(named))
    return Filed(notice_id, number, distinct, tuple(item_ids))


def _resolve(tx: Transaction, site: Site, draft: NoticeDraft) -> list[Named]:
    """Everything that the notice points at; the account itself where it names nothing else."""
    if draft.target_account_id is not None and load_account(tx, draft.target_account_id) is None:
        raise NotFound
    found = resolve_statuses(tx, draft.status_ids, draft.account_id)
    if len(found) < len(set(draft.status_ids)):
        raise NotFound
    found += resolve_uris(tx, site, draft.uris)
    found += [
        Named(f"collection:{identifier}", "collection", f"collection:{identifier}")
        for identifier in dict.fromkeys(draft.collection_ids)
    ]
    if draft.channel == "own_initiative":
        # The team reads no private conversation of its own accord: somebody in it has to ask.
        own = {one.status_id for one in resolve_statuses(
            tx, [one.status_id for one in found if one.status_id], draft.account_id)}  # fmt: skip
        found = [
            unknown(one.uri) if one.visibility == "direct" and one.status_id not in own else one
            for one in found
        ]
    if not found and draft.target_account_id is not None:
        found.append(of_account(draft.target_account_id))
    if not found:
        # Words without an address are a notice, too: a letter may have them alone.
        found.append(Named("", "unknown", f"uri:{secrets.token_hex(8)}"))
    return found


def _take_snapshots(
    tx: Transaction,
    site: Site,
    draft: NoticeDraft,
    named: list[Named],
    kept_under: Mapping[str, EvidenceKey] | None = None,
) -> dict[str, int]:
    """Subject -> snapshot. What its author has taken away is kept for authorities only."""
    evidence = kept_under or {}
    taken: dict[str, int] = {}
    for one in named:
        if one.subject in taken or (one.deleted and draft.channel not in URGENT):
            continue
        if one.status_id is not None:
            taken[one.subject] = take_snapshot(
                tx, site, status_id=one.status_id, key=evidence.get(one.subject)
            )
        elif one.kind == "account":
            taken[one.subject] = take_snapshot(
                tx, site, account_id=one.account_id, key=evidence.get(one.subject)
            )
    return taken


def new_number() -> str:
    """A number that nobody finds by trying: `k7rd-m2xw-9hqe`."""
    digits = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def open_original(site: Site, notice_id: int, sealed: bytes | None) -> bytes | None:
    """The mail that the notice was."""
    return (
        None if sealed is None else keys.unseal(site.data_key, f"notice original {notice_id}", bytes(sealed))
    )


def _add_notice(
    tx: Transaction, site: Site, draft: NoticeDraft, weight: Weight, notice_id: int, source: str
) -> str:
    number = new_number()
    original = draft.original
    tx.run(
        _add, id=notice_id, number=number, channel=draft.channel, category=weight.category,
        reason=weight.reason, rule_ids=msgspec.json.encode(draft.rule_ids).decode(),
        comment=draft.comment, language=draft.language, account_id=draft.account_id,
        contact=seal_contact(site, notice_id, draft.contact), good_faith=draft.good_faith,
        forward=draft.forward, target_account_id=draft.target_account_id, source=source,
        original=None if original is None
        else keys.seal(site.data_key, f"notice original {notice_id}", original),
        received_at=draft.received_at or tx.now,
    )  # fmt: skip
    return number


def _floods(tx: Transaction, draft: NoticeDraft, source: str) -> bool:
    if draft.channel in _NEVER_GROUPED:
        return False
    lately: Any = tx.one(_lately, source=source, first=ids.first_id_at(tx.now - clock.HOUR))
    return bool(lately.notices > SHARE or lately.items >= SHARE_ITEMS)


def _into_cases(tx: Transaction, site: Site, intake: _Intake, named: list[Named]) -> list[int]:
    """The case of each item, in order."""
    draft = intake.draft
    if draft.channel in URGENT:
        kind = "letter" if draft.channel == "host_letter" else "order"
        whole = _open(tx, site, intake, Named("", kind, f"{kind}:{intake.notice_id}"))
        intake.numbers[whole.id] = whole.number
        _note_elsewhere(tx, intake, whole)
        return [whole.id] * len(named)
    grouped = _about_one_person(draft, named)
    found: list[int] = []
    for one in named:
        case = intake.open.get(one.subject)
        if case is None and intake.flood:
            case = _of_flood(tx, site, intake)
        elif case is None and grouped:
            whole_account = of_account(draft.target_account_id or 0)
            case = find_open_case(tx, whole_account.subject) or _open(tx, site, intake, whole_account)
        elif case is None:
            case = _open(tx, site, intake, one)
        intake.open[one.subject] = case
        intake.numbers[case.id] = case.number
        found.append(case.id)
    for case in {case.id: case for case in intake.open.values()}.values():
        if case.id not in intake.fresh and case.id in intake.numbers:
            _join(tx, intake, case)
    return found


def _join(tx: Transaction, intake: _Intake, case: OpenCase) -> None:
    """Add the notice to a case that was there: a flood brings nothing forward but itself."""
    if not intake.flood or case.subject.startswith("flood:"):
        add_weight(tx, case, intake.weight, intake.received_at, intake.draft.deadline_at)


def _about_one_person(draft: NoticeDraft, named: list[Named]) -> bool:
    """Several posts of one person, named together, are one case about that person."""
    posts = {one.status_id for one in named}
    return (
        draft.target_account_id is not None
        and len(posts) > 1
        and all(one.status_id and one.account_id == draft.target_account_id for one in named)
    )


def _open(tx: Transaction, site: Site, intake: _Intake, about: Named) -> OpenCase:
    weight = intake.weight
    opening = Opening(
        subject=about.subject, lane=weight.lane, reason=weight.reason, severity=weight.severity,
        target_account_id=about.account_id, status_id=about.status_id, domain=about.domain,
        received_at=intake.received_at, deadline_at=intake.draft.deadline_at,
    )  # fmt: skip
    case_id = open_case(tx, site, opening)
    intake.fresh.add(case_id)
    case = find_open_case(tx, about.subject)
    if case is None:
        raise NotFound
    return case


def _of_flood(tx: Transaction, site: Site, intake: _Intake) -> OpenCase:
    """The one case of a source that sends too much: it has the lane of the worst that was said in it."""
    subject = f"flood:{intake.source}"
    case = find_open_case(tx, subject)
    return case or _open(tx, site, intake, Named("", "unknown", subject))


def _note_elsewhere(tx: Transaction, intake: _Intake, whole: OpenCase) -> None:
    """Whoever has an item of the letter in a case of its own is told of the letter there."""
    for case_id in {case.id for case in intake.open.values()}:
        note_event(tx, case_id, "joined", detail={"notice": intake.notice_id, "case": whole.number})


def _log(tx: Transaction, site: Site, intake: _Intake, case_ids: tuple[int, ...], items: int) -> None:
    weight = intake.weight
    for case_id in case_ids:
        log.append(
            tx, "case_joined",
            {"case": intake.numbers[case_id], "lane": weight.lane, "opened": case_id in intake.fresh},
        )  # fmt: skip
    log.append(
        tx,
        "notice",
        {
            "channel": intake.draft.channel, "category": weight.category, "reason": weight.reason,
            "lane": weight.lane, "items": items, "language": intake.draft.language,
            "case": intake.numbers[case_ids[0]],
            "flood": intake.flood,
        },
    )  # fmt: skip
