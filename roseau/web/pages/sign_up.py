"""Joining: the form, as open as the site is; invitations; confirming the address; waiting to be let in."""

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.confirmation import confirm_address, find_confirmation, send_confirmation
from roseau.domain.accounts.creation import check_password
from roseau.domain.accounts.invites import Inviter, find_inviter
from roseau.domain.accounts.mails import find_reader
from roseau.domain.accounts.sessions import open_session
from roseau.domain.accounts.signup import Application, sign_up
from roseau.domain.policy import list_rules
from roseau.domain.site import Choices, Site, minimum_age_of, registrations_of
from roseau.doors import limits
from roseau.doors.forms import to_struct
from roseau.doors.passwords import hash_password
from roseau.doors.server import server_of
from roseau.kernel.errors import Gone, Invalid, Problem
from roseau.settings import Registrations
from roseau.storage.database import Transaction
from roseau.web import sessions
from roseau.web.problems import problems_of
from roseau.web.rendering import language_of, render, translations_of
from roseau.web.sessions import choices_of, field_of, form_of, redirect, session_of, spend


class Joining(msgspec.Struct):
    """What the form holds. `website` is a field that people do not see and programs fill in."""

    username: str = ""
    email: str = ""
    password: str = ""
    reason: str = ""
    age_confirmed: bool = False
    invite_code: str = ""
    time_zone: str = "UTC"
    website: str = ""


class _Door(msgspec.Struct):
    """How the site stands open to whoever asks."""

    mode: Registrations
    minimum_age: int
    rules: list[tuple[str, str]]
    inviter: Inviter | None

    @property
    def is_open(self) -> bool:
        """Whether this person may come in at all."""
        return self.mode in ("open", "approval") or (self.mode == "invitation" and self.inviter is not None)


def _look(tx: Transaction, site: Site, choices: Choices, language: str, code: str) -> _Door:
    texts = [rule.said_in(language) for rule in list_rules(tx)]
    return _Door(
        mode=registrations_of(site, choices),
        minimum_age=minimum_age_of(site, choices),
        rules=[(text.text, text.hint) for text in texts],
        inviter=find_inviter(tx, code),
    )


async def _answer(
    request: Request, form: Joining, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    server = server_of(request)
    door = await server.database.read(
        _look, server.site, choices_of(request), language_of(request), form.invite_code
    )
    message = choices_of(request).registrations_message
    return render(
        request, "sign_up.html", status, form=form, door=door, message=message, problems=problems or {},
        has_terms=bool(choices_of(request).terms),
    )  # fmt: skip


async def show(request: Request) -> Response:
    """The form, or why there is none."""
    if session_of(request):
        return RedirectResponse("/home", 303)
    return await _answer(request, Joining())


async def show_invited(request: Request) -> Response:
    """The form for somebody who was invited."""
    if session_of(request):
        return RedirectResponse("/home", 303)
    code = request.path_params["code"]
    if await server_of(request).database.read(find_inviter, code) is None:
        raise Gone("This invitation is not valid any more. Ask whoever gave it to you for another one.")
    return await _answer(request, Joining(invite_code=code))


async def join(request: Request) -> Response:
    """Make the account. The button's words say what is accepted by pressing it."""
    form = to_struct(form_of(request), Joining)
    if session_of(request):
        return RedirectResponse("/home", 303)
    if form.website:
        # A program filled in what nobody sees. It learns nothing from the answer.
        return RedirectResponse("/sign_up/waiting", 303)
    spend(request, limits.SIGN_UPS)
    found = [problem for problem in (check_password(form.password),) if problem]
    hashed = "" if found else await hash_password(form.password)
    application = Application(
        username=form.username,
        email=form.email,
        password_hash=hashed,
        locale=language_of(request),
        time_zone=form.time_zone,
        reason=form.reason,
        agreement=True,
        age_confirmed=form.age_confirmed,
        invite_code=form.invite_code,
        address=request.client.host if request.client else "",
    )
    server = server_of(request)
    agent = request.headers.get("user-agent", "")
    try:
        token = await server.database.write(_sign_up, server.site, application, found, agent)
    except Invalid as error:
        problems = problems_of(request, error, {"date_of_birth": "age_confirmed", "invite_code": ""})
        return await _answer(request, form, 422, problems=problems)
    _ = translations_of(request).gettext
    return sessions.sign_in(request, redirect(request, "/home", say=_("Welcome!")), token)


def _sign_up(tx: Transaction, site: Site, application: Application, found: list[Problem], agent: str) -> str:
    return open_session(tx, sign_up(tx, site, application, found), agent)


# Waiting


class _Standing(msgspec.Struct):
    email: str
    confirmed: bool
    approved: bool


async def show_waiting(request: Request) -> Response:
    """What is still missing: the address confirmed, or somebody who reads the request."""
    session = session_of(request)
    if session is None:
        return RedirectResponse("/sign_in", 303)
    if session.in_order:
        return RedirectResponse("/home", 303)
    return await _waiting(request)


async def _waiting(
    request: Request, status: int = 200, email: str = "", problems: dict[str, str] | None = None
) -> Response:
    session = session_of(request)
    if session is None:
        return RedirectResponse("/sign_in", 303)
    reader = await server_of(request).database.read(find_reader, session.account_id)
    standing = _Standing(reader.email, session.confirmed_at is not None, session.approved_at is not None)
    shown = email or reader.email
    return render(
        request, "sign_up_waiting.html", status, standing=standing, email=shown, problems=problems or {}
    )


async def send_again(request: Request) -> Response:
    """Mail the link again, to another address if one is given."""
    session = session_of(request)
    if session is None:
        return RedirectResponse("/sign_in", 303)
    spend(request, limits.SIGN_UPS)
    server = server_of(request)
    email = field_of(request, "email").strip()
    try:
        await server.database.write(send_confirmation, server.site, session.account_id, email)
    except Invalid as error:
        return await _waiting(request, 422, email, problems=problems_of(request, error))
    _ = translations_of(request).gettext
    return redirect(request, "/sign_up/waiting", say=_("The mail is on its way."))


async def show_confirmation(request: Request) -> Response:
    """One more press of a button: what looks into mails for people follows links, and must not confirm."""
    link = await server_of(request).database.read(find_confirmation, request.path_params["token"])
    if link is None:
        raise Gone("This link is no longer valid. Ask for a new one.")
    return render(request, "confirm_address.html", address=link.detail)


async def confirm(request: Request) -> Response:
    """Confirm the address."""
    server = server_of(request)
    await server.database.write(confirm_address, server.site, request.path_params["token"])
    _ = translations_of(request).gettext
    to = "/home" if session_of(request) else "/sign_in"
    return redirect(request, to, say=_("Thank you, your address is confirmed."))


routes = [
    Route("/sign_up", show),
    Route("/sign_up", join, methods=["POST"]),
    Route("/sign_up/waiting", show_waiting),
    Route("/sign_up/confirmation", send_again, methods=["POST"]),
    Route("/invite/{code}", show_invited),
    Route("/confirm/{token}", show_confirmation),
    Route("/confirm/{token}", confirm, methods=["POST"]),
]
