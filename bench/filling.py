"""Fills a folder, whose server is stopped, with what no demo has: very many followers and old posts."""

from pathlib import Path

from sqlalchemy import bindparam

from roseau.domain.accounts.tokens import find_own_app, issue_token
from roseau.kernel import ids
from roseau.settings import Settings
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.relationships import follows
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.statements import insertion, statement, statements

_account = insertion(accounts, "id username username_key uri created_at updated_at")
_user = insertion(users, "account_id email email_key created_at confirmed_at approved_at")
_follow = insertion(follows, "account_id target_id id created_at")
_count = statement(
    accounts.update().where(accounts.c.id == bindparam("target")).values(followers_count=bindparam("total"))
)
_COPIED = "account_id, {uri}, local, text, content, language, visibility, conversation_id"
_older = statements(
    sqlite="INSERT INTO statuses (id, created_at, " + _COPIED.format(uri="uri") + ") "
    "SELECT id - :shift, created_at - :milliseconds, " + _COPIED.format(uri="uri || '-' || :copy") + " "
    "FROM statuses WHERE id > :from_id AND reblog_of_id IS NULL",
    postgresql="SELECT 1",
)


def open_folder(folder: Path) -> SqliteDatabase:
    """The database of a folder whose server is stopped."""
    return SqliteDatabase(folder / "roseau.db", Settings().synchronous)


def add_members(tx: Transaction, names: list[str]) -> list[int]:
    """New members by these names; their ids."""
    made = [ids.new_id() for _ in names]
    pairs = list(zip(made, names, strict=True))
    at = {"created_at": tx.now}
    tx.run_many(
        _account,
        [
            {
                "id": i,
                "username": n,
                "username_key": n,
                "uri": f"https://bench.example/users/{n}",
                "updated_at": tx.now,
            }
            | at
            for i, n in pairs
        ],
    )
    tx.run_many(
        _user,
        [
            {"account_id": i, "email": f"{n}@bench.example", "email_key": f"{n}@bench.example"}
            | {"confirmed_at": tx.now, "approved_at": tx.now}
            | at
            for i, n in pairs
        ],
    )
    return made


def add_followers(tx: Transaction, target_id: int, count: int) -> list[int]:
    """So many new members who follow the target; their ids."""
    made = add_members(tx, [f"follower{number}" for number in range(count)])
    tx.run_many(
        _follow,
        [{"account_id": i, "target_id": target_id, "id": ids.new_id(), "created_at": tx.now} for i in made],
    )
    tx.run(_count, target=target_id, total=count)
    return made


def add_tokens(tx: Transaction, account_ids: list[int], scopes: str) -> list[str]:
    """A token for each of these accounts."""
    app_id = find_own_app(tx)
    return [
        issue_token(tx, app_id=app_id, account_id=account_id, scopes=scopes) for account_id in account_ids
    ]


def add_older(tx: Transaction, copy: int, milliseconds: int, from_id: int) -> int:
    """Copy the posts above `from_id` into the past; how many they were."""
    return tx.run(
        _older, shift=milliseconds << 16, copy=str(copy), milliseconds=milliseconds, from_id=from_id
    )
