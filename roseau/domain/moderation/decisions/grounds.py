"""What a statement of reasons is written from: the draft, its case, and what it is about, as it is now."""

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.moderation.decisions.checking import person_of
from roseau.domain.moderation.decisions.drafts import DecisionDraft, Grounds
from roseau.domain.moderation.decisions.rows import Case
from roseau.domain.moderation.measures.quarantine import find_quarantined
from roseau.domain.policy import find_rule_version
from roseau.domain.site import Site
from roseau.kernel.errors import Gone
from roseau.kernel.i18n import LANGUAGES
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import authority_orders, notice_items, notices
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import statement


class _Written(msgspec.Struct, frozen=True):
    id: int
    uri: str
    created_at: int
    language: str | None
    content: str
    account_id: int


class Person(msgspec.Struct, frozen=True):
    """A member behind an account: what they are in the team, and what they read."""

    role: str = ""
    locale: str = ""


_status = statement(
    select(*(statuses.c[name] for name in _Written.__struct_fields__)).where(
        statuses.c.id == bindparam("status")
    ),
    into=_Written,
)
_media_kinds = statement(
    select(media_attachments.c.kind).where(media_attachments.c.status_id == bindparam("status")).distinct()
)
_person = statement(
    select(users.c.role, users.c.locale).where(users.c.account_id == bindparam("account")), into=Person
)
_channels = statement(
    select(notices.c.channel, func.count(notices.c.id.distinct()))
    .join(notice_items, notice_items.c.notice_id == notices.c.id)
    .where(notice_items.c.case_id == bindparam("case"))
    .group_by(notices.c.channel)
)
_embargo = statement(
    select(func.max(authority_orders.c.confidential_until)).where(
        authority_orders.c.case_id == bindparam("case")
    )
)


def find_person(tx: Transaction, account_id: int | None) -> Person:
    """The member; nobody's role and language for accounts of other servers."""
    return tx.one(_person, account=account_id) or Person()


def count_channels(tx: Transaction, case_id: int) -> dict[str, int]:
    """By which ways the notices of a case came: channel -> how many."""
    return {row[0]: row[1] for row in tx.all(_channels, case=case_id)}


def find_embargo(tx: Transaction, case_id: int) -> int:
    """Until when an authority keeps the author from being told; 0 when none does."""
    return int(tx.value(_embargo, case=case_id) or 0)


def affected(tx: Transaction, case: Case, draft: DecisionDraft) -> int | None:
    """Whom the decision is about, and so to whom its statement goes."""
    people = [person for measure in draft.measures if (person := person_of(tx, measure)) is not None]
    return people[0] if people else case.target_account_id


def gather_grounds(
    tx: Transaction,
    site: Site,
    case: Case,
    draft: DecisionDraft,
    *,
    decider_role: str = "",
    second_voice: bool = False,
    decision_id: int = 0,
    decision_number: int = 0,
    decided_at: int = 0,
    send_at: int = 0,
    reverses_number: int | None = None,
) -> Grounds:
    """Everything that the statement says. The console asks for it with a draft that is not decided yet."""
    account_id = affected(tx, case, draft)
    about = next((one.status_id for one in draft.measures if one.status_id is not None), case.status_id)
    status = None if about is None else tx.one(_status, status=about)
    languages = (find_person(tx, account_id).locale, draft.language, (status and status.language) or "")
    language = next((found for name in languages if (found := name[:2]) in LANGUAGES), LANGUAGES[0])
    rule = None if draft.rule_id is None else find_rule_version(tx, draft.rule_id, language=language)
    return Grounds(
        decision_id=decision_id,
        decision_number=decision_number,
        case_number=case.number,
        draft=draft,
        account_id=account_id,
        rule_text=rule.text if rule else "",
        rule_version=rule.version if rule else None,
        reason=case.reason,
        lane=case.lane,
        channels=count_channels(tx, case.id),
        status_id=status.id if status else None,
        status_uri=status.uri if status else "",
        written_at=status.created_at if status else None,
        status_language=(status and status.language) or "",
        content_types=_content_types(tx, site, status),
        decider_role=decider_role,
        second_voice=second_voice,
        decided_at=decided_at,
        send_at=send_at,
        reverses_number=reverses_number,
    )


def _content_types(tx: Transaction, site: Site, status: _Written | None) -> tuple[str, ...]:
    """`text` and the kinds of media, as the status has or had them."""
    if status is None:
        return ()
    media = set(tx.values(_media_kinds, status=status.id))
    text = {"text"} if not media or status.content or _has_sealed_text(tx, site, status.id) else set()
    return tuple(sorted(media | text))


def _has_sealed_text(tx: Transaction, site: Site, status_id: int) -> bool:
    try:
        sealed = find_quarantined(tx, site, status_id)
    except Gone:
        return False
    return sealed is not None and bool(sealed.content)
