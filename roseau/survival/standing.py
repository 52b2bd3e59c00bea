"""How a site stands: what the primary knows of its reeds at this moment. For pages, commands and mails."""

from typing import Literal, Protocol

import msgspec

LinkState = Literal["connecting", "following", "catching_up", "copying", "silent", "refused"]
Role = Literal["alone", "primary", "superseded"]


class LinkStanding(msgspec.Struct, kw_only=True):
    """One reed as the primary sees it. Times are milliseconds since the epoch."""

    machine_id: str
    name: str
    address: str
    counted: bool
    state: LinkState = "connecting"
    #: The last commit that it has on disk, and how much of the log it lacks.
    number: int = 0
    behind_commits: int = 0
    behind_bytes: int = 0
    #: From the sending of a commit to its answer, of the last one (milliseconds).
    round_trip: float | None = None
    last_answer_at: int | None = None
    free_bytes: int | None = None
    #: Why it is refused or silent, in a sentence.
    reason: str = ""


class Standing(msgspec.Struct, kw_only=True):
    """The whole site. `alone`: no reed is counted, and writes are acknowledged when they are on this disk."""

    role: Role = "alone"
    machine_id: str = ""
    epoch: int = 0
    number: int = 0
    acknowledged: int = 0
    #: K and N of the contract, and how many counted reeds answer now.
    needed: int = 0
    counted: int = 0
    answering: int = 0
    writable: bool = True
    #: The epoch by which this machine was superseded, and the name of the machine that reigns.
    superseded_by: str = ""
    reeds: list[LinkStanding] = []


Condition = Literal["alone", "holding", "reed_missing", "refused", "superseded"]


def condition_of(standing: Standing) -> Condition:
    """The one word for how a site stands, the gravest that is true."""
    if standing.role == "superseded":
        return "superseded"
    if not standing.writable:
        return "refused"
    if not standing.counted:
        return "alone"
    return "reed_missing" if standing.answering < standing.counted else "holding"


def missing_reeds(standing: Standing) -> list[LinkStanding]:
    """The counted reeds that do not answer."""
    return [
        reed for reed in standing.reeds if reed.counted and reed.state in ("silent", "refused", "connecting")
    ]


class KeyErrand(msgspec.Struct, frozen=True):
    """What a reed is to do about evidence keys: keep these, give back those, destroy those. By their ids."""

    put: dict[str, bytes] = {}
    get: list[str] = []
    erase: list[str] = []


class KeysFound(msgspec.Struct, frozen=True):
    """What a reed holds after an errand, what was destroyed there, and what it gave back."""

    ids: frozenset[str]
    gone: frozenset[str]
    given: dict[str, bytes]


class NotReached(Exception):
    """The machine did not do an errand, or did not say so; trying again later is right."""


class Survival(Protocol):
    """What keeps a site's reeds, as the pages see it: `Server.survival`."""

    def standing(self) -> Standing:
        """How the site stands at this moment."""
        ...

    async def rehearse(self) -> None:
        """Begin a rehearsal on a copy; its result becomes a row of `rehearsals`. Raises RoseauError."""
        ...

    async def switch(self, machine_id: str) -> None:
        """Hand the site over to this reed; when it returns, that one is the primary. Raises RoseauError."""
        ...

    def list_keepers(self) -> list[str]:
        """The reeds that answer now, by their ids: they can be given evidence keys."""
        ...

    async def carry_keys(self, machine_id: str, errand: KeyErrand) -> KeysFound:
        """Do an errand about evidence keys on a reed. Raises NotReached."""
        ...

    def close(self) -> None:
        """Ship no more: the server ends."""
        ...
