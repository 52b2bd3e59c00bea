"""Cases: who may see one, who works on it, and what it shows."""

import pytest

from roseau.domain.moderation.cases.asking import answer_question, ask, list_my_questions
from roseau.domain.moderation.cases.joining import Opening, open_case
from roseau.domain.moderation.cases.parties import is_party
from roseau.domain.moderation.cases.queue import list_cases, next_case
from roseau.domain.moderation.cases.reading import load_case
from roseau.domain.moderation.cases.working import (
    add_note,
    claim,
    hand_over,
    pause,
    release,
    resume,
    see_case,
)
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.notices.snapshots import open_snapshot
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.statements import statements
from tests.moderation.acting import make_moderator, make_post, report, rows, value


def do(server, command, member, case_id, *more):
    """Have somebody do something about a case."""
    return server.database.write_now(command, server.site, member.id, case_id, *more)


def load(server, member, number=1):
    """The case as somebody sees it."""
    return server.database.read_now(load_case, server.site, member.id, number)


@pytest.fixture
def case_id(server, cast):
    """Bob has reported a post of Ada's."""
    return report(server, cast.bob, make_post(server, cast.ada)).case_ids[0]


def _suspend(server, member):
    sql = "UPDATE accounts SET suspended_at = 1 WHERE id = :wanted"
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), wanted=member.id))


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("moderator", True),
        ("admin", True),
        ("owner", True),
        ("member", False),
        ("reviewer", False),
        ("suspended moderator", False),
        ("moderator who wrote it", False),
        ("moderator who reported it", False),
        ("moderator it is about", False),
        ("moderator who wrote another item", False),
    ],
)
def test_who_sees_a_case(server, cast, who, sees):
    role = who.split()[-1] if who.startswith("suspended") else who.split()[0]
    person = cast.join("pat", role=role)
    if who == "suspended moderator":
        _suspend(server, person)
    author = person if who == "moderator who wrote it" else cast.ada
    reporter = person if who == "moderator who reported it" else cast.bob
    if who == "moderator it is about":
        filed = report(server, cast.bob, target_account_id=person.id)
    elif who == "moderator who wrote another item":
        first, second = make_post(server, cast.ada), make_post(server, person)
        urls = tuple(f"https://roseau.test/statuses/{one}" for one in (first, second))
        filed = report(server, None, channel="host_letter", uris=urls)
    else:
        filed = report(server, reporter, make_post(server, author))
    case_id = filed.case_ids[0]
    commands = [
        (see_case, ()), (claim, ()), (add_note, ("Hm.",)), (release, ()),
        (pause, (clock.now() + clock.HOUR, "Lunch")),
    ]  # fmt: skip
    if sees:
        assert load(server, person).line.id == case_id
        assert [line.id for line in server.database.read_now(list_cases, person.id, "todo")] == [case_id]
        for command, more in commands[:4]:
            do(server, command, person, case_id, *more)
        return
    with pytest.raises(Forbidden):
        load(server, person)
    for command, more in commands:
        with pytest.raises(Forbidden):
            do(server, command, person, case_id, *more)
    if role == "moderator" and "suspended" not in who:
        assert server.database.read_now(is_party, case_id, person.id)
        assert server.database.read_now(list_cases, person.id, "todo") == []
        assert server.database.read_now(next_case, person.id) is None
    else:
        with pytest.raises(Forbidden):
            server.database.read_now(list_cases, person.id, "todo")
    assert rows(server, "SELECT * FROM case_events") == []


def test_own_initiative_does_not_make_party(server, cast):
    mona = make_moderator(cast)
    filed = report(server, mona, make_post(server, cast.ada), channel="own_initiative")
    assert load(server, mona).may >= {"decide", "claim"}
    assert not server.database.read_now(is_party, filed.case_ids[0], mona.id)


def test_the_first_look_starts_the_second_clock(server, cast, case_id):
    mona, nick = make_moderator(cast), make_moderator(cast, "nick")
    before = load(server, mona).line
    assert (before.seen, before.due_at - before.received_at) == (False, 2 * clock.DAY)
    do(server, see_case, mona, case_id)
    after = load(server, nick).line
    assert (after.seen, after.due_at - after.received_at) == (True, 3 * clock.DAY)
    assert after.viewers == ("mona",)
    do(server, see_case, nick, case_id)
    assert rows(server, "SELECT count(*) FROM moderation_log WHERE kind = 'seen'") == [(1,)]


def test_presence_ends_by_itself(server, cast, case_id, at):
    mona, nick = make_moderator(cast), make_moderator(cast, "nick")
    do(server, see_case, mona, case_id)
    at(59)
    assert load(server, nick).line.viewers == ("mona",)
    assert load(server, mona).line.viewers == ()
    at(62)
    assert load(server, nick).line.viewers == ()


def test_a_case_goes_from_hand_to_hand(server, cast, case_id):
    mona, nick = make_moderator(cast), make_moderator(cast, "nick")
    do(server, claim, mona, case_id)
    assert load(server, nick).line.assignee == "mona"
    with pytest.raises(Invalid):
        do(server, release, nick, case_id)
    do(server, hand_over, mona, case_id, nick.id, "You know him.")
    assert [line.id for line in server.database.read_now(list_cases, nick.id, "mine")] == [case_id]
    for nobody in (cast.bob, cast.ada, cast.zoe):
        with pytest.raises(Invalid):
            do(server, hand_over, nick, case_id, nobody.id)
    do(server, release, nick, case_id)
    do(server, add_note, nick, case_id, "Nothing new.")
    with pytest.raises(Invalid):
        do(server, add_note, nick, case_id, "  ")
    kinds = [event.kind for event in load(server, mona).timeline]
    assert kinds == ["notice", "claimed", "handed_over", "released", "note"]


def test_nothing_is_given_to_those_who_rest(server, cast, case_id):
    mona, nick = make_moderator(cast), make_moderator(cast, "nick")
    sql = "INSERT INTO rests (id, account_id, from_at, until_at) VALUES (1, :who, 0, NULL)"
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), who=nick.id))
    with pytest.raises(Invalid):
        do(server, hand_over, mona, case_id, nick.id)
    assert server.database.read_now(next_case, mona.id).id == case_id
    assert server.database.read_now(next_case, nick.id) is None


def test_a_pause_ends_by_itself_or_by_hand(server, cast, case_id, at):
    mona = make_moderator(cast)
    do(server, pause, mona, case_id, clock.now() + clock.HOUR, "Waiting for an answer")

    def listed(which):
        return [line.id for line in server.database.read_now(list_cases, mona.id, which)]

    assert (listed("todo"), listed("waiting")) == ([], [case_id])
    due = load(server, mona).line.due_at
    at(3601)
    assert (listed("todo"), listed("waiting")) == ([case_id], [])
    assert load(server, mona).line.due_at == due
    do(server, pause, mona, case_id, clock.now() + clock.HOUR, "Once more")
    do(server, resume, mona, case_id)
    assert listed("todo") == [case_id]
    for until in (clock.now() - 1, clock.now() + 15 * clock.DAY):
        with pytest.raises(Invalid):
            do(server, pause, mona, case_id, until, "Long")


def test_what_cannot_wait_is_not_paused(server, cast):
    mona = make_moderator(cast)
    case_id = report(server, cast.bob, make_post(server, cast.ada), reason="csam").case_ids[0]
    with pytest.raises(Invalid):
        do(server, pause, mona, case_id, clock.now() + clock.HOUR, "Lunch")
    assert "pause" not in load(server, mona).may


def test_a_worse_notice_wakes_a_paused_case(server, cast, case_id):
    mona = make_moderator(cast)
    do(server, pause, mona, case_id, clock.now() + clock.HOUR, "Lunch")
    status_id = value(server, "SELECT status_id FROM cases")
    report(server, cast.zoe, status_id, reason="threat")
    assert load(server, mona).line.state == "open"


def test_a_member_is_asked_and_answers(server, cast, case_id):
    mona = make_moderator(cast)
    question = do(server, ask, mona, case_id, cast.ada.id, "Was this meant as a joke?")
    do(server, pause, mona, case_id, clock.now() + clock.DAY, "Waiting for Ada")
    with pytest.raises(Invalid):
        do(server, ask, mona, case_id, cast.zoe.id, "You have nothing to do with it?")
    assert [one.text for one in server.database.read_now(list_my_questions, cast.ada.id)] == [
        "Was this meant as a joke?"
    ]
    assert server.database.read_now(list_my_questions, cast.bob.id) == []
    letter = rows(server, "SELECT kind, account_id, text FROM deliveries WHERE kind = 'question'")
    assert [row[:2] for row in letter] == [("question", cast.ada.id)]
    assert "bob" not in letter[0][2] and "mona" not in letter[0][2]
    answer = (server.site, cast.ada.id, question, "It was a quotation.")
    with pytest.raises(NotFound):
        server.database.write_now(answer_question, server.site, cast.bob.id, question, "Hello")
    server.database.write_now(answer_question, *answer)
    with pytest.raises(Invalid):
        server.database.write_now(answer_question, *answer)
    view = load(server, mona)
    assert view.line.state == "open"
    assert [event.text for event in view.timeline if event.kind == "answered"] == ["It was a quotation."]
    assert not server.database.read_now(list_my_questions, cast.ada.id)[0].open


def test_a_case_shows_what_is_known(server, cast):
    mona = make_moderator(cast)
    _ = cast.ada
    above = make_post(server, cast.zoe, "A public question")
    private = make_post(server, cast.zoe, "@ada for you", visibility="direct", in_reply_to_id=above)
    post = make_post(server, cast.ada, "An ugly answer", in_reply_to_id=private)
    below = make_post(server, cast.bob, "That is ugly", in_reply_to_id=post)
    report(server, cast.bob, post, comment="Ugly", reason="harassment")
    view = load(server, mona)
    assert [one.id for one in view.thread.above] == [above]
    assert [one.id for one in view.thread.below] == [below]
    assert (view.items[0].status.status.text, view.items[0].state) == ("An ugly answer", "here")
    assert (view.notices[0].reporter.account.username, view.notices[0].comment) == ("bob", "Ugly")
    assert (view.facts.account.account.username, view.facts.strikes, view.facts.cases) == ("ada", 0, 0)
    assert [(one.kind, one.account_id) for one in view.suggestion.measures] == [("reminder", cast.ada.id)]
    assert view.may >= {"claim", "decide", "note", "pause", "ask", "open_evidence"}


def test_what_is_suggested_climbs_with_the_strikes(server, cast, case_id):
    mona = make_moderator(cast)
    first = report(server, cast.bob, make_post(server, cast.ada, "Before"))
    sql = (
        "INSERT INTO decisions (id, number, case_id, ground, law, facts, decider_id, decided_at, undo_until)"
        " VALUES (:id, :id, :case_id, 'law', 'x', 'y', :who, 0, 0)"
    )
    strike = (
        "INSERT INTO strikes (id, account_id, decision_id, created_at, expires_at)"
        " VALUES (:id, :target, :id, 0, 99999999999999)"
    )
    kinds = []
    for number in range(1, 5):
        kinds.append([one.kind for one in load(server, mona).suggestion.measures])
        server.database.write_now(
            lambda tx, number=number: (
                tx.run(statements(sql, sql), id=number, case_id=first.case_ids[0], who=mona.id),
                tx.run(statements(strike, strike), id=number, target=cast.ada.id),
            )
        )
    assert kinds == [["reminder"], ["remove"], ["remove", "limit"], ["suspend"]]
    assert len(load(server, mona).facts.past) == 4


def test_there_is_no_such_case(server, cast):
    with pytest.raises(NotFound):
        load(server, make_moderator(cast), 99)


def _appeal(server, cast, case_id, reviewer, appellant):
    """An appeal of somebody's against a decision of the case, handed to an outside reviewer; its case."""
    mona = make_moderator(cast)
    server.database.write_now(decide, server.site, mona.id, case_id, DecisionDraft(ground="none"))
    opening = Opening(subject="appeal:1", kind="appeal", lane="S4", reason="other")
    appeal_case = server.database.write_now(open_case, server.site, opening)
    sql = (
        "INSERT INTO appeals (id, decision_id, appellant, account_id, text, filed_at, answer_due_at, case_id,"
        " outside_reviewer_id)"
        " SELECT 1, id, 'notifier', :who, 'x', 0, 0, :appeal_case, :reviewer FROM decisions"
    )
    server.database.write_now(
        lambda tx: tx.run(
            statements(sql, sql), who=appellant.id, appeal_case=appeal_case, reviewer=reviewer.id
        )
    )
    return appeal_case


def test_an_outside_reviewer_sees_the_appeal_and_nothing_else(server, cast, case_id):
    rita = cast.join("rita", role="reviewer")
    report(server, cast.zoe, make_post(server, cast.ada))
    appeal_case = _appeal(server, cast, case_id, rita, cast.bob)
    assert [one.id for one in server.database.read_now(list_cases, rita.id, "appeals")] == [appeal_case]
    view = load(server, rita, 3)
    # What was decided about is before their eyes.
    assert (view.may, len(view.items), len(view.decisions)) == ({"answer_appeal"}, 1, 1)
    opened = server.database.write_now(
        open_snapshot, server.site, rita.id, view.items[0].snapshot_id, appeal_case
    )
    assert opened.content.status is not None
    for number in (1, 2):
        with pytest.raises(Forbidden):
            load(server, rita, number)
    with pytest.raises(Forbidden):
        do(server, add_note, rita, appeal_case, "Hm.")
    change = "INSERT INTO appeal_answers (appeal_id, outcome, reasons, at) VALUES (1, 'lapsed', '', 0)"
    server.database.write_now(lambda tx: tx.run(statements(change, change)))
    with pytest.raises(Forbidden):
        load(server, rita, 3)


@pytest.mark.parametrize("role", ["moderator", "reviewer"])
@pytest.mark.parametrize("part", ["author", "notifier", "appellant"])
def test_parties_see_no_appeal_either(server, cast, role, part):
    person = cast.join("pat", role=role)
    author = person if part == "author" else cast.ada
    notifier = person if part == "notifier" else cast.bob
    filed = report(server, notifier, make_post(server, author))
    appellant = person if part == "appellant" else cast.zoe
    appeal_case = _appeal(server, cast, filed.case_ids[0], person, appellant)
    assert server.database.read_now(is_party, appeal_case, person.id)
    with pytest.raises(Forbidden):
        load(server, person, 2)
    assert server.database.read_now(list_cases, person.id, "appeals") == []
    # Who decided is not party: they may see that they were asked to think again.
    mona = type(person)(value(server, "SELECT decider_id FROM decisions"), "mona", "")
    assert load(server, mona, 2).line.kind == "appeal"


def test_reach_counts_whom_it_comes_before(server, cast):
    post = make_post(server, cast.ada)
    follow = "INSERT INTO follows (id, account_id, target_id, created_at) VALUES (:id, :who, :whom, 0)"
    people = [(n, who.id, cast.ada.id) for n, who in enumerate((cast.bob, cast.zoe, cast.olga), 1)]
    for number, who, whom in people:
        server.database.write_now(
            lambda tx, values=(number, who, whom): tx.run(
                statements(follow, follow), id=values[0], who=values[1], whom=values[2]
            )
        )
    report(server, cast.bob, post)
    assert value(server, "SELECT reach FROM cases") == 3
