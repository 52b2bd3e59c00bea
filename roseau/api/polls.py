"""Polls (docs.joinmastodon.org/methods/polls)."""

import msgspec
from starlette.responses import Response

from roseau.api.present.statuses import to_poll
from roseau.api.routing import Call, Routes
from roseau.domain.statuses.details import PollView
from roseau.domain.statuses.polls import load_poll, vote
from roseau.storage.database import Transaction

routes = Routes()


class VoteForm(msgspec.Struct):
    """The options chosen, by place from 0."""

    choices: list[int] = []


@routes.get("/api/v1/polls/{id}", access="anyone", scope="read:statuses")
async def show(call: Call) -> Response:
    """A poll."""
    poll = await call.server.database.read(load_poll, call.viewer, call.path_id())
    return call.json(to_poll(poll, call.viewer))


@routes.post("/api/v1/polls/{id}/votes", scope="write:statuses")
async def create_vote(call: Call) -> Response:
    """Vote; the answer is the poll with one's votes."""
    form = await call.form(VoteForm)
    poll = await call.server.database.write(_vote, call.viewer, call.path_id(), form.choices)
    return call.json(to_poll(poll, call.viewer))


def _vote(tx: Transaction, viewer: int, poll_id: int, choices: list[int]) -> PollView:
    vote(tx, viewer, poll_id, choices)
    return load_poll(tx, viewer, poll_id)
