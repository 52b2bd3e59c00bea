"""Reports of other servers (ActivityPub's Flag), as federation hands them over: nothing in them is believed.

What they name that is not of this site is left out, and so is who sent them, for everybody but the team.
All flags of one server are one source: it is counted once, slowed down, and can be paused. No letter answers
them; what became of one stands in its notice, for federation to tell.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, bindparam, exists, literal, or_, select

from roseau.domain.moderation.notices.addresses import normalise_host
from roseau.domain.moderation.notices.drafts import MAX_URL, MAX_URLS, Filed, NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.notices.resolving import Named, list_hosts, resolve_uris
from roseau.domain.policy import domain_rule
from roseau.domain.site import Site
from roseau.kernel.errors import Forbidden
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.statuses import mentions, statuses
from roseau.storage.statements import one_of, statement

#: So much of a list of objects is looked at, and so much of a comment is kept.
LOOKED_AT = 10_000
MAX_CONTENT = 5_000

_actor = statement(
    select(accounts.c.domain, accounts.c.suspended_at, accounts.c.deleted_at).where(
        accounts.c.id == bindparam("actor")
    )
)
_reached = or_(
    exists(
        select(literal(1))
        .select_from(mentions.join(accounts, accounts.c.id == mentions.c.account_id))
        .where(mentions.c.status_id == statuses.c.id, accounts.c.domain == bindparam("domain"))
    ),
    and_(
        statuses.c.visibility == "private",
        exists(
            select(literal(1))
            .select_from(follows.join(accounts, accounts.c.id == follows.c.account_id))
            .where(follows.c.target_id == statuses.c.account_id, accounts.c.domain == bindparam("domain"))
        ),
    ),
)
_read_there = statement(select(statuses.c.id).where(one_of(statuses.c.id, "ids"), _reached))
_local = statement(select(accounts.c.id).where(one_of(accounts.c.id, "ids"), accounts.c.domain == ""))


def file_flag(
    tx: Transaction, site: Site, actor_account_id: int, object_uris: Any, content: Any
) -> Filed | None:
    """Take in what another server reports: its actor, what the activity names, its comment, as they came.

    None where there is nothing to take in: nothing of this site is named, or nothing is heard from there.
    """
    actor: Any = tx.one(_actor, actor=actor_account_id)
    if actor is None or not actor.domain or actor.suspended_at or actor.deleted_at:
        return None
    rule = domain_rule(tx, actor.domain)
    if rule is not None and (rule.reject_reports or rule.severity == "suspend"):
        return None
    named = _name(tx, site, object_uris, actor.domain)
    if not named:
        return None
    authors = {one.account_id for one in named}
    posts = tuple(one.uri for one in named if one.status_id is not None)
    draft = NoticeDraft(
        channel="ap_flag",
        comment=content[:MAX_CONTENT] if isinstance(content, str) else "",
        account_id=actor_account_id,
        target_account_id=authors.pop() if len(authors) == 1 else None,
        # The account comes along with its posts: the case is about those.
        uris=posts or tuple(one.uri for one in named),
        source=actor.domain,
    )
    try:
        return file_notice(tx, site, draft)
    except Forbidden:
        return None


def _name(tx: Transaction, site: Site, given: Any, domain: str) -> list[Named]:
    """What of this site's own the objects name; each once, and no more than a notice may name.

    Of what was written to some people alone, only what somebody of that server could read.
    """
    objects: Iterable[Any] = given if isinstance(given, list | tuple) else (given,)
    hosts = list_hosts(tx, site)
    wanted: dict[str, None] = {}
    for one in islice(objects, LOOKED_AT):
        uri = one.get("id") if isinstance(one, dict) else one
        if isinstance(uri, str) and len(uri) <= MAX_URL and _host_of(uri) in hosts:
            wanted[uri] = None
        if len(wanted) == MAX_URLS:
            break
    found = [one for one in resolve_uris(tx, site, list(wanted)) if one.account_id is not None]
    own = set(tx.values(_local, ids=list({one.account_id for one in found})))
    closed = [one.status_id for one in found if one.visibility in ("private", "direct")]
    read_there = set(tx.values(_read_there, ids=closed, domain=domain)) if closed else set()
    return [
        one
        for one in found
        if one.account_id in own and (one.status_id not in closed or one.status_id in read_there)
    ]


def _host_of(uri: str) -> str:
    try:
        return normalise_host(urlsplit(uri).netloc)
    except ValueError:
        return ""
