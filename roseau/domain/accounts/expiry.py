"""What has run out is forgotten, once a day: links, codes, sessions, sign-ups that nobody confirmed."""

from sqlalchemy import bindparam, delete, or_, select

from roseau.domain.accounts.sessions import IDLE
from roseau.domain.accounts.tokens import revoke_member_tokens
from roseau.domain.events import AccountDeleted
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, sessions, users
from roseau.storage.schema.oauth import oauth_grants
from roseau.storage.schema.site import one_time_links
from roseau.storage.statements import one_of, statement

#: A name is not blocked for ever by somebody who mistyped their address.
UNCONFIRMED = 7 * clock.DAY
#: What has ended is kept a little longer, so that a code used twice is still known as such.
KEPT = clock.DAY
AT_ONCE = 500

_links = statement(delete(one_time_links).where(one_time_links.c.expires_at < bindparam("before")))
_codes = statement(delete(oauth_grants).where(oauth_grants.c.expires_at < bindparam("before")))
_sessions = statement(
    delete(sessions).where(
        or_(sessions.c.revoked_at < bindparam("before"), sessions.c.last_used_at < bindparam("idle"))
    )
)
_unconfirmed = statement(
    select(users.c.account_id)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        users.c.confirmed_at.is_(None),
        users.c.created_at < bindparam("before"),
        # Nobody can have seen it: who is not confirmed cannot post or follow.
        accounts.c.statuses_count == 0,
        accounts.c.following_count == 0,
    )
    .limit(AT_ONCE)
)
_remove = statement(delete(accounts).where(one_of(accounts.c.id, "ids")))


def forget_expired(tx: Transaction) -> None:
    """Remove the rows that nothing can use any more."""
    tx.run(_links, before=tx.now - KEPT)
    tx.run(_codes, before=tx.now - KEPT)
    tx.run(_sessions, before=tx.now - KEPT, idle=tx.now - IDLE)
    forgotten = tx.values(_unconfirmed, before=tx.now - UNCONFIRMED)
    for account_id in forgotten:
        revoke_member_tokens(tx, account_id)
        tx.emit(AccountDeleted(account_id))
    if forgotten:
        tx.run(_remove, ids=forgotten)
