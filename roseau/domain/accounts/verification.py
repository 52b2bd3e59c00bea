"""Links of a profile, verified: the page that a field names links back to the profile with `rel="me"`.

https://microformats.org/wiki/rel-me; only a field that is nothing but an address can be verified.
"""

import asyncio
import html
import re
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.loading import Field
from roseau.domain.events import AccountUpdated
from roseau.domain.site import Site
from roseau.network.client import GuardedClient
from roseau.network.refusals import Refused
from roseau.storage.database import Database, Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import accounts
from roseau.storage.statements import statement

KIND = "verify_link"
MAX_PAGE = 512 * 1024

_ADDRESS = re.compile(r"https?://[^\s@/]+(?:/\S*)?\Z")

# What a browser would not show as a link: whatever is said inside is a page's data, not the page speaking.
_UNREAD = (
    r"<!--.*?(?:-->|\Z)|<(script|style|textarea|template|title|xmp|iframe|noembed|noframes)\b.*?(?:</\1|\Z)"
)
# The bounds keep a hostile page from being read over and over.
_VALUES = r"""((?:[^<>"']++|"[^"]{0,2000}+"|'[^']{0,2000}+'){0,60}+)"""
_TAG = re.compile(rf"{_UNREAD}|<([a-z][a-z0-9-]*+){_VALUES}>", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


class VerifyLink(msgspec.Struct, frozen=True):
    """Payload of the job: look whether `url` links back to the account."""

    account_id: int
    url: str


_profile = statement(
    select(accounts.c.username, accounts.c.uri, accounts.c.fields).where(
        accounts.c.id == bindparam("account"),
        accounts.c.domain == "",
        accounts.c.deleted_at.is_(None),
        accounts.c.suspended_at.is_(None),
    )
)
_locked = statement(
    select(accounts.c.fields).where(accounts.c.id == bindparam("account")).with_for_update(key_share=True)
)
_mark = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(fields=bindparam("fields"), version=accounts.c.version + 1)
)


def plan_verification(tx: Transaction, account_id: int, fields: Iterable[Field]) -> None:
    """Have the links among these fields looked at, also those that were verified before."""
    for url in dict.fromkeys(field.value for field in fields if _ADDRESS.match(field.value)):
        add_job(tx, KIND, VerifyLink(account_id, url))


async def verify_link(database: Database, client: GuardedClient, site: Site, payload: bytes) -> None:
    """The job: fetch the page, and mark the field by what it says. Raises Unreachable, to be tried again."""
    job = msgspec.json.decode(payload, type=VerifyLink)
    row = await database.read(_find_profile, job.account_id)
    if row is None or job.url not in {field.value for field in _decode(row.fields)}:
        return
    ours = (f"{site.base_url}/@{row.username}", row.uri)
    try:
        answer = await client.get(
            job.url, accept=("text/html", "application/xhtml+xml"), max_bytes=MAX_PAGE, truncate=True
        )
    except Refused:
        linked = False
    else:
        page = answer.body.decode("utf-8", "replace") if answer.status == 200 else ""
        linked = await asyncio.to_thread(links_back, page, ours)
    await database.write(mark_link, job.account_id, job.url, linked)


def _find_profile(tx: Transaction, account_id: int) -> Any:
    return tx.one(_profile, account=account_id)


def _decode(fields: str) -> list[Field]:
    return msgspec.json.decode(fields, type=list[Field])


def links_back(page: str, addresses: Iterable[str]) -> bool:
    """Whether an HTML page links to one of the addresses with `rel="me"`."""
    wanted = {_plain(address) for address in addresses}
    for match in _TAG.finditer(page):
        if (match[2] or "").lower() not in ("a", "link"):
            continue
        attributes: dict[str, str] = {}
        for name, *values in _ATTRIBUTE.findall(match[3]):
            attributes.setdefault(name.lower(), html.unescape("".join(values)))
        if "me" in attributes.get("rel", "").lower().split() and _plain(attributes.get("href", "")) in wanted:
            return True
    return False


def _plain(address: str) -> str:
    return address.strip().rstrip("/").lower()


def mark_link(tx: Transaction, account_id: int, url: str, linked: bool) -> None:
    """Keep what was found out; a link that held before keeps the moment it was first verified."""
    fields = _decode(tx.value(_locked, account=account_id) or "[]")
    changed = False
    for field in fields:
        if field.value == url and linked != (field.verified_at is not None):
            field.verified_at = tx.now if linked else None
            changed = True
    if changed:
        tx.run(_mark, account=account_id, fields=msgspec.json.encode(fields).decode())
        tx.emit(AccountUpdated(account_id))
