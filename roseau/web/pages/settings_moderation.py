"""What a site settles for its moderation: who reads appeals from outside, who keeps the roots of its log."""

import msgspec
from sqlalchemy import bindparam, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import find_account_id
from roseau.domain.moderation.team.permissions import permissions_of, require
from roseau.domain.site import choose, load_choices
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, Problem, mark
from roseau.settings import WrongSetting, check_base_url
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.statements import statement
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import form_of, member_of, redirect, role_only

MAX_PEERS = 10

_name_of = statement(select(accounts.c.username).where(accounts.c.id == bindparam("wanted")))


class Moderation(msgspec.Struct):
    """The form: a user name, and addresses of sites, one a line."""

    outside_reviewer: str = ""
    record_peers: str = ""


def _load(tx: Transaction) -> Moderation:
    choices = load_choices(tx)
    name = tx.value(_name_of, wanted=choices.outside_reviewer_id) if choices.outside_reviewer_id else ""
    return Moderation(name or "", "\n".join(choices.record_peers))


def _save(tx: Transaction, by_id: int, form: Moderation) -> None:
    require(tx, by_id, "manage_settings")
    problems: list[Problem] = []
    reviewer_id = _find_reviewer(tx, form.outside_reviewer, problems)
    peers = _read_peers(form.record_peers, problems)
    if problems:
        raise Invalid(problems=tuple(problems))
    choose(tx, by_id, outside_reviewer_id=reviewer_id, record_peers=peers)


def _find_reviewer(tx: Transaction, name: str, problems: list[Problem]) -> int:
    name = name.strip().lstrip("@")
    if not name:
        return 0
    found = find_account_id(tx, name)
    if found is None:
        problems.append(Problem("outside_reviewer", "ERR_INVALID", "There is no member of that name here."))
    elif "decide_cases" in permissions_of(tx, found):
        sentence = mark("Whoever decides cases is not from outside: name somebody else.")
        problems.append(Problem("outside_reviewer", "ERR_TAKEN", sentence))
    return found or 0


def _read_peers(text: str, problems: list[Problem]) -> tuple[str, ...]:
    peers = tuple(dict.fromkeys(line.strip().rstrip("/") for line in text.splitlines() if line.strip()))
    if len(peers) > MAX_PEERS:
        problems.append(Problem("record_peers", "ERR_TOO_MANY", "Ten sites are enough to keep the roots."))
    for peer in peers:
        try:
            if check_base_url(peer) != peer or not peer.startswith("https://"):
                raise WrongSetting
        except WrongSetting:
            sentence = mark("Write each site as https://example.org, one a line.")
            problems.append(Problem("record_peers", "ERR_INVALID", sentence))
            break
    return peers


@role_only("admin", "owner")
async def show(request: Request) -> Response:
    """The form as it is chosen."""
    return _page(request, await server_of(request).database.read(_load))


def _page(
    request: Request, form: Moderation, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    return render(request, "settings/moderation.html", status, form=form, problems=problems or {})


@role_only("admin", "owner")
async def save(request: Request) -> Response:
    """Save it."""
    form = to_struct(form_of(request), Moderation)
    try:
        await server_of(request).database.write(_save, member_of(request).account.id, form)
    except Invalid as error:
        return _page(request, form, 422, problems_of(request, error))
    _ = translations_of(request).gettext
    return redirect(request, "/settings/site/moderation", say=_("Saved."))


routes = [
    Route("/settings/site/moderation", show),
    Route("/settings/site/moderation", save, methods=["POST"]),
]
