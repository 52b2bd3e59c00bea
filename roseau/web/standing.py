"""What the pages of members and operators say of the site's standing: one calm sentence, or nothing."""

from typing import Final, Literal

from starlette.requests import Request

from roseau.doors.server import server_of
from roseau.survival.standing import condition_of
from roseau.web.cookies import read_cookie
from roseau.web.rendering import viewer_of

ALONE_COOKIE: Final = "alone"
ALONE_DAYS: Final = 30

Banner = Literal["", "paused", "read_only", "alone", "refused", "superseded", "reed_missing"]


def banner_of(request: Request) -> Banner:
    """Which banner the home page carries: members hear whether they can post, operators everything.

    That there is no standby can be put away for a month; nothing else can.
    """
    condition = condition_of(server_of(request).standing())
    viewer = viewer_of(request)
    if viewer is None or viewer.role not in ("admin", "owner"):
        return {"refused": "paused", "superseded": "read_only"}.get(condition, "")  # type: ignore[return-value]
    if condition == "holding" or (condition == "alone" and read_cookie(request, ALONE_COOKIE)):
        return ""
    return condition
