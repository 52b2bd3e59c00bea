"""The worker: follows the log of events, lets reactions happen, does the jobs. Stops cleanly.

Each reader of the log takes some events at a time in one transaction with its cursor. When that
fails it goes on one by one; an event that keeps failing is parked, so that it cannot hold up the rest.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import msgspec
from sqlalchemy import bindparam, insert

from roseau.domain.events import to_event
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.reactions import JOBS, REACTIONS, Handler, react
from roseau.storage import events, jobs
from roseau.storage.database import Transaction
from roseau.storage.schema.log import parked_events
from roseau.storage.statements import statement

log = logging.getLogger("roseau.worker")

BATCH = 100
TRIES = 3
#: Without news the log is looked at this often all the same: another process may have written.
IDLE_SECONDS = 2.0
JOBS_AT_ONCE = 4

_park = statement(
    insert(parked_events).values(
        reader=bindparam("reader"), seq=bindparam("seq"), error=bindparam("error"), at=bindparam("at")
    )
)


class Worker:
    """Does what follows from commits. `run` for a server; `settle` for tests, which step it by hand."""

    def __init__(self, server: Server, handlers: Mapping[str, Handler] = JOBS) -> None:
        self.server = server
        self.handlers = handlers
        self._news = {name: asyncio.Event() for name in (*REACTIONS, "jobs")}
        server.database.on_events.append(self.wake)

    def wake(self) -> None:
        """There may be something to do."""
        for news in self._news.values():
            news.set()

    async def run(self) -> None:
        """Work until cancelled; what was begun is finished or left for the next start."""
        async with asyncio.TaskGroup() as group:
            for reader in REACTIONS:
                group.create_task(self._follow(reader, partial(self.step, reader)))
            group.create_task(self._follow("jobs", self.do_jobs))

    async def _follow(self, name: str, step: Callable[[], Awaitable[int]]) -> None:
        while True:
            try:
                self._news[name].clear()
                while await step():
                    pass
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news[name].wait(), IDLE_SECONDS)
            except Exception:  # the loop has to outlive whatever one round meets, such as a full disk
                log.error("worker_round_failed reader=%s\n%s", name, traceback.format_exc())
                await asyncio.sleep(IDLE_SECONDS)

    async def settle(self, rounds: int = 50) -> None:
        """React and work until nothing is left to do now."""
        for _ in range(rounds):
            done = 0
            for reader in REACTIONS:
                done += await self.step(reader)
            done += await self.do_jobs()
            if not done:
                return
        raise RuntimeError("the worker does not come to rest")

    # Events

    async def step(self, reader: str) -> int:
        """Let one reader take the next events; how many they were."""
        database = self.server.database
        if not await database.read(_is_behind, reader):
            return 0
        try:
            return await database.write(self._digest, reader, BATCH)
        except Exception as error:  # one of them failed: find out which, and let the others pass
            log.warning("events_failed_together reader=%s error=%r", reader, error)
        reason = ""
        for attempt in range(TRIES):
            try:
                return await database.write(self._digest, reader, 1)
            except Exception as error:  # tried again, then parked with its error
                log.warning("event_failed reader=%s attempt=%d error=%r", reader, attempt, error)
                reason = "".join(traceback.format_exception(error))
        return await database.write(_park_next, reader, reason)

    def _digest(self, tx: Transaction, reader: str, limit: int) -> int:
        after = events.find_cursor(tx, reader)
        recorded = events.list_events(tx, after, limit)
        for row in recorded:
            event = to_event(row.kind, row.payload)
            if event is not None:
                react(tx, self.server.site, reader, event)
        if recorded:
            events.move_cursor(tx, reader, recorded[-1].seq)
        return len(recorded)

    # Jobs

    async def do_jobs(self) -> int:
        """Do the jobs that are due, a few at once; how many they were."""
        if not await self.server.database.read(_has_due_job):
            return 0
        claimed = await self.server.database.write(jobs.claim_jobs, JOBS_AT_ONCE)
        await asyncio.gather(*(self._do(job) for job in claimed))
        return len(claimed)

    async def _do(self, job: jobs.Job) -> None:
        database = self.server.database
        handler = self.handlers.get(job.kind)
        if handler is None:
            await database.write(jobs.fail_job, job, f"there is nobody to do {job.kind!r}")
            return
        try:
            await handler(self.server, job.payload.encode())
        except (jobs.GiveUp, msgspec.DecodeError) as error:
            await database.write(jobs.fail_job, job, str(error))
        except Exception as error:  # whatever went wrong, the job is kept and tried again
            log.warning("job_failed kind=%s id=%d attempt=%d error=%r", job.kind, job.id, job.attempts, error)
            await database.write(jobs.postpone_job, job, "".join(traceback.format_exception(error))[-4000:])
        else:
            await database.write(jobs.finish_jobs, [job.id])


def _is_behind(tx: Transaction, reader: str) -> bool:
    return events.find_last_event(tx) > events.find_cursor(tx, reader)


def _has_due_job(tx: Transaction) -> bool:
    due = jobs.find_next_run(tx)
    return due is not None and due <= clock.now()


def _park_next(tx: Transaction, reader: str, error: str) -> int:
    """Set the event aside that the reader cannot digest, and go on behind it."""
    recorded = events.list_events(tx, events.find_cursor(tx, reader), 1)
    for row in recorded:
        tx.run(_park, reader=reader, seq=row.seq, error=error[-4000:], at=tx.now)
        events.move_cursor(tx, reader, row.seq)
    return len(recorded)
