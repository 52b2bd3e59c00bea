"""The terms of the site: what people agree to when they sign up, in versions, each with the day it began."""

from typing import Any

import msgspec
from sqlalchemy import select

from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import choose
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.moderation import terms_versions
from roseau.storage.statements import insertion, statement

MAX_TERMS = 60_000


class Terms(msgspec.Struct, frozen=True):
    """A version of the terms; `until` is when the next one took its place."""

    version: int
    texts: dict[str, str]
    since: int
    until: int | None = None

    def said_in(self, language: str) -> tuple[str, str]:
        """The language that it is said in, and the text: the one that is asked for, if there is one."""
        found = language if language in self.texts else next(iter(self.texts))
        return found, self.texts[found]


_every = statement(
    select(terms_versions.c.version, terms_versions.c.texts, terms_versions.c.since).order_by(
        terms_versions.c.version
    )
)
_add = insertion(terms_versions, "version texts since written_at written_by_id")


def list_terms(tx: Transaction) -> list[Terms]:
    """Every version, the newest first."""
    rows: list[Any] = tx.all(_every)
    ends = [*(row.since for row in rows[1:]), None][: len(rows)]
    found = [
        Terms(row.version, msgspec.json.decode(row.texts, type=dict[str, str]), row.since, end)
        for row, end in zip(rows, ends, strict=True)
    ]
    return [terms for terms in reversed(found) if terms.texts]


def find_terms(tx: Transaction, date: str | None = None) -> Terms:
    """The terms in force, or those that began on that day (2026-11-22, UTC). Raises NotFound."""
    for terms in list_terms(tx):
        if date is None or clock.to_date(terms.since) == date:
            return terms
    raise NotFound


def set_terms(tx: Transaction, by_id: int, texts: dict[str, str]) -> bool:
    """Put these terms in force from now on; whether they are new. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_settings")
    kept = {language: text.strip() for language, text in sorted(texts.items()) if text.strip()}
    if any(len(text) > MAX_TERMS for text in kept.values()):
        raise Invalid(problems=(Problem("terms", "ERR_TOO_LONG", "Terms have at most 60,000 characters."),))
    rows: list[Any] = tx.all(_every)
    before = msgspec.json.decode(rows[-1].texts, type=dict[str, str]) if rows else {}
    if kept == before:
        return False
    tx.run(
        _add,
        version=rows[-1].version + 1 if rows else 1,
        texts=msgspec.json.encode(kept).decode(),
        since=tx.now,
        written_at=tx.now,
        written_by_id=by_id,
    )
    choose(tx, by_id, terms=kept, terms_since=tx.now if kept else 0)
    return True
