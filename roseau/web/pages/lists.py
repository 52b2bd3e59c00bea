"""The member's lists: read one, make one, rename it, choose who is in it."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.lookup import find_account
from roseau.domain.relationships.listing import Related
from roseau.domain.relationships.loading import Relationship, load_relationship
from roseau.domain.search.people import search_accounts
from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines import lists
from roseau.domain.timelines.lists import AccountList, RepliesPolicy
from roseau.domain.timelines.queries import list_list
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.html import clean_text
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.pages.timelines import answer, page_of
from roseau.web.problems import problems_of
from roseau.web.rendering import is_fragment, render, render_part, translations_of
from roseau.web.sessions import back_of, field_of, form_of, member_of, member_only, redirect

#: A list is short enough to be shown whole; there is no list of thousands to page through.
_EVERYBODY = Page(limit=5000)
_FOUND = 20


class ListForm(msgspec.Struct):
    """A list as its form is filled in; `account_id` is somebody to put on it at once."""

    title: str = ""
    replies_policy: RepliesPolicy = "list"
    exclusive: bool = False
    account_id: str = ""


def _id_of(request: Request) -> int:
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NotFound
    return found


def _member_id(request: Request) -> int:
    return member_of(request).account.id


def _problems(request: Request, form: ListForm, error: Invalid) -> dict[str, str]:
    """What is wrong with a list, in a sentence for people."""
    _ = translations_of(request).gettext
    title = clean_text(form.title).strip()
    if not title:
        return {"title": _("Give the list a name.")}
    if len(title) > lists.MAX_TITLE:
        return {"title": _("A name has %(number)s characters at most.") % {"number": lists.MAX_TITLE}}
    return problems_of(request, error)


# All of them


class _Shelf(msgspec.Struct):
    lists: list[AccountList]
    #: Somebody to put on lists, and those they are on.
    person: AccountView | None = None
    relationship: Relationship | None = None
    holding: set[int] = set()


def _look_at_all(tx: Transaction, member_id: int, person_id: int | None) -> _Shelf:
    shelf = _Shelf(lists.list_lists(tx, member_id))
    if person_id is not None:
        shelf.person = find_account(tx, person_id)
        if shelf.person is None:
            raise NotFound
        shelf.relationship = load_relationship(tx, member_id, person_id)
        shelf.holding = {one.id for one in lists.list_lists_with(tx, member_id, person_id)}
    return shelf


async def _show_all(
    request: Request, form: ListForm, person_id: int | None, problems: dict[str, str] | None = None
) -> Response:
    shelf = await server_of(request).database.read(_look_at_all, _member_id(request), person_id)
    return render(
        request, "lists.html", 422 if problems else 200, shelf=shelf, form=form, problems=problems or {}
    )


@member_only
async def show_all(request: Request) -> Response:
    """The lists, and the form for another one; with `add`, on which of them somebody is."""
    return await _show_all(request, ListForm(), parse_id(request.query_params.get("add")))


def _create(tx: Transaction, member_id: int, form: ListForm) -> AccountList:
    made = lists.create_list(
        tx, member_id, form.title, replies_policy=form.replies_policy, exclusive=form.exclusive
    )
    person_id = parse_id(form.account_id)
    if person_id is not None:
        lists.add_to_list(tx, member_id, made.id, [person_id])
    return made


@member_only
async def create(request: Request) -> Response:
    """Make a list."""
    form = to_struct(form_of(request), ListForm)
    try:
        made = await server_of(request).database.write(_create, _member_id(request), form)
    except Invalid as error:
        problems = _problems(request, form, error)
        return await _show_all(request, form, parse_id(form.account_id), problems)
    _ = translations_of(request).gettext
    if form.account_id:
        return redirect(request, back_of(request, "/lists"), say=_("The list is made, and they are on it."))
    return redirect(request, f"/lists/{made.id}/edit", say=_("The list is made. Now put people on it."))


# One of them


def _read(
    tx: Transaction, member_id: int, list_id: int, page: Page
) -> tuple[AccountList, list[StatusView], bool]:
    found = lists.find_list(tx, member_id, list_id)
    anyone = bool(lists.list_members(tx, member_id, list_id, Page(limit=1)))
    return found, list_list(tx, member_id, list_id, page), anyone


@member_only
async def show(request: Request) -> Response:
    """What those on the list post."""
    found, views, anyone = await server_of(request).database.read(
        _read, _member_id(request), _id_of(request), page_of(request)
    )
    return answer(request, "list.html", views, list=found, anyone=anyone)


class _Open(msgspec.Struct):
    shown: AccountList
    members: list[Related]
    #: People one follows who are not on it, as far as they were searched.
    found: list[AccountView]


def _open(tx: Transaction, site: Site, member_id: int, list_id: int, words: str) -> _Open:
    found = lists.find_list(tx, member_id, list_id)
    members = lists.list_members(tx, member_id, list_id, _EVERYBODY)
    people: list[AccountView] = []
    if words:
        people = search_accounts(tx, site, member_id, words, limit=_FOUND, following=True)
    on_it = {related.view.id for related in members}
    return _Open(found, members, [view for view in people if view.id not in on_it])


async def _show_open(
    request: Request, form: ListForm | None = None, problems: dict[str, str] | None = None
) -> Response:
    words = request.query_params.get("q", "").replace("\0", "").strip()
    server = server_of(request)
    opened = await server.database.scan(_open, server.site, _member_id(request), _id_of(request), words)
    filled: ListForm | AccountList = form or opened.shown
    status = 422 if problems else 200
    return render(
        request, "list_edit.html", status, opened=opened, form=filled, words=words, problems=problems or {}
    )


@member_only
async def edit(request: Request) -> Response:
    """The list's name and choices, and who is on it."""
    return await _show_open(request)


@member_only
async def save(request: Request) -> Response:
    """Save the list's name and choices."""
    form = to_struct(form_of(request), ListForm)
    try:
        await server_of(request).database.write(
            lists.update_list, _member_id(request), _id_of(request),
            title=form.title, replies_policy=form.replies_policy, exclusive=form.exclusive,
        )  # fmt: skip
    except Invalid as error:
        return await _show_open(request, form, _problems(request, form, error))
    _ = translations_of(request).gettext
    return redirect(request, f"/lists/{_id_of(request)}/edit", say=_("The list is saved."))


@member_only
async def delete(request: Request) -> Response:
    """Delete the list, after asking."""
    list_id = _id_of(request)
    database = server_of(request).database
    found = await database.read(lists.find_list, _member_id(request), list_id)
    _ = translations_of(request).gettext
    if field_of(request, "confirmed") != "1":
        return render(
            request,
            "confirm.html",
            heading=_("Delete the list %(title)s?") % {"title": found.title},
            sentence=_("You go on following those who are on it."),
            action=f"/lists/{list_id}/delete",
            words=_("Delete"),
            danger=True,
            back=f"/lists/{list_id}/edit",
        )
    await database.write(lists.delete_list, _member_id(request), list_id)
    return redirect(request, "/lists", say=_("The list is deleted."))


def _person_of(request: Request) -> int:
    found = parse_id(field_of(request, "account_id"))
    if found is None:
        raise NotFound
    return found


@member_only
async def add(request: Request) -> Response:
    """Put somebody on the list."""
    list_id = _id_of(request)
    await server_of(request).database.write(
        lists.add_to_list, _member_id(request), list_id, [_person_of(request)]
    )
    _ = translations_of(request).gettext
    return redirect(request, back_of(request, f"/lists/{list_id}/edit"), say=_("Put on the list."))


@member_only
async def remove(request: Request) -> Response:
    """Take somebody off the list."""
    list_id = _id_of(request)
    await server_of(request).database.write(
        lists.remove_from_list, _member_id(request), list_id, [_person_of(request)]
    )
    _ = translations_of(request).gettext
    said = _("Taken off the list.")
    if is_fragment(request):
        return render_part(request, "fragments/nothing.html", say=said)
    return redirect(request, back_of(request, f"/lists/{list_id}/edit"), say=said)


routes = [
    Route("/lists", show_all),
    Route("/lists", create, methods=["POST"]),
    Route("/lists/{id}", show),
    Route("/lists/{id}/edit", edit),
    Route("/lists/{id}/edit", save, methods=["POST"]),
    Route("/lists/{id}/delete", delete, methods=["POST"]),
    Route("/lists/{id}/add", add, methods=["POST"]),
    Route("/lists/{id}/remove", remove, methods=["POST"]),
]
