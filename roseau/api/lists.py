"""Lists (docs.joinmastodon.org/methods/lists)."""

from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.relationships import MAX_IDS, answer_people
from roseau.api.routing import Call, Routes
from roseau.domain.timelines import lists
from roseau.kernel.errors import NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.pages import Page

routes = Routes()

#: What `limit=0` asks for: all of them.
EVERYBODY = 100_000


class ListForm(msgspec.Struct):
    """A list, or what is to change of one."""

    title: str | None = None
    replies_policy: lists.RepliesPolicy | None = None
    exclusive: bool | None = None


class MembersForm(msgspec.Struct):
    """People to put in or take out."""

    account_ids: list[str] = []

    def ids(self) -> list[int]:
        """Their ids. Raises NotFound when one of them cannot be an id."""
        found = [parse_id(text) for text in self.account_ids[:MAX_IDS]]
        if None in found:
            raise NotFound
        return [account_id for account_id in found if account_id is not None]


def to_list(found: lists.AccountList) -> dict[str, Any]:
    """The `List` entity."""
    return {
        "id": str(found.id),
        "title": found.title,
        "replies_policy": found.replies_policy,
        "exclusive": found.exclusive,
    }


@routes.get("/api/v1/lists", scope="read:lists")
async def index(call: Call) -> Response:
    """One's lists."""
    found = await call.server.database.read(lists.list_lists, call.viewer)
    return call.json([to_list(one) for one in found])


@routes.post("/api/v1/lists", scope="write:lists")
async def create(call: Call) -> Response:
    """A new list."""
    form = await call.form(ListForm)
    made = await call.server.database.write(
        lists.create_list,
        call.viewer,
        form.title or "",
        replies_policy=form.replies_policy or "list",
        exclusive=bool(form.exclusive),
    )
    return call.json(to_list(made))


@routes.get("/api/v1/lists/{id}", scope="read:lists")
async def show(call: Call) -> Response:
    """One of one's lists."""
    return call.json(to_list(await call.server.database.read(lists.find_list, call.viewer, call.path_id())))


@routes.put("/api/v1/lists/{id}", scope="write:lists")
async def update(call: Call) -> Response:
    """Change a list."""
    form = await call.form(ListForm)
    changed = await call.server.database.write(
        lists.update_list,
        call.viewer,
        call.path_id(),
        title=form.title,
        replies_policy=form.replies_policy,
        exclusive=form.exclusive,
    )
    return call.json(to_list(changed))


@routes.delete("/api/v1/lists/{id}", scope="write:lists")
async def delete(call: Call) -> Response:
    """Delete a list."""
    await call.server.database.write(lists.delete_list, call.viewer, call.path_id())
    return call.json({})


@routes.get("/api/v1/lists/{id}/accounts", scope="read:lists")
async def members(call: Call) -> Response:
    """Who is in a list."""
    page = Page(limit=EVERYBODY) if call.query().get("limit") == "0" else call.page(40, 80)
    found = await call.server.database.read(lists.list_members, call.viewer, call.path_id(), page)
    return answer_people(call, found, page)


@routes.post("/api/v1/lists/{id}/accounts", scope="write:lists")
async def add(call: Call) -> Response:
    """Put people that one follows into a list."""
    form = await call.form(MembersForm)
    await call.server.database.write(lists.add_to_list, call.viewer, call.path_id(), form.ids())
    return call.json({})


@routes.delete("/api/v1/lists/{id}/accounts", scope="write:lists")
async def remove(call: Call) -> Response:
    """Take people out of a list."""
    form = await call.form(MembersForm)
    await call.server.database.write(lists.remove_from_list, call.viewer, call.path_id(), form.ids())
    return call.json({})
