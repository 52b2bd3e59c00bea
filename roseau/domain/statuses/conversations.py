"""Private conversations: who wrote what to whom, as each of its members on this site keeps it."""

from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, delete, exists, func, literal, not_, or_, select, update

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.events import ConversationUpdated
from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.domain.statuses.visibility import viewer, visible, wanted
from roseau.kernel import ids
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import users
from roseau.storage.schema.statuses import account_conversations as kept
from roseau.storage.schema.statuses import conversation_mutes, mentions, statuses
from roseau.storage.statements import insertion, one_of, statement


class Conversation(msgspec.Struct):
    """A private conversation as one member keeps it, and with whom."""

    id: int
    unread: bool
    others: list[AccountView]
    last_status_id: int
    last_status: StatusView | None


_direct = statement(
    select(statuses.c.account_id, statuses.c.conversation_id).where(
        statuses.c.id == bindparam("status"),
        statuses.c.visibility == "direct",
        statuses.c.reblog_of_id.is_(None),
        statuses.c.conversation_id.is_not(None),
        statuses.c.deleted_at.is_(None),
        statuses.c.hidden_at.is_(None),
    )
)
_mentioned = statement(select(mentions.c.account_id).where(mentions.c.status_id == bindparam("status")))
_local = statement(select(users.c.account_id).where(one_of(users.c.account_id, "ids")))
_heard = statement(
    select(
        not_(
            exists(
                select(literal(1)).where(
                    conversation_mutes.c.account_id == viewer,
                    conversation_mutes.c.conversation_id == statuses.c.conversation_id,
                )
            )
        ).label("heard")
    ).where(
        statuses.c.id == bindparam("status"),
        visible(statuses),
        or_(statuses.c.account_id == viewer, wanted(statuses.c.account_id)),
    )
)
_find = statement(
    select(kept.c.id, kept.c.participant_ids, kept.c.last_status_id).where(
        kept.c.account_id == bindparam("account"), kept.c.conversation_id == bindparam("conversation")
    )
)
_add = insertion(kept, "id account_id conversation_id participant_ids last_status_id unread")
_join = statement(
    update(kept).where(kept.c.id == bindparam("row")).values(participant_ids=bindparam("participant_ids"))
)
_advance = statement(
    update(kept)
    .where(kept.c.id == bindparam("row"))
    .values(last_status_id=bindparam("last_status_id"), unread=bindparam("unread"))
)
_ending_with = statement(
    select(kept.c.id, kept.c.account_id, kept.c.conversation_id).where(
        kept.c.last_status_id == bindparam("status")
    )
)
_previous = statement(
    select(func.max(statuses.c.id)).where(
        statuses.c.conversation_id == bindparam("conversation"),
        statuses.c.visibility == "direct",
        visible(statuses),
    )
)
_fall_back = statement(
    update(kept).where(kept.c.id == bindparam("row")).values(last_status_id=bindparam("last"))
)
_own = and_(kept.c.id == bindparam("row"), kept.c.account_id == bindparam("account"))
_mark = statement(update(kept).where(_own).values(unread=bindparam("state", type_=kept.c.unread.type)))
_forget = statement(delete(kept).where(_own))
_columns = (kept.c.id, kept.c.unread, kept.c.participant_ids, kept.c.last_status_id)
_one = statement(select(*_columns).where(_own))
_page: Paged[Any] = Paged(
    select(*_columns).where(kept.c.account_id == bindparam("account")), kept.c.last_status_id
)


def follow_conversation(tx: Transaction, status_id: int) -> None:
    """Put a direct status into the conversations of its author and those it mentions, on this site.

    A reaction to its posting and editing; done twice, it changes nothing the second time.
    """
    status = tx.one(_direct, status=status_id)
    if status is None:
        return
    everyone = {status.account_id, *tx.values(_mentioned, status=status_id)}
    for account_id in sorted(tx.values(_local, ids=list(everyone))):
        heard = tx.one(_heard, viewer=account_id, status=status_id, now=tx.now)
        if heard is not None:
            unread = heard.heard and account_id != status.account_id
            _keep(tx, account_id, status.conversation_id, status_id, everyone - {account_id}, unread)


def _keep(
    tx: Transaction, account_id: int, conversation_id: int, status_id: int, others: set[int], unread: bool
) -> None:
    known = tx.one(_find, account=account_id, conversation=conversation_id)
    if known is None:
        kept_id = ids.new_id()
        tx.run(
            _add,
            id=kept_id,
            account_id=account_id,
            conversation_id=conversation_id,
            participant_ids=_encode(others),
            last_status_id=status_id,
            unread=unread,
        )
        tx.emit(ConversationUpdated(kept_id, account_id))
        return
    # Whoever was once addressed stays part of the conversation.
    together = others.union(msgspec.json.decode(known.participant_ids))
    if _encode(together) != known.participant_ids:
        tx.run(_join, row=known.id, participant_ids=_encode(together))
    elif known.last_status_id >= status_id:
        return
    if known.last_status_id < status_id:
        tx.run(_advance, row=known.id, last_status_id=status_id, unread=unread)
    tx.emit(ConversationUpdated(known.id, account_id))


def _encode(people: set[int]) -> str:
    return msgspec.json.encode(sorted(people)).decode()


def shorten_conversations(tx: Transaction, status_id: int) -> None:
    """After a status is deleted: conversations that ended with it end with what was before, or are gone."""
    for row in tx.all(_ending_with, status=status_id):
        last = tx.value(_previous, viewer=row.account_id, conversation=row.conversation_id)
        if last is None:
            tx.run(_forget, row=row.id, account=row.account_id)
        else:
            tx.run(_fall_back, row=row.id, last=last)


def list_conversations(tx: Transaction, account_id: int, page: Page) -> list[Conversation]:
    """The member's private conversations, the latest first; pages go by the id of the last status."""
    return _load(tx, account_id, _page.fetch(tx, page, account=account_id))


def load_conversation(tx: Transaction, account_id: int, conversation_id: int) -> Conversation:
    """One of the member's private conversations. Raises NotFound."""
    found = _load(tx, account_id, tx.all(_one, row=conversation_id, account=account_id))
    if not found:
        raise NotFound
    return found[0]


def mark_conversation(
    tx: Transaction, account_id: int, conversation_id: int, *, unread: bool
) -> Conversation:
    """Mark one of the member's private conversations as read or not; as it then is. Raises NotFound."""
    if not tx.run(_mark, row=conversation_id, account=account_id, state=unread):
        raise NotFound
    return load_conversation(tx, account_id, conversation_id)


def forget_conversation(tx: Transaction, account_id: int, conversation_id: int) -> None:
    """Take a private conversation off the member's list, until something new is written. Raises NotFound."""
    if not tx.run(_forget, row=conversation_id, account=account_id):
        raise NotFound


def _load(tx: Transaction, account_id: int, rows: list[Any]) -> list[Conversation]:
    members = {row.id: msgspec.json.decode(row.participant_ids, type=list[int]) for row in rows}
    people = load_accounts(tx, {account_id, *(person for others in members.values() for person in others)})
    views = {view.id: view for view in load_statuses(tx, account_id, [row.last_status_id for row in rows])}
    return [
        Conversation(
            row.id,
            row.unread,
            # As in Mastodon, a note to oneself is a conversation with oneself.
            [people[person] for person in members[row.id] or [account_id] if person in people],
            row.last_status_id,
            views.get(row.last_status_id),
        )
        for row in rows
    ]
