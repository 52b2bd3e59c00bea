"""Statements of reasons: written with each decision, in its reader's language, and queued to be delivered."""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation import log
from roseau.domain.moderation.decisions.drafts import Grounds
from roseau.domain.moderation.statements.deliveries import Letter, queue_delivery
from roseau.domain.moderation.statements.dsa import to_dsa, to_puid
from roseau.domain.moderation.statements.measures import WORDS_ONLY, Writer
from roseau.domain.moderation.statements.places import record_url, rules_url
from roseau.domain.moderation.statements.readers import find_member, to_language
from roseau.domain.moderation.statements.wording import Redress, Text, to_fields, write_text
from roseau.domain.moderation.vocabulary import APPEAL
from roseau.domain.names import find_front_url
from roseau.domain.site import Site, load_choices
from roseau.kernel import ids
from roseau.kernel.i18n import translations
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import statements
from roseau.storage.schema.moderation import rule_versions
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import insertion, one_of, statement

_insert = insertion(
    statements,
    "id decision_id account_id puid language text fields dsa delivery_id created_at appeal_until",
)
_written = statement(
    select(statuses.c.id, statuses.c.created_at).where(one_of(statuses.c.id, "wanted")),
)
_rule = statement(
    select(rule_versions.c.dsa_category, rule_versions.c.keywords).where(
        rule_versions.c.rule_id == bindparam("rule"), rule_versions.c.version == bindparam("of_version")
    )
)


def write_statement(tx: Transaction, site: Site, grounds: Grounds) -> int:
    """Write the statement of a decision and queue its delivery; its id.

    It goes to the author's page, as a notification, and by mail; nobody is told before `grounds.send_at`.
    """
    writer, redress = _prepare(tx, site, grounds)
    text = write_text(writer, grounds, redress).join(grounds.draft.text)
    puid = to_puid(site.domain, grounds.decision_number)
    category, keywords = _find_category(tx, grounds)
    submission = to_dsa(
        grounds,
        puid=puid,
        rules_url=rules_url(find_front_url(tx, site)),
        category=category,
        keywords=keywords,
    )
    delivery_id = queue_delivery(
        tx,
        site,
        Letter(
            kind=_kind_of(grounds),
            subject=_to_subject(writer.language, grounds),
            text=text,
            account_id=grounds.account_id,
            decision_id=grounds.decision_id,
            language=writer.language,
            send_at=grounds.send_at,
        ),
    )
    statement_id = ids.new_id()
    tx.run(
        _insert,
        id=statement_id,
        decision_id=grounds.decision_id,
        account_id=grounds.account_id,
        puid=puid,
        language=writer.language,
        text=text,
        fields=_encode(to_fields(writer, grounds, redress)),
        dsa=_encode(submission),
        delivery_id=delivery_id,
        created_at=tx.now,
        appeal_until=redress.until,
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    log.append(tx, "statement", {"puid": puid, "decision": grounds.decision_number, "sha256": digest})
    return statement_id


def preview_statement(tx: Transaction, site: Site, grounds: Grounds) -> str:
    """The statement as it would be sent, without writing anything."""
    return preview_text(tx, site, grounds).join(grounds.draft.text)


def preview_text(tx: Transaction, site: Site, grounds: Grounds) -> Text:
    """The same in its parts: the frame before and after, and the middle, which can be rewritten."""
    writer, redress = _prepare(tx, site, grounds)
    return write_text(writer, grounds, redress)


def _prepare(tx: Transaction, site: Site, grounds: Grounds) -> tuple[Writer, Redress]:
    reader = find_member(tx, grounds.account_id)
    language = to_language(grounds.status_language) if reader is None else reader.language
    about = [measure.status_id for measure in grounds.draft.measures if measure.status_id is not None]
    written = {row.id: row.created_at for row in tx.all(_written, wanted=about)} if about else {}
    if grounds.status_id is not None and grounds.written_at is not None:
        written.setdefault(grounds.status_id, grounds.written_at)
    decided_at = grounds.decided_at or tx.now
    writer = Writer(
        language=language,
        zone="UTC" if reader is None else reader.zone,
        written=written,
        now=decided_at,
    )
    url = record_url(find_front_url(tx, site), grounds.decision_number)
    # The time begins when they are told (DSA art. 20(1)), which an authority may put off.
    until = max(decided_at, grounds.send_at) + APPEAL
    return writer, Redress(until, url, load_choices(tx).dispute_body)


def _find_category(tx: Transaction, grounds: Grounds) -> tuple[str, list[str]]:
    if grounds.draft.rule_id is None or grounds.rule_version is None:
        return "", []
    row: Any = tx.one(_rule, rule=grounds.draft.rule_id, of_version=grounds.rule_version)
    return ("", []) if row is None else (row.dsa_category, msgspec.json.decode(row.keywords, type=list[str]))


def _kind_of(grounds: Grounds) -> Any:
    if grounds.reverses_number is not None:
        return "reversal"
    return "warning" if all(m.kind in WORDS_ONLY for m in grounds.draft.measures) else "statement"


def _to_subject(language: str, grounds: Grounds) -> str:
    _ = translations(language).gettext
    kinds = {measure.kind for measure in grounds.draft.measures}
    if grounds.reverses_number is not None:
        return _("A decision about you was taken back")
    if kinds <= WORDS_ONLY:
        return _("A word from the moderation")
    if "suspend" in kinds:
        return _("Your account was suspended")
    if kinds & {"limit", "freeze"}:
        return _("Your account was restricted")
    if kinds & {"remove", "hold"}:
        return _("A post of yours was taken down")
    return _("The moderation decided about you")


def _encode(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
