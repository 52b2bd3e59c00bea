"""Every measure as others meet it: before, while it holds, and after its time."""

from typing import Any

import pytest

from roseau.domain.events import StatusHidden
from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.statuses.scheduling import publish_scheduled
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden
from roseau.streams.dealing import Audience, list_signals
from tests.api.test_media import upload
from tests.moderation.acting import against, decide_on, make_moderator, make_post, report, rows, value
from tests.moderation.test_deciding import seen_by
from tests.web.conftest import Browser

pytestmark = pytest.mark.anyio


def about(server: Any, cast: Any, status_id: int) -> int:
    return int(report(server, cast.zoe, status_id).case_ids[0])


async def show(client: Any, status: int) -> Any:
    return (await client.get(f"/api/v1/statuses/{status}")).json()


async def profile(client: Any, member: Any, viewer: Any = None) -> Any:
    headers = viewer.auth if viewer else {}
    return (await client.get(f"/api/v1/accounts/{member.id}", headers=headers)).json()


def put_back(server: Any, moderator: Any, decision_id: int) -> None:
    server.database.write_now(reverse_own, server.site, moderator.id, decision_id, "Looked at again.")


async def test_an_interstitial_is_a_warning_in_every_app(
    client: Any, server: Any, cast: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada, "Blood", spoiler_text="Film")
    before = await show(client, status)
    words = MeasureDraft(kind="interstitial", status_id=status, words="Graphic violence")
    decided = decide_on(server, mona, about(server, cast, status), words)
    covered = await show(client, status)
    assert covered["spoiler_text"] == "Graphic violence · Film" and covered["sensitive"]
    assert "Blood" in covered["content"]
    edit = await client.put(f"/api/v1/statuses/{status}", headers=cast.ada.auth, json={"status": "Blood"})
    assert edit.status_code == 403
    at(60)
    put_back(server, mona, decided.decision_id)
    assert await show(client, status) == before
    edit = await client.put(f"/api/v1/statuses/{status}", headers=cast.ada.auth, json={"status": "Ink"})
    assert edit.status_code == 200


async def test_a_label_stands_before_the_text(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    label = MeasureDraft(kind="label", status_id=status, words="The photo is from 2014.")
    decide_on(server, mona, about(server, cast, status), label)
    assert (await show(client, status))["spoiler_text"] == "The photo is from 2014."
    assert not (await show(client, status))["sensitive"]
    assert rows(server, "SELECT id FROM strikes") == []


async def test_a_label_under_a_removal_survives_it(
    client: Any, server: Any, cast: Any, at: Any, worker: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada, "Text", spoiler_text="Own")
    before = await show(client, status)
    label = MeasureDraft(kind="label", status_id=status, words="Old photo.")
    first = decide_on(server, mona, about(server, cast, status), label)
    at(60)
    await worker.settle()
    second = decide_on(
        server, mona, about(server, cast, status), MeasureDraft(kind="remove", status_id=status)
    )
    at(120)
    await worker.settle()
    put_back(server, mona, second.decision_id)
    assert (await show(client, status))["spoiler_text"] == "Old photo. · Own"
    put_back(server, mona, first.decision_id)
    assert await show(client, status) == before


async def test_a_hold_is_announced_at_once_and_ends_by_itself(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    case_id = about(server, cast, status)
    decide_on(server, mona, case_id, MeasureDraft(kind="hold", status_id=status))
    assert not await seen_by(client, status)
    assert rows(server, "SELECT until_at - from_at FROM measures") == [(clock.DAY,)]
    announced = rows(server, "SELECT send_at - created_at FROM deliveries WHERE kind = 'statement'")
    assert announced == [(0,)]
    assert rows(server, "SELECT id FROM strikes") == []
    # The case is still to be decided.
    assert rows(server, "SELECT state FROM cases") == [("open",)]
    at(23 * 3600)
    await worker.settle()
    assert not await seen_by(client, status)
    at(24 * 3600 + 60)
    await worker.settle()
    assert await seen_by(client, status)
    assert rows(server, "SELECT kind FROM measure_ends") == [("expired",)]


async def test_a_hold_makes_room_for_the_decision(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    case_id = about(server, cast, status)
    decide_on(server, mona, case_id, MeasureDraft(kind="hold", status_id=status))
    decide_on(server, mona, case_id)
    # Until the decision can be undone no more, the hold holds.
    assert not await seen_by(client, status)
    at(60)
    await worker.settle()
    assert await seen_by(client, status)
    assert rows(server, "SELECT kind FROM decision_ends") == [("superseded",)]


async def test_a_limited_author_is_left_to_followers(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    until = clock.now() + 7 * clock.DAY
    await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=cast.bob.auth)
    decide_on(server, mona, about(server, cast, status), against("limit", cast.ada, until_at=until))
    assert (await profile(client, cast.ada))["limited"]
    assert (await client.get("/api/v1/timelines/public")).json() == []
    public = await client.get("/api/v1/timelines/public", headers=cast.bob.auth)
    assert [item["id"] for item in public.json()] == [str(status)]
    assert await seen_by(client, status)
    at(7 * 86400 + 60)
    await worker.settle()
    assert "limited" not in await profile(client, cast.ada)
    assert len((await client.get("/api/v1/timelines/public")).json()) == 1


async def test_a_frozen_member_reads_and_reports_but_does_not_write(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status, other = make_post(server, cast.ada), make_post(server, cast.bob)
    case_id = about(server, cast, status)
    until = clock.now() + clock.DAY
    decided = decide_on(server, mona, case_id, against("freeze", cast.ada, until_at=until))
    assert await seen_by(client, status)

    async def tries(method: str, path: str, **fields: Any) -> Any:
        return (await client.request(method, path, headers=cast.ada.auth, json=fields)).status_code

    assert await tries("GET", "/api/v1/timelines/home") == 200
    assert await tries("GET", "/api/v1/accounts/verify_credentials") == 200
    refused = await client.post("/api/v1/statuses", headers=cast.ada.auth, json={"status": "Hello"})
    assert refused.status_code == 403 and "frozen" in refused.json()["error"]
    assert await tries("POST", f"/api/v1/statuses/{other}/favourite") == 403
    assert await tries("POST", f"/api/v1/accounts/{cast.bob.id}/follow") == 403
    assert await tries("DELETE", f"/api/v1/statuses/{status}") == 403
    report_ = {"account_id": str(cast.bob.id), "status_ids": [str(other)]}
    assert await tries("POST", "/api/v1/reports", **report_) == 200
    at(60)
    put_back(server, mona, decided.decision_id)
    assert await tries("POST", f"/api/v1/statuses/{other}/favourite") == 200


async def test_frozen_is_over_when_its_time_is(server: Any, cast: Any, client: Any, at: Any) -> None:
    mona = make_moderator(cast)
    until = clock.now() + clock.DAY
    status = make_post(server, cast.ada)
    decide_on(server, mona, about(server, cast, status), against("freeze", cast.ada, until_at=until))
    hello = {"status": "Hello"}
    assert (await client.post("/api/v1/statuses", headers=cast.ada.auth, json=hello)).status_code == 403
    at(86400 + 60)
    # Also when nobody has written its end yet.
    assert rows(server, "SELECT kind FROM measure_ends") == []
    assert (await client.post("/api/v1/statuses", headers=cast.ada.auth, json=hello)).status_code == 200


async def test_what_a_frozen_member_had_planned_waits(server: Any, cast: Any, client: Any, at: Any) -> None:
    mona = make_moderator(cast)
    later = clock.to_iso(clock.now() + clock.HOUR)
    planned = {"status": "Later", "scheduled_at": later}
    answer = await client.post("/api/v1/statuses", headers=cast.ada.auth, json=planned)
    scheduled_id = int(answer.json()["id"])
    decide_on(server, mona, about(server, cast, make_post(server, cast.ada)), against("freeze", cast.ada))
    at(3700)
    with pytest.raises(Forbidden):
        server.database.write_now(publish_scheduled, server.site, scheduled_id)
    assert rows(server, "SELECT id FROM scheduled_statuses") == [(scheduled_id,)]


async def test_pages_refuse_what_a_frozen_member_sends(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status, other = make_post(server, cast.ada), make_post(server, cast.bob)
    decide_on(server, mona, about(server, cast, status), against("freeze", cast.ada))
    browser = Browser(client, server).sign_in(cast.ada)
    assert (await browser.get("/home")).status_code == 200
    answer = await browser.submit(f"/statuses/{other}/favourite", on=f"/@bob/{other}")
    assert answer.status_code == 403 and "frozen" in answer.text
    assert rows(server, "SELECT status_id FROM favourites") == []
    # The login is still theirs to look after.
    answer = await browser.submit("/settings/security/sessions/end_others", on="/settings/security")
    assert answer.status_code == 303
    assert (await browser.submit("/sign_out", on="/home")).status_code == 303


async def test_a_suspended_member_is_gone_for_everybody(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    picture = (await upload(client, cast.ada)).json()
    fields = {"status": "Look", "media_ids": [picture["id"]]}
    status = int((await client.post("/api/v1/statuses", headers=cast.ada.auth, json=fields)).json()["id"])
    await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=cast.bob.auth)
    await worker.settle()
    before = await profile(client, cast.ada)
    until = clock.now() + clock.DAY
    decide_on(server, mona, about(server, cast, status), against("suspend", cast.ada, until_at=until))
    await worker.settle()
    now = await profile(client, cast.ada)
    assert now["suspended"] and now["display_name"] == "" and now["note"] == ""
    assert not await seen_by(client, status, cast.bob)
    assert (await client.get("/api/v1/timelines/home", headers=cast.bob.auth)).json() == []
    assert (await profile(client, cast.bob))["following_count"] == 0
    assert (await client.get(picture["url"])).status_code == 404
    assert (await client.get(f"/@ada/{status}")).status_code == 404
    refused = await client.get("/api/v1/timelines/home", headers=cast.ada.auth)
    assert refused.status_code == 403
    assert refused.json()["error"] == "Your login is currently disabled"
    at(86400 + 60)
    await worker.settle()
    assert await profile(client, cast.ada) == before
    assert await seen_by(client, status, cast.bob)
    home = (await client.get("/api/v1/timelines/home", headers=cast.bob.auth)).json()
    assert [item["id"] for item in home] == [str(status)]
    assert (await client.get(picture["url"])).status_code == 200
    told = (await client.get("/api/v1/notifications", headers=cast.ada.auth)).json()
    assert [item["type"] for item in told].count("follow") <= 1


async def test_a_suspended_member_is_led_to_the_record(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    until = clock.now() + clock.DAY
    status = make_post(server, cast.ada)
    decide_on(server, mona, about(server, cast, status), against("suspend", cast.ada, until_at=until))
    browser = Browser(client, server).sign_in(cast.ada)
    for path in ("/home", "/settings/profile", "/notifications", "/sign_in"):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/record"), path


async def test_measures_of_one_account_end_one_by_one(
    client: Any, server: Any, cast: Any, at: Any, worker: Any
) -> None:
    mona = make_moderator(cast)
    await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=cast.bob.auth)
    first = about(server, cast, make_post(server, cast.ada))
    second = int(report(server, cast.zoe, target_account_id=cast.ada.id).case_ids[0])
    decided = []
    for days, case_id in ((1, first), (2, second)):
        until = clock.now() + days * clock.DAY
        decided.append(decide_on(server, mona, case_id, against("suspend", cast.ada, until_at=until)))
    assert value(server, "SELECT count(*) FROM severances") == 1
    at(60)
    await worker.settle()
    put_back(server, mona, decided[1].decision_id)
    assert (await profile(client, cast.ada))["suspended"]
    assert value(server, "SELECT count(*) FROM follows") == 0
    at(86400 + 60)
    await worker.settle()
    assert "suspended" not in await profile(client, cast.ada)
    assert value(server, "SELECT count(*) FROM follows") == 1


async def test_a_pause_of_notices_is_a_mark_that_intake_reads(server: Any, cast: Any, at: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    case_id = about(server, cast, status)
    until = clock.now() + 7 * clock.DAY
    decided = decide_on(server, mona, case_id, against("pause_notices", cast.zoe, until_at=until))
    marks = "SELECT account_id, side, kind, until FROM misuse_marks WHERE lifted_at IS NULL"
    assert rows(server, marks) == [(cast.zoe.id, "notifier", "paused", until)]
    assert rows(server, "SELECT account_id FROM statements") == [(cast.zoe.id,)]
    put_back(server, mona, decided.decision_id)
    assert rows(server, marks) == []


async def test_unfounded_notices_are_noted(server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    case_id = about(server, cast, make_post(server, cast.ada))
    decide_on(server, mona, case_id, unfounded=True)
    assert rows(server, "SELECT account_id, kind FROM misuse_marks") == [(cast.zoe.id, "unfounded")]


async def test_open_streams_hear_that_a_post_is_hidden(
    client: Any, server: Any, cast: Any, worker: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    await worker.settle()
    audience = Audience({"public": {0}}, ())
    decide_on(server, mona, about(server, cast, status), MeasureDraft(kind="remove", status_id=status))
    hidden = StatusHidden(status, cast.ada.id)
    signals = server.database.read_now(list_signals, 1, hidden, audience)
    assert [(signal.kind, signal.subject_id) for signal in signals] == [("delete", status)]
    kinds = rows(server, "SELECT kind FROM events WHERE kind = 'StatusHidden'")
    assert kinds == [("StatusHidden",)]
