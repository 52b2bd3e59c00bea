"""Who lives in the demo: names, languages, habits, all from one random source."""

import re
from random import Random

import msgspec

from roseau.kernel import clock
from roseau.kernel.text.searching import fold

OWNER = "demo"

_FIRST = {
    "fr": (
        "Agathe", "Anouk", "Armand", "Aurélien", "Bérénice", "Camille", "Céleste", "Clément", "Corentin",
        "Émile",
        "Éloïse", "Fanny", "Gaspard", "Hélène", "Hugo", "Inès", "Jeanne", "Joachim", "Léonie", "Loïc",
        "Lucien",
        "Maëlle", "Marius", "Mathilde", "Nadia", "Noé", "Ondine", "Oscar", "Pauline", "Rachid", "Rose",
        "Samia",
        "Solène", "Théo", "Ulysse", "Violette", "Yasmina", "Yann", "Zélie", "Zoé",
    ),
    "en": (
        "Ada", "Aisha", "Alistair", "Beatrix", "Bronwyn", "Callum", "Cora", "Dylan", "Edith", "Eilidh",
        "Ewan",
        "Fergus", "Flora", "Gareth", "Grace", "Harriet", "Imogen", "Isla", "Jasper", "Kieran", "Lorna",
        "Maeve",
        "Malik", "Mina", "Niamh", "Nell", "Olwen", "Otis", "Percy", "Priya", "Rhys", "Rowan", "Ruth",
        "Seamus",
        "Stella", "Tess", "Una", "Victor", "Wilf", "Yusuf",
    ),
}  # fmt: skip
_LAST = {
    "fr": (
        "Abgrall", "Bellec", "Benali", "Carpentier", "Chevalier", "Darnal", "Delorme", "Duval", "Esnault",
        "Fabre",
        "Ferrand", "Garnier", "Guillou", "Haddad", "Jourdan", "Kerbrat", "Lacombe", "Le Goff", "Marchal",
        "Mercier",
        "Moreau", "Nguyen", "Oger", "Pelletier", "Quéré", "Rivière", "Roux", "Sabatier", "Tanguy", "Vasseur",
    ),
    "en": (
        "Ainsworth", "Barlow", "Bevan", "Chaudhry", "Crane", "Dunmore", "Ellwood", "Fairley", "Finch",
        "Gilchrist",
        "Hale", "Hughes", "Iqbal", "Jarvis", "Keane", "Lockwood", "MacRae", "Marsh", "Nash", "O’Brien",
        "Osei",
        "Pryce", "Quinn", "Reed", "Sharma", "Thorne", "Underhill", "Vaughan", "Whitlock", "Yates",
    ),
}  # fmt: skip
_NOT_IN_NAMES = re.compile(r"[^a-z]")


class Person(msgspec.Struct):
    """Somebody of the demo. `popularity` and `activity` are weights, `theme` what they mostly talk about."""

    id: int
    username: str
    display_name: str
    language: str
    bio: str
    joined_at: int
    popularity: float
    activity: float
    theme: int
    locked: bool = False
    bot: bool = False
    discoverable: bool = True


def make_people(
    rng: Random, count: int, new_id: "IdMaker", bios: dict[str, tuple[str, ...]], themes: int, start: int
) -> list[Person]:
    """The owner and `count - 1` others; popularity falls as a power of the rank, as it does among people."""
    people: list[Person] = []
    taken: set[str] = set()
    joining = sorted(start - rng.randrange(clock.DAY, 400 * clock.DAY) for _ in range(count))
    for rank, joined_at in enumerate(joining):
        language = "fr" if rng.random() < 0.55 else "en"
        first, last = rng.choice(_FIRST[language]), rng.choice(_LAST[language])
        username = OWNER if rank == 0 else _username(rng, first, last, taken)
        taken.add(username)
        shown = first if rng.random() < 0.2 else f"{first} {last}"
        people.append(
            Person(
                id=new_id(joined_at),
                username=username,
                display_name=shown,
                language=language,
                bio=rng.choice(bios[language]) if rng.random() < 0.85 else "",
                joined_at=joined_at,
                popularity=(rank + 2) ** -0.8 * rng.uniform(0.4, 1.6),
                activity=(rank + 4) ** -0.55 * rng.uniform(0.3, 1.7),
                theme=rng.randrange(themes),
                locked=rank > 0 and rng.random() < 0.06,
                bot=rank > 0 and rng.random() < 0.015,
                discoverable=rng.random() < 0.8,
            )
        )
    return people


def _username(rng: Random, first: str, last: str, taken: set[str]) -> str:
    given, family = (_NOT_IN_NAMES.sub("", fold(name)) for name in (first, last))
    wanted = rng.choice((given, f"{given}_{family}", f"{given[0]}{family}", f"{family}_{given}"))
    while wanted in taken or len(wanted) < 3:
        wanted = f"{wanted}{rng.randrange(2, 100)}"
    return wanted


class IdMaker:
    """Ids as `kernel.ids` makes them, but the same each time: counted, not random, in their low bits."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, at: int) -> int:
        """An id that sorts as made at that moment."""
        self._count = (self._count + 1) & 0xFFFF
        return (at << 16) | self._count
