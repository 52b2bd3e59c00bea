"""Every page and file that the web door serves, in one table.

Files and the status page are for anyone; every other page passes through `sessions.guarded`.
"""

from starlette.routing import Route

from roseau.web import files, live
from roseau.web.console import routes as console
from roseau.web.pages import (
    about,
    appeals,
    authorize,
    compose,
    control_room,
    first_run,
    front,
    invites,
    lists,
    notices,
    notifications,
    passwords,
    people,
    profiles,
    record,
    recovery_key,
    report,
    search,
    settings,
    settings_moderation,
    settings_people,
    settings_profile,
    settings_security,
    settings_site,
    sign_in,
    sign_up,
    status,
    statuses,
    timelines,
    transparency,
)
from roseau.web.sessions import guarded

PAGES: list[Route] = [
    *front.routes,
    *sign_in.routes,
    *sign_up.routes,
    *passwords.routes,
    *authorize.routes,
    *settings.routes,
    *settings_profile.routes,
    *settings_security.routes,
    *settings_people.routes,
    *recovery_key.routes,
    *settings_moderation.routes,
    *settings_site.routes,
    *invites.routes,
    *first_run.routes,
    *control_room.routes,
    *about.routes,
    *report.routes,
    *notices.routes,
    *record.routes,
    *appeals.routes,
    *transparency.routes,
    *profiles.routes,
    *people.routes,
    *notifications.routes,
    *search.routes,
    *lists.routes,
    *timelines.routes,
    *compose.routes,
    *live.routes,
    *console.PAGES,
    # Last, for any word may stand after a name in its addresses.
    *statuses.routes,
]

ROUTES: list[Route] = [*files.routes, *status.routes, *guarded(PAGES)]
