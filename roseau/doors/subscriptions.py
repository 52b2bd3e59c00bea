"""Fetching lists of servers that others keep: each day, through the guarded client, in bounded portions."""

import asyncio

import msgspec

from roseau.domain.moderation.servers import drafts, permissions, subscriptions
from roseau.domain.moderation.servers.formats import MAX_BYTES, Entry, Parsed, parse_list
from roseau.domain.moderation.servers.subscriptions import (
    EVERY,
    FetchJob,
    Plan,
    Subscription,
    SubscriptionDraft,
)
from roseau.domain.site import Site
from roseau.doors.server import Server
from roseau.kernel.errors import Invalid, NotFound, RoseauError, mark
from roseau.network.refusals import Refused, Unreachable
from roseau.storage.database import Transaction

#: Decisions in one transaction; others write in between.
PORTION = 10
#: A list that lost more than this share of its servers is taken for broken: what it lost is looked at first.
LOST_AT_MOST = 0.5
FEW = 10
_TYPES = ("text/csv", "text/plain", "application/json", "application/csv", "application/octet-stream")

NOT_THERE = mark("The address of the list did not answer as it should.")
NOT_ALLOWED = mark("The list may not be fetched from this address, or is larger than 5 MB.")
NOTHING_READ = mark("Nothing in this list reads as the name of a server. Is it of this format?")


class Unchanged(Exception):
    """The list is as it was when it was last fetched."""


class Fetched(msgspec.Struct, frozen=True):
    """A list as it is now."""

    parsed: Parsed
    etag: str


async def fetch(server: Server, draft: SubscriptionDraft, etag: str = "") -> Fetched:
    """Fetch a list and read it. Raises Invalid with the reason, Unchanged."""
    headers = {"If-None-Match": etag} if etag else {}
    try:
        answer = await server.client.get(draft.uri, headers=headers, accept=_TYPES, max_bytes=MAX_BYTES)
    except Refused as refused:
        raise Invalid(NOT_ALLOWED) from refused
    except Unreachable as unreachable:
        raise Invalid(NOT_THERE) from unreachable
    if answer.status == 304 and etag:
        raise Unchanged
    if answer.status != 200:
        raise Invalid(NOT_THERE)
    parsed = await asyncio.to_thread(parse_list, answer.body, draft.content_type)
    if not parsed.entries:
        raise Invalid(NOTHING_READ)
    return Fetched(parsed, answer.headers.get("etag", ""))


async def preview(server: Server, draft: SubscriptionDraft) -> tuple[Parsed, Plan]:
    """What would follow from a list, before it is followed. Raises Invalid."""
    subscriptions.check_draft(draft)
    fetched = await fetch(server, draft)
    found = await server.database.scan(subscriptions.plan, server.site, fetched.parsed.entries, draft)
    return fetched.parsed, found


async def fetch_domain_list(server: Server, payload: bytes) -> None:
    """The job: fetch a list, do what follows, and plan the next time."""
    database = server.database
    subscription_id = msgspec.json.decode(payload, type=FetchJob).subscription_id
    try:
        subscription = await database.read(subscriptions.find_subscription, subscription_id)
    except NotFound:
        return
    await database.write(lambda tx: subscriptions.plan_fetch(tx, subscription_id, tx.now + EVERY))
    draft = to_draft(subscription)
    try:
        fetched = await fetch(server, draft, subscription.etag)
        await take_in(server, subscription, fetched.parsed.entries)
    except Unchanged:
        await database.write(subscriptions.note_unchanged, subscription_id)
    except RoseauError as error:
        await database.write(subscriptions.note_failure, subscription_id, error.msgid)
    else:
        count = len(fetched.parsed.entries)
        await database.write(subscriptions.keep_answer, subscription_id, fetched.etag, count)


def to_draft(subscription: Subscription) -> SubscriptionDraft:
    """The settings of a list that is followed."""
    return SubscriptionDraft(
        **{name: getattr(subscription, name) for name in SubscriptionDraft.__struct_fields__}
    )


async def take_in(server: Server, subscription: Subscription, entries: tuple[Entry, ...]) -> Plan:
    """Do what follows from a list, in portions: lay it on the desk, or decide it where that was chosen."""
    database, site = server.database, server.site
    found = await database.scan(subscriptions.plan, site, entries, to_draft(subscription), subscription.id)
    named = {entry.domain for entry in entries}
    await database.write(drafts.drop_stale, subscription.id, named)
    wanted = [*found.add, *found.change, *found.adopt]
    for start in range(0, len(wanted), PORTION):
        await database.write(_take_entries, site, subscription.id, wanted[start : start + PORTION])
    shrunk = len(found.retract) > max(FEW, LOST_AT_MOST * subscription.count)
    for start in range(0, len(found.retract), PORTION):
        portion = found.retract[start : start + PORTION]
        await database.write(_take_back, site, subscription.id, portion, shrunk)
    return found


def _take_entries(tx: Transaction, site: Site, subscription_id: int, wanted: list[Entry]) -> None:
    subscription = subscriptions.find_subscription(tx, subscription_id)
    decided = not subscription.as_draft and subscriptions.may_act(tx, subscription)
    for entry in wanted:
        if decided:
            subscriptions.put_in_force(tx, site, subscription, entry)
        else:
            drafts.put_draft(tx, subscription_id, entry)


def _take_back(tx: Transaction, site: Site, subscription_id: int, domains: list[str], shrunk: bool) -> None:
    subscription = subscriptions.find_subscription(tx, subscription_id)
    by_id = subscription.created_by_id
    decided = not subscription.as_draft and not shrunk and subscriptions.may_act(tx, subscription)
    for domain in domains:
        present = permissions.find_permission_of(tx, domain)
        if present is None:
            continue
        if not subscription.remove_retracted:
            permissions.let_go(tx, domain)
        elif decided and by_id is not None:
            permissions.lift_domain_permission(tx, site, by_id, domain)
        else:
            drafts.put_draft(tx, subscription_id, Entry(domain, present.severity), "retract")
