"""The site's recovery key: nine words on paper that open its secrets on any machine; a public key is kept.

Whoever made it proves that the words were kept: with three of them, right after they were shown
(`ask_for_words`, `prove_asked_words`), or with all nine at any later time (`prove_recovery_key`).
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from roseau.domain.site import Choices, Site, choose, load_choices
from roseau.kernel import clock, keys
from roseau.kernel.errors import Invalid, Problem
from roseau.kernel.sealing import to_sealing_public
from roseau.kernel.words import COUNT, KEY_BYTES, from_words, split_words, to_words
from roseau.storage.database import Transaction
from roseau.storage.secrets import RECOVERY, recovery_sealing_key, wrap_for

Standing = Literal["missing", "unproven", "proven"]

#: How many of the words are asked for, and for how long after they were shown.
ASKED = 3
ASKED_LASTS = clock.HOUR

_PURPOSE = "asked words"


class Asked(msgspec.Struct):
    """The words that were shown and are asked for, by their places from 1; travels sealed in a form."""

    public_key: str
    until: int
    words: dict[int, str]


def recovery_standing(tx: Transaction) -> Standing:
    """Whether there is a recovery key, and whether somebody has shown that its words were kept."""
    return standing_of(load_choices(tx))


def standing_of(choices: Choices) -> Standing:
    """The same, from choices that were loaded already."""
    if not choices.recovery_public_key:
        return "missing"
    return "proven" if choices.recovery_proven_at else "unproven"


def recovery_public_key(choices: Choices) -> bytes | None:
    """The key to seal with what only the nine words may open; None when there is no recovery key."""
    return base64.b64decode(choices.recovery_public_key) or None


def make_recovery_key(
    tx: Transaction, site: Site, by_id: int | None, *, replace: bool = False
) -> tuple[str, ...]:
    """Make a recovery key; its nine words, which are kept nowhere. An earlier key opens the site no more.

    Raises Invalid when there is a proven one, unless it is to be replaced.
    """
    if not replace and recovery_standing(tx) == "proven":
        raise Invalid("There is a proven recovery key. `roseau recovery make --replace` makes another.")
    key = secrets.token_bytes(KEY_BYTES)
    public = to_sealing_public(recovery_sealing_key(key))
    wrap_for(tx, site.data_key, RECOVERY, public)
    choose(tx, by_id, recovery_public_key=_to_text(public), recovery_made_at=tx.now, recovery_proven_at=0)
    return to_words(key)


def _to_text(public: bytes) -> str:
    return base64.b64encode(public).decode()


def _public_of(text: str) -> str:
    return _to_text(to_sealing_public(recovery_sealing_key(from_words(text))))


def prove_recovery_key(tx: Transaction, text: str, by_id: int | None) -> None:
    """Note that somebody has all nine words. Raises Invalid, which says what is wrong with them."""
    wanted = load_choices(tx).recovery_public_key
    if not wanted:
        raise Invalid("There is no recovery key yet. Make one first.")
    if _public_of(text) != wanted:
        raise Invalid("These words are not this site's: another's, or those of an earlier key.")
    choose(tx, by_id, recovery_proven_at=tx.now)


def ask_for_words(site: Site, words: Sequence[str]) -> str:
    """Choose the words that will be asked for; sealed text for a form, which gives nothing away."""
    places = sorted(secrets.SystemRandom().sample(range(1, COUNT + 1), ASKED))
    asked = Asked(
        _public_of(" ".join(words)), clock.now() + ASKED_LASTS, {place: words[place - 1] for place in places}
    )
    return base64.urlsafe_b64encode(keys.seal(site.data_key, _PURPOSE, msgspec.json.encode(asked))).decode()


def find_asked(site: Site, sealed: str) -> Asked:
    """Which words are asked for. Raises Invalid when they were shown too long ago."""
    try:
        opened = keys.unseal(site.data_key, _PURPOSE, base64.urlsafe_b64decode(sealed))
        asked = msgspec.json.decode(opened, type=Asked)
    except (ValueError, msgspec.DecodeError):
        raise _too_late() from None
    if asked.until < clock.now():
        raise _too_late()
    return asked


def _too_late() -> Invalid:
    return Invalid("These words were shown too long ago. Type all nine, or make a new key.")


def prove_asked_words(
    tx: Transaction, site: Site, sealed: str, answers: Mapping[int, str], by_id: int | None
) -> None:
    """Note that somebody has the words that are asked for. Raises Invalid, naming each that is wrong."""
    asked = find_asked(site, sealed)
    if asked.public_key != load_choices(tx).recovery_public_key:
        raise _too_late()
    wrong = [
        Problem(f"word_{place}", "ERR_INVALID", "This is not the word that was shown at this place.")
        for place, word in asked.words.items()
        if split_words(answers.get(place, "")) != [word]
    ]
    if wrong:
        raise Invalid(problems=tuple(wrong))
    choose(tx, by_id, recovery_proven_at=tx.now)
