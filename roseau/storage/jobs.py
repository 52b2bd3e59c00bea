"""Work to be done after a commit: rows that a worker claims, and tries again when they fail.

Anything that leaves the process (mail, push, later deliveries) is a job, added in the transaction
that asks for it. A claim lapses by itself, so work of a killed process is taken up by the next.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, or_, select, update

from roseau.kernel import clock, ids
from roseau.storage.database import Transaction
from roseau.storage.schema.log import jobs
from roseau.storage.statements import one_of, statement, upsert

CLAIM = 2 * clock.MINUTE
LAST_ATTEMPT = 10


class GiveUp(Exception):
    """Raised by whoever does a job when trying again cannot help."""


class Job(msgspec.Struct, frozen=True):
    """A claimed job; `payload` is JSON."""

    id: int
    kind: str
    payload: str
    attempts: int


_add = statement(
    upsert(jobs)
    .values(
        id=bindparam("id"),
        kind=bindparam("kind"),
        payload=bindparam("payload"),
        dedupe=bindparam("dedupe"),
        run_at=bindparam("run_at"),
        created_at=bindparam("created_at"),
    )
    .on_conflict_do_nothing()
)
_claimable = (
    select(jobs.c.id)
    .where(
        jobs.c.failed_at.is_(None),
        jobs.c.run_at <= bindparam("now"),
        or_(jobs.c.claimed_until.is_(None), jobs.c.claimed_until < bindparam("now")),
    )
    .order_by(jobs.c.run_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_claim = statement(
    update(jobs)
    .where(jobs.c.id.in_(_claimable.scalar_subquery()))
    .values(claimed_until=bindparam("until"), attempts=jobs.c.attempts + 1)
    .returning(jobs.c.id, jobs.c.kind, jobs.c.payload, jobs.c.attempts),
    into=Job,
)
_finish = statement(delete(jobs).where(one_of(jobs.c.id, "ids")))
_again = statement(
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"))
    .values(run_at=bindparam("at"), claimed_until=None, error=bindparam("why"))
)
_fail = statement(
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"))
    .values(failed_at=bindparam("at"), error=bindparam("why"))
)
_next = statement(select(func.min(jobs.c.run_at)).where(jobs.c.failed_at.is_(None)))


def add_job(
    tx: Transaction, kind: str, payload: Any, *, run_at: int | None = None, dedupe: str | None = None
) -> None:
    """Have work done once this transaction is committed; a second job with the same `dedupe` is dropped."""
    tx.news = True
    tx.run(
        _add,
        id=ids.new_id(),
        kind=kind,
        payload=msgspec.json.encode(payload).decode(),
        dedupe=dedupe,
        run_at=tx.now if run_at is None else run_at,
        created_at=tx.now,
    )


def claim_jobs(tx: Transaction, limit: int) -> list[Job]:
    """Take up to `limit` jobs that are due; they are this worker's for two minutes."""
    return tx.all(_claim, now=tx.now, until=tx.now + CLAIM, limit=limit)


def finish_jobs(tx: Transaction, done: list[int]) -> None:
    """Forget jobs that were done."""
    tx.run(_finish, ids=done)


def postpone_job(tx: Transaction, job: Job, error: str) -> None:
    """Try again later: after 15 s, doubling, ten times; then keep the job as failed, to be looked at."""
    if job.attempts >= LAST_ATTEMPT:
        tx.run(_fail, job_id=job.id, at=tx.now, why=error)
        return
    wait = 15 * clock.SECOND * 2 ** (job.attempts - 1)
    tx.run(_again, job_id=job.id, at=tx.now + wait, why=error)


def fail_job(tx: Transaction, job: Job, error: str) -> None:
    """Give the job up; it stays in the table to be looked at."""
    tx.run(_fail, job_id=job.id, at=tx.now, why=error)


def find_next_run(tx: Transaction) -> int | None:
    """When the earliest waiting job is due."""
    return tx.value(_next)  # type: ignore[no-any-return]
