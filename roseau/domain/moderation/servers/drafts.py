"""What a list asks for, on the desk until somebody has looked at it: accepted, or put away."""

import msgspec
from sqlalchemy import bindparam, delete, func, select

from roseau.domain.moderation.servers import permissions, subscriptions
from roseau.domain.moderation.servers.formats import Entry, Severity
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.moderation import domain_permission_drafts, domain_permission_subscriptions
from roseau.storage.statements import statement, upsert


class Waiting(msgspec.Struct, frozen=True):
    """A draft with the list that it comes from; `kind` retract: the list has the server no more."""

    id: int
    domain: str
    subscription_id: int | None
    kind: str
    severity: Severity
    reject_media: bool
    reject_reports: bool
    obfuscate: bool
    public_comment: str
    created_at: int
    list_title: str | None = None
    list_uri: str | None = None


_d, _s = domain_permission_drafts.c, domain_permission_subscriptions.c
_columns = [_d[name] for name in Waiting.__struct_fields__[:-2]]
_select = select(*_columns, _s.title.label("list_title"), _s.uri.label("list_uri")).select_from(
    domain_permission_drafts.outerjoin(domain_permission_subscriptions, _s.id == _d.subscription_id)
)
_page = Paged[Waiting](_select, _d.id, into=Waiting)
_one = statement(_select.where(_d.id == bindparam("wanted")), into=Waiting)
_count = statement(select(func.count()).select_from(domain_permission_drafts))
_of_list = statement(select(_d.domain, _d.kind).where(_d.subscription_id == bindparam("subscription")))
_VALUES = (
    "id", "domain", "subscription_id", "kind", "severity", "reject_media", "reject_reports", "obfuscate",
    "public_comment", "created_at",
)  # fmt: skip
_put = statement(
    upsert(domain_permission_drafts)
    .values({name: bindparam(name, type_=_d[name].type) for name in _VALUES})
    .on_conflict_do_update(
        index_elements=["domain", "subscription_id", "kind"],
        set_={
            name: upsert(domain_permission_drafts).excluded[name]
            for name in ("severity", "reject_media", "reject_reports", "obfuscate", "public_comment")
        },
    )
)
_drop = statement(delete(domain_permission_drafts).where(_d.id == bindparam("wanted")))
_drop_of = statement(
    delete(domain_permission_drafts).where(
        _d.subscription_id == bindparam("subscription"), _d.domain == bindparam("wanted")
    )
)
_drop_imported = statement(
    delete(domain_permission_drafts).where(_d.subscription_id.is_(None), _d.domain == bindparam("wanted"))
)


def list_drafts(tx: Transaction, page: Page) -> list[Waiting]:
    """What waits, the newest first."""
    return _page.fetch(tx, page)


def count_drafts(tx: Transaction) -> int:
    """How many wait."""
    return int(tx.value(_count))


def has_draft(tx: Transaction, draft_id: int) -> bool:
    """Whether it waits still."""
    return tx.one(_one, wanted=draft_id) is not None


def put_import(tx: Transaction, by_id: int, entry: Entry) -> None:
    """Lay an entry of a file on the desk, in the place of what another file said. Raises Forbidden."""
    require(tx, by_id, "manage_federation")
    forget_import(tx, entry.domain)
    put_draft(tx, None, entry)


def forget_import(tx: Transaction, domain: str) -> None:
    """Take what files said of a server from the desk."""
    tx.run(_drop_imported, wanted=domain)


def put_draft(tx: Transaction, subscription_id: int | None, entry: Entry, kind: str = "block") -> None:
    """Lay an entry on the desk; what the list said of the server before is forgotten."""
    tx.run(
        _put,
        id=ids.new_id(),
        subscription_id=subscription_id,
        kind=kind,
        created_at=tx.now,
        domain=entry.domain,
        severity=entry.severity or "suspend",
        reject_media=entry.reject_media,
        reject_reports=entry.reject_reports,
        obfuscate=entry.obfuscate,
        public_comment=entry.public_comment,
    )


def drop_stale(tx: Transaction, subscription_id: int, named: set[str]) -> None:
    """Put away what a list asked for and asks for no more."""
    for row in tx.all(_of_list, subscription=subscription_id):
        if (row.domain in named) == (row.kind == "retract"):
            tx.run(_drop_of, subscription=subscription_id, wanted=row.domain)


def accept_draft(tx: Transaction, site: Site, by_id: int, draft_id: int) -> None:
    """Do what the draft says. Raises Forbidden, NotFound, Invalid."""
    require(tx, by_id, "manage_federation")
    draft = tx.one(_one, wanted=draft_id)
    if draft is None:
        raise NotFound
    tx.run(_drop, wanted=draft_id)
    if draft.kind == "retract":
        if permissions.find_permission_of(tx, draft.domain) is not None:
            permissions.lift_domain_permission(tx, site, by_id, draft.domain)
        return
    entry = Entry(*(getattr(draft, name) for name in Entry.__struct_fields__))
    wanted = subscriptions.to_permission(entry, draft.subscription_id)
    permissions.set_domain_permission(tx, site, by_id, wanted)


def discard_draft(tx: Transaction, by_id: int, draft_id: int, *, exclude: bool = False) -> None:
    """Put a draft away; with `exclude`, no list asks for that server again. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_federation")
    draft = tx.one(_one, wanted=draft_id)
    if draft is None:
        raise NotFound
    tx.run(_drop, wanted=draft_id)
    if exclude:
        subscriptions.exclude(tx, by_id, draft.domain)
