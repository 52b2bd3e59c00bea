"""What machines say to each other, one struct for each thing that can be said.

Whoever calls says `Hello` and for what; every answer may be a `Refusal` or `Superseded` instead.
"""

from typing import Literal

import msgspec

from roseau.survival.contract import Membership, Position
from roseau.survival.reeds.roster import Roster

Purpose = Literal["ship", "ask", "blobs", "evidence"]


class Message(msgspec.Struct, tag_field="is", kw_only=True):
    """Anything that is said."""


class Hello(Message):
    """Who is calling, in which epoch, and for what."""

    epoch: int
    purpose: Purpose


class Here(Message):
    """A reed's answer to a primary: its promise and exactly how far its copy has come."""

    name: str
    promised: int
    web_address: str = ""
    epoch: int = 0
    number: int = 0
    mark: str = ""
    salts: str = ""
    offset: int = 0
    free_bytes: int = 0


class Superseded(Message):
    """There is a higher epoch than the caller's. `reigns`: somebody has begun to write in it."""

    epoch: int
    reigns: bool = False
    name: str = ""
    machine_id: str = ""
    web_address: str = ""


class Refusal(Message):
    """No, and why."""

    reason: str


class Told(Message):
    """The newest list of machines."""

    roster: Roster


class Frames(Message):
    """Bytes of a generation, at an offset; all commits up to `through` are whole with them.

    `before` is the position before the generation's first commit.
    """

    salts: str
    before: int
    offset: int
    through: int


class BaseBegin(Message):
    """A base copy comes, of that position and size; pieces of it are the bodies that follow."""

    number: int
    size: int


class Piece(Message):
    """A piece of a base copy or blob."""


class BaseEnd(Message):
    """The base copy is whole, and this is its SHA-256. `follows`: it counts when the log was laid over it."""

    sha256: str
    follows: bool


class Audit(Message):
    """Prove that these bytes of a generation are on your disk."""

    nonce: str
    salts: str
    start: int
    end: int


class Ping(Message):
    """Are you there?"""


class Ack(Message):
    """Everything up to that number is on disk."""

    number: int


class Pong(Message):
    """Yes, and so much room is left."""

    free_bytes: int


class Proof(Message):
    """The SHA-256 of the nonce and the bytes; empty when they are not there any more."""

    digest: str


class Trouble(Message):
    """The reed cannot write just now."""

    reason: str


class Promise(Message):
    """Promise that epoch to the caller."""

    epoch: int


class Promised(Message):
    """The promise is on disk: how long the log is, who counts by that log, and everybody's addresses."""

    epoch: int
    number: int
    mark: str
    members_epoch: int
    members: list[str]
    needed: int
    roster: Roster

    @property
    def position(self) -> Position:
        """How long the log is."""
        return Position(self.epoch, self.number)

    @property
    def membership(self) -> Membership:
        """Who counts, as this log says."""
        return Membership(self.members_epoch, frozenset(self.members), self.needed)


class Lost(Message):
    """Have you lost the primary too?"""


class LostAnswer(Message):
    """Whether, to whom this machine listens instead, and how long its log is."""

    lost: bool
    primary: str
    epoch: int
    number: int


class Fetch(Message):
    """Send what comes behind this copy, up to the end of your log."""

    epoch: int
    number: int
    mark: str
    salts: str = ""
    offset: int = 0


class Caught(Message):
    """There is no more."""

    number: int


class Promote(Message):
    """The primary hands over: take that epoch. `roster` is what the caller knows."""

    epoch: int
    number: int


class Join(Message):
    """A former primary, or a reed that moved, wants to be shipped to at this address."""

    address: str


class Joined(Message):
    """It is shipped to. The epoch, where it began, and the last event before it; and everybody."""

    epoch: int
    after_number: int
    after_event: int
    roster: Roster


class Done(Message):
    """It was done."""


class BlobPut(Message):
    """A blob comes: pieces of `size` bytes in all, then the answer. `epoch` is the reign of the caller."""

    name: str
    size: int
    epoch: int


class BlobGet(Message):
    """Send a blob."""

    name: str


class BlobHas(Message):
    """Is that blob there?"""

    name: str


class BlobRemove(Message):
    """Delete a blob."""

    name: str
    epoch: int


class BlobNames(Message):
    """Which blobs are there whose names begin with these two digits?"""

    prefix: str


class BlobList(Message):
    """The names of blobs."""

    names: list[str]


class BlobSize(Message):
    """The blob is there, so large; -1: it is not. To `BlobGet`, its bytes are the pieces that follow."""

    size: int


class KeysPut(Message):
    """Keep these evidence keys, each sealed to the machine that it is for; also the answer to `KeysGet`."""

    epoch: int
    keys: dict[str, bytes]


class KeysGet(Message):
    """Give back these evidence keys."""

    epoch: int
    ids: list[str]


class KeysErase(Message):
    """Destroy these evidence keys, if your copy of the database says so too."""

    epoch: int
    ids: list[str]


class KeysHeld(Message):
    """The evidence keys that are on this machine, and those that were destroyed on it."""

    ids: list[str]
    gone: list[str]


class Status(Message):
    """How do you do?"""


AnyMessage = (
    Hello
    | Here
    | Superseded
    | Refusal
    | Told
    | Frames
    | BaseBegin
    | Piece
    | BaseEnd
    | Audit
    | Ping
    | Ack
    | Pong
    | Proof
    | Trouble
    | Promise
    | Promised
    | Lost
    | LostAnswer
    | Fetch
    | Caught
    | Promote
    | Join
    | Joined
    | Done
    | BlobPut
    | BlobGet
    | BlobHas
    | BlobRemove
    | BlobNames
    | BlobList
    | BlobSize
    | KeysPut
    | KeysGet
    | KeysErase
    | KeysHeld
    | Status
)
