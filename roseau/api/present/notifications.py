"""Notifications as Mastodon's entities (docs.joinmastodon.org/entities/Notification)."""

from typing import Any

import msgspec

from roseau.api.present.accounts import to_account
from roseau.api.present.moderation import to_subject
from roseau.api.present.statuses import to_status, to_statuses
from roseau.domain.accounts.loading import Account, AccountView
from roseau.domain.notifications.grouping import Group, Groups
from roseau.domain.notifications.policy import Policy, Request
from roseau.domain.notifications.reading import NotificationView
from roseau.doors.addresses import account_url, avatar_url
from roseau.kernel import clock


def to_notification(base_url: str, view: NotificationView, viewer: int) -> bytes:
    """The `Notification` entity, encoded."""
    entity: dict[str, Any] = {
        "id": str(view.id),
        "type": view.type,
        "created_at": clock.to_iso(view.created_at),
        "group_key": view.group_key,
        "account": msgspec.Raw(to_account(base_url, view.account)),
    }
    if view.status is not None:
        entity["status"] = msgspec.Raw(to_status(base_url, view.status, viewer))
    if view.subject is not None:
        entity |= to_subject(base_url, view.subject, view.account)
    return msgspec.json.encode(entity)


def to_groups(base_url: str, page: Groups, viewer: int, *, partial: bool = False) -> bytes:
    """The `GroupedNotificationsResults` entity. `partial`: only the first face of a group in full."""
    people = {view.id: view for view in page.accounts}
    full = {group.account_ids[0] for group in page.groups} if partial else {view.id for view in page.accounts}
    entity: dict[str, Any] = {
        "accounts": [msgspec.Raw(to_account(base_url, view)) for view in page.accounts if view.id in full],
        "statuses": [msgspec.Raw(status) for status in to_statuses(base_url, page.statuses, viewer)],
        "notification_groups": [_to_group(base_url, group, people) for group in page.groups],
    }
    if partial:
        entity["partial_accounts"] = [
            _to_partial(base_url, view.account) for view in page.accounts if view.id not in full
        ]
    return msgspec.json.encode(entity)


def _to_group(base_url: str, group: Group, people: dict[int, AccountView]) -> dict[str, Any]:
    entity: dict[str, Any] = {
        "group_key": group.key,
        "notifications_count": group.count,
        "type": group.type,
        # A number here, and strings below: so it is in Mastodon, and so its clients read it.
        "most_recent_notification_id": group.newest_id,
        "page_min_id": str(group.page_min_id),
        "page_max_id": str(group.page_max_id),
        "latest_page_notification_at": clock.to_iso(group.latest_at),
        "sample_account_ids": [str(account_id) for account_id in group.account_ids],
    }
    if group.status_id is not None:
        entity["status_id"] = str(group.status_id)
    if group.subject is not None:
        entity |= to_subject(base_url, group.subject, people[group.account_ids[0]])
    return entity


def _to_partial(base_url: str, account: Account) -> dict[str, Any]:
    return {
        "id": str(account.id),
        "acct": account.acct,
        "locked": account.locked,
        "bot": account.bot,
        "url": account.url or account_url(base_url, account),
        "avatar": avatar_url(base_url, account),
        "avatar_static": avatar_url(base_url, account, static=True),
        "avatar_description": account.avatar_description,
    }


def to_account_list(base_url: str, views: list[AccountView]) -> list[bytes]:
    """Each as the `Account` entity."""
    return [to_account(base_url, view) for view in views]


def to_policy(policy: Policy, pending: tuple[int, int]) -> dict[str, Any]:
    """The `NotificationPolicy` entity of API version 2."""
    return {**msgspec.structs.asdict(policy), "summary": _to_summary(pending)}


def to_first_policy(policy: Policy, pending: tuple[int, int]) -> dict[str, Any]:
    """The same of API version 1, which knows only whether something is held back."""
    return {
        "filter_not_following": policy.for_not_following != "accept",
        "filter_not_followers": policy.for_not_followers != "accept",
        "filter_new_accounts": policy.for_new_accounts != "accept",
        "filter_private_mentions": policy.for_private_mentions != "accept",
        "summary": _to_summary(pending),
    }


def _to_summary(pending: tuple[int, int]) -> dict[str, int]:
    return {"pending_requests_count": pending[0], "pending_notifications_count": pending[1]}


def to_request(base_url: str, request: Request, viewer: int) -> bytes:
    """The `NotificationRequest` entity, encoded."""
    entity: dict[str, Any] = {
        "id": str(request.id),
        "created_at": clock.to_iso(request.created_at),
        "updated_at": clock.to_iso(request.updated_at),
        "account": msgspec.Raw(to_account(base_url, request.account)),
        "notifications_count": str(request.count),
        "last_status": None,
    }
    if request.last_status is not None:
        entity["last_status"] = msgspec.Raw(to_status(base_url, request.last_status, viewer))
    return msgspec.json.encode(entity)
