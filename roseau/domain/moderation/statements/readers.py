"""Whom a letter of the moderation is for: in which language it is written, and by which ways it can go."""

from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.accounts.preferences import Preferences
from roseau.kernel.i18n import LANGUAGES
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement


class MemberReader(msgspec.Struct, frozen=True):
    """A member of this site, as a letter finds them."""

    account_id: int
    name: str
    #: Empty while it is not confirmed.
    email: str
    language: str
    zone: str
    #: Suspended, deleted or disabled: a notification reaches them no more.
    shut_out: bool
    mails: Literal["all", "decisions", "none"]

    def wants_mail(self, *, about_them: bool) -> bool:
        """Whether this letter goes by mail too: what is decided about them does unless they said no."""
        if not self.email:
            return False
        if about_them:
            return self.shut_out or self.mails != "none"
        return self.mails == "all"


_member = statement(
    select(
        users.c.account_id,
        accounts.c.username,
        users.c.email,
        users.c.locale,
        users.c.time_zone,
        users.c.confirmed_at,
        users.c.preferences,
        users.c.disabled_at,
        accounts.c.suspended_at,
        accounts.c.deleted_at,
    )
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(users.c.account_id == bindparam("account"))
)


def find_member(tx: Transaction, account_id: int | None) -> MemberReader | None:
    """The member; None for accounts of other servers and for nobody."""
    row: Any = None if account_id is None else tx.one(_member, account=account_id)
    if row is None:
        return None
    return MemberReader(
        account_id=row.account_id,
        name=row.username,
        email=row.email if row.confirmed_at is not None else "",
        language=to_language(row.locale),
        zone=row.time_zone,
        shut_out=any(at is not None for at in (row.disabled_at, row.suspended_at, row.deleted_at)),
        mails=msgspec.json.decode(row.preferences, type=Preferences).mail_moderation,
    )


def to_language(*wanted: str) -> str:
    """The first of these that Roseau speaks; else English."""
    for language in wanted:
        short = language.partition("-")[0].lower()
        if short in LANGUAGES:
            return short
    return LANGUAGES[0]
