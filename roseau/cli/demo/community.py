"""A community made up from a seed: who joins, who follows whom, who says what, and what others make of it.

It is lived through in order of time, so that an answer comes after what it answers, and ids sort.
"""

from collections import deque
from itertools import accumulate
from random import Random
from typing import Any

import msgspec

from roseau.cli.demo.filling import Filler
from roseau.cli.demo.gallery import Gallery
from roseau.cli.demo.people import IdMaker, Person, make_people
from roseau.cli.demo.speaking import THEMES, WORDINGS, list_tags
from roseau.kernel import clock
from roseau.kernel.text import plain
from roseau.kernel.text.searching import normalise_hashtag, words

DAYS = 90
MOST_TOLD = 30
#: How the hours of a day share what is posted, from midnight UTC.
_HOURS = (2, 1, 1, 1, 1, 2, 5, 9, 10, 9, 9, 10, 12, 10, 8, 8, 9, 12, 14, 16, 17, 14, 9, 5)


class Post(msgspec.Struct, gc=False):
    """What has to be remembered of a status while the rest is made up; people by their number."""

    id: int
    author: int
    at: int
    visibility: str
    language: str
    conversation_id: int | None = None
    parent_author: int = -1
    reblog_of: int = 0


class Told(msgspec.Struct, gc=False):
    """Something that somebody hears of; `about` makes it one of a kind."""

    kind: str
    by: int
    status_id: int | None
    at: int
    about: int


class Community:
    """The community while it is made up; `rows` takes everything that is to be in the database."""

    def __init__(self, rng: Random, base_url: str, rows: Filler, until: int) -> None:
        self.rng = rng
        self.base_url = base_url
        self.rows = rows
        self.until = until
        self.start = until - DAYS * clock.DAY
        self.new_id = IdMaker()
        self.people: list[Person] = []
        self.following: list[list[int]] = []
        self.followers: list[list[int]] = []
        self.tag_ids: dict[str, int] = {}
        self.posts: list[Post] = []
        self.told: list[deque[Told]] = []

    def tag_url(self, name: str) -> str:
        """A hashtag's page."""
        return f"{self.base_url}/tags/{normalise_hashtag(name)}"

    def render(self, text: str) -> str:
        """A text that mentions nobody as HTML."""
        return plain.render(plain.parse(text), {}, self.tag_url)

    def soon_after(self, at: int, typical: int) -> int:
        """A later moment, mostly by not much more than `typical` milliseconds, and never in the future."""
        later = at + int(self.rng.expovariate(1 / typical))
        return later if later < self.until else self.rng.randrange(at, self.until)

    def tell(self, reader: int, kind: str, by: int, status_id: int | None, at: int, about: int = 0) -> None:
        """Let somebody hear of what somebody else did; only the latest is kept."""
        if reader != by:
            self.told[reader].append(Told(kind, by, status_id, at, about or self.people[by].id))

    # People

    def settle(self, count: int, owner_password_hash: str, domain: str, gallery: Gallery) -> None:
        """Have people join, with their profiles."""
        bios = {language: wording.bios for language, wording in WORDINGS.items()}
        self.people = make_people(self.rng, count, self.new_id, bios, THEMES, self.start)
        self.told = [deque(maxlen=MOST_TOLD) for _ in self.people]
        for number, person in enumerate(self.people):
            self._add_profile(person, gallery)
            self.rows.add(
                "users",
                account_id=person.id,
                email=f"{person.username}@{domain}",
                email_key=f"{person.username}@{domain}",
                password_hash=owner_password_hash if number == 0 else "",
                role=("owner", "moderator")[number] if number < 2 else "member",
                locale=person.language,
                created_at=person.joined_at,
                confirmed_at=person.joined_at,
                approved_at=person.joined_at,
            )
        for name in list_tags():
            tag_id = self.tag_ids[normalise_hashtag(name)] = self.new_id(self.start)
            self.rows.add(
                "tags",
                id=tag_id,
                name=normalise_hashtag(name),
                display_name=name,
                created_at=self.start,
                last_status_at=None,
            )

    def _add_profile(self, person: Person, gallery: Gallery) -> None:
        wording = WORDINGS[person.language]
        place = self.rng.choice(wording.slots["place"])
        label = {"fr": "Ville", "en": "Town"}[person.language]
        fields = [{"name": label, "value": place, "html": place, "verified_at": None}]
        scene, header = self.rng.choice(gallery.headers)
        has_header = self.rng.random() < 0.75
        self.rows.add(
            "accounts",
            id=person.id,
            username=person.username,
            username_key=person.username,
            uri=f"{self.base_url}/users/{person.username}",
            display_name=person.display_name,
            note=person.bio,
            note_html=self.render(person.bio),
            fields=msgspec.json.encode(fields if self.rng.random() < 0.4 else []).decode(),
            actor_type="Service" if person.bot else "Person",
            avatar=self.rng.choice(gallery.avatars) if self.rng.random() < 0.93 else "",
            avatar_description="",
            header=header if has_header else "",
            header_description=wording.pictures[scene] if has_header else "",
            locked=person.locked,
            discoverable=person.discoverable,
            indexable=person.discoverable,
            created_at=person.joined_at,
            updated_at=person.joined_at,
        )
        names = words(f"{person.username} {person.display_name}") + words(person.username.replace("_", ""))
        self.rows.add("account_search", id=person.id, words=" ".join(dict.fromkeys(names)))

    def befriend(self) -> None:
        """Have people follow each other: the more who follow somebody, the more will."""
        count = len(self.people)
        weights = list(accumulate(person.popularity for person in self.people))
        self.following = [[] for _ in self.people]
        self.followers = [[] for _ in self.people]
        typical = min(26, max(2, count // 4))
        for number, person in enumerate(self.people):
            wanted = typical + 8 if number == 0 else round(typical * self.rng.lognormvariate(-0.1, 0.6))
            chosen = self.rng.choices(range(count), cum_weights=weights, k=wanted)
            for target in dict.fromkeys(chosen):
                if target != number:
                    self._follow(number, person, target)

    def _follow(self, number: int, person: Person, target: int) -> None:
        other = self.people[target]
        at = self.rng.randrange(max(person.joined_at, other.joined_at), self.until)
        row: dict[str, Any] = {"id": self.new_id(at), "account_id": person.id, "target_id": other.id}
        if other.locked and self.rng.random() < 0.2:
            self.rows.add("follow_requests", **row, created_at=at)
            self.tell(target, "follow_request", number, None, at)
            return
        self.rows.add("follows", **row, created_at=at)
        self.following[number].append(target)
        self.followers[target].append(number)
        if at > self.until - 14 * clock.DAY:
            self.tell(target, "follow", number, None, at)

    # Time

    def list_moments(self, count: int) -> list[int]:
        """When things are said: more by day than by night, and more lately than long ago. Ascending."""
        hours = list(accumulate(_HOURS))
        moments = []
        for hour in self.rng.choices(range(24), cum_weights=hours, k=count):
            day = self.until - int(DAYS * self.rng.random() ** 1.25) * clock.DAY
            at = day - day % clock.DAY + hour * clock.HOUR + self.rng.randrange(clock.HOUR)
            moments.append(at if at < self.until else at - clock.DAY)
        moments.sort()
        for place in range(1, count):
            moments[place] = max(moments[place], moments[place - 1] + 1)
        return moments
