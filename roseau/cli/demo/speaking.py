"""What somebody of the demo says: sentences chosen and filled in by a random source."""

import re
from functools import cache
from random import Random

from roseau.cli.demo.english import ENGLISH
from roseau.cli.demo.french import FRENCH
from roseau.cli.demo.wording import Theme, Wording

WORDINGS: dict[str, Wording] = {wording.language: wording for wording in (FRENCH, ENGLISH)}
THEMES = len(FRENCH.themes)

_SLOT = re.compile(r"\{(\w+)\}")


@cache
def _pieces(template: str) -> tuple[str, ...]:
    """Text and slot names by turns, text first."""
    return tuple(_SLOT.split(template))


def fill(rng: Random, wording: Wording, template: str) -> str:
    """The sentence with something in each slot, its first letter a capital."""
    pieces = _pieces(template)
    if len(pieces) == 1:
        return template
    said = "".join(
        rng.choice(wording.slots[piece]) if place % 2 else piece for place, piece in enumerate(pieces)
    )
    return said[0].upper() + said[1:]


def say_something(rng: Random, wording: Wording, theme: Theme) -> str:
    """A post on a theme: an opening, often a sequel, often hashtags."""
    said = fill(rng, wording, rng.choice(theme.openings))
    if rng.random() < 0.5:
        said += rng.choice((" ", "\n\n")) + fill(rng, wording, rng.choice(theme.sequels))
    if rng.random() < 0.42:
        tags = rng.sample(theme.tags, 2 if rng.random() < 0.3 else 1)
        said += "\n\n" + " ".join(f"#{tag}" for tag in tags)
    return said


def pick_theme(rng: Random, wording: Wording, favourite: int) -> Theme:
    """Mostly what the person always talks about."""
    themes = wording.themes
    return themes[favourite] if rng.random() < 0.55 else rng.choice(themes)


def list_tags() -> list[str]:
    """Every hashtag that may be used, as it is written."""
    return sorted({tag for wording in WORDINGS.values() for theme in wording.themes for tag in theme.tags})
