"""Every page of the console, in one table; it stands in `PAGES` of `roseau/web/routes.py`."""

from starlette.routing import Route

from roseau.web.console import (
    appeals,
    audit,
    blocks,
    case,
    deciding,
    desk,
    flaggers,
    keys,
    misuse,
    opening,
    orders,
    palette,
    people,
    queue,
    roles,
    server_lists,
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
    *server_lists.routes,
    *audit.routes,
    *team.routes,
    *roles.routes,
    *templates.routes,
    *palette.routes,
    *keys.routes,
    *misuse.routes,
    *opening.routes,
    *flaggers.routes,
    *blocks.routes,
]
