"""What is asked for: words, and Mastodon's operators (`from:me has:media -is:reply before:2026-11-01`)."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, select

from roseau.kernel.ids import MAX_ID, first_id_at
from roseau.kernel.text.searching import fts5_query, tsquery, words
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.statements import DialectName, statement

MAX_QUERY = 500
_OPERATOR = re.compile(r"([+-]?)(from|has|is|language|before|after|during|in):(\S+)\Z", re.IGNORECASE)
_YES_OR_NO = {
    "has:media": "media",
    "has:image": "media",
    "has:poll": "poll",
    "is:reply": "reply",
    "is:sensitive": "sensitive",
    "in:library": "library",
    "in:public": "public",
}

_zone = statement(select(users.c.time_zone).where(users.c.account_id == bindparam("member")))


class Question(msgspec.Struct):
    """A query for posts, taken apart.

    `conditions` names those of `statuses.CONDITIONS`, with `-` in front of those that must not hold.
    """

    text: str = ""
    #: Words that a post may not hold.
    without: list[str] = []
    conditions: list[str] = []
    #: The name of the author (`me` is the reader), and the languages.
    author: str = ""
    language: str = ""
    newer_than: int = 0
    older_than: int = MAX_ID

    def match(self, dialect: DialectName) -> str:
        """The words as the database's own query; "" when only operators are given."""
        return fts5_query(self.text) if dialect == "sqlite" else tsquery(self.text)

    def mismatch(self, dialect: DialectName) -> str:
        """The words that a post may not hold, as the database's own query; "" for none."""
        if dialect == "sqlite":
            return " OR ".join(f'"{word}"' for word in self.without)
        return " | ".join(f"'{word}'" for word in self.without)

    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return not words(self.text) and not self.conditions and not self.bounded()

    def bounded(self) -> bool:
        """Whether a time is given."""
        return self.newer_than > 0 or self.older_than < MAX_ID


def parse_question(query: str, time_zone: str = "UTC") -> Question:
    """Take a query apart; what only looks like an operator is a word. Days are those of the time zone."""
    question = Question()
    plain: list[str] = []
    for part in query[:MAX_QUERY].split():
        operator = _OPERATOR.match(part)
        if operator and _apply(question, operator[1], operator[2], operator[3], time_zone):
            continue
        if part.startswith("-") and len(part) > 1:
            question.without += words(part)
        else:
            plain.append(part)
    question.text = " ".join(plain)
    return question


def find_time_zone(tx: Transaction, member_id: int) -> str:
    """Where the member's days begin."""
    return tx.value(_zone, member=member_id) or "UTC"


def _apply(question: Question, sign: str, name: str, value: str, time_zone: str) -> bool:
    """Add an operator to the question; False for one that does not exist."""
    name, minus = name.lower(), "-" if sign == "-" else ""
    condition = _YES_OR_NO.get(f"{name}:{value.lower()}")
    if condition:
        question.conditions.append(minus + condition)
    elif name == "in":
        return value.lower() == "all"
    elif name == "from":
        question.author = value
        question.conditions.append(minus + "author")
    elif name == "language":
        question.language = value.lower()
        question.conditions.append(minus + "language")
    elif name in ("before", "after", "during"):
        return not minus and _bound(question, name, value, time_zone)
    else:
        return False
    return True


def _bound(question: Question, name: str, value: str, time_zone: str) -> bool:
    try:
        day = date.fromisoformat(value)
        start, end = _midnight(day, time_zone), _midnight(day + timedelta(days=1), time_zone)
    except (ValueError, OverflowError):
        return False
    if name in ("before", "during"):
        question.older_than = min(question.older_than, first_id_at(start if name == "before" else end))
    if name in ("after", "during"):
        question.newer_than = max(question.newer_than, first_id_at(end if name == "after" else start) - 1)
    return True


def _midnight(day: date, time_zone: str) -> int:
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    at = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
    return max(0, min(at, MAX_ID >> 16))


def to_handle(query: str) -> tuple[str, str] | None:
    """Name and domain of `@name`, `name@domain` or `@name@domain`; None for anything else."""
    match = re.fullmatch(r"@?([a-zA-Z0-9_]+(?:[.-][a-zA-Z0-9_]+)*)(?:@([a-zA-Z0-9.:-]+))?", query.strip())
    return None if match is None else (match[1], match[2] or "")
