"""From an event to those who listen: what is new, on which channels, and from whom it is kept.

A channel has the name that Mastodon's API gives it. Only open channels are asked about, all in one
statement: a thousand open home timelines cost one question, not a thousand.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, exists, literal, not_, or_, select, union

from roseau.domain.events import (
    ConversationUpdated,
    Happened,
    Notified,
    StatusCovered,
    StatusDeleted,
    StatusEdited,
    StatusFannedOut,
    StatusHidden,
    StatusPosted,
)
from roseau.domain.relationships.hiding import hidden
from roseau.domain.statuses.visibility import visible
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.relationships import blocks, domain_blocks, follows, mutes
from roseau.storage.schema.statuses import mentions, status_tags, statuses, tags
from roseau.storage.schema.timelines import home_entries, list_accounts, lists
from roseau.storage.statements import one_of, statement


class Channel(NamedTuple):
    """What can be listened to. `key` is a member's or list's id, or a hashtag's folded name.

    Names: user, user:notification and direct (key: the member), list (the list), hashtag and
    hashtag:local (the tag), public, public:local, public:remote, each also with `:media`.
    """

    name: str
    key: int | str = 0


class Signal:
    """Something new: `kind` is Mastodon's name of the event, `subject_id` what it is about.

    Load the subject as `viewer_id`, who may see it as everyone on these channels may. `made` is for
    what listeners make of the signal and share.
    """

    __slots__ = ("channels", "hidden_from", "kind", "made", "seq", "subject_id", "viewer_id")

    def __init__(
        self,
        seq: int,
        kind: str,
        subject_id: int,
        viewer_id: int,
        channels: Iterable[Channel],
        hidden_from: Collection[int] = (),
    ) -> None:
        self.seq = seq
        self.kind = kind
        self.subject_id = subject_id
        self.viewer_id = viewer_id
        self.channels = tuple(channels)
        self.hidden_from = frozenset(hidden_from)
        self.made: dict[str, Any] = {}


class Audience(NamedTuple):
    """The open channels by name, and the members behind them."""

    open: Mapping[str, Collection[Any]]
    members: Collection[int]

    def keys(self, name: str) -> list[Any]:
        """The keys of the open channels of that name."""
        return list(self.open.get(name, ()))


_status: ColumnElement[int] = bindparam("status", type_=statuses.c.id.type)
_now: ColumnElement[int] = bindparam("now", type_=statuses.c.created_at.type)
_facts = statement(
    select(
        statuses.c.account_id,
        statuses.c.visibility,
        statuses.c.local,
        statuses.c.reblog_of_id,
        statuses.c.in_reply_to_account_id,
        accounts.c.limited_at,
        accounts.c.domain,
        and_(statuses.c.deleted_at.is_(None), statuses.c.hidden_at.is_(None)).label("standing"),
        exists(select(literal(1)).where(media_attachments.c.status_id == statuses.c.id)).label("media"),
    )
    .join(accounts, accounts.c.id == statuses.c.account_id)
    .where(statuses.c.id == _status)
)
_tags = statement(
    select(tags.c.name)
    .join(status_tags, status_tags.c.tag_id == tags.c.id)
    .where(status_tags.c.status_id == _status)
)
_hiding = statement(
    union(
        select(mutes.c.account_id).where(
            mutes.c.target_id == bindparam("author"),
            one_of(mutes.c.account_id, "members"),
            or_(mutes.c.expires_at.is_(None), mutes.c.expires_at > _now),
        ),
        select(blocks.c.account_id).where(
            blocks.c.target_id == bindparam("author"), one_of(blocks.c.account_id, "members")
        ),
        select(blocks.c.target_id).where(
            blocks.c.account_id == bindparam("author"), one_of(blocks.c.target_id, "members")
        ),
        select(domain_blocks.c.account_id).where(
            domain_blocks.c.domain == bindparam("domain"), one_of(domain_blocks.c.account_id, "members")
        ),
    )
)


_h = home_entries
_entry = statuses.alias("entry")
_target = statuses.alias("target")
_replied = list_accounts.alias("replied")
_own = lists.alias("own")
_on_own = list_accounts.alias("on_own")
_entries = _h.join(_entry, _entry.c.id == _h.c.status_id).outerjoin(
    _target, _target.c.id == _h.c.reblog_of_id
)
_readable = and_(
    _h.c.status_id == _status,
    visible(_entry, _h.c.account_id),
    not_(hidden(_h.c.author_id, _h.c.account_id)),
    or_(
        _h.c.reblog_of_id.is_(None),
        and_(visible(_target, _h.c.account_id), not_(hidden(_target.c.account_id, _h.c.account_id))),
    ),
)
_on_exclusive_list = exists(
    select(literal(1))
    .select_from(_on_own.join(_own, _own.c.id == _on_own.c.list_id))
    .where(_own.c.account_id == _h.c.account_id, _own.c.exclusive, _on_own.c.account_id == _h.c.author_id)
)
_homes = statement(
    select(_h.c.account_id)
    .select_from(_entries)
    .where(one_of(_h.c.account_id, "members"), _readable, not_(_on_exclusive_list))
)
_reply_wanted = or_(
    _entry.c.in_reply_to_account_id.is_(None),
    _entry.c.in_reply_to_account_id == _entry.c.account_id,
    lists.c.replies_policy == "followed",
    and_(
        lists.c.replies_policy == "list",
        or_(
            _entry.c.in_reply_to_account_id == lists.c.account_id,
            exists(
                select(literal(1)).where(
                    _replied.c.list_id == lists.c.id, _replied.c.account_id == _entry.c.in_reply_to_account_id
                )
            ),
        ),
    ),
)
_lists = statement(
    select(lists.c.id)
    .select_from(
        lists.join(list_accounts, list_accounts.c.list_id == lists.c.id)
        .join(_h, and_(_h.c.account_id == lists.c.account_id, _h.c.author_id == list_accounts.c.account_id))
        .join(_entry, _entry.c.id == _h.c.status_id)
        .outerjoin(_target, _target.c.id == _h.c.reblog_of_id)
    )
    .where(one_of(lists.c.id, "lists"), _readable, _reply_wanted)
)
# Those who had a deleted status in front of them, as far as can be told afterwards.
_had = statement(
    union(
        select(follows.c.account_id).where(
            follows.c.target_id == bindparam("author"), one_of(follows.c.account_id, "members")
        ),
        select(mentions.c.account_id).where(
            mentions.c.status_id == _status, one_of(mentions.c.account_id, "members")
        ),
    )
)
_lists_with = statement(
    select(list_accounts.c.list_id).where(
        one_of(list_accounts.c.list_id, "lists"), list_accounts.c.account_id == bindparam("author")
    )
)

_own_list = statement(
    select(lists.c.id).where(lists.c.id == bindparam("wanted"), lists.c.account_id == bindparam("member"))
)


def list_signals(tx: Transaction, seq: int, event: Happened, audience: Audience) -> list[Signal]:
    """What an event has for those who listen."""
    match event:
        case StatusPosted(status_id=status_id, fresh=True):
            return _to_public(tx, seq, "update", status_id, audience)
        case StatusFannedOut(status_id=status_id):
            return _to_homes(tx, seq, "update", status_id, audience)
        case StatusEdited(status_id=status_id) | StatusCovered(status_id=status_id):
            return [
                *_to_homes(tx, seq, "status.update", status_id, audience),
                *_to_public(tx, seq, "status.update", status_id, audience),
            ]
        case (
            StatusDeleted(status_id=status_id, account_id=account_id)
            | StatusHidden(status_id=status_id, account_id=account_id)
        ):
            return _take_back(tx, seq, status_id, account_id, audience)
        case Notified(notification_id=notification_id, account_id=account_id):
            names = ("user", "user:notification")
            return _to_member(seq, "notification", notification_id, account_id, names, audience)
        case ConversationUpdated(conversation_id=conversation_id, account_id=account_id):
            return _to_member(seq, "conversation", conversation_id, account_id, ("direct",), audience)
    return []


def _signals(
    seq: int,
    kind: str,
    subject_id: int,
    viewer_id: int,
    channels: list[Channel],
    hidden_from: Collection[int] = (),
) -> list[Signal]:
    return [Signal(seq, kind, subject_id, viewer_id, channels, hidden_from)] if channels else []


def _to_member(
    seq: int, kind: str, subject_id: int, member: int, names: Iterable[str], audience: Audience
) -> list[Signal]:
    channels = [Channel(name, member) for name in names if member in audience.open.get(name, ())]
    return _signals(seq, kind, subject_id, member, channels)


def _to_homes(tx: Transaction, seq: int, kind: str, status_id: int, audience: Audience) -> list[Signal]:
    members, open_lists = audience.keys("user"), audience.keys("list")
    channels: list[Channel] = []
    if members:
        readers = tx.values(_homes, status=status_id, members=members, now=tx.now)
        channels += [Channel("user", reader) for reader in readers]
    if open_lists:
        found = tx.values(_lists, status=status_id, lists=open_lists, now=tx.now)
        channels += [Channel("list", list_id) for list_id in dict.fromkeys(found)]
    if not channels:
        return []
    facts = tx.one(_facts, status=status_id)
    return _signals(seq, kind, status_id, facts.account_id, channels) if facts else []


def _to_public(tx: Transaction, seq: int, kind: str, status_id: int, audience: Audience) -> list[Signal]:
    if not any(name.startswith(("public", "hashtag")) for name in audience.open):
        return []
    facts = tx.one(_facts, status=status_id)
    if facts is None or not facts.standing or facts.limited_at is not None:
        return []
    channels = _public_channels(tx, status_id, facts, audience, with_media=(facts.media,))
    if not channels:
        return []
    hiding = tx.values(
        _hiding, author=facts.account_id, domain=facts.domain, members=list(audience.members), now=tx.now
    )
    return _signals(seq, kind, status_id, facts.account_id, channels, hiding)


def _public_channels(
    tx: Transaction, status_id: int, facts: Any, audience: Audience, with_media: Collection[bool]
) -> list[Channel]:
    """The open public channels that a status belongs on."""
    if facts.visibility != "public" or facts.reblog_of_id is not None:
        return []
    names: list[Channel] = []
    if facts.in_reply_to_account_id in (None, facts.account_id):
        for name in ("public", "public:local" if facts.local else "public:remote"):
            names.append(Channel(name))
            if True in with_media:
                names.append(Channel(f"{name}:media"))
    if "hashtag" in audience.open or "hashtag:local" in audience.open:
        for tag in tx.values(_tags, status=status_id):
            names.append(Channel("hashtag", tag))
            if facts.local:
                names.append(Channel("hashtag:local", tag))
    return [channel for channel in names if channel.key in audience.open.get(channel.name, ())]


def _take_back(tx: Transaction, seq: int, status_id: int, author_id: int, audience: Audience) -> list[Signal]:
    """Tell those who may have the status before them that it is gone, and nobody else that it was there."""
    facts = tx.one(_facts, status=status_id)
    if facts is None:
        return []
    members, open_lists = audience.keys("user"), audience.keys("list")
    channels = _public_channels(tx, status_id, facts, audience, with_media=(False, True))
    if members and facts.visibility in ("public", "unlisted"):
        channels += [Channel("user", member) for member in members]
    elif members:
        had = {author_id, *tx.values(_had, status=status_id, author=author_id, members=members)}
        channels += [Channel("user", member) for member in members if member in had]
    if open_lists:
        found = tx.values(_lists_with, lists=open_lists, author=author_id)
        channels += [Channel("list", list_id) for list_id in found]
    return _signals(seq, "delete", status_id, 0, channels)


def owns_list(tx: Transaction, member_id: int, list_id: int) -> bool:
    """Whether the list is the member's own, and may be listened to."""
    return tx.value(_own_list, member=member_id, wanted=list_id) is not None
