"""What a member marks about somebody: a private note, a place on their profile, no more suggestions."""

from typing import Any

from sqlalchemy import bindparam, delete, select

from roseau.domain.accounts.follows import lock_accounts
from roseau.domain.accounts.loading import load_account
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.html import clean_text
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import account_notes
from roseau.storage.schema.relationships import dismissed_suggestions, endorsements, follows
from roseau.storage.statements import statement, upsert

MAX_NOTE = 2_000

_me: Any = bindparam("me")
_other: Any = bindparam("other")

_note = statement(
    upsert(account_notes)
    .values({name: bindparam(name) for name in ("account_id", "target_id", "comment")})
    .on_conflict_do_update(
        index_elements=["account_id", "target_id"],
        set_={"comment": upsert(account_notes).excluded.comment},
    )
)
_forget_note = statement(
    delete(account_notes).where(account_notes.c.account_id == _me, account_notes.c.target_id == _other)
)
_follow = statement(select(follows.c.id).where(follows.c.account_id == _me, follows.c.target_id == _other))
_endorse = statement(
    upsert(endorsements)
    .values({name: bindparam(name) for name in ("account_id", "target_id", "id", "created_at")})
    .on_conflict_do_nothing()
)
_unendorse = statement(
    delete(endorsements).where(endorsements.c.account_id == _me, endorsements.c.target_id == _other)
)
_dismiss = statement(
    upsert(dismissed_suggestions)
    .values({name: bindparam(name) for name in ("account_id", "target_id", "id", "created_at")})
    .on_conflict_do_nothing()
)


def set_note(tx: Transaction, member_id: int, target_id: int, comment: str) -> None:
    """Keep a note on somebody that only the member sees; an empty one is none. Raises Invalid, NotFound."""
    if load_account(tx, target_id) is None:
        raise NotFound
    comment = clean_text(comment).strip()
    if len(comment) > MAX_NOTE:
        raise Invalid(
            "Validation failed: Comment is too long (maximum is %(most)s characters)",
            values={"most": MAX_NOTE},
        )
    if comment:
        tx.run(_note, account_id=member_id, target_id=target_id, comment=comment)
    else:
        tx.run(_forget_note, me=member_id, other=target_id)


def endorse_account(tx: Transaction, member_id: int, target_id: int) -> None:
    """Show somebody on one's profile. Raises Invalid unless one follows them."""
    lock_accounts(tx, member_id, target_id)
    if tx.value(_follow, me=member_id, other=target_id) is None:
        raise Invalid("Validation failed: You must be already following the person you want to endorse")
    tx.run(_endorse, account_id=member_id, target_id=target_id, id=ids.new_id(), created_at=tx.now)


def unendorse_account(tx: Transaction, member_id: int, target_id: int) -> None:
    """Show somebody on one's profile no longer."""
    tx.run(_unendorse, me=member_id, other=target_id)


def dismiss_suggestion(tx: Transaction, member_id: int, target_id: int) -> None:
    """Suggest this account to the member no more. Raises NotFound when there is none."""
    if load_account(tx, target_id) is None:
        raise NotFound
    tx.run(_dismiss, account_id=member_id, target_id=target_id, id=ids.new_id(), created_at=tx.now)
