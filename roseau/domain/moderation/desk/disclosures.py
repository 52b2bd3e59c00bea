"""The pack for an authority where life is in danger or a court asks (DSA art. 18, 10): content, account.

It holds what this server has and nothing that it would have to collect: addresses of networks are not kept.
Every pack that is made is written down as a look at evidence.
"""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import func, select

from roseau.domain.moderation import log
from roseau.domain.moderation.desk.documents import Document, to_pdf
from roseau.domain.moderation.desk.orders import Order, load_order
from roseau.domain.moderation.desk.reading import load_items
from roseau.domain.moderation.notices.snapshots import Content, open_snapshot
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site, load_choices
from roseau.kernel import clock, ids
from roseau.kernel.errors import Gone, Invalid, mark
from roseau.kernel.i18n import format_moment, translations
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, sessions, users
from roseau.storage.schema.notices import evidence_looks, notice_items
from roseau.storage.statements import insertion, one_of, statement

#: In one pack; what concerns more people is asked for in parts.
MOST_ITEMS: Final = 50


class AccountData(msgspec.Struct, frozen=True):
    """What the server knows of an account. The fields are the columns, in order; times are milliseconds."""

    id: int
    username: str
    domain: str
    display_name: str
    uri: str
    created_at: int
    mail_address: str | None
    locale: str | None
    last_sign_in_at: int | None
    last_active_at: int | None
    last_status_at: int | None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was named, as it looked when the order came."""

    number: int
    address_given: str
    address_here: str
    state: str
    sha256: str
    kept_at: str
    content: Content | None
    #: Why the content is not here; empty when it is.
    missing: str = ""


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is in the pack."""

    format: str = "roseau-disclosure/1"
    site: str
    operator: str
    contact: str
    authority: str
    reference: str
    legal_basis: str
    received_at: str
    made_at: str
    time_zone: str = "UTC"
    network_addresses: str = "none are kept"
    items: list[Evidence]
    accounts: list[dict[str, Any]]


class DisclosurePack(msgspec.Struct, frozen=True):
    """The pack as a ZIP file of JSON and PDF, and the SHA-256 of the ZIP file."""

    name: str
    archive: bytes
    sha256: str


_snapshots = statement(
    select(notice_items.c.id, notice_items.c.snapshot_id).where(one_of(notice_items.c.id, "ids"))
)
_accounts = statement(
    select(
        accounts.c.id, accounts.c.username, accounts.c.domain, accounts.c.display_name, accounts.c.uri,
        accounts.c.created_at, users.c.email, users.c.locale,
        select(func.max(sessions.c.created_at))
        .where(sessions.c.account_id == accounts.c.id)
        .scalar_subquery()
        .label("last_sign_in_at"),
        select(func.max(sessions.c.last_used_at))
        .where(sessions.c.account_id == accounts.c.id)
        .scalar_subquery()
        .label("last_active_at"),
        accounts.c.last_status_at,
    )
    .select_from(accounts.outerjoin(users, users.c.account_id == accounts.c.id))
    .where(one_of(accounts.c.id, "ids"))
)  # fmt: skip
_look = insertion(evidence_looks, "id account_id case_id snapshot_id detail at")


def gather_disclosure(
    tx: Transaction, site: Site, viewer_id: int, order_id: int, item_ids: Sequence[int]
) -> Disclosure:
    """What the pack of an order holds; each look is written down. Raises Forbidden, NotFound, Invalid."""
    require(tx, viewer_id, "open_evidence")
    order = load_order(tx, viewer_id, order_id)
    if order.case_id is None or not 0 < len(item_ids) <= MOST_ITEMS:
        raise Invalid("Choose what the pack is about: between 1 and 50 items.")
    chosen = [item for item in load_items(tx, site, order.notice_id) if item.id in set(item_ids)]
    snapshot_ids = {row.id: row.snapshot_id for row in tx.all(_snapshots, ids=list(item_ids))}
    people = sorted({item.account_id for item in chosen if item.account_id is not None})
    choices = load_choices(tx)
    found = Disclosure(
        site=site.base_url,
        operator=choices.operator or choices.title,
        contact=choices.contact_authorities or choices.contact_email,
        authority=order.authority,
        reference=order.reference,
        legal_basis=order.legal_basis,
        received_at=clock.to_iso(order.received_at),
        made_at=clock.to_iso(tx.now),
        items=[
            Evidence(
                number=item.number,
                address_given=item.uri,
                address_here=item.resolved,
                state=item.state,
                sha256=item.content_hash,
                kept_at=clock.to_iso(item.kept_at) if item.kept_at else "",
                **_open(tx, site, viewer_id, order, snapshot_ids.get(item.id)),
            )
            for item in chosen
        ],
        accounts=[_to_account(AccountData(*row)) for row in tx.all(_accounts, ids=people)],
    )
    for person in people:
        tx.run(
            _look, id=ids.new_id(), account_id=viewer_id, case_id=order.case_id, snapshot_id=None,
            detail=f"account:{person}", at=tx.now,
        )  # fmt: skip
    viewer = log.pseudonym(site, viewer_id)
    log.append(
        tx,
        "disclosure",
        {"case": order.case_number, "viewer": viewer, "items": len(chosen), "accounts": len(people)},
    )
    return found


def _open(
    tx: Transaction, site: Site, viewer_id: int, order: Order, snapshot_id: int | None
) -> dict[str, Any]:
    if snapshot_id is None or order.case_id is None:
        return {"content": None, "missing": "not on this server"}
    try:
        opened = open_snapshot(tx, site, viewer_id, snapshot_id, order.case_id, "disclosure")
    except Gone as gone:
        return {"content": None, "missing": str(gone)}
    return {"content": opened.content}


def _to_account(data: AccountData) -> dict[str, Any]:
    """The data of an account with its times written out."""
    said = msgspec.to_builtins(data)
    for name in ("created_at", "last_sign_in_at", "last_active_at", "last_status_at"):
        said[name] = clock.to_iso(said[name]) if said[name] else None
    said["id"] = str(data.id)
    return dict(said)


def make_disclosure(found: Disclosure, language: str) -> DisclosurePack:
    """Write the pack: JSON for machines, PDF for people, each with its hash. Not for the event loop."""
    data = msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=2)
    digest = hashlib.sha256(data).hexdigest()
    document = _write_document(found, language, digest)
    file = io.BytesIO()
    moment = clock.to_datetime(clock.from_iso(found.made_at))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("disclosure.json", data), ("disclosure.pdf", document)):
            info = zipfile.ZipInfo(name, moment.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
    whole = file.getvalue()
    return DisclosurePack(f"disclosure-{found.made_at[:10]}", whole, hashlib.sha256(whole).hexdigest())


def _write_document(found: Disclosure, language: str, digest: str) -> bytes:
    say = translations(language).gettext
    made = format_moment(language, clock.from_iso(found.made_at))
    paragraphs = [
        f"{found.operator}\n{found.site}\n{found.contact}",
        say(mark("To: %(authority)s")) % {"authority": found.authority},
        say(mark("Reference: %(reference)s")) % {"reference": found.reference or "-"},
        say(mark("Legal basis: %(law)s")) % {"law": found.legal_basis or "-"},
        say(mark("All times are in UTC. This server keeps no network addresses of its members.")),
    ]
    for account in found.accounts:
        paragraphs.append(
            "\n".join(f"{name}: {value}" for name, value in account.items() if value is not None)
        )
    rows = []
    for item in found.items:
        status = item.content.status if item.content else None
        account_said = item.content.account.note if item.content and item.content.account else ""
        written = clock.to_iso(status.created_at) if status else ""
        text = (f"{status.spoiler}\n" if status and status.spoiler else "") + (
            status.text if status else account_said
        )
        media = "".join(f"\n[{media.kind} {media.sha256}]" for media in (status.media if status else ()))
        rows.append(
            (
                str(item.number),
                item.address_given or item.address_here,
                written,
                (text or item.missing) + media,
                item.sha256,
            )
        )
    head = (mark("No."), mark("Address"), mark("Written"), mark("Content"), "SHA-256")
    return to_pdf(
        Document(
            language=language,
            title=say(mark("Data for an authority")),
            paragraphs=paragraphs,
            head=[say(column) for column in head],
            rows=rows,
            widths=(4, 24, 13, 42, 17),
            footer=say(mark("Made on %(moment)s. The JSON file has the SHA-256 %(hash)s."))
            % {"moment": made, "hash": digest},
        )
    )
