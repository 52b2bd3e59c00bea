"""Sessions of browsers: opened, found, listed, revoked. Only a hash of what the cookie holds is kept."""

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.freezing import is_frozen
from roseau.kernel import clock, ids, keys
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, sessions, users
from roseau.storage.statements import insertion, statement

#: A session that was not used for this long has ended.
IDLE = 180 * clock.DAY
#: How exactly it is noted when a session was used.
TOUCHED_EVERY = clock.HOUR
MAX_USER_AGENT = 300


class Session(msgspec.Struct, frozen=True):
    """An open session and the member whose it is, with what doors have to know of the login."""

    id: int
    account_id: int
    created_at: int
    last_used_at: int
    role: str
    locale: str
    time_zone: str
    confirmed_at: int | None
    approved_at: int | None
    disabled_at: int | None
    suspended_at: int | None
    #: A measure keeps the member from writing.
    frozen: bool

    @property
    def in_order(self) -> bool:
        """Whether the member may post: confirmed, approved, neither disabled nor suspended."""
        held_back = self.disabled_at is not None or self.suspended_at is not None
        return not held_back and self.confirmed_at is not None and self.approved_at is not None


class SessionRow(msgspec.Struct, frozen=True):
    """A session as its owner sees it in a list."""

    id: int
    user_agent: str
    created_at: int
    last_used_at: int


_insert = insertion(sessions, "id account_id token_hash user_agent created_at last_used_at")
_open = (sessions.c.revoked_at.is_(None), sessions.c.last_used_at > bindparam("since"))
_find = statement(
    select(
        sessions.c.id,
        sessions.c.account_id,
        sessions.c.created_at,
        sessions.c.last_used_at,
        users.c.role,
        users.c.locale,
        users.c.time_zone,
        users.c.confirmed_at,
        users.c.approved_at,
        users.c.disabled_at,
        accounts.c.suspended_at,
        is_frozen(sessions.c.account_id).label("frozen"),
    )
    .select_from(
        sessions.join(users, users.c.account_id == sessions.c.account_id).join(
            accounts, accounts.c.id == sessions.c.account_id
        )
    )
    .where(sessions.c.token_hash == bindparam("wanted"), accounts.c.deleted_at.is_(None), *_open),
    into=Session,
)
_list = statement(
    select(sessions.c.id, sessions.c.user_agent, sessions.c.created_at, sessions.c.last_used_at)
    .where(sessions.c.account_id == bindparam("account"), *_open)
    .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc()),
    into=SessionRow,
)
_touch = statement(
    update(sessions)
    .where(sessions.c.id == bindparam("session"), sessions.c.revoked_at.is_(None))
    .values(last_used_at=bindparam("at"))
)
_active = statement(
    update(users).where(users.c.account_id == bindparam("account")).values(last_active_on=bindparam("day"))
)
_revoke = statement(
    update(sessions)
    .where(
        sessions.c.id == bindparam("session"),
        sessions.c.account_id == bindparam("account"),
        sessions.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)
_revoke_others = statement(
    update(sessions)
    .where(
        sessions.c.account_id == bindparam("account"),
        sessions.c.id != bindparam("kept"),
        sessions.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("at"))
)


def open_session(tx: Transaction, account_id: int, user_agent: str = "") -> str:
    """A new session; what its cookie holds. `sign_in` calls this when the member has proven who they are."""
    token = keys.new_token()
    tx.run(
        _insert,
        id=ids.new_id(),
        account_id=account_id,
        token_hash=keys.hash_token(token),
        user_agent=user_agent[:MAX_USER_AGENT],
        created_at=tx.now,
        last_used_at=tx.now,
    )
    note_activity(tx, account_id)
    return token


def find_session(tx: Transaction, token: str) -> Session | None:
    """The open session of a cookie, or None."""
    return tx.one(_find, wanted=keys.hash_token(token), since=tx.now - IDLE, now=tx.now)


def is_stale(session: Session) -> bool:
    """Whether it is time to note that the session is in use: `touch_session`."""
    return clock.now() - session.last_used_at >= TOUCHED_EVERY


def touch_session(tx: Transaction, session: Session) -> None:
    """Note that the session is in use."""
    tx.run(_touch, session=session.id, at=tx.now)
    note_activity(tx, session.account_id)


def note_activity(tx: Transaction, account_id: int) -> None:
    """Note that the member was here today: the day, not the hour."""
    tx.run(_active, account=account_id, day=tx.now - tx.now % clock.DAY)


def list_sessions(tx: Transaction, account_id: int) -> list[SessionRow]:
    """The member's open sessions, the last used first."""
    return tx.all(_list, account=account_id, since=tx.now - IDLE)


def revoke_session(tx: Transaction, account_id: int, session_id: int) -> None:
    """End one of the member's sessions. Raises NotFound for anybody else's."""
    if not tx.run(_revoke, session=session_id, account=account_id, at=tx.now):
        raise NotFound


def revoke_sessions(tx: Transaction, account_id: int, *, keep: int = 0) -> None:
    """End every session of the member's, but for the one to keep."""
    tx.run(_revoke_others, account=account_id, kept=keep, at=tx.now)
