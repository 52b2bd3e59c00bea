"""The queue: what is joined, how a case comes forward, in which order it is listed, and who counts."""

import threading

import pytest

from roseau.domain.moderation.cases.queue import PAGE, count_cases, list_cases, next_case
from roseau.domain.moderation.cases.reading import load_case
from roseau.domain.moderation.cases.working import claim, see_case
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.decisions.settling import close_case
from roseau.kernel import clock
from roseau.storage.statements import statements
from tests.moderation.acting import make_moderator, make_post, report, rows, value


def listed(server, member, which="todo", after=None):
    """The numbers of the cases of a list, in order."""
    return [line.number for line in server.database.read_now(list_cases, member.id, which, after)]


def change(server, sql, **parameters):
    """Change rows as other parts of moderation do."""
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), **parameters))


def decide_nothing(server, member, case_id):
    """Find nothing wrong in a case."""
    server.database.write_now(decide, server.site, member.id, case_id, DecisionDraft(ground="none"))


def test_notices_of_one_thing_are_one_case(server, cast):
    post = make_post(server, cast.ada)
    filed = [
        report(server, cast.bob, post),
        report(server, cast.bob, post, comment="again"),
        report(server, cast.zoe, post),
        report(server, None, uris=(f"http://roseau.test/@ada/{post}?x=1",), source="203.0.113.5"),
        report(
            server, None, uris=(f"<https://roseau.test/users/ada/statuses/{post}>",), source="203.0.113.5"
        ),
    ]
    assert len({one.case_ids for one in filed}) == 1
    assert len({one.number for one in filed}) == 5
    assert rows(server, "SELECT notices_count, sources_count FROM cases") == [(5, 3)]
    # Until something changes, how it looks is kept once.
    assert value(server, "SELECT count(*) FROM snapshots") == 1


def test_other_things_are_other_cases(server, cast):
    report(server, cast.bob, make_post(server, cast.ada))
    report(server, cast.bob, make_post(server, cast.ada))
    report(server, cast.bob, target_account_id=cast.ada.id)
    report(server, None, uris=("https://bad.example/",))
    report(server, None, uris=("https://nowhere.example/x",))
    report(server, None, uris=("https://nowhere.example/x",))
    report(server, None, comment="Everything here is awful")
    subjects = sorted(subject.partition(":")[0] for (subject,) in rows(server, "SELECT subject FROM cases"))
    assert subjects == ["account", "domain", "status", "status", "uri", "uri"]
    assert [number for (number,) in rows(server, "SELECT number FROM cases ORDER BY number")] == list(
        range(1, 7)
    )


def test_a_worse_reason_brings_a_case_forward_and_nothing_pushes_it_back(server, cast, at):
    post = make_post(server, cast.ada)
    report(server, cast.bob, post, reason="other")
    at(3600)
    report(server, cast.zoe, post, reason="threat")
    lane, reason, due, received = rows(server, "SELECT lane, reason, due_at, received_at FROM cases")[0]
    assert (lane, reason) == ("S1", "threat")
    assert abs(due - received - 2 * clock.HOUR) < 10_000
    at(7000)
    report(server, cast.olga, post, reason="spam")
    assert rows(server, "SELECT lane, reason, due_at FROM cases") == [("S1", "threat", due)]
    assert [kind for (kind,) in rows(server, "SELECT kind FROM case_events")] == ["lane"]


def test_a_deadline_stands_above_the_clocks(server, cast):
    mona = make_moderator(cast)
    post = make_post(server, cast.ada)
    report(server, cast.bob, post)
    soon = clock.now() + 5 * clock.MINUTE
    report(server, None, post, channel="trusted_flagger", deadline_at=soon)
    assert value(server, "SELECT due_at FROM cases") == soon
    case_id = value(server, "SELECT id FROM cases")
    server.database.write_now(see_case, server.site, mona.id, case_id)
    assert value(server, "SELECT due_at FROM cases") == soon


def test_a_letter_is_one_case_and_others_hear_of_it(server, cast):
    mona = make_moderator(cast)
    known = make_post(server, cast.ada)
    report(server, cast.bob, known)
    urls = tuple(f"https://roseau.test/statuses/{one}" for one in (known, make_post(server, cast.zoe)))
    filed = report(server, None, channel="host_letter", uris=(*urls, "https://roseau.test/@gone/1"))
    assert len(filed.case_ids) == 1
    subject, lane = rows(server, "SELECT subject, lane FROM cases WHERE number = 2")[0]
    assert (subject, lane) == (f"letter:{filed.notice_id}", "S0")
    assert [item.kind for item in server.database.read_now(load_case, server.site, mona.id, 2).items] == [
        "status", "status", "unknown",
    ]  # fmt: skip
    events = server.database.read_now(load_case, server.site, mona.id, 1).timeline
    assert [event.detail for event in events if event.kind == "joined"] == [
        {"notice": filed.notice_id, "case": 2}
    ]
    # The post is still one that members can report; it is not drawn into the letter.
    report(server, cast.olga, known)
    assert value(server, "SELECT notices_count FROM cases WHERE number = 1") == 2


def test_what_was_closed_opens_anew_with_its_past(server, cast, at):
    mona = make_moderator(cast)
    post = make_post(server, cast.ada)
    first = report(server, cast.bob, post)
    decide_nothing(server, mona, first.case_ids[0])
    at(40)
    server.database.write_now(close_case, server.site, first.case_ids[0])
    assert value(server, "SELECT outcome FROM notices") == "not_upheld"
    second = report(server, cast.zoe, post)
    assert second.case_ids != first.case_ids
    view = server.database.read_now(load_case, server.site, mona.id, 2)
    assert view.earlier == (1,)
    assert [event.detail for event in view.timeline if event.kind == "joined"] == [{"earlier": 1}]
    assert (listed(server, mona), listed(server, mona, "closed")) == ([2], [1])


def test_what_comes_while_a_decision_can_be_undone_is_looked_at(server, cast, at):
    post = make_post(server, cast.ada)
    first = report(server, cast.bob, post)
    case_id = first.case_ids[0]
    decide_nothing(server, make_moderator(cast), case_id)
    at(5)
    late = report(server, cast.zoe, post)
    assert late.case_ids == first.case_ids
    at(40)
    server.database.write_now(close_case, server.site, case_id)
    found = rows(server, "SELECT number, state, notices_count FROM cases ORDER BY number")
    assert found == [(1, "closed", 1), (2, "open", 1)]
    outcomes = rows(server, "SELECT outcome FROM notices ORDER BY id")
    assert outcomes == [("not_upheld",), (None,)]


def test_the_list_is_sorted_by_time_then_severity_then_reach(server, cast, at):
    mona = make_moderator(cast)
    at(0)
    for reason in ("other", "spam", "hate", "intimate_images", "csam", "minors"):
        report(server, cast.bob, make_post(server, cast.ada), reason=reason)
    followed = make_post(server, cast.zoe)
    change(
        server, "INSERT INTO follows (id, account_id, target_id, created_at) VALUES (1, :who, :whom, 0)",
        who=cast.bob.id, whom=cast.zoe.id,
    )  # fmt: skip
    report(server, cast.olga, followed, reason="hate")
    change(server, "UPDATE cases SET due_at = 5 WHERE lane = 'S2'")
    reasons = dict(rows(server, "SELECT number, reason FROM cases"))
    assert [reasons[number] for number in listed(server, mona)] == [
        "minors", "hate", "hate", "csam", "intimate_images", "spam", "other",
    ]  # fmt: skip
    assert listed(server, mona)[1] == 7
    counts = server.database.read_now(count_cases, mona.id)
    assert (counts.todo, counts.overdue, counts.unseen) == (7, 3, 7)
    assert counts.lanes == {"S0": 1, "S1": 1, "S2": 3, "S3": 1, "S4": 1}


@pytest.mark.parametrize("which", ["todo", "closed"])
def test_pages_go_on_where_the_last_one_ended(server, cast, which):
    mona = make_moderator(cast)
    for n in range(PAGE + 7):
        report(server, None, uris=(f"https://nowhere.example/{n}",), source=f"10.0.0.{n}")
    change(server, "UPDATE cases SET due_at = due_at / 100000")
    if which == "closed":
        change(server, "UPDATE cases SET state = 'closed', closed_at = due_at")
    first = server.database.read_now(list_cases, mona.id, which)
    rest = server.database.read_now(list_cases, mona.id, which, first[-1].id)
    assert (len(first), len(rest)) == (PAGE, 7)
    assert {line.number for line in (*first, *rest)} == set(range(1, PAGE + 8))


def test_the_next_case_is_nobodys(server, cast):
    mona, nick = make_moderator(cast), make_moderator(cast, "nick")
    for _ in range(2):
        report(server, cast.bob, make_post(server, cast.ada))
    first = server.database.read_now(next_case, mona.id)
    server.database.write_now(claim, server.site, mona.id, first.id)
    second = server.database.read_now(next_case, nick.id)
    assert second.id != first.id
    server.database.write_now(claim, server.site, nick.id, second.id)
    assert server.database.read_now(next_case, mona.id) is None
    assert listed(server, mona, "mine") == [first.number]


def test_notices_of_the_same_moment_meet_in_one_case(server, cast):
    post = make_post(server, cast.ada)
    people = [cast.join(f"m{n}") for n in range(6)]
    failed = []

    def file(member):
        try:
            report(server, member, post)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=file, args=(member,)) for member in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    assert rows(server, "SELECT notices_count, sources_count FROM cases") == [(6, 6)]
