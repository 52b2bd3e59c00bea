"""What notices point at: addresses become rows of this site, where there are any."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, or_, select

from roseau.domain.moderation.notices.addresses import Address, clean_address, normalise_host, read_address
from roseau.domain.names import list_names
from roseau.domain.site import Site
from roseau.domain.statuses.visibility import visible
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement


class Named(msgspec.Struct, frozen=True):
    """What an item points at; `kind` as in `notice_items`. `subject` is what cases are joined by."""

    uri: str
    kind: str
    subject: str
    status_id: int | None = None
    #: The author of the status, or the account itself.
    account_id: int | None = None
    domain: str = ""
    #: Its author has taken it away.
    deleted: bool = False
    visibility: str = ""


class _Row(msgspec.Struct, frozen=True):
    id: int
    account_id: int
    visibility: str
    deleted_at: int | None
    uri: str
    reblog_of_id: int | None


_columns = (
    statuses.c.id,
    statuses.c.account_id,
    statuses.c.visibility,
    statuses.c.deleted_at,
    statuses.c.uri,
    statuses.c.reblog_of_id,
)
_by_id = statement(select(*_columns).where(one_of(statuses.c.id, "ids")), into=_Row)
_seen = statement(select(statuses.c.id).where(one_of(statuses.c.id, "ids"), visible(statuses)))
_by_uri = statement(select(*_columns).where(one_of(statuses.c.uri, "uris", "TEXT")), into=_Row)
_by_author = statement(
    select(*_columns).where(
        statuses.c.account_id == bindparam("author"), one_of(statuses.c.url, "uris", "TEXT")
    ),
    into=_Row,
)
_accounts_by_id = statement(select(accounts.c.id).where(one_of(accounts.c.id, "ids")))
_accounts_by_name = statement(
    select(accounts.c.id, accounts.c.username_key, accounts.c.domain).where(
        one_of(accounts.c.username_key, "names", "TEXT"), one_of(accounts.c.domain, "domains", "TEXT")
    )
)
_accounts_by_uri = statement(
    select(accounts.c.id, accounts.c.uri).where(one_of(accounts.c.uri, "uris", "TEXT"))
)
_media = statement(
    select(
        media_attachments.c.file,
        media_attachments.c.small_file,
        media_attachments.c.status_id,
        media_attachments.c.account_id,
    ).where(
        or_(
            one_of(media_attachments.c.file, "blobs", "TEXT"),
            one_of(media_attachments.c.small_file, "blobs", "TEXT"),
        )
    )
)
_avatars = statement(
    select(accounts.c.id, accounts.c.avatar, accounts.c.avatar_static, accounts.c.header,
           accounts.c.header_static)
    .where(
        or_(*(one_of(accounts.c[name], "blobs", "TEXT")
              for name in ("avatar", "avatar_static", "header", "header_static")))
    )
)  # fmt: skip


def list_hosts(tx: Transaction, site: Site) -> frozenset[str]:
    """Every name under which pages of this site are read, as `read_address` wants them."""
    names = [urlsplit(name.url).netloc or name.name for name in list_names(tx, site)]
    return frozenset(host for host in map(normalise_host, [site.domain, *names]) if host)


def resolve_uris(tx: Transaction, site: Site, uris: Sequence[str]) -> list[Named]:
    """What each address stands for, in order; `unknown` for what is not here. Also hidden and deleted things.

    A few statements in all, however many addresses there are.
    """
    hosts = list_hosts(tx, site)
    addresses = [read_address(uri, hosts) for uri in uris]
    look = _Look(tx, addresses)
    return [look.name(uri, address) for uri, address in zip(uris, addresses, strict=True)]


def resolve_statuses(tx: Transaction, ids: Iterable[int], viewer_id: int | None = None) -> list[Named]:
    """Statuses by id, in order, without those that are not there, or that the viewer, if any, may not see."""
    wanted = list(dict.fromkeys(ids))
    rows = {row.id: row for row in tx.all(_by_id, ids=wanted)} if wanted else {}
    if viewer_id is not None and rows:
        seen = set(tx.values(_seen, ids=wanted, viewer=viewer_id))
        rows = {status_id: row for status_id, row in rows.items() if status_id in seen}
    return [_of_status("", rows[status_id]) for status_id in wanted if status_id in rows]


def of_account(account_id: int, uri: str = "") -> Named:
    """The account itself."""
    return Named(uri, "account", f"account:{account_id}", account_id=account_id)


def _of_status(uri: str, row: _Row, kind: str = "status") -> Named:
    return Named(
        uri, kind, f"status:{row.id}", row.id, row.account_id,
        deleted=row.deleted_at is not None, visibility=row.visibility,
    )  # fmt: skip


def unknown(uri: str) -> Named:
    """Something that is not here; two notices of the same address are still about the same thing."""
    return Named(uri, "unknown", f"uri:{clean_address(uri)[:500]}")


class _Look:
    """The rows that a set of addresses may stand for, fetched kind by kind."""

    def __init__(self, tx: Transaction, addresses: list[Address]) -> None:
        self.tx = tx
        foreign = [uri for address in addresses if address.kind == "foreign" for uri in address.uris]
        self.media = self._find_media([a.name for a in addresses if a.kind == "media"])
        ids = [a.status_id for a in addresses if a.status_id] + [s for s, _ in self.media.values() if s]
        self.statuses = {row.id: row for row in tx.all(_by_id, ids=ids)} if ids else {}
        originals = [row.reblog_of_id for row in self.statuses.values() if row.reblog_of_id]
        if originals:
            self.statuses |= {row.id: row for row in tx.all(_by_id, ids=originals)}
        self.statuses_by_uri = {row.uri: row for row in tx.all(_by_uri, uris=foreign)} if foreign else {}
        self.accounts_by_uri: dict[str, int] = (
            {row.uri: row.id for row in tx.all(_accounts_by_uri, uris=foreign)} if foreign else {}
        )
        wanted = [a.account_id for a in addresses if a.account_id]
        self.accounts = set(tx.values(_accounts_by_id, ids=wanted)) if wanted else set()
        self.names = self._find_names([a for a in addresses if a.username])

    def _find_names(self, addresses: list[Address]) -> dict[tuple[str, str], int]:
        if not addresses:
            return {}
        names = list({address.username for address in addresses})
        domains = list({address.domain for address in addresses})
        rows = self.tx.all(_accounts_by_name, names=names, domains=domains)
        return {(row.username_key, row.domain): row.id for row in rows}

    def _find_media(self, blobs: list[str]) -> dict[str, tuple[int | None, int | None]]:
        """Blob -> the status and the account that show it."""
        if not blobs:
            return {}
        found: dict[str, tuple[int | None, int | None]] = {}
        for row in self.tx.all(_avatars, blobs=blobs):
            found |= dict.fromkeys(row[1:], (None, row.id))
        for row in self.tx.all(_media, blobs=blobs):
            for blob in (row.file, row.small_file):
                if found.get(blob, (None, None))[0] is None:
                    found[blob] = (row.status_id, row.account_id)
        return found

    def name(self, uri: str, address: Address) -> Named:
        match address.kind:
            case "status":
                row = self._original(address.status_id)
                return _of_status(uri, row) if row else unknown(uri)
            case "account":
                return self._account(uri, self.names.get((address.username, address.domain)))
            case "account_id":
                known = address.account_id in self.accounts
                return self._account(uri, address.account_id if known else None)
            case "media":
                status_id, account_id = self.media.get(address.name, (None, None))
                row = self._original(status_id)
                return _of_status(uri, row, "media") if row else self._account(uri, account_id)
            case "tag":
                return Named(uri, "tag", f"tag:{address.name}")
            case "domain":
                return Named(uri, "domain", f"domain:{address.domain}", domain=address.domain)
            case "foreign":
                return self._foreign(uri, address)
        return unknown(uri)

    def _original(self, status_id: int | None) -> _Row | None:
        """The status, or what it reblogs."""
        row: _Row | None = self.statuses.get(status_id or 0)
        return self.statuses.get(row.reblog_of_id, row) if row and row.reblog_of_id else row

    def _account(self, uri: str, account_id: int | None) -> Named:
        return unknown(uri) if account_id is None else of_account(account_id, uri)

    def _foreign(self, uri: str, address: Address) -> Named:
        for form in address.uris:
            if (row := self.statuses_by_uri.get(form)) is not None:
                return _of_status(uri, row)
            if (account_id := self.accounts_by_uri.get(form)) is not None:
                return of_account(account_id, uri)
        author = self.names.get((address.username, address.domain)) if address.username else None
        if author is None:
            return unknown(uri)
        if address.name == "profile":
            return of_account(author, uri)
        # The address of a page is not indexed, so only what its author wrote is looked through.
        row = self.tx.one(_by_author, author=author, uris=list(address.uris))
        return _of_status(uri, row) if row else unknown(uri)
