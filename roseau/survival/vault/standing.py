"""How each vault stands at this moment: for the control room and for mails."""

from typing import Literal

import msgspec

VaultState = Literal["starting", "waiting", "holding", "away"]


class VaultStanding(msgspec.Struct, kw_only=True):
    """One vault. Times are milliseconds since the epoch.

    `waiting`: there is no recovery key yet, and nothing is written that nobody could open. `away`: the last
    try failed, and `reason` says why.
    """

    place: str
    state: VaultState = "starting"
    reason: str = ""
    #: Any moment between these two can be restored.
    oldest_at: int | None = None
    newest_at: int | None = None
    #: The last commit that it has, and how much of the log it lacks.
    number: int = 0
    behind_bytes: int = 0
    #: When the last base copy was made, and what the objects of the present stretch weigh.
    base_at: int | None = None
    bytes: int = 0
    #: How many pictures it has, and how many are still to be brought there.
    pictures: int = 0
    pictures_missing: int = 0
