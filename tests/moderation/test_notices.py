"""Notices: what they point at is found in every disguise, weighed, kept apart by source, and told of."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roseau.domain.moderation.notices.addresses import read_address
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.notices.listing import find_my_notice, find_notice_by_number, list_my_notices
from roseau.domain.moderation.notices.resolving import resolve_uris
from roseau.domain.policy import NewRule, RuleTerms, RuleText, list_rules, set_rules
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.pages import Page
from roseau.storage.statements import statements
from tests.moderation.acting import make_moderator, make_post, report, rows, value

HOSTS = {"roseau.test", "old.example"}


@pytest.mark.parametrize(
    "text",
    [
        "https://roseau.test/@ada/77",
        "http://roseau.test/@ada/77",
        "HTTPS://ROSEAU.TEST:443/@ada/77?utm=x#top",
        "<https://roseau.test/@ada/77>.",
        "(https://roseau.test/@ada/77),",
        "« https://roseau.test/@ada/77 »",
        "https://old.example/@ada/77/history",
        "https://roseau.test/@ada@elsewhere.example/77",
        "https://roseau.test/%40ada/77",
        "hxxps://roseau[.]test/@ada/77",
        "hXXp://roseau(dot)test/@ada/77!",
        "roseau.test/@ada/77",
        "https://roseau.test/users/ada/statuses/77",
        "https://roseau.test/users/ada/statuses/77/activity",
        "https://roseau.test/users/ada/statuses/77#likes/3",
        "https://roseau.test/web/statuses/77",
        "https://roseau.test/web/@ada/77",
        "https://roseau.test/api/v1/statuses/77/context",
        "https://user:pass@roseau.test/@ada/77",
        "https://roseau.test//@ada//77/",
    ],
)
def test_a_post_is_known_by_every_form_of_its_address(text):
    address = read_address(text, HOSTS)
    assert (address.kind, address.status_id) == ("status", 77)


@pytest.mark.parametrize(
    "text",
    ["@ada", "@ada@roseau.test", "acct:ada@roseau.test", "ada@old.example", "https://roseau.test/@Ada",
     "https://roseau.test/@ada.rss", "https://roseau.test/@ada/with_replies", "https://roseau.test/users/ada/inbox",
     "roseau.test/@ada", "https://roseau.test/@ada@old.example/media"],
)  # fmt: skip
def test_an_account_is_known_by_every_form_of_its_name(text):
    address = read_address(text, HOSTS)
    assert (address.kind, address.username, address.domain) == ("account", "ada", "")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://roseau.test/media/aa/bb/" + "a" * 64 + ".webp", "media"),
        ("https://roseau.test/tags/%C3%89t%C3%A9", "tag"),
        ("https://roseau.test/api/v1/accounts/5", "account_id"),
        ("bad.example", "domain"),
        ("https://bad.example/", "domain"),
        ("https://bad.example/@eve/9", "foreign"),
        ("https://roseau.test/", "unknown"),
        ("https://roseau.test/rules", "unknown"),
        ("https://roseau.test.evil.example/@ada/77", "foreign"),
        ("https://evil.example/https://roseau.test/@ada/77", "foreign"),
        ("javascript:alert(1)", "unknown"),
        ("https://[::1", "unknown"),
        ("https://roseau.test/@ada/99999999999999999999999", "account"),
        ("x" * 5000, "unknown"),
        ("", "unknown"),
    ],
)
def test_other_addresses_are_told_apart(text, kind):
    assert read_address(text, HOSTS).kind == kind


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_address_is_too_strange_to_read(text):
    read_address(text, HOSTS)


_WRAP = st.sampled_from(["{}", "<{}>", "({})", "[{}].", "{},", '"{}"', " {}\n", "«{}»", "{}...", "*{}*"])


@given(
    st.integers(1, 2**63 - 1),
    st.sampled_from(
        ["/@ada/{}", "/users/ada/statuses/{}", "/web/statuses/{}", "/@a@b.example/{}", "/statuses/{}"]
    ),
    st.sampled_from(["https://roseau.test", "http://old.example", "hxxps://roseau[.]test", "roseau.test"]),
    st.sampled_from(["", "/", "?a=b&c=d", "#x", "?@eve/5"]),
    _WRAP,
)
@settings(max_examples=300, deadline=None)
def test_any_wrapping_of_any_form_leads_to_the_post(status_id, path, base, tail, wrap):
    text = wrap.format(base + path.format(status_id) + tail)
    assert read_address(text, HOSTS).status_id == status_id


def test_addresses_become_rows(server, cast):
    post = make_post(server, cast.ada)
    reblogger_sees = make_post(server, cast.bob, "See #Été")
    uris = [
        f"https://roseau.test/@ada/{post}", "@bob", f"https://roseau.test/users/ada/statuses/{post}",
        "https://roseau.test/@nobody/12345", "https://bad.example/", "https://roseau.test/tags/été",
        f"https://roseau.test/@ada/{reblogger_sees}",
    ]  # fmt: skip
    named = server.database.read_now(resolve_uris, server.site, uris)
    assert [one.kind for one in named] == [
        "status",
        "account",
        "status",
        "unknown",
        "domain",
        "tag",
        "status",
    ]
    assert [one.status_id for one in named] == [post, None, post, None, None, None, reblogger_sees]
    assert named[1].account_id == cast.bob.id
    assert named[0].subject == named[2].subject == f"status:{post}"
    assert named[4].subject == "domain:bad.example"


def test_addresses_of_other_servers_become_rows(server, cast):
    post = make_post(server, cast.ada)
    server.database.write_now(
        lambda tx: tx.script(
            "UPDATE accounts SET domain = 'far.example', uri = 'https://far.example/users/ada'"
            f" WHERE id = {cast.ada.id};"
            f"UPDATE statuses SET local = false, uri = 'https://far.example/o/1', url = 'https://far.example/@ada/1'"
            f" WHERE id = {post}"
        )
    )
    uris = [
        "https://far.example/o/1#x", "http://far.example/@ada/1", "https://far.example/users/ada/",
        "@ada@far.example", "https://far.example/@ada", "https://far.example/@ada/2",
    ]  # fmt: skip
    named = server.database.read_now(resolve_uris, server.site, uris)
    found = [(one.kind, one.status_id, one.account_id) for one in named]
    person = ("account", None, cast.ada.id)
    assert found == [("status", post, cast.ada.id)] * 2 + [person] * 3 + [("unknown", None, None)]


def test_an_outsider_reports_what_anybody_can_name(server, cast):
    private = make_post(server, cast.ada, "For followers", visibility="private")
    filed = report(
        server, None, comment="Mine", contact=("Eve", "eve@out.example"), source="203.0.113.5",
        uris=(f"https://roseau.test/@ada/{private}", "https://roseau.test/@ada/1"),
    )  # fmt: skip
    items = rows(
        server, "SELECT kind, status_id, snapshot_id IS NOT NULL FROM notice_items ORDER BY position"
    )
    assert [(kind, status_id, bool(kept)) for kind, status_id, kept in items] == [
        ("status", private, True),
        ("unknown", None, False),
    ]
    notice = server.database.read_now(find_notice_by_number, f" {filed.number.upper()} ")
    # What is here and what is not looks the same to whoever asks.
    assert (notice.status_ids, len(notice.uris), notice.state) == ((), 2, "received")
    assert server.database.read_now(find_notice_by_number, "aaaa-aaaa-aaaa") is None
    kept = value(server, "SELECT contact FROM notices")
    assert b"eve" not in bytes(kept)
    assert "203.0.113.5" not in value(server, "SELECT source FROM notices")


def test_a_private_conversation_is_opened_by_somebody_in_it_only(server, cast):
    mona, _ = make_moderator(cast), cast.bob
    post = make_post(server, cast.ada, "@bob between us", visibility="direct")
    named = f"https://roseau.test/@ada/{post}"
    report(server, mona, channel="own_initiative", uris=(named,))
    assert rows(server, "SELECT kind, status_id, snapshot_id FROM notice_items") == [("unknown", None, None)]
    report(server, cast.bob, post)
    assert value(server, "SELECT count(*) FROM notice_items WHERE status_id IS NOT NULL") == 1


@pytest.mark.parametrize(
    ("fields", "lane", "category"),
    [
        ({}, "S4", "other"),
        ({"category": "spam"}, "S3", "spam"),
        ({"category": "legal"}, "S2", "legal"),
        ({"reason": "incitement"}, "S1", "legal"),
        ({"reason": "csam"}, "S0", "legal"),
        ({"reason": "nonsense", "category": "violation"}, "S2", "violation"),
        ({"channel": "trusted_flagger", "reason": "copyright"}, "S2", "legal"),
        ({"channel": "host_letter"}, "S0", "other"),
    ],
)
def test_reasons_set_the_lane(server, cast, fields, lane, category):
    report(server, None, make_post(server, cast.ada), **fields)
    found = rows(server, "SELECT cases.lane, notices.category FROM cases, notices")
    assert found == [(lane, category)]


def test_a_rule_has_a_lane_of_its_own(server, cast):
    terms = RuleTerms(lane="S1")
    server.database.write_now(set_rules, [NewRule({"en": RuleText("No threats.")}, terms=terms)])
    rule_id = server.database.read_now(list_rules)[0].id
    report(server, cast.bob, make_post(server, cast.ada), rule_ids=(rule_id,))
    assert value(server, "SELECT lane FROM cases") == "S1"


def test_members_find_their_own_notices(server, cast):
    first = report(server, cast.bob, make_post(server, cast.ada), comment="one")
    second = report(server, cast.bob, make_post(server, cast.ada), comment="two")
    report(server, cast.zoe, make_post(server, cast.ada), comment="not bob's")
    mine = server.database.read_now(list_my_notices, cast.bob.id, Page(limit=10))
    assert [one.comment for one in mine] == ["two", "one"]
    assert server.database.read_now(find_my_notice, cast.bob.id, first.notice_id).number == first.number
    assert server.database.read_now(find_my_notice, cast.zoe.id, second.notice_id) is None


def test_receipts_are_queued_with_the_notice(server, cast):
    report(server, cast.bob, make_post(server, cast.ada))
    report(server, None, make_post(server, cast.ada), contact=("", "eve@out.example"))
    report(server, None, make_post(server, cast.ada), reason="csam")
    assert rows(server, "SELECT kind, count(*) FROM deliveries GROUP BY kind") == [("receipt", 2)]


def test_paused_notifiers_are_refused_but_for_danger(server, cast):
    post, bob = make_post(server, cast.ada), cast.bob
    sql = (
        "INSERT INTO misuse_marks (id, account_id, source, side, kind, at, until)"
        " VALUES (1, :account, '', 'notifier', 'paused', :now, 99999999999999)"
    )
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), account=bob.id, now=tx.now))
    with pytest.raises(Forbidden):
        report(server, cast.bob, post)
    report(server, cast.bob, post, reason="threat_to_life")
    report(server, cast.zoe, post)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"comment": "x" * 1001}, Invalid),
        ({"uris": tuple(f"https://a.example/{n}" for n in range(101))}, Invalid),
        ({"rule_ids": (5,)}, Invalid),
        ({"status_ids": (5,)}, NotFound),
    ],
)
def test_what_cannot_be_taken_leaves_nothing(server, cast, fields, error):
    with pytest.raises(error):
        report(server, cast.bob, **fields)
    assert value(server, "SELECT count(*) FROM notices") == 0
    assert value(server, "SELECT count(*) FROM cases") == 0


def test_letters_may_say_more_than_people(server):
    uris = tuple(f"https://a.example/{n}" for n in range(1000))
    draft = NoticeDraft(channel="host_letter", comment="x" * 50_000, uris=uris)
    filed = server.database.write_now(file_notice, server.site, draft)
    assert (len(filed.item_ids), len(filed.case_ids)) == (1000, 1)


@given(st.lists(st.text(max_size=80), max_size=20), st.text(max_size=200))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_notice_is_too_strange_to_file(server, uris, comment):
    draft = NoticeDraft(
        channel="trusted_flagger", uris=tuple(uris), comment=comment + "\ud83d\0", language="\0",
    )  # fmt: skip
    filed = server.database.write_now(file_notice, server.site, draft)
    assert len(filed.item_ids) == max(1, len(uris))
