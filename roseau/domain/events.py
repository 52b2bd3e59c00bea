"""The closed list of what can happen. A command emits one or more; `reactions.py` says what follows.

An event carries ids, never content: whoever reacts looks at the rows as they are by then.
"""

import msgspec

from roseau.storage.events import Event


class Happened(Event, frozen=True):
    """Something that happened, as the log keeps it."""


class AccountCreated(Happened, frozen=True):
    account_id: int


class AccountUpdated(Happened, frozen=True):
    account_id: int


class AccountDeleted(Happened, frozen=True):
    account_id: int


class StatusPosted(Happened, frozen=True):
    """A new status or reblog is there; `fresh` is false for imports, which nobody is told of."""

    status_id: int
    account_id: int
    fresh: bool = True


class StatusEdited(Happened, frozen=True):
    status_id: int
    account_id: int


class StatusDeleted(Happened, frozen=True):
    """Deleted by its author, or a reblog undone."""

    status_id: int
    account_id: int
    reblog_of_id: int | None = None


class StatusHidden(Happened, frozen=True):
    """Moderation keeps it from readers; it may come back."""

    status_id: int
    account_id: int


class StatusRestored(Happened, frozen=True):
    """What moderation had hidden is to be seen again, as it was."""

    status_id: int
    account_id: int


class StatusCovered(Happened, frozen=True):
    """Moderation has put a warning before a status, or taken it away."""

    status_id: int
    account_id: int


class AccountLimited(Happened, frozen=True):
    account_id: int


class AccountSuspended(Happened, frozen=True):
    """Moderation has hidden an account with all that it wrote, and cut its ties, for a time or for good."""

    account_id: int


class AccountRestored(Happened, frozen=True):
    """An account is suspended, or limited, no longer."""

    account_id: int


class StatusFannedOut(Happened, frozen=True):
    """Every home timeline that should have the status has it. Emitted by the fan-out reaction."""

    status_id: int


class Favourited(Happened, frozen=True):
    status_id: int
    account_id: int


class Followed(Happened, frozen=True):
    account_id: int
    target_id: int


class FollowRequested(Happened, frozen=True):
    account_id: int
    target_id: int


class Unfollowed(Happened, frozen=True):
    account_id: int
    target_id: int


class Blocked(Happened, frozen=True):
    account_id: int
    target_id: int


class Muted(Happened, frozen=True):
    account_id: int
    target_id: int


class PollVoted(Happened, frozen=True):
    poll_id: int
    status_id: int
    account_id: int


class PollClosed(Happened, frozen=True):
    poll_id: int
    status_id: int


class Notified(Happened, frozen=True):
    """A notification row was written. Emitted by the notifications reaction."""

    notification_id: int
    account_id: int


class ConversationUpdated(Happened, frozen=True):
    """A private conversation, by the id under which this member keeps it, has something new for them."""

    conversation_id: int
    account_id: int


class MarkerMoved(Happened, frozen=True):
    account_id: int
    timeline: str


class SignedUp(Happened, frozen=True):
    """Somebody asks to be let in, or is in at once."""

    account_id: int


class NoticeFiled(Happened, frozen=True):
    """A notice came in, by whichever door."""

    notice_id: int


class CaseUpdated(Happened, frozen=True):
    """A case is new, or something about it is: a notice, whose it is, its state."""

    case_id: int


KINDS: dict[str, type[Happened]] = {kind.__name__: kind for kind in Happened.__subclasses__()}


def to_event(kind: str, payload: str) -> Happened | None:
    """The event a log row stands for; None for a kind that only a newer Roseau knows."""
    struct = KINDS.get(kind)
    return None if struct is None else msgspec.json.decode(payload, type=struct)
