"""Whatever is decided, undone, reversed, run out or deleted, in whatever order: what holds is what is seen.

Hypothesis makes up the story; after each step the site is held against a model of a few lines.
"""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roseau.domain.accounts.freezing import Frozen, refuse_frozen
from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.moderation.decisions.settling import close_case, end_expired
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.relationships.following import follow_account
from roseau.domain.statuses.editing import Edit, edit_status
from roseau.domain.statuses.interactions import reblog_status
from roseau.domain.statuses.loading import load_status
from roseau.domain.statuses.removal import delete_status
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.statements import statements
from tests.moderation.acting import decide_on, make_moderator, make_post, report, rows, value

HIDING = {"hold", "remove"}
WARNING = {"label", "interstitial"}
ABOUT_STATUS = HIDING | WARNING
KINDS = sorted(ABOUT_STATUS | {"limit", "freeze", "suspend"})
TEXT, WORDS = "As it was written", "Behind this"

steps = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), st.sampled_from(KINDS), st.sampled_from((None, 1, 30))),
        st.tuples(st.just("undo"), st.integers(0, 3)),
        st.tuples(st.just("reverse"), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.sampled_from((1, 60, 5 * 3600, 40 * 3600))),
        st.tuples(st.just("edit")),
        st.tuples(st.just("delete")),
    ),
    min_size=1,
    max_size=12,
)
_names = itertools.count()


class Story:
    """An author with a post, a follower, a reblog and an answer; and what was decided about them."""

    def __init__(self, server: Any, cast: Any, moderator: Any, at: Any) -> None:
        number = next(_names)
        self.server, self.at, self.moderator = server, at, moderator
        self.author, self.other, self.sender = (
            cast.join(f"{name}{number}") for name in ("author", "other", "sender")
        )
        self.write = server.database.write_now
        self.seconds = 0.0
        parent = make_post(server, self.other)
        self.status = make_post(server, self.author, TEXT, in_reply_to_id=parent)
        self.parent = parent
        self.write(reblog_status, server.site, self.other.id, self.status)
        self.write(follow_account, self.other.id, self.author.id)
        self.write(follow_account, self.author.id, self.other.id)
        #: The measures: kind, end or None, decision, whether it stands.
        self.measures: list[list[Any]] = []
        self.deleted = False
        self.before = self.tables()

    def tables(self) -> list[Any]:
        people = (self.author.id, self.other.id)
        return [
            rows(self.server, "SELECT * FROM follows WHERE account_id IN (:a, :b) ORDER BY id",
                 a=people[0], b=people[1]),
            rows(self.server, "SELECT id, followers_count, following_count, statuses_count, limited_at,"
                 " suspended_at FROM accounts WHERE id IN (:a, :b) ORDER BY id", a=people[0], b=people[1]),
            rows(self.server, "SELECT id, text, content, spoiler_text, sensitive, hidden_at, replies_count,"
                 " reblogs_count FROM statuses WHERE account_id IN (:a, :b) ORDER BY id",
                 a=people[0], b=people[1]),
        ]  # fmt: skip

    def force(self) -> set[str]:
        return {one[0] for one in self.measures if one[3] and (one[1] is None or one[1] > clock.now())}

    # Steps

    def decide(self, kind: str, hours: int | None) -> None:
        case_id = report(self.server, self.sender, target_account_id=self.author.id).case_ids[0]
        if value(self.server, "SELECT state FROM cases WHERE id = :id", id=case_id) != "open":
            return
        until = None if hours is None else clock.now() + hours * clock.HOUR
        target = {"status_id": self.status} if kind in ABOUT_STATUS else {"account_id": self.author.id}
        words = WORDS if kind in WARNING else ""
        draft = MeasureDraft(kind=kind, until_at=until, words=words, **target)  # type: ignore[arg-type]
        decided = decide_on(self.server, self.moderator, case_id, draft)
        if kind == "hold":
            until = min(until or clock.now() + clock.DAY, clock.now() + clock.DAY)
        self.measures.append([kind, until, decided.decision_id, True, clock.now(), case_id])

    def undo(self, index: int) -> None:
        found = [one for one in self.measures if one[3]][index:]
        if found and clock.now() < found[0][4] + 30_000:
            self.write(undo, self.server.site, self.moderator.id, found[0][2])
            found[0][3] = False

    def reverse(self, index: int) -> None:
        found = [one for one in self.measures if one[3]][index:]
        if found:
            self.write(reverse_own, self.server.site, self.moderator.id, found[0][2], "Looked at again.")
            found[0][3] = False

    def wait(self, seconds: int) -> None:
        self.seconds += seconds
        self.at(self.seconds)
        while self.write(end_expired, self.server.site):
            pass
        for case_id in {one[5] for one in self.measures}:
            closed = rows(self.server, "SELECT id FROM cases WHERE id = :id AND state = 'closed'", id=case_id)
            self.write(close_case, self.server.site, case_id)
            now = rows(self.server, "SELECT id FROM cases WHERE id = :id AND state = 'closed'", id=case_id)
            if now and not closed:
                self.supersede(case_id)

    def supersede(self, case_id: int) -> None:
        """A hold makes room for whatever was decided after it in its case."""
        of_case = [one for one in self.measures if one[5] == case_id and one[3]]
        for one in of_case[:-1]:
            if one[0] == "hold":
                one[3] = False

    def edit(self) -> None:
        if self.force() & (ABOUT_STATUS | {"suspend"}) or self.deleted:
            with pytest.raises((Forbidden, NotFound)):
                self.write(edit_status, self.server.site, self.author.id, self.status, Edit(text="New"))

    def delete(self) -> None:
        if self.deleted or "suspend" in self.force():
            return
        self.write(delete_status, self.author.id, self.status)
        self.deleted = True

    # What has to be so

    def check(self) -> None:
        force = self.force()
        view = self.server.database.read_now(load_status, 0, self.status)
        seen = not force & (HIDING | {"suspend"}) and not self.deleted
        assert (view is not None) == seen
        if view is not None:
            covered = bool(force & WARNING)
            assert view.status.text == TEXT and (view.status.spoiler_text == WORDS) == covered
        if "remove" in force:
            assert value(self.server, "SELECT content FROM statuses WHERE id = :id", id=self.status) == ""
        follows = rows(
            self.server, "SELECT * FROM follows WHERE account_id IN (:a, :b) ORDER BY id",
            a=self.author.id, b=self.other.id,
        )  # fmt: skip
        assert follows == ([] if "suspend" in force else self.before[0])
        answers = value(self.server, "SELECT replies_count FROM statuses WHERE id = :id", id=self.parent)
        assert answers == (0 if self.deleted or force & HIDING else 1)
        limited, suspended = rows(
            self.server, "SELECT limited_at, suspended_at FROM accounts WHERE id = :id", id=self.author.id
        )[0]
        assert (limited is not None, suspended is not None) == ("limit" in force, "suspend" in force)
        try:
            self.server.database.read_now(refuse_frozen, self.author.id)
            assert "freeze" not in force
        except Frozen:
            assert "freeze" in force


@given(story=steps)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_holds_is_what_is_seen(server: Any, cast: Any, at: Any, story: list[Any]) -> None:
    at(0)
    moderator = make_moderator(cast, f"mona{next(_names)}")
    told = Story(server, cast, moderator, at)
    # A team of one: nothing waits for a second voice.
    for step, *arguments in story:
        getattr(told, step)(*arguments)
        told.check()
    for _ in range(len(told.measures)):
        told.reverse(0)
    told.check()
    if not told.deleted:
        assert told.tables() == told.before
    demote = "UPDATE users SET role = 'member' WHERE account_id = :id"
    change(server, demote, moderator.id)


def change(server: Any, sql: str, account_id: int) -> None:
    """Run a change in SQL."""
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), id=account_id))
