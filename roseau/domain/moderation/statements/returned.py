"""What came back when a decision was taken back, and what could not: said in sentences, with numbers.

What each measure put back when it ended stands in `measure_ends.detail`, where it was written down then.
"""

from collections import Counter
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from roseau.kernel.i18n import translations
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import measure_ends, measures
from roseau.storage.statements import statement

#: Ends that nothing was given back by: a decision that takes the place of another keeps what it held.
_QUIET = ("superseded", "expired")
_TAKING = frozenset(("hold", "remove"))
_COVERING = frozenset(("label", "interstitial"))


class Returned(msgspec.Struct, frozen=True):
    """A measure that was taken back, and what its end found."""

    kind: str
    detail: dict[str, Any] = {}


_ends = statement(
    select(measures.c.kind, measure_ends.c.detail)
    .select_from(measures.join(measure_ends, measure_ends.c.measure_id == measures.c.id))
    .where(measures.c.decision_id == bindparam("decision"), measure_ends.c.kind.not_in(_QUIET))
    .order_by(measures.c.id)
)


def load_returned(tx: Transaction, decision_id: int) -> tuple[Returned, ...]:
    """What became of the measures of a decision that were taken back."""
    return tuple(
        Returned(row.kind, msgspec.json.decode(row.detail, type=dict[str, Any]))
        for row in tx.all(_ends, decision=decision_id)
    )


def say_returned(language: str, found: tuple[Returned, ...]) -> list[str]:
    """What is back, then what stays away and why; empty when no measure was taken back."""
    return _say_back(language, _count(found)) + _say_lost(language, _count(found))


def _count(found: tuple[Returned, ...]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in found:
        detail = one.detail
        away = next((name for name in ("gone", "deleted_by_author", "erased") if detail.get(name)), "")
        if one.kind in _TAKING and (away or detail.get("still") == "hidden"):
            counts[away or "hidden"] += 1
        elif one.kind in _TAKING:
            counts["posts"] += 1
        elif one.kind in _COVERING and not away:
            counts["uncovered"] += 1
        elif detail.get("still") in ("suspended", "limited"):
            counts[detail["still"]] = 1
        for name in ("reblogs", "ties_lost"):
            counts[name] += int(detail.get(name, 0))
        counts["follows"] += int(detail.get("follows", 0)) + int(detail.get("follow_requests", 0))
        elsewhere = detail.get("elsewhere")
        if elsewhere is not None:
            counts["elsewhere"] += 1
            counts["remote_favourites"] += int(elsewhere.get("favourites", 0))
            counts["remote_reblogs"] += int(elsewhere.get("reblogs", 0))
    return counts


def _say_back(language: str, counts: Counter[str]) -> list[str]:
    words = translations(language)
    said = []
    if count := counts["posts"]:
        said.append(
            words.ngettext(
                "%(count)s post is back as you wrote it.",
                "%(count)s posts are back as you wrote them.",
                count,
            )
            % {"count": count}
        )
    if count := counts["reblogs"]:
        said.append(
            words.ngettext("%(count)s boost is back too.", "%(count)s boosts are back too.", count)
            % {"count": count}
        )
    if counts["uncovered"]:
        said.append(words.gettext("What we had put in front of your post is gone from it."))
    if count := counts["follows"]:
        said.append(
            words.ngettext(
                "%(count)s tie to people whom you follow or who follow you is restored.",
                "%(count)s ties to people whom you follow or who follow you are restored.",
                count,
            )
            % {"count": count}
        )
    return said


def _say_lost(language: str, counts: Counter[str]) -> list[str]:
    words = translations(language)
    _ = words.gettext
    said = []
    if count := counts["hidden"]:
        said.append(
            words.ngettext(
                "%(count)s post stays hidden, because of another decision.",
                "%(count)s posts stay hidden, because of other decisions.",
                count,
            )
            % {"count": count}
        )
    if counts["suspended"]:
        said.append(_("Your account stays suspended, because of another decision."))
    if counts["limited"]:
        said.append(_("Your account stays restricted, because of another decision."))
    if count := counts["deleted_by_author"]:
        said.append(
            words.ngettext(
                "%(count)s post stays deleted, because you deleted it yourself.",
                "%(count)s posts stay deleted, because you deleted them yourself.",
                count,
            )
            % {"count": count}
        )
    if count := counts["erased"] + counts["gone"]:
        said.append(
            words.ngettext(
                "%(count)s post was erased for good and cannot come back.",
                "%(count)s posts were erased for good and cannot come back.",
                count,
            )
            % {"count": count}
        )
    if count := counts["ties_lost"]:
        said.append(
            words.ngettext(
                "%(count)s tie could not be restored: something has changed on the other side.",
                "%(count)s ties could not be restored: something has changed on the other side.",
                count,
            )
            % {"count": count}
        )
    if counts["elsewhere"]:
        said += _say_elsewhere(language, counts)
    return said


def _say_elsewhere(language: str, counts: Counter[str]) -> list[str]:
    words = translations(language)
    likes, boosts = counts["remote_favourites"], counts["remote_reblogs"]
    said = [words.gettext("Other servers had been told to delete it. They are sent it anew, as a new post.")]
    if likes or boosts:
        lost = [
            words.ngettext("%(count)s like", "%(count)s likes", likes) % {"count": likes} if likes else "",
            words.ngettext("%(count)s boost", "%(count)s boosts", boosts) % {"count": boosts}
            if boosts
            else "",
        ]
        named = ", ".join(part for part in lost if part)
        said.append(words.gettext("What it had there cannot come back: %(named)s.") % {"named": named})
    return said
