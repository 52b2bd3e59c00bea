"""What follows from what: for each event, in order, what happens next.

Readers go through the log each at its own pace, in `seq` order, and are idempotent: the same event
read twice changes nothing. Only fan-out, notifications and conversations emit further events, and
nothing follows from those but streams and push, so a chain is at most two long (tested).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from roseau.domain import events
from roseau.domain.accounts import verification
from roseau.domain.accounts.expiry import forget_expired
from roseau.domain.media import cleanup, uploads
from roseau.domain.moderation import blocks, evidence, preserved_media, terms
from roseau.domain.moderation.appeals import answering, filing
from roseau.domain.moderation.decisions import settling
from roseau.domain.moderation.measures import applying, standing
from roseau.domain.moderation.notices import retention
from roseau.domain.moderation.record import peers, roots
from roseau.domain.moderation.servers import subscriptions
from roseau.domain.moderation.statements import announcing, deliveries
from roseau.domain.moderation.team import calling, duty
from roseau.domain.notifications import push, telling
from roseau.domain.search import indexing
from roseau.domain.site import Site
from roseau.domain.statuses import conversations, polls, scheduling
from roseau.domain.timelines import fanout
from roseau.doors import record_peers
from roseau.doors.abuse_mail import take_rest
from roseau.doors.evidence import carry_keys, end_evidence
from roseau.doors.lettering import send_delivery
from roseau.doors.mailing import send_queued_mail
from roseau.doors.pushing import send_queued_push
from roseau.doors.server import Server
from roseau.doors.subscriptions import fetch_domain_list
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.events import forget_events
from roseau.storage.jobs import add_job
from roseau.survival.watching import dependencies

Reaction = Callable[[Transaction, Site, Any], None]
#: How long the log is kept: what an open stream may have missed is read back from it.
EVENTS_KEPT = 7 * clock.DAY
FAN_OUT = "fan_out"
#: Does a kind of job, given the server and the job's payload as JSON.
Handler = Callable[[Server, bytes], Awaitable[None]]


def fan_out(tx: Transaction, site: Site, event: events.StatusPosted) -> None:
    """Lay a new status into home timelines, and tell the streams."""
    _fan_out_from(tx, FanOutJob(event.status_id, 0, event.fresh))


class FanOutJob(msgspec.Struct, frozen=True):
    """The rest of a fan-out to many: from which follower on, and whether streams are told at the end."""

    status_id: int
    after: int
    fresh: bool


def _fan_out_from(tx: Transaction, job: FanOutJob) -> int | None:
    """Serve the next followers; those after them are a job, so that other writers come in between."""
    after = fanout.fan_out(tx, job.status_id, job.after)
    if after is None:
        if job.fresh:
            tx.emit(events.StatusFannedOut(job.status_id))
    elif not job.after:
        rest = msgspec.structs.replace(job, after=after)
        add_job(tx, FAN_OUT, rest, dedupe=f"{FAN_OUT}:{job.status_id}")
    return after


async def go_on_fanning_out(server: Server, payload: bytes) -> None:
    """Serve the followers that the reaction left, some at a time."""
    job = msgspec.json.decode(payload, type=FanOutJob)
    after: int | None = job.after
    while after is not None:
        after = await server.database.write(_fan_out_from, msgspec.structs.replace(job, after=after))


def lift(tx: Transaction, site: Site, event: events.StatusDeleted | events.StatusHidden) -> None:
    """Take a deleted or hidden status out of home timelines."""
    fanout.lift(tx, event.status_id, event.account_id)


def backfill(tx: Transaction, site: Site, event: events.Followed) -> None:
    """Give a new follower what the other posted lately."""
    fanout.backfill(tx, event.account_id, event.target_id)


def withdraw(tx: Transaction, site: Site, event: events.Unfollowed | events.Blocked) -> None:
    """Take somebody's posts out of a home timeline that no longer follows them."""
    fanout.withdraw(tx, event.account_id, event.target_id)


def follow_conversation(
    tx: Transaction, site: Site, event: events.StatusPosted | events.StatusEdited | events.StatusRestored
) -> None:
    """Put a direct status into its members' private conversations."""
    conversations.follow_conversation(tx, event.status_id)


def shorten_conversations(
    tx: Transaction, site: Site, event: events.StatusDeleted | events.StatusHidden
) -> None:
    """Take a deleted or hidden status off private conversations."""
    conversations.shorten_conversations(tx, event.status_id)


def lay_again(tx: Transaction, site: Site, event: events.StatusRestored) -> None:
    """Lay a status that moderation had hidden into home timelines again; nobody is told that it is there."""
    _fan_out_from(tx, FanOutJob(event.status_id, 0, fresh=False))


#: Reader -> event -> what follows.
REACTIONS: dict[str, dict[type[events.Happened], tuple[Reaction, ...]]] = {
    "timelines": {
        events.StatusPosted: (fan_out,),
        events.StatusDeleted: (lift,),
        events.StatusHidden: (lift,),
        events.StatusRestored: (lay_again,),
        events.Followed: (backfill,),
        events.Unfollowed: (withdraw,),
        events.Blocked: (withdraw,),
    },
    "notifications": {
        events.StatusPosted: (telling.tell_of_post,),
        events.StatusEdited: (telling.tell_of_edit,),
        events.StatusDeleted: (telling.forget_post,),
        events.Favourited: (telling.tell_of_favourite,),
        events.Followed: (telling.tell_of_follow,),
        events.FollowRequested: (telling.tell_of_request,),
        events.Unfollowed: (telling.forget_follow,),
        events.Blocked: (telling.forget_person,),
        events.PollClosed: (telling.tell_of_result,),
        events.SignedUp: (telling.tell_of_sign_up,),
        events.NoticeFiled: (announcing.tell_team,),
        events.AccountSuspended: (announcing.tell_of_severances,),
    },
    "push": {
        events.Notified: (push.queue_pushes,),
    },
    "search": {
        events.StatusPosted: (indexing.follow_status,),
        events.StatusEdited: (indexing.follow_status,),
        events.StatusDeleted: (indexing.forget_status,),
        events.StatusHidden: (indexing.forget_status,),
        events.StatusRestored: (indexing.follow_status,),
        events.StatusCovered: (indexing.follow_status,),
        events.AccountCreated: (indexing.follow_account,),
        events.AccountUpdated: (indexing.follow_account,),
        events.AccountDeleted: (indexing.follow_account,),
    },
    "conversations": {
        events.StatusPosted: (follow_conversation,),
        events.StatusEdited: (follow_conversation,),
        events.StatusDeleted: (shorten_conversations,),
        events.StatusHidden: (shorten_conversations,),
        events.StatusRestored: (follow_conversation,),
    },
    "team": {
        events.NoticeFiled: (calling.call_team,),
        events.AccountSuspended: (blocks.follow_suspension,),
        events.AccountRestored: (blocks.follow_suspension,),
    },
    "evidence": {
        events.StatusHidden: (preserved_media.look_after_media,),
        events.StatusRestored: (preserved_media.look_after_media,),
    },
}


def react(tx: Transaction, site: Site, reader: str, event: events.Happened) -> None:
    """Do what this reader does about the event."""
    for reaction in REACTIONS[reader].get(type(event), ()):
        reaction(tx, site, event)


async def process_media(server: Server, payload: bytes) -> None:
    """Make the picture of an upload, should the process that took it have died."""
    await uploads.process_media(server, msgspec.json.decode(payload, type=uploads.MediaJob).media_id)


async def sweep(server: Server, payload: bytes) -> None:
    """Remove files that nobody uses, rows that have run out, and the ends of long timelines. Once a day."""
    database = server.database
    await database.write(forget_expired)
    await database.write(forget_events, clock.now() - EVENTS_KEPT)
    after: int | None = 0
    while after is not None:
        after = await database.write(fanout.trim_homes, after)
    await database.write(preserved_media.look_after_all)
    await database.write(blocks.forget_ip_blocks)
    await end_measures(server, payload)
    await database.write(retention.forget_persons)
    while await database.write(retention.erase_old_evidence):
        pass
    await cleanup.sweep(server)
    await database.write(retention.withhold_evidence, await database.scan(retention.list_only_in_evidence))


async def end_measures(server: Server, payload: bytes) -> None:
    """End the measures of moderation whose time is over."""
    while await server.database.write(settling.end_expired, server.site):
        pass


async def close_case(server: Server, payload: bytes) -> None:
    """Close a case whose decision can be undone no more."""
    case_id = msgspec.json.decode(payload, type=settling.CloseJob).case_id
    await server.database.write(settling.close_case, server.site, case_id)


async def settle_homes(server: Server, payload: bytes) -> None:
    """See to the homes of those who followed somebody that was suspended, or follow them again."""
    for follower_id, followed_id in msgspec.json.decode(payload, type=standing.HomesJob).follows:
        await server.database.write(standing.settle_home, follower_id, followed_id)


async def close_poll(server: Server, payload: bytes) -> None:
    """End a poll whose time has come."""
    await server.database.write(polls.close_poll, msgspec.json.decode(payload, type=polls.PollJob).poll_id)


async def publish_scheduled(server: Server, payload: bytes) -> None:
    """Post what was written for this moment."""
    job = msgspec.json.decode(payload, type=scheduling.ScheduledJob)
    await server.database.write(scheduling.publish_scheduled, server.site, job.scheduled_id)


async def settle_evidence_media(server: Server, payload: bytes) -> None:
    """Seal, drop or bring back the media of a preserved case."""
    await preserved_media.settle_media(server, server.site, payload)


async def begin_rest(server: Server, payload: bytes) -> None:
    """Somebody of the team begins to rest now."""
    await server.database.write(duty.begin_rest, msgspec.json.decode(payload, type=duty.RestJob).rest_id)


async def call_again(server: Server, payload: bytes) -> None:
    """Call everybody, if nobody has looked at an urgent case."""
    job = msgspec.json.decode(payload, type=calling.CallAgain)
    await server.database.write(calling.call_again, server.site, job)


async def lapse_appeal(server: Server, payload: bytes) -> None:
    """Have a decision lapse whose appeal nobody answered in time."""
    appeal_id = msgspec.json.decode(payload, type=filing.LapseJob).appeal_id
    await server.database.write(answering.lapse_appeal, server.site, appeal_id)


async def tell_of_terms(server: Server, payload: bytes) -> None:
    """Tell every member of new terms, some at a time."""
    version, after = msgspec.json.decode(payload, type=terms.TellJob).version, 0
    while (told := await server.database.write(terms.tell_of_terms, server.site, version, after)) is not None:
        after = told


async def verify_link(server: Server, payload: bytes) -> None:
    """Look whether the page that a profile names links back to it."""
    await verification.verify_link(server.database, server.client, server.site, payload)


async def look_at_dependencies(server: Server, payload: bytes) -> None:
    """Look until when the certificate and the domain of the site are good."""
    await dependencies.look_at_dependencies(server.database, server.client, server.site)


#: Kind of job -> who does it.
JOBS: dict[str, Handler] = {
    FAN_OUT: go_on_fanning_out,
    "abuse_mail_rest": take_rest,
    "mail": send_queued_mail,
    deliveries.JOB: send_delivery,
    filing.LAPSE: lapse_appeal,
    push.JOB: send_queued_push,
    uploads.PROCESS: process_media,
    uploads.SWEEP: sweep,
    polls.CLOSE: close_poll,
    applying.EXPIRE: end_measures,
    settling.CLOSE: close_case,
    standing.HOMES: settle_homes,
    scheduling.PUBLISH: publish_scheduled,
    verification.KIND: verify_link,
    terms.TELL: tell_of_terms,
    dependencies.JOB: look_at_dependencies,
    roots.JOB: record_peers.make_roots,
    peers.VISIT: record_peers.visit_peer,
    peers.FETCH: record_peers.fetch_roots,
    peers.CONFIRM: record_peers.confirm_roots,
    duty.REST: begin_rest,
    calling.CALL_AGAIN: call_again,
    subscriptions.FETCH: fetch_domain_list,
    evidence.CARRY: carry_keys,
    evidence.END: end_evidence,
    evidence.MEDIA: settle_evidence_media,
}
