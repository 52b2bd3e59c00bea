"""Lists of servers that others keep, and that are fetched each day: what they say, and what follows here.

The model is GoToSocial's: of two lists the one with the higher priority counts; a server that nobody's list
manages is an orphan, which a list can adopt; what goes from a list goes here too, or becomes an orphan.
"""

from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, delete, select, update

from roseau.domain.moderation.servers import permissions
from roseau.domain.moderation.servers.formats import Entry, Format, Severity
from roseau.domain.moderation.servers.permissions import DomainPermission, DomainPermissionDraft
from roseau.domain.moderation.team.permissions import permissions_of, require
from roseau.domain.names import list_names
from roseau.domain.relationships.blocking import to_domain
from roseau.domain.site import Site
from roseau.kernel import clock, ids
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.moderation import (
    domain_permission_drafts,
    domain_permission_excludes,
    domain_permission_subscriptions,
)
from roseau.storage.statements import statement, upsert

#: The job that fetches one list.
FETCH = "fetch_domain_list"
EVERY = clock.DAY
MAX_SUBSCRIPTIONS = 20
MAX_PRIORITY = 255


class Subscription(msgspec.Struct, frozen=True):
    """A list of others. The fields are the columns, in order."""

    id: int
    uri: str
    title: str
    priority: int
    content_type: Format
    severity: Literal["silence", "suspend"]
    as_draft: bool
    adopt_orphans: bool
    remove_retracted: bool
    etag: str
    created_at: int
    fetched_at: int | None
    succeeded_at: int | None
    error: str
    count: int
    created_by_id: int | None


class SubscriptionDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A list as somebody wants to follow it."""

    uri: str
    title: str = ""
    priority: int = 0
    content_type: Format = "csv"
    #: What an entry becomes that does not say.
    severity: Literal["silence", "suspend"] = "suspend"
    as_draft: bool = True
    adopt_orphans: bool = False
    remove_retracted: bool = True


class FetchJob(msgspec.Struct, frozen=True):
    """Payload of the job `FETCH`."""

    subscription_id: int


class Plan(msgspec.Struct):
    """What would follow from a list: entries to put in force or on the desk, and what to take back."""

    add: list[Entry] = []
    change: list[Entry] = []
    adopt: list[Entry] = []
    retract: list[str] = []
    #: Left alone: excluded, managed by a list that counts for more, decided here, or this site itself.
    excluded: list[str] = []
    outranked: list[str] = []
    own: list[str] = []
    unchanged: int = 0


_s, _d, _x = (
    domain_permission_subscriptions.c, domain_permission_drafts.c, domain_permission_excludes.c,
)  # fmt: skip
_columns = [_s[name] for name in Subscription.__struct_fields__]
_every = statement(select(*_columns).order_by(_s.priority.desc(), _s.id), into=Subscription)
_one = statement(select(*_columns).where(_s.id == bindparam("wanted")), into=Subscription)
_SETTINGS = SubscriptionDraft.__struct_fields__
_typed = {name: bindparam(name, type_=_s[name].type) for name in _SETTINGS}
_add = statement(
    upsert(domain_permission_subscriptions)
    .values(
        **_typed,
        id=bindparam("id"),
        created_at=bindparam("created_at"),
        created_by_id=bindparam("created_by_id"),
    )
    .on_conflict_do_nothing()
)
_change = statement(
    # Fetched anew in full: what follows from the same list may be something else now.
    update(domain_permission_subscriptions).where(_s.id == bindparam("wanted")).values(**_typed, etag="")
)
_remove = statement(delete(domain_permission_subscriptions).where(_s.id == bindparam("wanted")))
_succeeded = statement(
    update(domain_permission_subscriptions)
    .where(_s.id == bindparam("wanted"))
    .values(
        etag=bindparam("new_etag"), count=bindparam("new_count"), error="", fetched_at=bindparam("at"),
        succeeded_at=bindparam("at"),
    )
)  # fmt: skip
_unchanged = statement(
    update(domain_permission_subscriptions)
    .where(_s.id == bindparam("wanted"))
    .values(error="", fetched_at=bindparam("at"), succeeded_at=bindparam("at"))
)
_failed = statement(
    update(domain_permission_subscriptions)
    .where(_s.id == bindparam("wanted"))
    .values(error=bindparam("why"), fetched_at=bindparam("at"))
)
_excludes = statement(select(domain_permission_excludes).order_by(_x.domain))
_exclude = statement(
    upsert(domain_permission_excludes)
    .values(
        domain=bindparam("domain"),
        private_comment=bindparam("private_comment"),
        created_at=bindparam("created_at"),
    )
    .on_conflict_do_nothing()
)
_include = statement(delete(domain_permission_excludes).where(_x.domain == bindparam("wanted")))
_forget_drafts_on = statement(delete(domain_permission_drafts).where(_d.domain == bindparam("wanted")))


# Following lists


def list_subscriptions(tx: Transaction) -> list[Subscription]:
    """The lists that are followed; the one that counts most first."""
    return tx.all(_every)


def find_subscription(tx: Transaction, subscription_id: int) -> Subscription:
    """One of them. Raises NotFound."""
    found = tx.one(_one, wanted=subscription_id)
    if found is None:
        raise NotFound
    return found


def subscribe(tx: Transaction, by_id: int, draft: SubscriptionDraft) -> int:
    """Follow a list from now on; its id. It is fetched at once. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_federation")
    check_draft(draft)
    if len(list_subscriptions(tx)) >= MAX_SUBSCRIPTIONS:
        raise Invalid("There are 20 lists already. Leave one first.")
    subscription_id = ids.new_id()
    values = msgspec.structs.asdict(draft) | {"uri": draft.uri.strip(), "title": draft.title.strip()}
    made = tx.run(_add, id=subscription_id, created_at=tx.now, created_by_id=by_id, **values)
    if not made:
        raise Invalid(problems=(Problem("uri", "ERR_TAKEN", "This list is followed already."),))
    plan_fetch(tx, subscription_id, tx.now)
    return subscription_id


def change_subscription(tx: Transaction, by_id: int, subscription_id: int, draft: SubscriptionDraft) -> None:
    """Follow it otherwise. Raises Forbidden, NotFound, Invalid."""
    require(tx, by_id, "manage_federation")
    check_draft(draft)
    values = msgspec.structs.asdict(draft) | {"uri": draft.uri.strip(), "title": draft.title.strip()}
    if not tx.run(_change, wanted=subscription_id, **values):
        raise NotFound
    plan_fetch(tx, subscription_id, tx.now)


def unsubscribe(tx: Transaction, site: Site, by_id: int, subscription_id: int, *, lift: bool) -> None:
    """Leave a list. What came from it is lifted, or stays as orphans. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_federation")
    find_subscription(tx, subscription_id)
    if lift:
        for permission in _managed(tx, subscription_id):
            permissions.lift_domain_permission(tx, site, by_id, permission.domain)
    permissions.make_orphans(tx, subscription_id)
    tx.run(_remove, wanted=subscription_id)


def check_draft(draft: SubscriptionDraft) -> None:
    """Raises Invalid."""
    problems = []
    parts = urlsplit(draft.uri.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or len(draft.uri) > 2_000:
        problems.append(Problem("uri", "ERR_INVALID", "A list has an address like https://example.org/list"))
    if not 0 <= draft.priority <= MAX_PRIORITY:
        problems.append(Problem("priority", "ERR_INVALID", "A priority is a number between 0 and 255."))
    if len(draft.title) > 200:
        problems.append(Problem("title", "ERR_TOO_LONG", "The name of a list has at most 200 characters."))
    if problems:
        raise Invalid(problems=tuple(problems))


def plan_fetch(tx: Transaction, subscription_id: int, at: int) -> None:
    """Have the list fetched at that moment."""
    add_job(
        tx,
        FETCH,
        FetchJob(subscription_id),
        run_at=at,
        dedupe=f"{FETCH}:{subscription_id}:{at // clock.MINUTE}",
    )


def plan_fetches(tx: Transaction) -> None:
    """Have every list fetched that was not for a day; called when the server starts, and once a day."""
    for one in list_subscriptions(tx):
        if one.fetched_at is None or one.fetched_at <= tx.now - EVERY + clock.HOUR:
            plan_fetch(tx, one.id, tx.now)


def note_unchanged(tx: Transaction, subscription_id: int) -> None:
    """It was asked for, and is as it was."""
    tx.run(_unchanged, wanted=subscription_id, at=tx.now)


def note_failure(tx: Transaction, subscription_id: int, why: str) -> None:
    """It could not be fetched or read: what follows from it stays as it is."""
    tx.run(_failed, wanted=subscription_id, at=tx.now, why=why[:500])


# What follows from a list


def plan(
    tx: Transaction, site: Site, entries: Iterable[Entry], draft: SubscriptionDraft, subscription_id: int = 0
) -> Plan:
    """What would change if this list were taken in now; nothing is changed. A `scan`."""
    found = Plan()
    known = {one.domain: one for one in permissions.list_all_domain_permissions(tx)}
    ranks = {one.id: one.priority for one in list_subscriptions(tx)}
    excluded = {row.domain for row in tx.all(_excludes)}
    own = {site.domain, *(name.name for name in list_names(tx, site))}
    named: set[str] = set()
    for entry in entries:
        named.add(entry.domain)
        if entry.domain in own:
            found.own.append(entry.domain)
        elif entry.domain in excluded:
            found.excluded.append(entry.domain)
        else:
            _judge(
                found, to_entry(entry, draft.severity), known.get(entry.domain), draft, subscription_id, ranks
            )
    if subscription_id:
        found.retract = [
            one.domain
            for one in known.values()
            if one.subscription_id == subscription_id and one.domain not in named
        ]
    return found


def _judge(
    found: Plan,
    entry: Entry,
    present: DomainPermission | None,
    draft: SubscriptionDraft,
    subscription_id: int,
    ranks: dict[int, int],
) -> None:
    if present is None:
        found.add.append(entry)
    elif present.subscription_id is None:
        if draft.adopt_orphans:
            found.adopt.append(entry)
        else:
            found.outranked.append(entry.domain)
    elif (
        present.subscription_id != subscription_id and ranks.get(present.subscription_id, 0) >= draft.priority
    ):
        found.outranked.append(entry.domain)
    elif present.subscription_id == subscription_id and _same(entry, present):
        found.unchanged += 1
    else:
        found.change.append(entry)


def to_entry(entry: Entry, severity: Severity) -> Entry:
    """The entry with the severity that it has here when it says none."""
    return entry if entry.severity else msgspec.structs.replace(entry, severity=severity)


def _same(entry: Entry, present: DomainPermission) -> bool:
    return all(getattr(entry, name) == getattr(present, name) for name in Entry.__struct_fields__)


def keep_answer(tx: Transaction, subscription_id: int, etag: str, count: int) -> None:
    """Note that the list was taken in to its end."""
    tx.run(_succeeded, wanted=subscription_id, new_etag=etag[:500], new_count=count, at=tx.now)


def may_act(tx: Transaction, subscription: Subscription) -> bool:
    """Whether what follows from a list can be decided: whoever chose it is still of the team."""
    by_id = subscription.created_by_id
    held = permissions_of(tx, by_id) if by_id else frozenset()
    return "manage_federation" in held and "decide_cases" in held


def put_in_force(tx: Transaction, site: Site, subscription: Subscription, entry: Entry) -> None:
    """Decide what an entry says, in the name of whoever chose the list."""
    if subscription.created_by_id is None:
        raise NotFound
    permissions.set_domain_permission(
        tx, site, subscription.created_by_id, to_permission(entry, subscription.id, automated=True)
    )


def to_permission(
    entry: Entry, subscription_id: int | None, *, automated: bool = False
) -> DomainPermissionDraft:
    """An entry as what a server may do here."""
    return DomainPermissionDraft(
        domain=entry.domain,
        severity=entry.severity or "suspend",
        reject_media=entry.reject_media,
        reject_reports=entry.reject_reports,
        obfuscate=entry.obfuscate,
        public_comment=entry.public_comment,
        subscription_id=subscription_id,
        automated="partially" if automated else "not",
    )


def _managed(tx: Transaction, subscription_id: int) -> list[DomainPermission]:
    every = permissions.list_all_domain_permissions(tx)
    return [one for one in every if one.subscription_id == subscription_id]


# Servers that no list touches


def list_excludes(tx: Transaction) -> list[Any]:
    """The servers that no list touches, by name; rows with `domain` and `private_comment`."""
    return tx.all(_excludes)


def exclude(tx: Transaction, by_id: int, name: str, private_comment: str = "") -> str:
    """Let no list touch a server; its name as it is compared. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_federation")
    domain = to_domain(name)
    tx.run(_exclude, domain=domain, private_comment=private_comment.strip()[:500], created_at=tx.now)
    tx.run(_forget_drafts_on, wanted=domain)
    return domain


def include(tx: Transaction, by_id: int, name: str) -> None:
    """Let lists say something of a server again. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_federation")
    if not tx.run(_include, wanted=name):
        raise NotFound
