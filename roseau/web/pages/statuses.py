"""A post's own page, its history, and everything that can be done to it with one button."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.statuses import interactions, marks, polls
from roseau.domain.statuses.context import load_context
from roseau.domain.statuses.history import StatusEdit, list_history
from roseau.domain.statuses.loading import StatusView, load_status
from roseau.domain.statuses.removal import delete_status, was_withdrawn
from roseau.doors import limits
from roseau.doors.server import server_of
from roseau.kernel.errors import Gone, Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.addresses import status_path
from roseau.web.composing import reply_to
from roseau.web.drafts import Draft
from roseau.web.rendering import (
    here_of,
    is_fragment,
    language_of,
    render,
    render_part,
    translations_of,
    viewer_of,
)
from roseau.web.sessions import back_of, field_of, form_of, member_of, member_only, query, redirect, spend

#: How deep answers are indented before they go on below each other.
_DEEPEST: Final = 3
#: What one page shows of a conversation: the last of what came before, and so many answers at a time.
_ABOVE: Final = 50
_BELOW: Final = 100


class Conversation(msgspec.Struct):
    """A post among what it answers and what answers it; None stands for what this reader does not see."""

    focused: StatusView
    above: list[StatusView | None]
    #: Each answer with its depth.
    below: list[tuple[StatusView | None, int]]
    #: The reply that the form at the end begins with; None for visitors.
    reply: Draft | None = None
    #: The post further up with which the conversation goes on.
    earlier: StatusView | None = None


def id_of(request: Request) -> int:
    """The id in the path. Raises NotFound."""
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NotFound
    return found


def viewer_id_of(request: Request) -> int:
    """The signed-in member's id, or 0."""
    viewer = viewer_of(request)
    return viewer.account.id if viewer else 0


def look_at(tx: Transaction, viewer_id: int, status_id: int) -> StatusView:
    """The post, as this reader sees it. Raises NotFound, or Gone when its author took it away."""
    view = load_status(tx, viewer_id, status_id)
    if view is None:
        raise Gone("This post was deleted by its author.") if was_withdrawn(tx, status_id) else NotFound
    return view


def _converse(tx: Transaction, viewer_id: int, language: str, status_id: int) -> Conversation:
    focused = look_at(tx, viewer_id, status_id)
    before, after = load_context(tx, viewer_id, focused.shown.id)
    above = _with_gaps(before, focused.shown)
    shown = above[-_ABOVE:]
    return Conversation(
        focused=focused,
        above=shown,
        below=_with_depths(after, focused.shown.id),
        reply=reply_to(tx, viewer_id, focused.shown, language) if viewer_id else None,
        earlier=next(filter(None, shown), None) if len(above) > _ABOVE else None,
    )


def _with_gaps(before: Sequence[StatusView], focused: StatusView) -> list[StatusView | None]:
    """What was said before, oldest first, with a None for what is missing in between."""
    found: list[StatusView | None] = []
    above: int | None = None
    for view in (*before, focused):
        # Whatever the first of them answers is missing as well.
        if view.status.in_reply_to_id != above:
            found.append(None)
        found.append(view)
        above = view.id
    return found[:-1]


def _with_depths(after: Sequence[StatusView], focused_id: int) -> list[tuple[StatusView | None, int]]:
    """Each answer with its depth, and a None where the answer in between is missing."""
    depths = {focused_id: 0}
    found: list[tuple[StatusView | None, int]] = []
    for view in after:
        parent_id = view.status.in_reply_to_id or 0
        if parent_id not in depths:
            depths[parent_id] = 1
            found.append((None, 1))
        depths[view.id] = depths[parent_id] + 1
        found.append((view, min(depths[view.id], _DEEPEST)))
    return found


async def show(request: Request) -> Response:
    """The conversation around a post."""
    viewer_id, language = viewer_id_of(request), language_of(request)
    found = await server_of(request).database.scan(_converse, viewer_id, language, id_of(request))
    # A boost has no conversation of its own, and names are written in one way.
    path = status_path(found.focused.shown.author.account, found.focused.shown.id)
    if request.url.path != path:
        return RedirectResponse(path, 301)
    skipped = parse_id(request.query_params.get("skip")) or 0
    after = skipped + _BELOW
    more_url = f"{path}?{query(skip=str(after))}" if len(found.below) > after else ""
    below = found.below[skipped:after]
    if is_fragment(request) and skipped:
        return render_part(request, "fragments/answers.html", below=below, next_url=more_url)
    return render(request, "conversation.html", found=found, below=below, next_url=more_url)


def _look_back(tx: Transaction, viewer_id: int, status_id: int) -> tuple[StatusView, list[StatusEdit]]:
    view = look_at(tx, viewer_id, status_id).shown
    return view, list_history(tx, viewer_id, view.id)


async def history(request: Request) -> Response:
    """What a post said before it was edited."""
    view, edits = await server_of(request).database.read(_look_back, viewer_id_of(request), id_of(request))
    return render(request, "history.html", view=view, edits=edits)


# Actions

Act = Callable[[Transaction, Request, int, int], object]


def _reblog(tx: Transaction, request: Request, member_id: int, status_id: int) -> None:
    interactions.reblog_status(tx, server_of(request).site, member_id, status_id)


def _vote(tx: Transaction, request: Request, member_id: int, status_id: int) -> None:
    poll = look_at(tx, member_id, status_id).shown.poll
    if poll is None:
        raise NotFound
    chosen = form_of(request).get("choices", [])
    places = [parse_id(str(choice)) for choice in (chosen if isinstance(chosen, list) else [chosen])]
    if not places:
        raise Invalid("Choose an answer first.")
    # What is no number is no answer either, and refused as such.
    polls.vote(tx, member_id, poll.id, [-1 if place is None else place for place in places])


def _plain(function: Callable[[Transaction, int, int], object]) -> Act:
    return lambda tx, request, member_id, status_id: function(tx, member_id, status_id)


#: What a button does, and what is said when it is done.
ACTIONS: Final[dict[str, tuple[Act, Callable[[Callable[[str], str]], str]]]] = {
    "favourite": (_plain(interactions.favourite), lambda _: _("Added to your favourites.")),
    "unfavourite": (_plain(interactions.unfavourite), lambda _: _("No longer among your favourites.")),
    "reblog": (_reblog, lambda _: _("Boosted.")),
    "unreblog": (_plain(interactions.unreblog), lambda _: _("No longer boosted.")),
    "bookmark": (_plain(marks.bookmark), lambda _: _("Kept in your bookmarks.")),
    "unbookmark": (_plain(marks.unbookmark), lambda _: _("No longer in your bookmarks.")),
    "pin": (_plain(marks.pin), lambda _: _("Pinned to your profile.")),
    "unpin": (_plain(marks.unpin), lambda _: _("No longer pinned.")),
    "mute": (_plain(marks.mute_conversation), lambda _: _("You will hear no more of this conversation.")),
    "unmute": (_plain(marks.unmute_conversation), lambda _: _("You will hear of this conversation again.")),
    "vote": (_vote, lambda _: _("Your vote counts.")),
}


def _to_handler(verb: str) -> Callable[[Request], Awaitable[Response]]:
    act, words = ACTIONS[verb]

    @member_only
    async def handle(request: Request) -> Response:
        member_id, status_id = member_of(request).account.id, id_of(request)
        database = server_of(request).database
        if verb == "unreblog":
            spend(request, limits.DELETIONS, str(member_id))
        await database.write(act, request, member_id, status_id)
        say = words(translations_of(request).gettext)
        # The button may have stood on somebody's boost of the post: that is what is shown again.
        shown_id = parse_id(field_of(request, "boost")) or status_id
        if is_fragment(request):
            view = await database.read(_look_again, member_id, shown_id, status_id)
            return _show_again(request, view, say)
        return redirect(request, f"{back_of(request).partition('#')[0]}#s-{shown_id}", say=say)

    return handle


def _look_again(tx: Transaction, member_id: int, shown_id: int, status_id: int) -> StatusView:
    # A boost of one's own is gone when it was just taken back.
    return load_status(tx, member_id, shown_id) or look_at(tx, member_id, status_id)


def _show_again(request: Request, view: StatusView, say: str) -> Response:
    """The post in place of what it was before, drawn as on the page where it stands."""
    page = here_of(request).partition("?")[0]
    focused = page == status_path(view.shown.author.account, view.shown.id)
    in_thread = focused or (page.startswith("/@") and page.rpartition("/")[2].isdigit())
    return render_part(
        request, "fragments/post.html", view=view, focused=focused, in_thread=in_thread, say=say
    )


@member_only
async def delete(request: Request) -> Response:
    """Delete a post of one's own, after asking."""
    member_id, status_id = member_of(request).account.id, id_of(request)
    database = server_of(request).database
    view = await database.read(look_at, member_id, status_id)
    if view.status.account_id != member_id:
        raise NotFound
    _ = translations_of(request).gettext
    back = back_of(request)
    if field_of(request, "confirmed") != "1":
        return render(
            request,
            "confirm.html",
            heading=_("Delete this post?"),
            sentence=_("It is gone for everybody, with its boosts and favourites. Answers to it stay."),
            action=f"/statuses/{status_id}/delete",
            words=_("Delete"),
            danger=True,
            back=back,
        )
    spend(request, limits.DELETIONS, str(member_id))
    await database.write(delete_status, member_id, status_id)
    # Its own page is gone; every other page is still there.
    gone = status_path(view.author.account, status_id)
    return redirect(request, "/home" if back.startswith(gone) else back, say=_("The post is deleted."))


routes = [
    *(Route(f"/statuses/{{id}}/{verb}", _to_handler(verb), methods=["POST"]) for verb in ACTIONS),
    Route("/statuses/{id}/delete", delete, methods=["POST"]),
    # These come last in the table: every other page under a name has a word of its own.
    Route("/@{acct}/{id}", show),
    Route("/@{acct}/{id}/history", history),
]
