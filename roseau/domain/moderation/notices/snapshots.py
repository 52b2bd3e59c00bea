"""Snapshots: how a thing looked when a notice of it came, sealed: evidence outlives edits and deletions.

The content is canonical JSON (keys sorted, no spaces, UTF-8) and is known by its SHA-256: the same state is
kept once. It is sealed under the site's data key, or under an evidence key where it has to be preserved.
"""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select, update

from roseau.domain.accounts.loading import Account, AccountView, load_account
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.access import is_handed_to, require_look
from roseau.domain.moderation.cases.sight import list_around, load_for_moderation
from roseau.domain.moderation.evidence import open_evidence
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView
from roseau.kernel import ids, keys
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.evidence_keys import EvidenceKey
from roseau.storage.schema.cases import appeals, cases, decisions
from roseau.storage.schema.notices import evidence_looks, notice_items, snapshots
from roseau.storage.statements import insertion, statement, upsert


class KeptAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it described itself."""

    id: int
    acct: str
    uri: str
    name: str
    note: str
    avatar: str = ""
    header: str = ""
    followers: int | None = None
    statuses: int | None = None


class KeptMedia(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment; the name of a blob begins with the SHA-256 of its bytes."""

    id: int
    kind: str
    blob: str
    small_blob: str
    description: str
    sha256: str


class KeptOption(msgspec.Struct, frozen=True):
    """An answer of a poll."""

    title: str
    votes: int


class KeptStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A status with everything that a reader saw of it."""

    id: int
    uri: str
    author: KeptAccount
    text: str
    content_type: str
    content: str
    spoiler: str
    sensitive: bool
    language: str
    visibility: str
    created_at: int
    edited_at: int | None
    media: tuple[KeptMedia, ...] = ()
    poll: tuple[KeptOption, ...] = ()
    replies: int = 0
    reblogs: int = 0
    favourites: int = 0


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds: a status with the public thread around it, or an account."""

    status: KeptStatus | None = None
    above: tuple[KeptStatus, ...] = ()
    below: tuple[KeptStatus, ...] = ()
    account: KeptAccount | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot that was opened."""

    id: int
    hash: str
    taken_at: int
    content: Content


_encoder = msgspec.json.Encoder(order="sorted")
_by_hash = statement(
    select(snapshots.c.id, snapshots.c.erased_at).where(snapshots.c.hash == bindparam("digest"))
)
_add = statement(
    upsert(snapshots)
    .values(
        {
            name: bindparam(name)
            for name in ("id", "hash", "status_id", "account_id", "content", "key_id", "media", "taken_at")
        }
    )
    .on_conflict_do_nothing()
)
_again = statement(
    update(snapshots)
    .where(snapshots.c.id == bindparam("wanted"))
    .values(
        content=bindparam("sealed"), key_id=bindparam("new_key_id"), media=bindparam("blobs"),
        taken_at=bindparam("at"),
        erased_at=None,
    )
)  # fmt: skip
_sealed = statement(
    select(
        snapshots.c.id, snapshots.c.hash, snapshots.c.content, snapshots.c.key_id, snapshots.c.taken_at,
        snapshots.c.erased_at, cases.c.lane, cases.c.number,
    )
    .select_from(
        snapshots.join(notice_items, notice_items.c.snapshot_id == snapshots.c.id).join(
            cases, cases.c.id == bindparam("case")
        )
    )
    # The case itself has it, or the one that was decided and is appealed against in this one.
    .where(
        snapshots.c.id == bindparam("wanted"),
        or_(
            notice_items.c.case_id == cases.c.id,
            notice_items.c.case_id.in_(
                select(decisions.c.case_id)
                .select_from(appeals.join(decisions, decisions.c.id == appeals.c.decision_id))
                .where(appeals.c.case_id == bindparam("case"))
            ),
        ),
    )
    .limit(1)
)  # fmt: skip
_of_case = statement(
    select(notice_items.c.snapshot_id)
    .distinct()
    .select_from(notice_items.join(snapshots, snapshots.c.id == notice_items.c.snapshot_id))
    .where(notice_items.c.case_id == bindparam("case"), snapshots.c.erased_at.is_(None))
    .order_by(notice_items.c.snapshot_id)
)
_look = insertion(evidence_looks, "id account_id case_id snapshot_id detail at")


def take_snapshot(
    tx: Transaction,
    site: Site,
    *,
    status_id: int | None = None,
    account_id: int | None = None,
    key: EvidenceKey | None = None,
) -> int:
    """Keep how a status (with its thread) or an account looks now; the snapshot's id. Raises NotFound.

    `key`: the evidence key of a case that is preserved from its beginning.
    """
    content = _content(tx, status_id, account_id)
    encoded = _encoder.encode(content)
    digest = hashlib.sha256(encoded).hexdigest()
    sealed = keys.seal(key.key if key else site.data_key, name_of(digest), encoded)
    key_id = key.id if key else ""
    media = msgspec.json.encode(_blobs(content)).decode()
    tx.run(
        _add, id=ids.new_id(), hash=digest, status_id=status_id, account_id=None if status_id else account_id,
        content=sealed, key_id=key_id, media=media, taken_at=tx.now,
    )  # fmt: skip
    row: Any = tx.one(_by_hash, digest=digest)
    if row.erased_at is not None:
        tx.run(_again, wanted=row.id, sealed=sealed, new_key_id=key_id, blobs=media, at=tx.now)
    return int(row.id)


def open_snapshot(
    tx: Transaction, site: Site, viewer_id: int, snapshot_id: int, case_id: int, detail: str = ""
) -> Snapshot:
    """Open a snapshot for a case that it belongs to, and write the look down; `detail`: what was uncovered.

    Raises Forbidden to those who may not, NotFound where the case has none such, Gone once it is erased.
    """
    require_look(tx, case_id, viewer_id)
    row = tx.one(_sealed, wanted=snapshot_id, case=case_id)
    if row is None:
        raise NotFound
    if (row.key_id or row.lane == "S0") and not is_handed_to(tx, case_id, viewer_id):
        require(tx, viewer_id, "open_evidence")
    encoded = open_evidence(tx, site, name_of(row.hash), row.content, row.key_id)
    tx.run(
        _look, id=ids.new_id(), account_id=viewer_id, case_id=case_id, snapshot_id=snapshot_id, detail=detail,
        at=tx.now,
    )  # fmt: skip
    viewer = log.pseudonym(site, viewer_id)
    log.append(tx, "look", {"case": row.number, "viewer": viewer, "preserved": bool(row.key_id)})
    return Snapshot(id=row.id, hash=row.hash, taken_at=row.taken_at, content=read_content(encoded))


def open_snapshots(
    tx: Transaction, site: Site, viewer_id: int, case_id: int, decided_case_id: int
) -> list[Snapshot]:
    """Open everything that was kept for the case that was decided, for an appeal in `case_id`; as above."""
    kept = tx.values(_of_case, case=decided_case_id)
    return [open_snapshot(tx, site, viewer_id, snapshot_id, case_id) for snapshot_id in kept]


def name_of(digest: str) -> str:
    """The name under which a snapshot's content is sealed."""
    return f"snapshot {digest}"


def read_content(encoded: bytes) -> Content:
    """What was sealed, as it was."""
    return msgspec.json.decode(encoded, type=Content)


def _content(tx: Transaction, status_id: int | None, account_id: int | None) -> Content:
    if status_id is None:
        view = None if account_id is None else load_account(tx, account_id)
        if view is None:
            raise NotFound
        return Content(account=_account_with_counts(view))
    above, below = list_around(tx, status_id)
    views = load_for_moderation(tx, [status_id, *above, *below])
    if status_id not in views:
        raise NotFound
    return Content(
        status=_status(views[status_id]),
        above=tuple(_status(views[near]) for near in above if near in views),
        below=tuple(_status(views[near]) for near in below if near in views),
    )


def _account(account: Account) -> KeptAccount:
    return KeptAccount(
        id=account.id, acct=account.acct, uri=account.uri, name=account.display_name, note=account.note,
        avatar=account.avatar, header=account.header,
    )  # fmt: skip


def _account_with_counts(view: AccountView) -> KeptAccount:
    return msgspec.structs.replace(
        _account(view.account), followers=view.followers_count, statuses=view.statuses_count
    )


def _status(view: StatusView) -> KeptStatus:
    status = view.status
    return KeptStatus(
        id=status.id, uri=status.uri, author=_account(view.author.account), text=status.text,
        content_type=status.content_type, content=status.content, spoiler=status.spoiler_text,
        sensitive=status.sensitive, language=status.language or "", visibility=status.visibility,
        created_at=status.created_at, edited_at=status.edited_at,
        media=tuple(
            KeptMedia(
                id=media.id, kind=media.kind, blob=media.file, small_blob=media.small_file,
                description=media.description or "", sha256=media.file.partition(".")[0],
            )
            for media in status.media
        ),
        poll=tuple(KeptOption(option.title, option.votes_count) for option in view.poll.options)
        if view.poll
        else (),
        replies=view.replies_count, reblogs=view.reblogs_count, favourites=view.favourites_count,
    )  # fmt: skip


def _blobs(content: Content) -> list[str]:
    """The blobs of what was reported; those of the thread around it are others' and go when they go."""
    found: list[str] = []
    if content.status:
        found = [blob for media in content.status.media for blob in (media.blob, media.small_blob)]
    elif content.account:
        found = [content.account.avatar, content.account.header]
    return sorted({blob for blob in found if blob})
