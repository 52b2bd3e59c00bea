"""What a round has to make anew: the site as it is, compared with what the mirror knows of it.

It compares instead of following the log of events, because not everything that hides a post has an event,
and because the log of a promoted or restored site may be another one. Only ids and marks are read.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

import apsw
import msgspec

from roseau.storage.reading import Readable
from roseau.survival.mirror.content import Person, list_people, list_posts, list_tags_of
from roseau.survival.mirror.folder import rows

_BATCH = 2_000
_COLUMNS = """(
    id INTEGER PRIMARY KEY, author_id INTEGER, username TEXT, conversation_id INTEGER, parent_id INTEGER,
    period TEXT, listed INTEGER, leading INTEGER, mark TEXT
)"""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS posts {_COLUMNS};
CREATE INDEX IF NOT EXISTS posts_conversation ON posts (conversation_id);
CREATE INDEX IF NOT EXISTS posts_author ON posts (username, id);
CREATE INDEX IF NOT EXISTS posts_period ON posts (period, id) WHERE listed AND leading;
CREATE TABLE IF NOT EXISTS tagged (tag TEXT, id INTEGER, PRIMARY KEY (tag, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tagged_id ON tagged (id);
CREATE TABLE IF NOT EXISTS people (id INTEGER PRIMARY KEY, username TEXT, mark TEXT);
CREATE TEMP TABLE IF NOT EXISTS present {_COLUMNS};
CREATE TEMP TABLE IF NOT EXISTS present_people (id INTEGER PRIMARY KEY, username TEXT, mark TEXT);
CREATE TEMP TABLE IF NOT EXISTS changed (id INTEGER PRIMARY KEY);
CREATE TEMP TABLE IF NOT EXISTS stirred (conversation_id INTEGER PRIMARY KEY);
"""
_CHANGES = """
INSERT INTO changed SELECT id FROM present p
    WHERE NOT EXISTS (SELECT 1 FROM posts o WHERE o.id = p.id AND o.mark = p.mark)
    UNION SELECT id FROM posts WHERE id NOT IN (SELECT id FROM present);
INSERT INTO stirred SELECT conversation_id FROM posts WHERE id IN (SELECT id FROM changed)
    UNION SELECT conversation_id FROM present WHERE id IN (SELECT id FROM changed);
"""


class Plan(msgspec.Struct, kw_only=True):
    """What has to be made anew or taken away. Posts are in conversations: see `list_conversations`."""

    #: Pages of posts that are no longer to be read: user name and id.
    gone_posts: list[tuple[str, int]]
    gone_people: list[str]
    people: list[Person]
    #: Months of members, and of the site, in which something is different.
    months: list[tuple[str, str]]
    periods: list[str]
    tags: list[str]


def compare(state: apsw.Connection, database: Readable, anew: bool) -> Plan:
    """Bring the mirror's tables to the present; `anew`: as if everything had changed."""
    state.execute(_SCHEMA)
    state.execute("DELETE FROM present; DELETE FROM present_people; DELETE FROM changed; DELETE FROM stirred")
    if anew:
        state.execute("UPDATE posts SET mark = ''; UPDATE people SET mark = ''")
    _look(state, database)
    gone_posts = rows(
        state,
        "SELECT username, id FROM posts WHERE (username, id) NOT IN (SELECT username, id FROM present)",
    )
    gone_people = rows(
        state, "SELECT username FROM people WHERE username NOT IN (SELECT username FROM present_people)"
    )
    state.execute(_CHANGES)
    both = "(SELECT * FROM posts UNION ALL SELECT * FROM present) WHERE id IN (SELECT id FROM changed)"
    months = rows(state, f"SELECT DISTINCT username, period FROM {both}")  # noqa: S608
    periods = rows(state, f"SELECT DISTINCT period FROM {both} AND listed AND leading")  # noqa: S608
    tags = rows(state, "SELECT DISTINCT tag FROM tagged WHERE id IN (SELECT id FROM changed)")
    people = rows(
        state,
        f"""
        SELECT id, username, mark FROM present_people p
            WHERE NOT EXISTS (SELECT 1 FROM people o WHERE o.id = p.id AND o.mark = p.mark)
            OR id IN (SELECT author_id FROM {both})
        """,  # noqa: S608
    )
    plan = Plan(
        gone_posts=gone_posts,
        gone_people=[name for (name,) in gone_people],
        people=[Person(*row) for row in people],
        months=months,
        periods=[period for (period,) in periods],
        tags=[],
    )
    _settle(state)
    plan.tags = sorted({tag for (tag,) in tags} | _tag(state, database))
    return plan


def _look(state: apsw.Connection, database: Readable) -> None:
    """Read what there is, in short transactions: the server's log must not grow for our sake."""
    people = database.read_now(list_people)
    state.executemany(
        "INSERT INTO present_people VALUES (?, ?, ?)", [(p.id, p.username, p.mark) for p in people]
    )
    after = 0
    while posts := database.read_now(list_posts, after, _BATCH):
        state.executemany(
            "INSERT INTO present VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [msgspec.structs.astuple(p) for p in posts],
        )
        after = posts[-1].id


def _settle(state: apsw.Connection) -> None:
    state.execute(
        """
        DELETE FROM tagged WHERE id IN (SELECT id FROM changed);
        DELETE FROM posts WHERE id IN (SELECT id FROM changed);
        INSERT INTO posts SELECT * FROM present WHERE id IN (SELECT id FROM changed);
        DELETE FROM people;
        INSERT INTO people SELECT * FROM present_people;
        """
    )


def _tag(state: apsw.Connection, database: Readable) -> set[str]:
    """Note the hashtags of posts that are new or different; their names."""
    found: set[str] = set()
    listed = rows(state, "SELECT id FROM posts WHERE listed AND id IN (SELECT id FROM changed) ORDER BY id")
    for batch in in_batches([post_id for (post_id,) in listed], _BATCH):
        tags = database.read_now(list_tags_of, batch)
        state.executemany("INSERT OR IGNORE INTO tagged VALUES (?, ?)", [(tag, one) for one, tag in tags])
        found.update(tag for _, tag in tags)
    return found


Item = TypeVar("Item")
#: Posts as (id, mark).
Marks = list[tuple[int, str]]


def in_batches(items: list[Item], size: int) -> Iterator[list[Item]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def list_conversations(state: apsw.Connection, size: int) -> Iterator[list[tuple[int, int, int]]]:
    """Posts to make anew as (conversation, id, parent): whole conversations, about `size` posts at a time."""
    batch: list[tuple[int, int, int]] = []
    # Read as it is used: the first round has every post of the site.
    stirred: Any = state.execute(
        "SELECT conversation_id, id, parent_id FROM posts "
        "WHERE conversation_id IN (SELECT conversation_id FROM stirred) ORDER BY conversation_id, id"
    )
    for row in stirred:
        if len(batch) >= size and row[0] != batch[-1][0]:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def list_month(state: apsw.Connection, username: str, period: str) -> Marks:
    """A member's listed posts of a month, oldest first."""
    return rows(
        state,
        "SELECT id, mark FROM posts WHERE username = ? AND period = ? AND listed ORDER BY id",
        username,
        period,
    )


def list_period(state: apsw.Connection, period: str) -> Marks:
    """The same of the whole site, without what answers others."""
    return rows(
        state, "SELECT id, mark FROM posts WHERE period = ? AND listed AND leading ORDER BY id", period
    )


def list_newest(state: apsw.Connection, limit: int, username: str = "") -> Marks:
    """The newest that lead, of one member or of all, newest first."""
    whose, values = ("username = ? AND", (username, limit)) if username else ("", (limit,))
    asked = f"SELECT id, mark FROM posts WHERE {whose} listed AND leading ORDER BY id DESC LIMIT ?"  # noqa: S608
    return rows(state, asked, *values)


def list_tag(state: apsw.Connection, tag: str, limit: int) -> Marks:
    """The newest with a hashtag, newest first."""
    asked = "SELECT id, mark FROM tagged JOIN posts USING (id) WHERE tag = ? ORDER BY id DESC LIMIT ?"
    return rows(state, asked, tag, limit)


def list_months(state: apsw.Connection, username: str = "") -> list[str]:
    """The months in which a member, or anybody, wrote something that is listed; newest first."""
    where, values = ("username = ? AND listed", (username,)) if username else ("listed AND leading", ())
    asked = f"SELECT DISTINCT period FROM posts WHERE {where} ORDER BY period DESC"  # noqa: S608
    return [period for (period,) in rows(state, asked, *values)]


def is_listed(state: apsw.Connection, post_id: int) -> bool:
    """Whether the post stands in lists of the mirror."""
    return bool(rows(state, "SELECT 1 FROM posts WHERE id = ? AND listed", post_id))
