"""Markers (docs.joinmastodon.org/methods/markers): how far one has read.

Mastodon answers 409 when two devices move a marker at once; here the later one simply comes after.
"""

from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.domain.timelines.markers import Marker, Timeline, load_markers, move_marker
from roseau.kernel import clock
from roseau.kernel.errors import Invalid
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction

routes = Routes()


class Place(msgspec.Struct):
    """The newest post or notification that was read."""

    last_read_id: str = ""


class MarkersForm(msgspec.Struct):
    """Markers to move."""

    home: Place | None = None
    notifications: Place | None = None

    def places(self) -> dict[Timeline, int]:
        """How far each timeline was read. Raises Invalid for what is not an id."""
        given: list[tuple[Timeline, Place | None]] = [
            ("home", self.home), ("notifications", self.notifications),
        ]  # fmt: skip
        places: dict[Timeline, int] = {}
        for timeline, place in given:
            if place is not None and place.last_read_id:
                last_read_id = parse_id(place.last_read_id)
                if last_read_id is None:
                    raise Invalid("Validation failed: Last read is not a valid id")
                places[timeline] = last_read_id
        return places


class MarkersQuery(msgspec.Struct):
    """Which markers."""

    timeline: list[str] = []


def _to_entity(marker: Marker) -> dict[str, Any]:
    return {
        "last_read_id": str(marker.last_read_id),
        "version": marker.version,
        "updated_at": clock.to_iso(marker.updated_at),
    }


@routes.get("/api/v1/markers", scope="read:statuses")
async def show(call: Call) -> Response:
    """How far one has read in these timelines."""
    form = await call.form(MarkersQuery)
    found = await call.server.database.read(load_markers, call.viewer)
    return call.json({name: _to_entity(found[name]) for name in form.timeline if name in found})


@routes.post("/api/v1/markers", scope="write:statuses")
async def move(call: Call) -> Response:
    """Note how far one has read."""
    places = (await call.form(MarkersForm)).places()

    def act(tx: Transaction) -> dict[str, Marker]:
        for timeline, last_read_id in places.items():
            move_marker(tx, call.viewer, timeline, last_read_id)
        return load_markers(tx, call.viewer)

    found = await call.server.database.write(act)
    return call.json({name: _to_entity(found[name]) for name in places})
