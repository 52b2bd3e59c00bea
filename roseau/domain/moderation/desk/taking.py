"""Takes a mail to the abuse address in, once: as a notice, or as a letter with a clock if a host wrote."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.moderation import log
from roseau.domain.moderation.desk.letters import Letter, recognise_letter
from roseau.domain.moderation.desk.links import Link
from roseau.domain.moderation.desk.mails import AbuseMail, host_of, read_mail
from roseau.domain.moderation.flaggers import is_flagger_mail
from roseau.domain.moderation.notices.drafts import MAX_LETTER, MAX_LETTER_URLS, Filed, NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.notices.resolving import Named, list_hosts, resolve_statuses, resolve_uris
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock, ids
from roseau.kernel.errors import Forbidden, TooLarge
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.notices import host_letters, notices, received_mails
from roseau.storage.statements import insertion, statement

#: What the words of a mail say of its reason, the worst first. A guess: it orders the queue and no more.
_REASONS: Final = tuple(
    (reason, re.compile(words, re.IGNORECASE))
    for reason, words in (
        ("csam", r"\bcsam\b|child (?:sexual|porn|abuse material)|p[ée]dopornograph|p[ée]docriminel|\bcsem\b"),
        ("threat_to_life", r"imminent (?:danger|threat)|threat to life|danger (?:imminent|de mort)|suicid"),
        ("terrorism", r"terroris"),
        ("intimate_images", r"revenge porn|non-?consensual|intimate image|images? intimes?"),
        (
            "threat",
            r"death threat|threat(?:s|en|ening|ened)? (?:to|of|with) |menaces? de mort|violent threat",
        ),
        ("incitement", r"incite|inciting|incitement|incitation|encourag\w+ violence"),
        ("private_data", r"doxx?|personal data|home address|donn[ée]es personnelles|adresse personnelle"),
        ("hate", r"\bhate\b|hateful|racis|antis[ée]mit|haineu|homophob|transphob"),
        ("harassment", r"harass|harc[èe]le|stalking"),
        ("copyright", r"\bdmca\b|copyright|droits? d['’]auteur|contrefa[cç]on|infring"),
        ("impersonation", r"impersonat|usurpation"),
        ("scam", r"phish|hame[cç]onnage|\bscam|fraud|escroquerie|malware|trojan"),
        ("spam", r"\bspam|unsolicited|ind[ée]sirable"),
        ("illegal", r"\billegal|\bunlawful|\bill[ée]gal|illicite"),
    )
)
#: How much an address that was read in one of several ways is worth, by what it turned out to be.
_WORTH: Final = {"status": 3, "media": 3, "collection": 3, "account": 2, "tag": 1}


#: So many items are in one letter, and in one notice of any other mail; further ones follow in parts.
MOST_ITEMS: Final = 500
MOST_OF_MAIL: Final = 100
#: Of a larger mail only the beginning is kept: the mailbox has the whole.
MOST_KEPT: Final = 5 * 1024 * 1024
#: More letters than these of one host within a day are taken for what anybody can send under its name.
MOST_LETTERS: Final = 50
REST: Final = "abuse_mail_rest"


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mail. `refusal` says why nothing was made of it, in a word or two."""

    notice_id: int | None = None
    number: str = ""
    letter_id: int | None = None
    case_id: int | None = None
    items: int = 0
    refusal: str = ""
    #: It had been taken in before.
    known: bool = False


class Rest(msgspec.Struct, frozen=True):
    """Payload of the job `abuse_mail_rest`: the items of a mail that are still to be filed."""

    draft: NoticeDraft
    uris: list[str]
    subject: str
    part: int
    letter: Letter | None = None


_known = statement(
    select(received_mails.c.notice_id, received_mails.c.refusal, notices.c.number, host_letters.c.id)
    .select_from(
        received_mails.outerjoin(notices, notices.c.id == received_mails.c.notice_id).outerjoin(
            host_letters, host_letters.c.notice_id == received_mails.c.notice_id
        )
    )
    .where(received_mails.c.hash == bindparam("digest"))
)
_lately = statement(
    select(func.count()).where(
        host_letters.c.provider == bindparam("provider"), host_letters.c.received_at > bindparam("since")
    )
)
_keep = insertion(received_mails, "hash notice_id at refusal bytes")
_add_letter = insertion(
    host_letters,
    "id notice_id case_id provider reference subject reply_to received_at deadline_at deadline_found",
)


def receive_mail(tx: Transaction, site: Site, raw: bytes, mail: AbuseMail | None = None) -> Received:
    """Take a mail in; one that was taken in before changes nothing. Never raises for what a mail holds.

    `mail` is what was read in it already, by whoever did not want to do that in a transaction.
    """
    digest = hashlib.sha256(raw).hexdigest()
    known = tx.one(_known, digest=digest)
    if known is not None:
        return Received(
            notice_id=known.notice_id, number=known.number or "", letter_id=known.id, refusal=known.refusal,
            known=True,
        )  # fmt: skip
    try:
        mail = mail or read_mail(raw, list_hosts(tx, site))
    except TooLarge:
        return _refuse(tx, digest, len(raw), "too_large")
    uris, status_ids = choose_items(tx, site, mail)
    if mail.automatic and not (uris or status_ids):
        return _refuse(tx, digest, len(raw), "automatic_reply")
    letter = recognise_letter(mail, tx.now, load_choices(tx).letter_senders)
    if letter and tx.value(_lately, provider=letter.provider, since=tx.now - clock.DAY) >= MOST_LETTERS:
        letter = None
    most = MOST_ITEMS if letter else MOST_OF_MAIL
    draft = _draft(mail, raw, uris[:most], status_ids[: max(0, most - len(uris))], letter, tx.now)
    if letter is None and is_flagger_mail(tx, mail.sender, mail.vouched_by):
        draft = msgspec.structs.replace(draft, channel="trusted_flagger")
    try:
        filed = file_notice(tx, site, draft)
    except Forbidden:
        return _refuse(tx, digest, len(raw), "paused")
    letter_id = None if letter is None else add_letter(tx, filed, mail.subject, mail.reply_to, letter)
    if rest := uris[most:]:
        add_job(tx, REST, Rest(draft=_forget(draft), uris=rest, subject=mail.subject, part=2, letter=letter))
    tx.run(_keep, hash=digest, notice_id=filed.notice_id, at=tx.now, refusal="", bytes=len(raw))
    return Received(
        notice_id=filed.notice_id,
        number=filed.number,
        letter_id=letter_id,
        case_id=filed.case_ids[0] if filed.case_ids else None,
        items=len(filed.item_ids),
    )


def _refuse(tx: Transaction, digest: str, size: int, refusal: str) -> Received:
    tx.run(_keep, hash=digest, notice_id=None, at=tx.now, refusal=refusal, bytes=size)
    return Received(refusal=refusal)


def add_letter(
    tx: Transaction,
    filed: Filed,
    subject: str,
    reply_to: str,
    letter: Letter,
    received_at: int | None = None,
) -> int:
    """Put a notice on the desk as a letter, received now unless said; the letter's id."""
    letter_id = ids.new_id()
    tx.run(
        _add_letter,
        id=letter_id,
        notice_id=filed.notice_id,
        case_id=filed.case_ids[0] if filed.case_ids else None,
        provider=letter.provider,
        reference=letter.reference,
        subject=subject,
        reply_to=reply_to,
        received_at=received_at or tx.now,
        deadline_at=letter.deadline_at,
        deadline_found=letter.deadline_found,
    )  # fmt: skip
    log.append(
        tx,
        "letter",
        {"deadline_at": letter.deadline_at, "found": letter.deadline_found, "items": len(filed.item_ids)},
    )
    return letter_id


def receive_rest(tx: Transaction, site: Site, rest: Rest) -> None:
    """File the next items of a mail that named more than one notice takes; the job comes back for others."""
    most = MOST_ITEMS if rest.letter else MOST_OF_MAIL
    comment = f"{rest.draft.comment}\n\n({rest.part})"
    draft = msgspec.structs.replace(rest.draft, uris=tuple(rest.uris[:most]), comment=comment)
    try:
        filed = file_notice(tx, site, draft)
    except Forbidden:
        return
    if rest.letter:
        add_letter(tx, filed, f"{rest.subject} ({rest.part})", (draft.contact or ("", ""))[1], rest.letter)
    if following := rest.uris[most:]:
        add_job(tx, REST, msgspec.structs.replace(rest, uris=following, part=rest.part + 1))


def _forget(draft: NoticeDraft) -> NoticeDraft:
    """What the further parts of a mail have in common: the mail itself is kept with the first."""
    return msgspec.structs.replace(
        draft, original=None, uris=(), status_ids=(), comment=draft.comment[: MAX_LETTER // 10]
    )


def _draft(
    mail: AbuseMail,
    raw: bytes,
    uris: Sequence[str],
    status_ids: Sequence[int],
    letter: Letter | None,
    received_at: int,
) -> NoticeDraft:
    return NoticeDraft(
        channel="host_letter" if letter else mail.report.kind if mail.report else "mail",
        reason=guess_reason(mail),
        comment=to_comment(mail),
        language=mail.language,
        contact=None if mail.automatic else (mail.sender_name, mail.reply_to or mail.sender),
        status_ids=tuple(status_ids),
        uris=tuple(uris),
        source=mail.sender.lower() or "mail",
        original=raw[:MOST_KEPT],
        deadline_at=letter.deadline_at if letter else None,
        received_at=received_at,
    )


def guess_reason(mail: AbuseMail) -> str:
    """One of `vocabulary.REASONS`, from what a report says, else from the words of the mail."""
    words = f"{mail.subject}\n{mail.words[:20_000]}"
    guessed = next((reason for reason, expression in _REASONS if expression.search(words)), "other")
    said = mail.report.reason if mail.report else "other"
    # What ARF calls abuse is mostly spam; its words may know better.
    return said if said not in ("other", "spam") else guessed if guessed != "other" else said


def to_comment(mail: AbuseMail) -> str:
    """What people read of it: its subject, its words, the facts of a report, what could not be read."""
    pieces = [mail.subject, mail.words]
    if mail.report:
        pieces.append(mail.report.facts)
    if mail.unread:
        pieces.append("\n".join(f"[{name}]" for name in mail.unread))
    return "\n\n".join(piece for piece in pieces if piece)[:MAX_LETTER]


def choose_items(tx: Transaction, site: Site, mail: AbuseMail) -> tuple[list[str], list[int]]:
    """What a mail points at here: addresses, and statuses by their numbers.

    An address that may have been broken is taken in the reading that stands for something. Others that
    lead here are kept although nothing is there; those that lead elsewhere are no items.
    """
    links = [*mail.links, *(Link(handle) for handle in mail.handles)]
    readings = [uri for link in links for uri in (link.uri, *link.others)]
    named = dict(zip(readings, resolve_uris(tx, site, readings), strict=True)) if readings else {}
    hosts = list_hosts(tx, site)
    chosen: dict[str, str] = {}
    for link in links:
        best = max((named[uri] for uri in (link.uri, *link.others)), key=_worth)
        if _worth(best) or _leads_here(best.uri, hosts):
            chosen.setdefault(best.subject, best.uri)
    found = resolve_statuses(tx, mail.numbers) if mail.numbers else []
    numbers = [thing.status_id for thing in found if thing.status_id and thing.subject not in chosen]
    return list(chosen.values())[:MAX_LETTER_URLS], numbers


def _worth(thing: Named) -> int:
    return _WORTH.get(thing.kind, 0)


def _leads_here(uri: str, hosts: frozenset[str]) -> bool:
    """Whether it is an address under a name of this site, with something behind the name."""
    host = host_of(uri)
    return host in hosts and bool(uri.partition("://")[2].partition("/")[2].strip("/"))
