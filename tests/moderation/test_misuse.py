"""Misuse: one table for those who send unfounded notices and for those who post what is illegal."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.misuse import (
    AFTER,
    LEAST,
    PAUSES,
    SAMPLE,
    Side,
    Standing,
    Suggestion,
    answer_source,
    is_paused,
    lift_mark,
    standing_of,
    suggest,
    to_suggestion,
)
from roseau.domain.moderation.notices.sources import hash_source
from roseau.domain.moderation.record.rebuild.tables import build
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from tests.conftest import Cast, Member
from tests.moderation.acting import make_moderator, make_post, report, rows, value

pytestmark = pytest.mark.anyio

UNFOUNDED = DecisionDraft(ground="none", unfounded=True)
FOUNDED = DecisionDraft(ground="none")
LAW = "Penal code, article 1"
NOW = 1_800_000_000_000


def settle(server: Server, moderator: Member, case_id: int, draft: DecisionDraft) -> int:
    """Decide a case; the decision's id."""
    return server.database.write_now(decide, server.site, moderator.id, case_id, draft).decision_id


def notify(server: Server, cast: Cast, moderator: Member, draft: DecisionDraft, **fields: str) -> int:
    """A notice, of Bob's unless `source` says otherwise, about a new post of Ada's, decided; the decision."""
    status_id = make_post(server, cast.ada)
    reporter = None if fields else cast.bob
    filed = report(server, reporter, status_id, **fields)
    return settle(server, moderator, filed.case_ids[0], draft)


def offend(server: Server, cast: Cast, moderator: Member, *, bad: bool) -> int:
    """A post of Ada's that was reported by Zoe, and removed if it was bad; the decision."""
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.zoe, status_id)
    removal = DecisionDraft(
        ground="law", law=LAW, facts="A threat.", measures=(MeasureDraft(kind="remove", status_id=status_id),)
    )
    return settle(server, moderator, filed.case_ids[0], removal if bad else FOUNDED)


def suggested(server: Server, side: Side, member: Member) -> Suggestion | None:
    """What the table suggests about a member."""
    return server.database.read_now(suggest, side, account_id=member.id)


def step(found: Suggestion | None) -> tuple[str, int, str] | None:
    """The same in short."""
    return (found.step, found.days, found.measure) if found else None


def act(server: Server, moderator: Member, case_id: int, found: Suggestion, member: Member) -> int:
    """Do what is suggested, as a decision."""
    until = None if found.step == "warn" else clock.now() + found.days * clock.DAY
    measure = MeasureDraft(kind=found.measure, account_id=member.id, until_at=until)  # type: ignore[arg-type]
    poster = found.standing.side == "poster"
    draft = DecisionDraft(ground="law", law="DSA art. 23", facts="Often.", measures=(measure,), misuse=poster)
    return settle(server, moderator, case_id, draft)


# The table


@given(st.integers(0, SAMPLE), st.integers(0, SAMPLE), st.integers(0, 5), st.none() | st.integers(0, 200))
def test_the_table_is_the_same_for_both_sides(recent: int, bad: int, pauses: int, days: int | None) -> None:
    answered = None if days is None else NOW - days * clock.DAY
    found = [
        to_suggestion(
            Standing(side=side, recent=recent, bad=min(bad, recent), pauses=pauses, answered_at=answered), NOW
        )
        for side in ("notifier", "poster")
    ]
    one, other = found
    assert (one and (one.step, one.days)) == (other and (other.step, other.days))
    if one is None:
        assert min(bad, recent) < LEAST or 2 * min(bad, recent) <= recent
    elif one.step == "pause":
        assert answered is not None and NOW - answered <= AFTER
        assert one.days == PAUSES[min(pauses, 2)]


def test_nothing_is_suggested_while_a_pause_runs() -> None:
    standing = Standing(side="notifier", recent=3, bad=3, pauses=1, answered_at=NOW, paused_until=NOW + 1)
    assert to_suggestion(standing, NOW) is None


# Notifiers


async def test_a_notifier_is_warned_then_paused_for_longer_and_longer(
    server: Server, cast: Cast, at: Callable[[float], None]
) -> None:
    mona = make_moderator(cast)
    for _ in range(2):
        notify(server, cast, mona, UNFOUNDED)
    assert suggested(server, "notifier", cast.bob) is None
    notify(server, cast, mona, UNFOUNDED)
    found = suggested(server, "notifier", cast.bob)
    assert step(found) == ("warn", 0, "warn_misuse")
    day = 0
    for days in (7, 30, 90, 90):
        case_id = report(server, cast.zoe, make_post(server, cast.ada)).case_ids[0]
        assert found is not None
        act(server, mona, case_id, found, cast.bob)
        # What led to it does not lead to the next: it has to happen again.
        assert suggested(server, "notifier", cast.bob) is None
        day += found.days + 1
        at(day * 86_400)
        assert server.database.read_now(is_paused, cast.bob.id) is None
        for _ in range(3):
            notify(server, cast, mona, UNFOUNDED)
        found = suggested(server, "notifier", cast.bob)
        assert step(found) == ("pause", days, "pause_notices")


async def test_a_pause_stops_notices_but_not_those_of_danger(
    server: Server, cast: Cast, at: Callable[[float], None]
) -> None:
    mona = make_moderator(cast)
    case_id = report(server, cast.zoe, make_post(server, cast.ada)).case_ids[0]
    standing = Standing(side="notifier", recent=3, bad=3)
    decision_id = act(server, mona, case_id, Suggestion(step="pause", days=7, standing=standing), cast.bob)
    until = server.database.read_now(is_paused, cast.bob.id)
    assert until is not None and until > clock.now() + 6 * clock.DAY
    with pytest.raises(Forbidden):
        report(server, cast.bob, make_post(server, cast.ada))
    report(server, cast.bob, make_post(server, cast.ada), reason="threat_to_life")
    # Reversed, as after an appeal: as if it had not been.
    at(60)
    server.database.write_now(reverse, server.site, decision_id, by_id=cast.olga.id, facts="Not so.")
    assert server.database.read_now(is_paused, cast.bob.id) is None
    report(server, cast.bob, make_post(server, cast.ada))


async def test_only_what_stands_counts(server: Server, cast: Cast, at: Callable[[float], None]) -> None:
    mona = make_moderator(cast)
    decisions = [notify(server, cast, mona, UNFOUNDED) for _ in range(4)]
    server.database.write_now(undo, server.site, mona.id, decisions[0])
    assert server.database.read_now(standing_of, "notifier", account_id=cast.bob.id).bad == 3
    at(60)
    server.database.write_now(reverse, server.site, decisions[1], by_id=cast.olga.id, facts="It was founded.")
    standing = server.database.read_now(standing_of, "notifier", account_id=cast.bob.id)
    assert standing.bad == 2 and suggested(server, "notifier", cast.bob) is None


async def test_whoever_is_mostly_right_is_left_alone(server: Server, cast: Cast) -> None:
    mona = make_moderator(cast)
    for draft in [UNFOUNDED] * 3 + [FOUNDED] * 3:
        notify(server, cast, mona, draft)
    standing = server.database.read_now(standing_of, "notifier", account_id=cast.bob.id)
    assert (standing.recent, standing.bad) == (6, 3)
    assert suggested(server, "notifier", cast.bob) is None


async def test_a_source_without_an_account_is_answered_by_a_mark(
    server: Server, cast: Cast, at: Callable[[float], None]
) -> None:
    mona = make_moderator(cast)
    source = hash_source(server.site, "203.0.113.7")
    with pytest.raises(Invalid):
        server.database.write_now(answer_source, server.site, mona.id, source)
    for minute, step_ in enumerate(("warned", "paused")):
        # What was sent in the very moment of the warning would not count as sent after it.
        at(60 * minute)
        for _ in range(3):
            notify(server, cast, mona, UNFOUNDED, source="203.0.113.7", comment="It is bad.")
        mark_id = server.database.write_now(answer_source, server.site, mona.id, source)
        assert value(server, "SELECT kind FROM misuse_marks WHERE id = :id", id=mark_id) == step_
    assert server.database.read_now(is_paused, None, source)
    assert server.database.read_now(is_paused, None, hash_source(server.site, "203.0.113.8")) is None
    with pytest.raises(Forbidden):
        report(server, None, make_post(server, cast.ada), source="203.0.113.7")
    with pytest.raises(Forbidden):
        server.database.write_now(answer_source, server.site, cast.bob.id, source)
    server.database.write_now(lift_mark, server.site, mona.id, mark_id)
    assert server.database.read_now(is_paused, None, source) is None
    with pytest.raises(NotFound):
        server.database.write_now(lift_mark, server.site, mona.id, 1)
    assert value(server, "SELECT count(*) FROM moderation_log WHERE kind = 'misuse'") == 3


# Posters


async def test_a_poster_is_warned_then_suspended_by_the_same_figures(
    server: Server, cast: Cast, at: Callable[[float], None]
) -> None:
    mona = make_moderator(cast)
    for _ in range(2):
        offend(server, cast, mona, bad=True)
    assert suggested(server, "poster", cast.ada) is None
    offend(server, cast, mona, bad=True)
    found = suggested(server, "poster", cast.ada)
    assert step(found) == ("warn", 0, "warn_misuse") and found is not None
    case_id = report(server, cast.zoe, make_post(server, cast.ada)).case_ids[0]
    act(server, mona, case_id, found, cast.ada)
    assert server.database.read_now(standing_of, "poster", account_id=cast.ada.id).warned_at
    assert server.database.read_now(standing_of, "notifier", account_id=cast.ada.id).warned_at is None
    at(86_400)
    for _ in range(3):
        offend(server, cast, mona, bad=True)
    found = suggested(server, "poster", cast.ada)
    assert step(found) == ("pause", 7, "suspend") and found is not None
    case_id = report(server, cast.zoe, make_post(server, cast.ada)).case_ids[0]
    decision_id = act(server, mona, case_id, found, cast.ada)
    standing = server.database.read_now(standing_of, "poster", account_id=cast.ada.id)
    assert standing.pauses == 1 and standing.paused_until
    server.database.write_now(undo, server.site, mona.id, decision_id)
    assert server.database.read_now(standing_of, "poster", account_id=cast.ada.id).pauses == 0


async def test_a_poster_whose_posts_are_mostly_fine_is_left_alone(server: Server, cast: Cast) -> None:
    mona = make_moderator(cast)
    for bad in (True, True, True, False, False, False):
        offend(server, cast, mona, bad=bad)
    standing = server.database.read_now(standing_of, "poster", account_id=cast.ada.id)
    assert (standing.recent, standing.bad) == (6, 3)
    assert suggested(server, "poster", cast.ada) is None


def test_the_report_counts_suspensions_of_both_sides_from_the_log(server: Server, cast: Cast) -> None:
    mona = make_moderator(cast)
    for side, member in (("notifier", cast.bob), ("poster", cast.ada)):
        case_id = report(server, cast.zoe, make_post(server, cast.ada)).case_ids[0]
        standing = Standing(side=side, recent=3, bad=3, answered_at=NOW)
        act(server, mona, case_id, Suggestion(step="pause", days=7, standing=standing), member)
    entries = rows(server, "SELECT seq, at, kind, body, hash FROM moderation_log ORDER BY seq")
    lines = [
        msgspec.json.encode({"seq": seq, "at": at, "kind": kind, "body": body, "hash": bytes(hashed).hex()})
        for seq, at, kind, body, hashed in entries
    ]
    year = clock.to_date(clock.now())[:4]
    about = {
        "service": "roseau.test", "from": f"{year}-01-01", "to": f"{year}-12-31", "last_seq": entries[-1][0],
        "tip": bytes(entries[-1][4]).hex(),
    }  # fmt: skip
    found = build(lines, about)["7_appeals_and_recidivism.csv"].decode()
    counted = [line for line in found.splitlines() if "suspensions enacted" in line]
    assert [line.rsplit(",", 2)[1] for line in counted] == ["1", "1", "0"]
