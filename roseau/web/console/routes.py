"""Every page of the console, in one table; it stands in `PAGES` of `roseau/web/routes.py`."""

from starlette.routing import Route

from roseau.web.console import (
    appeals,
    audit,
    case,
    deciding,
    desk,
    keys,
    orders,
    palette,
    people,
    queue,
    servers,
    team,
    templates,
)

PAGES: list[Route] = [
    *queue.routes,
    *case.routes,
    *deciding.routes,
    *appeals.routes,
    *desk.routes,
    *orders.routes,
    *people.routes,
    *servers.routes,
    *audit.routes,
    *team.routes,
    *templates.routes,
    *palette.routes,
    *keys.routes,
]
