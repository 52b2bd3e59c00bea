"""What parties and people of the team may not learn or slip through beside the doors that are shut."""

from collections.abc import Callable
from typing import Any

import pytest

from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.desk.orders import OrderDraft, file_order
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.moderation.team.roles import RoleDraft, appoint, save_role
from roseau.domain.moderation.vocabulary import ROLES
from roseau.kernel.errors import Invalid
from tests.moderation.acting import against, decide_on, make_moderator, make_post, report
from tests.moderation.test_letters import letter
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


async def test_who_is_party_finds_nothing_of_it(
    client: Any, server: Any, cast: Any, worker: Any, at: Callable[[float], None]
) -> None:
    """Paul of the team is reported: no list that is his to read has a word of who did it, or that it was."""
    paul, post_id = make_moderator(cast, "paul", "admin"), 0
    mona = make_moderator(cast)
    post_id = make_post(server, paul, "Paul's own post")
    filed = report(server, cast.ada, post_id, comment="MARKER-COMMENT", reason="harassment")
    decided = decide_on(server, mona, filed.case_ids[0], summary="MARKER-SUMMARY")
    raw = letter(f"https://roseau.test/@paul/{post_id}", subject="MARKER-LETTER")
    server.database.write_now(receive_mail, server.site, raw)
    order = OrderDraft(kind="dsa_9", authority="MARKER-ORDER", text=f"https://roseau.test/@paul/{post_id}")
    server.database.write_now(file_order, server.site, cast.olga.id, order)
    await worker.settle()
    at(3600)
    browser = Browser(client, server).sign_in(paul)
    pages = [
        "/moderation", "/moderation?which=closed", "/moderation/closed", "/moderation/letters",
        "/moderation/audit", f"/moderation/people/{paul.id}", "/moderation/find?q=1", "/notifications",
    ]  # fmt: skip
    seen = "".join([(await browser.get(page)).text for page in pages])
    headers = cast.token(paul, "admin:read read")
    for path in (
        "v1/admin/reports", "v1/admin/reports?resolved=true", "v1/notifications?types[]=admin.report",
        "v2/notifications?types[]=admin.report", f"v1/admin/reports?target_account_id={paul.id}",
    ):  # fmt: skip
        answer = await client.get(f"/api/{path}", headers=headers)
        assert answer.status_code == 200, path
        seen += answer.text
    assert "MARKER" not in seen
    assert f'"{filed.notice_id}"' not in seen and f"/cases/{filed.case_ids[0]}" not in seen
    assert "/moderation/cases/" not in seen
    # The same lists have it for somebody else.
    other = Browser(client, server).sign_in(mona)
    assert "MARKER-LETTER" in (await other.get("/moderation/letters")).text
    assert str(decided.number) in text_of(await other.get("/moderation/audit"))


async def test_who_leaves_the_team_leaves_its_reports(
    client: Any, server: Any, cast: Any, worker: Any
) -> None:
    mona = make_moderator(cast)
    report(server, cast.ada, make_post(server, cast.bob), comment="MARKER-COMMENT")
    await worker.settle()

    async def told() -> str:
        where = "/api/v1/notifications?types[]=admin.report"
        return str((await client.get(where, headers=mona.auth)).text)

    assert "MARKER-COMMENT" in await told()
    server.database.write_now(appoint, cast.olga.id, mona.id, "member")
    assert await told() == "[]"
    server.database.write_now(appoint, cast.olga.id, mona.id, "moderator")
    report(server, cast.ada, make_post(server, cast.bob), comment="MARKER-COMMENT")
    await worker.settle()
    assert "MARKER-COMMENT" in await told()
    fewer = RoleDraft("moderator", permissions=tuple(ROLES["moderator"] - {"view_cases"}))
    server.database.write_now(save_role, cast.olga.id, fewer)
    assert await told() == "[]"


async def test_a_warning_to_a_notifier_carries_nothing_else(server: Any, cast: Any) -> None:
    """A measure about somebody who is not in the case cannot be slipped in beside one that may be."""
    mona = make_moderator(cast)
    case_id = report(server, cast.ada, make_post(server, cast.bob)).case_ids[0]
    for who, kinds in (
        (cast.ada, ["warn_misuse", "freeze"]),
        (cast.ada, ["freeze"]),
    ):
        with pytest.raises(Invalid, match="somebody else"):
            decide_on(server, mona, case_id, *(against(kind, who) for kind in kinds))
    decide_on(server, mona, case_id, against("warn_misuse", cast.ada))


async def test_a_server_is_blocked_by_those_who_look_after_servers(server: Any, cast: Any) -> None:
    drafts = RoleDraft("judge", permissions=("view_cases", "decide_cases"))
    server.database.write_now(save_role, cast.olga.id, drafts)
    judge, olga = cast.join("judy", role="judge"), cast.olga
    case_id = report(server, cast.ada, uris=("https://far.example/@eve",)).case_ids[0]
    block = MeasureDraft(kind="domain_suspend", domain="far.example")
    with pytest.raises(Invalid, match="other servers"):
        decide_on(server, judge, case_id, block)
    decide_on(server, olga, case_id, block)
