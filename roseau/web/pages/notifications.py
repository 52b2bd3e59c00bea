"""What happened around the member: a page of notifications, cleared away one by one or all at once."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.notifications.grouping import Group, dismiss_group, list_groups
from roseau.domain.notifications.official import OURS
from roseau.domain.notifications.policy import (
    accept_requests,
    count_pending,
    dismiss_requests,
    list_requests,
)
from roseau.domain.notifications.reading import (
    Choice,
    clear_notifications,
    dismiss_notification,
    find_last_read,
)
from roseau.domain.notifications.subjects import Subject
from roseau.domain.relationships.loading import Relationship, load_relationships
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines.markers import move_marker
from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.pages.timelines import next_of, page_of
from roseau.web.rendering import is_fragment, render, render_part, translations_of
from roseau.web.sessions import Handler, back_of, field_of, member_of, member_only, redirect

Words = Callable[[str], str]

_UNGROUPED = "ungrouped-"


class Row(msgspec.Struct):
    """What one person, or several, did to one thing; `id` is that of the newest notification."""

    id: int
    type: str
    created_at: int
    #: Who did it last, everybody the row names, and how many there are besides the last one.
    account: AccountView
    people: list[AccountView]
    others: int
    status: StatusView | None
    #: What is between the member and the last one.
    relationship: Relationship | None
    #: The group to dismiss; empty where the row is one notification.
    key: str
    #: It came since the member last looked.
    new: bool
    #: What a notification of the site itself is about.
    subject: Subject | None


class _Found(msgspec.Struct):
    rows: list[Row]
    #: Where the next page begins.
    last_id: int | None
    #: How many groups the page was made of.
    count: int
    newest_id: int
    read_id: int
    #: How many senders wait to be let through.
    kept_aside: int


def _look(tx: Transaction, member_id: int, page: Page, choice: Choice) -> _Found:
    found = list_groups(tx, member_id, page, choice)
    read_id = find_last_read(tx, member_id)
    people = {view.id: view for view in found.accounts}
    statuses = {view.id: view for view in found.statuses}
    followers = [group.account_ids[0] for group in found.groups if group.type == "follow"]
    known = {relation.id: relation for relation in load_relationships(tx, member_id, followers)}

    def to_row(group: Group) -> Row:
        views = [people[account_id] for account_id in group.account_ids]
        return Row(
            id=group.newest_id,
            type=group.type,
            created_at=group.latest_at,
            account=views[0],
            people=views,
            others=max(group.count, len(views)) - 1,
            status=statuses.get(group.status_id) if group.status_id else None,
            relationship=known.get(views[0].id),
            key="" if group.key.startswith(_UNGROUPED) else group.key,
            new=group.newest_id > read_id,
            subject=group.subject,
        )

    return _Found(
        rows=[to_row(group) for group in found.groups],
        last_id=min((group.page_min_id for group in found.groups), default=None),
        count=len(found.groups),
        newest_id=max((group.newest_id for group in found.groups), default=0),
        read_id=read_id,
        kept_aside=count_pending(tx, member_id)[0],
    )


@member_only
async def show(request: Request) -> Response:
    """The notifications, or only mentions; looking at all of them marks them as read."""
    member_id = member_of(request).account.id
    tab = "mentions" if request.query_params.get("tab") == "mentions" else ""
    page = page_of(request)
    choice = Choice(types=["mention"]) if tab else Choice(known=OURS)
    database = server_of(request).database
    found = await database.scan(_look, member_id, page, choice)
    next_url = next_of(request, found.last_id, found.count)
    if is_fragment(request) and page.max_id is not None:
        return render_part(request, "fragments/notifications.html", rows=found.rows, next_url=next_url)
    if not tab and page.max_id is None and found.newest_id > found.read_id:
        await server_of(request).note(move_marker, member_id, "notifications", found.newest_id)
        request.state.viewer = msgspec.structs.replace(member_of(request), unread=0)
    return render(
        request, "notifications.html", rows=found.rows, next_url=next_url, tab=tab,
        kept_aside=found.kept_aside,
    )  # fmt: skip


@member_only
async def clear(request: Request) -> Response:
    """Clear them all away, after asking."""
    _ = translations_of(request).gettext
    if field_of(request, "confirmed") != "1":
        return render(
            request,
            "confirm.html",
            heading=_("Clear all notifications?"),
            sentence=_("They cannot be brought back. Requests to follow you stay."),
            action="/notifications/clear",
            words=_("Clear all"),
            back=back_of(request, "/notifications"),
        )
    await server_of(request).database.write(clear_notifications, member_of(request).account.id)
    return redirect(request, back_of(request, "/notifications"), say=_("All notifications are cleared away."))


def _id_of(request: Request) -> int:
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NotFound
    return found


@member_only
async def dismiss(request: Request) -> Response:
    """Clear one away, or the group that it stands for."""
    notification_id = _id_of(request)
    member_id, group = member_of(request).account.id, field_of(request, "group")
    database = server_of(request).database
    if group:
        await database.write(dismiss_group, member_id, group)
    else:
        await database.write(dismiss_notification, member_id, notification_id)
    _ = translations_of(request).gettext
    said = _("Cleared away.")
    if is_fragment(request):
        return render_part(request, "fragments/nothing.html", say=said)
    return redirect(request, back_of(request, "/notifications"), say=said)


# Kept aside


@member_only
async def show_kept_aside(request: Request) -> Response:
    """Senders whose notifications are kept aside, until the member lets them through."""
    page = page_of(request)
    found = await server_of(request).database.read(list_requests, member_of(request).account.id, page)
    next_url = next_of(request, found[-1].id if found else None, len(found))
    template = "fragments/kept_aside.html" if is_fragment(request) else "kept_aside.html"
    show_it = render_part if is_fragment(request) else render
    return show_it(request, template, waiting=found, next_url=next_url)


def _decide(act: Callable[[Transaction, int, list[int]], int], say: Callable[[Words], str]) -> Handler:
    @member_only
    async def handle(request: Request) -> Response:
        member_id, sender_id = member_of(request).account.id, _id_of(request)
        if not await server_of(request).database.write(act, member_id, [sender_id]):
            raise NotFound
        said = say(translations_of(request).gettext)
        if is_fragment(request):
            return render_part(request, "fragments/nothing.html", say=said)
        return redirect(request, back_of(request, "/notifications/requests"), say=said)

    handle.__name__ = act.__name__
    return handle


routes = [
    Route("/notifications", show),
    Route("/notifications/requests", show_kept_aside),
    Route(
        "/notifications/requests/{id}/accept",
        _decide(accept_requests, lambda _: _("From now on you hear of them.")),
        methods=["POST"],
    ),
    Route(
        "/notifications/requests/{id}/dismiss",
        _decide(dismiss_requests, lambda _: _("Cleared away.")),
        methods=["POST"],
    ),
    Route("/notifications/clear", clear, methods=["POST"]),
    Route("/notifications/{id}/dismiss", dismiss, methods=["POST"]),
]
