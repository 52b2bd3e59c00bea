"""What members do about others: follow, block, mute, note; and those who ask to follow them."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.lookup import find_account
from roseau.domain.relationships import blocking, following
from roseau.domain.relationships.listing import list_follow_requests
from roseau.domain.relationships.loading import Relationship, load_relationship
from roseau.domain.relationships.marks import MAX_NOTE, set_note
from roseau.doors import limits
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.addresses import account_path
from roseau.web.pages.timelines import next_of, page_of
from roseau.web.rendering import is_fragment, render, render_part, translations_of
from roseau.web.sessions import (
    Handler,
    back_of,
    field_of,
    form_of,
    member_of,
    member_only,
    redirect,
    spend,
)

Words = Callable[[str], str]


class Terms(msgspec.Struct):
    """What changes of a follow; None stays as it is."""

    notify: bool | None = None
    reblogs: bool | None = None


class Mute(msgspec.Struct):
    """For how long (seconds; 0 for good), and whether notifications are hidden, too."""

    duration: int = 0
    notifications: bool = False


def id_of(request: Request) -> int:
    """The id in the path. Raises NotFound."""
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NotFound
    return found


def _meet(tx: Transaction, member_id: int, account_id: int) -> tuple[AccountView, Relationship]:
    view = find_account(tx, account_id)
    relationship = load_relationship(tx, member_id, account_id)
    if view is None or relationship is None:
        raise NotFound
    return view, relationship


async def _known(request: Request) -> tuple[AccountView, Relationship]:
    """Whom the path names, and what is between them and the member. Raises NotFound."""
    return await server_of(request).database.read(_meet, member_of(request).account.id, id_of(request))


async def _done(request: Request, say: Callable[[Words, Relationship], str]) -> Response:
    """Say what is between the two now: with the follow button where htmx asks, else back where one was."""
    view, relationship = await _known(request)
    account = view.account
    said = say(translations_of(request).gettext, relationship) % {"name": account.acct}
    if is_fragment(request):
        return render_part(
            request, "fragments/follow.html", account=account, relationship=relationship, say=said
        )
    return redirect(request, back_of(request, account_path(account)), say=said)


def _say_follow(_: Words, relationship: Relationship) -> str:
    if relationship.requested:
        return _("You have asked to follow @%(name)s.")
    return _("You follow @%(name)s.")


@member_only
async def follow(request: Request) -> Response:
    """Follow, ask to follow, or change the terms of a follow."""
    member_id = member_of(request).account.id
    spend(request, limits.FOLLOWS, str(member_id))
    terms = to_struct(form_of(request), Terms)
    await server_of(request).database.write(
        following.follow_account, member_id, id_of(request), notify=terms.notify, reblogs=terms.reblogs
    )
    if terms.notify is not None:
        return await _done(request, _say_notify)
    if terms.reblogs is not None:
        return await _done(request, _say_reblogs)
    return await _done(request, _say_follow)


def _say_notify(_: Words, relationship: Relationship) -> str:
    if relationship.notify:
        return _("You will be told when @%(name)s posts.")
    return _("You will no longer be told when @%(name)s posts.")


def _say_reblogs(_: Words, relationship: Relationship) -> str:
    if relationship.reblogs:
        return _("What @%(name)s boosts comes to your home again.")
    return _("What @%(name)s boosts stays out of your home.")


def _plain(act: Callable[[Transaction, int, int], None], say: Callable[[Words], str]) -> Handler:
    """A button that does one thing at once."""

    @member_only
    async def handle(request: Request) -> Response:
        await _known(request)
        await server_of(request).database.write(act, member_of(request).account.id, id_of(request))
        return await _done(request, lambda words, between: say(words))

    handle.__name__ = act.__name__
    return handle


@member_only
async def block(request: Request) -> Response:
    """Block somebody, after asking."""
    view, _between = await _known(request)
    account = view.account
    _ = translations_of(request).gettext
    if field_of(request, "confirmed") != "1":
        return render(
            request,
            "confirm.html",
            heading=_("Block @%(name)s?") % {"name": account.acct},
            sentence=_(
                "You will not see each other any more, and neither of you will follow the other. "
                "They are not told, but they can notice."
            ),
            action=f"/accounts/{account.id}/block",
            words=_("Block"),
            danger=True,
            back=back_of(request, account_path(account)),
        )
    await server_of(request).database.write(blocking.block_account, member_of(request).account.id, account.id)
    return await _done(request, lambda _, between: _("You block @%(name)s."))


@member_only
async def mute(request: Request) -> Response:
    """Mute somebody: the first time it is asked for how long."""
    view, _between = await _known(request)
    if "duration" not in form_of(request):
        return render(
            request, "mute.html", account=view.account, back=back_of(request, account_path(view.account))
        )
    form = to_struct(form_of(request), Mute)
    await server_of(request).database.write(
        blocking.mute_account,
        member_of(request).account.id,
        view.id,
        notifications=form.notifications,
        duration=form.duration,
    )
    return await _done(request, lambda _, between: _("You no longer see what @%(name)s writes."))


@member_only
async def note(request: Request) -> Response:
    """Keep a note on somebody that only the member sees."""
    view, _between = await _known(request)
    comment = field_of(request, "comment")
    try:
        await server_of(request).database.write(set_note, member_of(request).account.id, view.id, comment)
    except Invalid:
        _ = translations_of(request).gettext
        problem = _("A note has %(number)s characters at most.") % {"number": MAX_NOTE}
        return render(
            request, "note.html", 422, account=view.account, comment=comment, problems={"comment": problem},
            back=back_of(request, account_path(view.account)),
        )  # fmt: skip
    return await _done(request, _say_note)


def _say_note(_: Words, relationship: Relationship) -> str:
    return _("Your note is kept. Only you can read it.") if relationship.note else _("Your note is gone.")


# Requests to follow


class _Waiting(msgspec.Struct):
    rows: list[AccountView]
    last_id: int | None


def _wait(tx: Transaction, member_id: int, page: Any) -> _Waiting:
    people = list_follow_requests(tx, member_id, page)
    return _Waiting([related.view for related in people], people[-1].id if people else None)


@member_only
async def show_requests(request: Request) -> Response:
    """Who waits to be let in."""
    found = await server_of(request).database.read(_wait, member_of(request).account.id, page_of(request))
    next_url = next_of(request, found.last_id, len(found.rows))
    if is_fragment(request):
        return render_part(request, "fragments/requests.html", people=found.rows, next_url=next_url)
    return render(request, "follow_requests.html", people=found.rows, next_url=next_url)


def _decide(act: Callable[[Transaction, int, int], None], say: Callable[[Words], str]) -> Handler:
    @member_only
    async def handle(request: Request) -> Response:
        view, _between = await _known(request)
        await server_of(request).database.write(act, member_of(request).account.id, view.id)
        said = say(translations_of(request).gettext) % {"name": view.account.acct}
        if is_fragment(request):
            return render_part(request, "fragments/nothing.html", say=said)
        return redirect(request, back_of(request, "/follow_requests"), say=said)

    handle.__name__ = act.__name__
    return handle


routes = [
    Route("/accounts/{id}/follow", follow, methods=["POST"]),
    Route(
        "/accounts/{id}/unfollow",
        _plain(following.unfollow_account, lambda _: _("You do not follow @%(name)s any more.")),
        methods=["POST"],
    ),
    Route("/accounts/{id}/block", block, methods=["POST"]),
    Route(
        "/accounts/{id}/unblock",
        _plain(blocking.unblock_account, lambda _: _("You no longer block @%(name)s.")),
        methods=["POST"],
    ),
    Route("/accounts/{id}/mute", mute, methods=["POST"]),
    Route(
        "/accounts/{id}/unmute",
        _plain(blocking.unmute_account, lambda _: _("You see what @%(name)s writes again.")),
        methods=["POST"],
    ),
    Route(
        "/accounts/{id}/remove_follower",
        _plain(following.remove_follower, lambda _: _("@%(name)s does not follow you any more.")),
        methods=["POST"],
    ),
    Route("/accounts/{id}/note", note, methods=["POST"]),
    Route("/follow_requests", show_requests),
    Route(
        "/follow_requests/{id}/authorize",
        _decide(following.authorize_follow_request, lambda _: _("@%(name)s follows you now.")),
        methods=["POST"],
    ),
    Route(
        "/follow_requests/{id}/reject",
        _decide(following.reject_follow_request, lambda _: _("@%(name)s does not get to follow you.")),
        methods=["POST"],
    ),
]
