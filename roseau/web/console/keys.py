"""The keys of the console: what each does, and the switch that turns all of them off."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.preferences import set_preferences
from roseau.doors.server import server_of
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import back_of, field_of, redirect


async def show_keys(request: Request) -> Response:
    """Every key, and the switch."""
    return await render_console(request, "console/keys.html")


async def set_keys(request: Request) -> Response:
    """Turn the keys on or off: it is the same preference as for the keys of the other pages."""
    on = field_of(request, "shortcuts") == "1"
    await server_of(request).database.write(_set, staff_of(request).account.id, on)
    _ = translations_of(request).gettext
    said = _("Keys do things again.") if on else _("Keys do nothing any more. The buttons are all there.")
    return redirect(request, back_of(request, "/moderation/keys"), say=said)


def _set(tx: Transaction, account_id: int, on: bool) -> None:
    set_preferences(tx, account_id, shortcuts=on)


routes = console_routes(
    [Route("/moderation/keys", show_keys), Route("/moderation/keys", set_keys, methods=["POST"])],
    permission="view_cases",
)
