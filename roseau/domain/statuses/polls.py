"""Polls: who may read one, votes, and the end of it."""

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.events import PollClosed, PollVoted
from roseau.domain.statuses.details import PollView, load_polls
from roseau.domain.statuses.holding import check_not_blocking
from roseau.domain.statuses.loading import load_status
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.statuses import poll_options, poll_votes, polls, statuses
from roseau.storage.statements import statement, upsert

CLOSE = "close_poll"


class PollJob(msgspec.Struct, frozen=True):
    """Payload of `close_poll`."""

    poll_id: int


_hold = statement(
    select(polls.c.status_id, polls.c.expires_at, polls.c.closed_at, statuses.c.deleted_at)
    .join(statuses, statuses.c.id == polls.c.status_id)
    .where(polls.c.id == bindparam("poll"))
    .with_for_update(key_share=True, of=polls)
)
_status = statement(select(polls.c.status_id).where(polls.c.id == bindparam("poll")))
_vote = statement(
    upsert(poll_votes)
    .values({name: bindparam(name) for name in ("poll_id", "account_id", "position", "created_at")})
    .on_conflict_do_nothing()
)
_count_option = statement(
    update(poll_options)
    .where(poll_options.c.poll_id == bindparam("poll"), poll_options.c.position == bindparam("place"))
    .values(votes_count=poll_options.c.votes_count + 1)
)
_count_poll = statement(
    update(polls)
    .where(polls.c.id == bindparam("poll"))
    .values(
        votes_count=polls.c.votes_count + bindparam("votes"),
        voters_count=polls.c.voters_count + bindparam("voters"),
    )
)
_close = statement(
    update(polls)
    .where(polls.c.id == bindparam("poll"), polls.c.closed_at.is_(None))
    .values(closed_at=bindparam("at"))
)


def load_poll(tx: Transaction, viewer_id: int, poll_id: int) -> PollView:
    """The poll as this viewer sees it. Raises NotFound, also where they may not see its status."""
    status_id = tx.value(_status, poll=poll_id)
    if status_id is None or load_status(tx, viewer_id, status_id) is None:
        raise NotFound
    return load_polls(tx, viewer_id, [poll_id])[poll_id]


def vote(tx: Transaction, account_id: int, poll_id: int, choices: list[int]) -> None:
    """Vote for these options, by place from 0; a poll with multiple answers takes further votes later.

    Raises NotFound, Forbidden (one blocks the author), Invalid with the sentence that Mastodon has for it.
    """
    tx.one(_hold, poll=poll_id)
    poll = load_poll(tx, account_id, poll_id)
    check_not_blocking(tx, account_id, poll.account_id)
    _check_vote(tx, account_id, poll, choices)
    for nth, place in enumerate(choices):
        # Votes are kept in the order in which they were given: each a millisecond after the one before.
        tx.run(_vote, poll_id=poll_id, account_id=account_id, position=place, created_at=tx.now + nth)
        tx.run(_count_option, poll=poll_id, place=place)
    tx.run(_count_poll, poll=poll_id, votes=len(choices), voters=0 if poll.own_votes else 1)
    tx.emit(PollVoted(poll_id, poll.status_id, account_id))


def _check_vote(tx: Transaction, account_id: int, poll: PollView, choices: list[int]) -> None:
    if poll.ended(tx.now):
        raise Invalid("Validation failed: The poll has already ended")
    if poll.account_id == account_id:
        raise Invalid("Validation failed: You cannot vote in your own polls")
    if not choices:
        raise Invalid("Validation failed: Choices can't be blank")
    if any(not 0 <= place < len(poll.options) for place in choices):
        raise Invalid("Validation failed: The chosen vote option does not exist")
    votes = [*poll.own_votes, *choices]
    if len(set(votes)) != len(votes) or (not poll.multiple and len(votes) > 1):
        raise Invalid("Validation failed: You have already voted on this poll")


def plan_closing(tx: Transaction, poll_id: int, expires_at: int) -> None:
    """Have the poll closed at that moment."""
    add_job(tx, CLOSE, PollJob(poll_id), run_at=expires_at, dedupe=f"{CLOSE}:{poll_id}:{expires_at}")


def close_poll(tx: Transaction, poll_id: int) -> None:
    """Close the poll if its time has come; that it is closed is said once."""
    poll = tx.one(_hold, poll=poll_id)
    if poll is None or poll.deleted_at is not None or poll.closed_at is not None:
        return
    # An edit may have given it more time; then another job is planned.
    if poll.expires_at is None or poll.expires_at > tx.now:
        return
    tx.run(_close, poll=poll_id, at=tx.now)
    tx.emit(PollClosed(poll_id, poll.status_id))
