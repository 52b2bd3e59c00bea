"""Notifications (docs.joinmastodon.org/methods/notifications and grouped_notifications)."""

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from roseau.api.present.notifications import (
    to_account_list,
    to_first_policy,
    to_groups,
    to_notification,
    to_policy,
    to_request,
)
from roseau.api.routing import Call, Routes
from roseau.domain.notifications import grouping, policy, reading
from roseau.kernel.errors import NotFound
from roseau.kernel.ids import MAX_ID
from roseau.storage.database import Transaction

routes = Routes()

Id = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
READ = "read:notifications"
WRITE = "write:notifications"


class NotificationsQuery(msgspec.Struct, kw_only=True):
    """Which notifications are asked for."""

    types: list[str] = []
    exclude_types: list[str] = []
    account_id: Id = 0
    include_filtered: bool = False
    #: Types besides Mastodon's that the app can show.
    supported_types: list[str] = []
    grouped_types: list[str] | None = None
    expand_accounts: str = "full"
    limit: int = 100

    def choice(self) -> reading.Choice:
        """The same as the domain has it."""
        return reading.Choice(
            types=self.types,
            exclude_types=self.exclude_types,
            from_id=self.account_id,
            filtered=self.include_filtered,
            known=self.supported_types,
        )

    def most(self) -> int:
        """How far to count."""
        return max(1, min(self.limit, 1000))


# One by one


@routes.get("/api/v1/notifications", scope=READ)
async def index(call: Call) -> Response:
    """The member's notifications, newest first."""
    form = await call.form(NotificationsQuery)
    page = call.page(default=40, most=80)
    views = await call.server.database.read(reading.list_notifications, call.viewer, page, form.choice())
    if views:
        call.link(views[0].id, views[-1].id)
    base_url = call.server.site.base_url
    return call.json_list([to_notification(base_url, view, call.viewer) for view in views])


@routes.get("/api/v1/notifications/unread_count", scope=READ)
async def unread_count(call: Call) -> Response:
    """How many came since the member's marker."""
    form = await call.form(NotificationsQuery)
    count = await call.server.database.read(reading.count_unread, call.viewer, form.choice(), form.most())
    return call.json({"count": count})


@routes.get("/api/v1/notifications/{id}", scope=READ)
async def show(call: Call) -> Response:
    """One notification."""
    view = await call.server.database.read(reading.find_notification, call.viewer, call.path_id())
    if view is None:
        raise NotFound
    return call.json(to_notification(call.server.site.base_url, view, call.viewer))


@routes.post("/api/v1/notifications/clear", scope=WRITE)
async def clear(call: Call) -> Response:
    """Clear them all away."""
    await call.server.database.write(reading.clear_notifications, call.viewer)
    return call.json({})


@routes.post("/api/v1/notifications/{id}/dismiss", scope=WRITE)
async def dismiss(call: Call) -> Response:
    """Clear one away."""
    await call.server.database.write(_dismiss, call.viewer, call.path_id())
    return call.json({})


def _dismiss(tx: Transaction, viewer: int, notification_id: int) -> None:
    if reading.find_notification(tx, viewer, notification_id) is None:
        raise NotFound
    reading.dismiss_notification(tx, viewer, notification_id)


# In groups


@routes.get("/api/v2/notifications", scope=READ)
async def groups(call: Call) -> Response:
    """The member's notifications in groups, newest first."""
    form = await call.form(NotificationsQuery)
    page = call.page(default=40, most=80)
    found = await call.server.database.scan(
        grouping.list_groups, call.viewer, page, form.choice(), form.grouped_types
    )
    if found.groups:
        call.link(found.groups[0].page_max_id, found.groups[-1].page_max_id)
    partial = form.expand_accounts == "partial_avatars"
    return call.json(to_groups(call.server.site.base_url, found, call.viewer, partial=partial))


@routes.get("/api/v2/notifications/unread_count", scope=READ)
async def unread_groups(call: Call) -> Response:
    """How many groups have something newer than the member's marker."""
    form = await call.form(NotificationsQuery)
    count = await call.server.database.scan(
        grouping.count_unread_groups, call.viewer, form.choice(), form.most(), form.grouped_types
    )
    return call.json({"count": count})


@routes.get("/api/v2/notifications/{group_key}", scope=READ)
async def group(call: Call) -> Response:
    """One group."""
    key = call.request.path_params["group_key"]
    found = await call.server.database.scan(grouping.find_group, call.viewer, key)
    if found is None:
        raise NotFound
    return call.json(to_groups(call.server.site.base_url, found, call.viewer))


@routes.get("/api/v2/notifications/{group_key}/accounts", scope=READ)
async def group_accounts(call: Call) -> Response:
    """Everybody in a group."""
    key = call.request.path_params["group_key"]
    views = await call.server.database.scan(grouping.list_group_accounts, call.viewer, key)
    if not views:
        raise NotFound
    return call.json_list(to_account_list(call.server.site.base_url, views))


@routes.post("/api/v2/notifications/{group_key}/dismiss", scope=WRITE)
async def dismiss_group(call: Call) -> Response:
    """Clear a group away."""
    key = call.request.path_params["group_key"]
    await call.server.database.write(grouping.dismiss_group, call.viewer, key)
    return call.json({})


# The policy


class PolicyForm(msgspec.Struct, kw_only=True):
    """Changes of the policy, as API version 2 has them."""

    for_not_following: policy.Choice | None = None
    for_not_followers: policy.Choice | None = None
    for_new_accounts: policy.Choice | None = None
    for_private_mentions: policy.Choice | None = None
    for_limited_accounts: policy.Choice | None = None
    for_bots: policy.Choice | None = None


class FirstPolicyForm(msgspec.Struct, kw_only=True):
    """Changes of the policy, as API version 1 has them."""

    filter_not_following: bool | None = None
    filter_not_followers: bool | None = None
    filter_new_accounts: bool | None = None
    filter_private_mentions: bool | None = None


def _load_policy(tx: Transaction, member: int) -> tuple[policy.Policy, tuple[int, int]]:
    return policy.load_policy(tx, member), policy.count_pending(tx, member)


def _set_policy(
    tx: Transaction, member: int, choices: dict[str, policy.Choice | None]
) -> tuple[policy.Policy, tuple[int, int]]:
    return policy.set_policy(tx, member, **choices), policy.count_pending(tx, member)


@routes.get("/api/v2/notifications/policy", scope=READ)
async def show_policy(call: Call) -> Response:
    """Whose notifications the member wants."""
    return call.json(to_policy(*await call.server.database.read(_load_policy, call.viewer)))


@routes.patch("/api/v2/notifications/policy", scope=WRITE)
async def change_policy(call: Call) -> Response:
    """Change whose notifications the member wants."""
    form = await call.form(PolicyForm)
    choices: dict[str, Any] = msgspec.structs.asdict(form)
    return call.json(to_policy(*await call.server.database.write(_set_policy, call.viewer, choices)))


@routes.get("/api/v1/notifications/policy", scope=READ)
async def show_first_policy(call: Call) -> Response:
    """Whose notifications the member wants, for older apps."""
    return call.json(to_first_policy(*await call.server.database.read(_load_policy, call.viewer)))


@routes.put("/api/v1/notifications/policy", scope=WRITE)
@routes.patch("/api/v1/notifications/policy", scope=WRITE)
async def change_first_policy(call: Call) -> Response:
    """Change whose notifications the member wants, for older apps."""
    form = await call.form(FirstPolicyForm)
    choices: dict[str, policy.Choice | None] = {}
    for name, held_back in msgspec.structs.asdict(form).items():
        if held_back is not None:
            choices["for_" + name.removeprefix("filter_")] = "filter" if held_back else "accept"
    return call.json(to_first_policy(*await call.server.database.write(_set_policy, call.viewer, choices)))


# Requests of those whom the policy holds back


class RequestsForm(msgspec.Struct):
    """Several requests."""

    id: list[Id] = []


@routes.get("/api/v1/notifications/requests", scope=READ)
async def requests(call: Call) -> Response:
    """The requests that wait."""
    page = call.page(default=40, most=80)
    found = await call.server.database.read(policy.list_requests, call.viewer, page)
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    base_url = call.server.site.base_url
    return call.json_list([to_request(base_url, request, call.viewer) for request in found])


@routes.get("/api/v1/notifications/requests/merged", scope=READ)
async def merged(call: Call) -> Response:
    """Whether accepted notifications are in the list: here they are at once."""
    return call.json({"merged": True})


@routes.get("/api/v1/notifications/requests/{id}", scope=READ)
async def show_request(call: Call) -> Response:
    """One request."""
    found = await call.server.database.read(policy.find_request, call.viewer, call.path_id())
    if found is None:
        raise NotFound
    return call.json(to_request(call.server.site.base_url, found, call.viewer))


@routes.post("/api/v1/notifications/requests/accept", scope=WRITE)
async def accept_many(call: Call) -> Response:
    """Let several senders through."""
    form = await call.form(RequestsForm)
    await call.server.database.write(policy.accept_requests, call.viewer, form.id)
    return call.json({})


@routes.post("/api/v1/notifications/requests/dismiss", scope=WRITE)
async def dismiss_many(call: Call) -> Response:
    """Clear several requests away."""
    form = await call.form(RequestsForm)
    await call.server.database.write(policy.dismiss_requests, call.viewer, form.id)
    return call.json({})


@routes.post("/api/v1/notifications/requests/{id}/accept", scope=WRITE)
async def accept_one(call: Call) -> Response:
    """Let a sender through."""
    if not await call.server.database.write(policy.accept_requests, call.viewer, [call.path_id()]):
        raise NotFound
    return call.json({})


@routes.post("/api/v1/notifications/requests/{id}/dismiss", scope=WRITE)
async def dismiss_one(call: Call) -> Response:
    """Clear a request away."""
    if not await call.server.database.write(policy.dismiss_requests, call.viewer, [call.path_id()]):
        raise NotFound
    return call.json({})
