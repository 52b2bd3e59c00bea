"""What other servers may do here. To limit one is a decision like any other: with reasons and a way back.

What needs no measure (to take in no reports of a server, how it is named in public) is written as it is.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, delete, func, or_, select, update

from roseau.domain.moderation.cases.joining import Opening, find_open_case, open_case
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.moderation.decisions.rows import load_decision
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.measures.force import list_on_domain
from roseau.domain.moderation.servers.formats import SEVERITIES, Severity
from roseau.domain.moderation.servers.settling import settle_domain
from roseau.domain.moderation.team.grounds import find_ground
from roseau.domain.moderation.team.permissions import require
from roseau.domain.names import list_names
from roseau.domain.relationships.blocking import to_domain
from roseau.domain.site import Site, load_choices
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.kernel.i18n import translations
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.moderation import domain_permissions
from roseau.storage.statements import statement, upsert

MAX_COMMENT = 2_000


class DomainPermission(msgspec.Struct, frozen=True):
    """What a server may do here. The fields are the columns, in order."""

    id: int
    domain: str
    severity: Severity
    reject_media: bool
    reject_reports: bool
    obfuscate: bool
    public_comment: str
    private_comment: str
    subscription_id: int | None
    measure_id: int | None
    created_by_id: int | None
    created_at: int
    updated_at: int
    expires_at: int | None


class DomainPermissionDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants a server to be allowed. Without a rule or law, the site's own is found."""

    domain: str
    severity: Severity = "suspend"
    reject_media: bool = False
    reject_reports: bool = False
    obfuscate: bool = False
    public_comment: str = ""
    private_comment: str = ""
    expires_at: int | None = None
    rule_id: int | None = None
    law: str = ""
    #: The list that it comes from.
    subscription_id: int | None = None
    automated: Literal["not", "partially"] = "not"


_p = domain_permissions.c
_columns = [_p[name] for name in DomainPermission.__struct_fields__]
_in_force = or_(_p.expires_at.is_(None), _p.expires_at > bindparam("now"))
_page = Paged[DomainPermission](select(*_columns).where(_in_force), _p.id, into=DomainPermission)
_every = statement(select(*_columns).where(_in_force).order_by(_p.domain), into=DomainPermission)
_one = statement(select(*_columns).where(_p.id == bindparam("wanted")), into=DomainPermission)
_by_domain = statement(select(*_columns).where(_p.domain == bindparam("wanted")), into=DomainPermission)
_count = statement(select(func.count()).select_from(domain_permissions).where(_in_force))
_put = statement(
    upsert(domain_permissions)
    .values(
        {
            name: bindparam(name, type_=_p[name].type)
            for name in ("id", "domain", "severity", "created_by_id", "created_at", "updated_at")
        }
    )
    .on_conflict_do_nothing()
)
_WORDS = ("reject_reports", "obfuscate", "public_comment", "private_comment", "subscription_id", "updated_at")
_describe = statement(
    update(domain_permissions)
    .where(_p.domain == bindparam("wanted"))
    .values({name: bindparam(name, type_=_p[name].type) for name in _WORDS})
)
# The row is made anew with each decision; whoever knows its id goes on with it.
_keep_id = statement(
    update(domain_permissions)
    .where(_p.domain == bindparam("wanted"))
    .values(id=bindparam("same_id"), created_at=bindparam("since"))
)
_orphan = statement(
    update(domain_permissions)
    .where(_p.subscription_id == bindparam("subscription"))
    .values(subscription_id=None)
)
_let_go = statement(
    update(domain_permissions).where(_p.domain == bindparam("wanted")).values(subscription_id=None)
)
_remove = statement(delete(domain_permissions).where(_p.domain == bindparam("wanted")))


# Reading


def list_domain_permissions(tx: Transaction, page: Page) -> list[DomainPermission]:
    """The servers that are limited in some way, the newest first."""
    return _page.fetch(tx, page, now=tx.now)


def list_all_domain_permissions(tx: Transaction) -> list[DomainPermission]:
    """All of them by name: for the public list, and to export. A `scan`."""
    return tx.all(_every, now=tx.now)


def count_domain_permissions(tx: Transaction) -> int:
    """How many there are."""
    return int(tx.value(_count, now=tx.now))


def find_domain_permission(tx: Transaction, permission_id: int) -> DomainPermission:
    """One of them. Raises NotFound."""
    found = tx.one(_one, wanted=permission_id)
    if found is None:
        raise NotFound
    return found


def find_permission_of(tx: Transaction, domain: str) -> DomainPermission | None:
    """What is said of exactly this name."""
    return tx.one(_by_domain, wanted=domain)


# Deciding


def set_domain_permission(tx: Transaction, site: Site, by_id: int, draft: DomainPermissionDraft) -> int:
    """Say what a server may do here; the row's id. What was decided of it before is lifted.

    Raises Forbidden, Invalid.
    """
    require(tx, by_id, "manage_federation")
    draft = msgspec.structs.replace(draft, domain=check_domain(tx, site, draft.domain))
    _check(draft)
    before = find_permission_of(tx, draft.domain)
    wanted = _kinds(draft)
    present = list_on_domain(tx, draft.domain)
    same = {measure.kind for measure in present} == set(wanted) and all(
        measure.until_at == draft.expires_at for measure in present
    )
    if not same:
        for decision_id in dict.fromkeys(measure.decision_id for measure in present):
            _set_aside(tx, site, by_id, decision_id)
        if wanted:
            _decide(tx, site, by_id, draft, wanted)
    if find_permission_of(tx, draft.domain) is None:
        tx.run(
            _put, id=ids.new_id(), domain=draft.domain, severity="noop", created_by_id=by_id,
            created_at=tx.now, updated_at=tx.now,
        )  # fmt: skip
    if before is not None:
        tx.run(_keep_id, wanted=draft.domain, same_id=before.id, since=before.created_at)
    return _describe_it(tx, draft)


def _set_aside(tx: Transaction, site: Site, by_id: int, decision_id: int) -> None:
    """Make room for another decision: what nobody was told of yet is undone, the rest is reversed."""
    if tx.now < load_decision(tx, decision_id).undo_until:
        undo(tx, site, by_id, decision_id)
    else:
        reverse_own(tx, site, by_id, decision_id, _say(tx, _replaced))


def _describe_it(tx: Transaction, draft: DomainPermissionDraft) -> int:
    tx.run(
        _describe,
        wanted=draft.domain,
        reject_reports=draft.reject_reports,
        obfuscate=draft.obfuscate,
        public_comment=draft.public_comment.strip(),
        private_comment=draft.private_comment.strip(),
        subscription_id=draft.subscription_id,
        updated_at=tx.now,
    )
    written = find_permission_of(tx, draft.domain)
    if written is None:
        raise NotFound
    return written.id


def _kinds(
    draft: DomainPermissionDraft,
) -> list[Literal["domain_suspend", "domain_limit", "domain_reject_media"]]:
    if draft.severity == "suspend":
        return ["domain_suspend"]
    kinds: list[Any] = ["domain_limit"] if draft.severity == "silence" else []
    return [*kinds, "domain_reject_media"] if draft.reject_media else kinds


def _decide(tx: Transaction, site: Site, by_id: int, draft: DomainPermissionDraft, kinds: list[Any]) -> None:
    """Decide in a case of one's own initiative; in the open one, if the server was reported."""
    language = load_choices(tx).languages[0] if load_choices(tx).languages else "en"
    ground: dict[str, Any] = {"ground": "law", "law": draft.law}
    rule = None
    if not draft.law:
        wanted = [draft.rule_id] if draft.rule_id else []
        rule = find_ground(tx, rule_ids=wanted, language=language)
        ground = {"ground": "rule", "rule_id": rule.rule_id}
    facts = draft.public_comment.strip() or draft.private_comment.strip()
    if not facts:
        facts = _say(tx, _neutral) % {"domain": draft.domain, "rule": rule.text if rule else draft.law}
    decide(
        tx,
        site,
        by_id,
        _case_of(tx, site, draft.domain),
        DecisionDraft(
            **ground,
            facts=facts,
            summary=draft.public_comment.strip(),
            language=language,
            measures=tuple(
                MeasureDraft(kind=kind, domain=draft.domain, until_at=draft.expires_at) for kind in kinds
            ),
            own_initiative=True,
            automated_detection=draft.automated != "not",
            automated_decision=draft.automated,
        ),
    )


def _case_of(tx: Transaction, site: Site, domain: str) -> int:
    subject = f"domain:{domain}"
    found = find_open_case(tx, subject)
    if found is not None:
        return found.id
    return open_case(tx, site, Opening(subject=subject, lane="S4", reason="other", domain=domain))


def _neutral(_: Any) -> str:
    return str(_("Posts from %(domain)s break this rule of the site: “%(rule)s”."))


def _replaced(_: Any) -> str:
    return str(_("What this site allows the server was decided anew."))


def _lifted(_: Any) -> str:
    return str(_("This site no longer limits the server."))


def _say(tx: Transaction, sentence: Any) -> str:
    """A sentence in the site's first language."""
    languages = load_choices(tx).languages
    return str(sentence(translations(languages[0] if languages else "en").gettext))


def lift_domain_permission(tx: Transaction, site: Site, by_id: int, domain: str, facts: str = "") -> None:
    """Limit a server no longer: what was cut is tied again. Raises Forbidden, NotFound, Invalid."""
    require(tx, by_id, "manage_federation")
    if find_permission_of(tx, domain) is None:
        raise NotFound
    for decision_id in dict.fromkeys(measure.decision_id for measure in list_on_domain(tx, domain)):
        reverse_own(tx, site, by_id, decision_id, facts or _say(tx, _lifted))
    settle_domain(tx, domain)
    tx.run(_remove, wanted=domain)


def describe_domain_permission(
    tx: Transaction,
    by_id: int,
    permission_id: int,
    *,
    public_comment: str,
    private_comment: str,
    obfuscate: bool,
) -> None:
    """Say something else of the decision that stands. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_federation")
    found = find_domain_permission(tx, permission_id)
    _describe_it(
        tx,
        DomainPermissionDraft(
            domain=found.domain,
            reject_reports=found.reject_reports,
            obfuscate=obfuscate,
            public_comment=public_comment[:MAX_COMMENT],
            private_comment=private_comment[:MAX_COMMENT],
            subscription_id=found.subscription_id,
        ),
    )


def make_orphans(tx: Transaction, subscription_id: int) -> None:
    """What came from a list stays when the list goes, and belongs to none."""
    tx.run(_orphan, subscription=subscription_id)


def let_go(tx: Transaction, domain: str) -> None:
    """The list that a server came from has it no more, and it stays all the same."""
    tx.run(_let_go, wanted=domain)


def check_domain(tx: Transaction, site: Site, name: str) -> str:
    """The name as it is compared. Raises Invalid for what is no name, and for one of this site."""
    domain = to_domain(name)
    if domain == site.domain or any(domain == own.name for own in list_names(tx, site)):
        raise Invalid(problems=(Problem("domain", "ERR_INVALID", "Domain is this server itself"),))
    return domain


def _check(draft: DomainPermissionDraft) -> None:
    if draft.severity not in SEVERITIES:
        raise Invalid(problems=(Problem("severity", "ERR_INCLUSION", "Severity is not one that there is"),))
    if max(len(draft.public_comment), len(draft.private_comment)) > MAX_COMMENT:
        raise Invalid(
            problems=(Problem("public_comment", "ERR_TOO_LONG", "A comment has at most 2,000 characters"),)
        )
