"""Notifications of the site itself: a decision, follows that were cut, a new case, and types of our own."""

from typing import Any

import msgspec
import pytest
from mastodon.return_types import Account, AccountWarning, Appeal, Notification
from mastodon.types_base import try_cast_recurse

from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.statements.deliveries import Letter, queue_delivery
from roseau.domain.notifications.push import PushSubscription
from roseau.domain.notifications.reading import find_notification
from roseau.domain.notifications.subjects import Warning
from roseau.doors.pushing import to_message
from roseau.kernel import clock
from roseau.storage.statements import statements
from tests.moderation.acting import against, decide_on, make_moderator, make_post, remove, report

pytestmark = pytest.mark.anyio

PATH = "/api/v1/notifications"
GROUPS = "/api/v2/notifications"


async def listed(client: Any, member: Any, **query: Any) -> list[Any]:
    """The member's notifications through the API."""
    answer = await client.get(PATH, headers=member.auth, params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


@pytest.fixture
async def told(server: Any, cast: Any, worker: Any, at: Any) -> Any:
    """Ada's post was removed, and she and Bob were told; the decision and the post."""
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.bob, status_id)
    decided = decide_on(server, make_moderator(cast), filed.case_ids[0], remove(status_id))
    at(31)
    await worker.settle()
    return decided, status_id


async def test_a_decision_is_a_moderation_warning(client: Any, cast: Any, told: Any) -> None:
    decided, status_id = told
    [item] = await listed(client, cast.ada)
    assert item["type"] == "moderation_warning" and item["account"]["username"] == "ada"
    warning = item["moderation_warning"]
    assert warning["id"] == str(decided.decision_id) and warning["action"] == "delete_statuses"
    assert warning["text"].startswith("We removed your post of") and warning["status_ids"] == [str(status_id)]
    assert warning["target_account"]["id"] == str(cast.ada.id) and warning["appeal"] is None
    assert warning["created_at"].endswith("Z")
    assert "bob" not in msgspec.json.encode(item).decode().lower()
    shown = await client.get(f"{PATH}/{item['id']}", headers=cast.ada.auth)
    assert shown.json() == item


async def test_a_client_library_reads_what_the_site_tells(
    client: Any, server: Any, cast: Any, told: Any
) -> None:
    """The structs of Mastodon.py, as its methods would return them."""
    decided, status_id = told
    draft = AppealDraft(decision_id=decided.decision_id, text="It is a quotation.", account_id=cast.ada.id)
    server.database.write_now(file_appeal, server.site, draft)
    [item] = await listed(client, cast.ada)
    notification = try_cast_recurse(Notification, item)
    warning = notification.moderation_warning
    assert isinstance(warning, AccountWarning) and isinstance(warning.target_account, Account)
    assert warning.created_at.tzinfo is not None and warning.status_ids == [str(status_id)]
    assert isinstance(warning.appeal, Appeal)
    assert (warning.appeal.text, warning.appeal.state) == ("It is a quotation.", "pending")


async def test_it_is_in_the_groups_too(client: Any, cast: Any, told: Any) -> None:
    page = (await client.get(GROUPS, headers=cast.ada.auth)).json()
    [group] = page["notification_groups"]
    assert group["type"] == "moderation_warning" and group["notifications_count"] == 1
    assert group["moderation_warning"]["action"] == "delete_statuses"
    one = (await client.get(f"{GROUPS}/{group['group_key']}", headers=cast.ada.auth)).json()
    assert one["notification_groups"][0]["moderation_warning"]["id"] == str(told[0].decision_id)


@pytest.mark.parametrize(
    ("kind", "action"),
    [("limit", "silence"), ("freeze", "disable"), ("reminder", "none"), ("suspend", "suspend")],
)
async def test_measures_have_mastodons_names(
    server: Any, client: Any, cast: Any, worker: Any, at: Any, kind: Any, action: str
) -> None:
    filed = report(server, cast.bob, make_post(server, cast.ada))
    until = clock.now() + clock.DAY if kind in ("freeze", "suspend") else None
    decide_on(server, make_moderator(cast), filed.case_ids[0], against(kind, cast.ada, until_at=until))
    at(31)
    await worker.settle()
    found = server.database.read_now(_warnings, cast.ada.id)
    assert found == ([] if kind == "suspend" else [action])


def _warnings(tx: Any, member_id: int) -> list[str]:
    """The actions of the warnings that a member has; one who is suspended has none, but a mail."""
    sql = "SELECT id FROM notifications WHERE account_id = :member AND type = 'moderation_warning'"
    views = [
        find_notification(tx, member_id, row[0]) for row in tx.all(statements(sql, sql), member=member_id)
    ]
    return [view.subject.action for view in views if view and isinstance(view.subject, Warning)]


async def test_types_of_ours_are_told_to_those_who_name_them(client: Any, cast: Any, told: Any) -> None:
    assert await listed(client, cast.bob) == []
    assert (await client.get(f"{PATH}/unread_count", headers=cast.bob.auth)).json() == {"count": 0}
    assert (await client.get(GROUPS, headers=cast.bob.auth)).json()["notification_groups"] == []
    for query in ({"types[]": "report_outcome"}, {"supported_types[]": "report_outcome"}):
        [item] = await listed(client, cast.bob, **query)
        assert item["type"] == "report_outcome" and item["letter"]["notice_number"]
        assert "We removed it." in item["letter"]["text"]
        groups = await client.get(GROUPS, headers=cast.bob.auth, params=query)
        assert groups.json()["notification_groups"][0]["letter"]["subject"]


async def test_the_team_hears_of_a_new_case_once_and_parties_do_not(
    server: Any, client: Any, cast: Any, worker: Any
) -> None:
    mona, karim = make_moderator(cast), make_moderator(cast, "karim")
    status_id = make_post(server, karim)
    filed = report(server, cast.bob, status_id, comment="Look at this")
    report(server, cast.zoe, status_id)
    await worker.settle()
    [item] = await listed(client, mona)
    assert item["type"] == "admin.report" and item["account"]["username"] == "bob"
    found = item["report"]
    assert found["id"] == str(filed.notice_id) and found["comment"] == "Look at this"
    assert found["status_ids"] == [str(status_id)] and found["action_taken"] is False
    for other in (karim, cast.bob, cast.zoe, cast.ada):
        assert await listed(client, other) == []


async def test_those_whose_follows_were_cut_hear_of_it(
    server: Any, client: Any, cast: Any, worker: Any
) -> None:
    for one, other in ((cast.bob, cast.ada), (cast.ada, cast.bob), (cast.dan, cast.ada)):
        await client.post(f"/api/v1/accounts/{other.id}/follow", headers=one.auth)
    await worker.settle()
    filed = report(server, cast.eve, make_post(server, cast.ada))
    until = clock.now() + clock.DAY
    decide_on(server, make_moderator(cast), filed.case_ids[0], against("suspend", cast.ada, until_at=until))
    await worker.settle()
    [item] = await listed(client, cast.bob, **{"types[]": "severed_relationships"})
    event = item["event"]
    assert event["type"] == "account_suspension" and event["target_name"] == "ada"
    assert (event["followers_count"], event["following_count"], event["purged"]) == (1, 1, False)
    [item] = await listed(client, cast.dan, **{"types[]": "severed_relationships"})
    assert (item["event"]["followers_count"], item["event"]["following_count"]) == (0, 1)
    assert await listed(client, cast.eve, **{"types[]": "severed_relationships"}) == []


async def test_mutes_blocks_and_policies_do_not_keep_them_away(
    server: Any, client: Any, cast: Any, worker: Any
) -> None:
    await client.patch(
        f"{GROUPS}/policy", headers=cast.ada.auth, json={"for_not_following": "drop", "for_bots": "drop"}
    )
    letter = Letter(kind="statement", subject="S", text="T", account_id=cast.ada.id)
    server.database.write_now(queue_delivery, server.site, letter)
    await worker.settle()
    assert [item["type"] for item in await listed(client, cast.ada)] == ["moderation_warning"]


async def test_a_push_says_what_it_is_about(server: Any, cast: Any, told: Any) -> None:
    def compose(tx: Any, member_id: int) -> Any:
        sql = "SELECT id FROM notifications WHERE account_id = :member"
        [(wanted,)] = tx.all(statements(sql, sql), member=member_id)
        view = find_notification(tx, member_id, wanted)
        assert view is not None
        receiver = PushSubscription(1, member_id, "", "", "", True, "{}", "all")
        return msgspec.json.decode(to_message(server.site, receiver, view, "en"))

    warning = server.database.read_now(compose, cast.ada.id)
    assert warning["notification_type"] == "moderation_warning"
    assert warning["title"] == "A post of yours was taken down" and warning["body"].startswith("We removed")
    assert server.database.read_now(compose, cast.bob.id)["title"] == "What became of your notice"
