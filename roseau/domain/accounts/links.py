"""One-time links: a random token that opens one thing, once, for a while. Only its hash is kept."""

from typing import Literal

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.kernel import clock, keys
from roseau.kernel.errors import Gone
from roseau.storage.database import Transaction
from roseau.storage.schema.site import one_time_links
from roseau.storage.statements import insertion, statement

Purpose = Literal["first_run", "confirm_email", "reset_password", "change_email", "second_factor"]

#: How long a link of each kind is good, in milliseconds.
LIFETIMES: dict[Purpose, int] = {
    "first_run": clock.DAY,
    "confirm_email": 2 * clock.DAY,
    "reset_password": 2 * clock.HOUR,
    "change_email": clock.DAY,
    "second_factor": 10 * clock.MINUTE,
}


class Link(msgspec.Struct, frozen=True):
    """What a link stands for; `detail` depends on its purpose."""

    account_id: int | None
    detail: str


_links = one_time_links.c
_insert = insertion(one_time_links, "token_hash purpose account_id detail created_at expires_at")
_open = (
    _links.token_hash == bindparam("wanted"),
    _links.purpose == bindparam("kind"),
    _links.used_at.is_(None),
    _links.expires_at > bindparam("now"),
)
_find = statement(select(_links.account_id, _links.detail).where(*_open), into=Link)
_use = statement(
    update(one_time_links)
    .where(*_open)
    .values(used_at=bindparam("at"))
    .returning(_links.account_id, _links.detail),
    into=Link,
)
_withdraw = statement(
    update(one_time_links)
    .where(
        _links.purpose == bindparam("kind"),
        _links.account_id.is_not_distinct_from(bindparam("account")),
        _links.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
)


def make_link(tx: Transaction, purpose: Purpose, account_id: int | None = None, detail: str = "") -> str:
    """A new link's token; what was made before for the same purpose and account opens nothing any more."""
    withdraw_links(tx, purpose, account_id)
    token = keys.new_token()
    tx.run(
        _insert,
        token_hash=keys.hash_token(token),
        purpose=purpose,
        account_id=account_id,
        detail=detail,
        created_at=tx.now,
        expires_at=tx.now + LIFETIMES[purpose],
    )
    return token


def find_link(tx: Transaction, purpose: Purpose, token: str) -> Link | None:
    """What the link stands for, without using it up; None for one that opens nothing."""
    return tx.one(_find, wanted=keys.hash_token(token), kind=purpose, now=tx.now)


def use_link(tx: Transaction, purpose: Purpose, token: str) -> Link:
    """Use the link up. Raises Gone for one that was used, is too old or never was."""
    link = tx.one(_use, wanted=keys.hash_token(token), kind=purpose, now=tx.now, at=tx.now)
    if link is None:
        raise Gone("This link is no longer valid. Ask for a new one.")
    return link


def withdraw_links(tx: Transaction, purpose: Purpose, account_id: int | None) -> None:
    """Make every open link of that kind for that account useless."""
    tx.run(_withdraw, kind=purpose, account=account_id, at=tx.now)
