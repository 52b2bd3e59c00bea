"""Counts equal the rows they count, whatever members do and in whatever order."""

from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Select, and_, bindparam, func, or_, select

from roseau.domain.statuses import editing, interactions, marks, polls, posting, removal
from roseau.domain.statuses.drafts import Draft, PollDraft, check_draft
from roseau.doors.server import Server
from roseau.kernel.errors import RoseauError
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.statuses import favourites, pins, poll_options, poll_votes, statuses
from roseau.storage.schema.statuses import polls as poll_rows
from roseau.storage.statements import statement

_s, _other = statuses, statuses.alias("other")
_shown = _other.c.visibility.in_(["public", "unlisted"])


def _count(table: Any, condition: Any) -> Any:
    return select(func.count()).select_from(table).where(condition).scalar_subquery()


def _wrong(owner: Any, kept: Any, counted: Any) -> Select[Any]:
    return select(owner, kept, counted.label("counted")).where(kept != counted)


_standing = _s.c.deleted_at.is_(None)
_others = _other.c.deleted_at.is_(None)
WRONG = {
    "favourites": _wrong(
        _s.c.id, _s.c.favourites_count, _count(favourites, favourites.c.status_id == _s.c.id)
    ).where(_standing),
    "reblogs": _wrong(
        _s.c.id, _s.c.reblogs_count, _count(_other, and_(_other.c.reblog_of_id == _s.c.id, _others, _shown))
    ).where(_standing),
    "replies": _wrong(
        _s.c.id, _s.c.replies_count, _count(_other, and_(_other.c.in_reply_to_id == _s.c.id, _others, _shown))
    ).where(_standing),
    "posts": _wrong(
        accounts.c.id,
        accounts.c.statuses_count,
        _count(_other, and_(_other.c.account_id == accounts.c.id, _others, _other.c.visibility != "direct")),
    ),
    "votes": _wrong(
        poll_rows.c.id,
        poll_rows.c.votes_count,
        _count(poll_votes, poll_votes.c.poll_id == poll_rows.c.id),
    ),
    "voters": _wrong(
        poll_rows.c.id,
        poll_rows.c.voters_count,
        select(func.count(poll_votes.c.account_id.distinct()))
        .where(poll_votes.c.poll_id == poll_rows.c.id)
        .scalar_subquery(),
    ),
    "options": _wrong(
        poll_options.c.poll_id,
        poll_options.c.votes_count,
        _count(
            poll_votes,
            and_(
                poll_votes.c.poll_id == poll_options.c.poll_id,
                poll_votes.c.position == poll_options.c.position,
            ),
        ),
    ),
    "reblogs of what is gone": select(_s.c.id, _other.c.id)
    .join(_other, _other.c.id == _s.c.reblog_of_id)
    .where(_standing, _other.c.deleted_at.is_not(None)),
    "reblogs made twice": select(_s.c.account_id, _s.c.reblog_of_id)
    .where(_standing, _s.c.reblog_of_id.is_not(None))
    .group_by(_s.c.account_id, _s.c.reblog_of_id)
    .having(func.count() > 1),
    "pins of what cannot be pinned": select(pins.c.id)
    .join(_s, _s.c.id == pins.c.status_id)
    .where(
        or_(
            _s.c.deleted_at.is_not(None),
            _s.c.account_id != pins.c.account_id,
            _s.c.visibility == "direct",
            _s.c.reblog_of_id.is_not(None),
        )
    ),
    "too many pins": select(pins.c.account_id).group_by(pins.c.account_id).having(func.count() > 5),
}
_poll_of = statement(select(poll_rows.c.id).where(poll_rows.c.status_id == bindparam("status")))
_wrong_statements = {name: statement(question) for name, question in WRONG.items()}


def find_wrong(tx: Any) -> dict[str, list[Any]]:
    """Whatever is counted wrongly or should not be there."""
    return {name: found for name, ask in _wrong_statements.items() if (found := tx.all(ask))}


people = st.sampled_from(["ada", "bob", "eve"])
visibilities = st.sampled_from(["public", "unlisted", "private", "direct"])


class Doings(RuleBasedStateMachine):
    """Three members who do to each other's statuses whatever can be done."""

    known = Bundle("known")

    def __init__(self, server: Server, cast: Any) -> None:
        super().__init__()
        self.server = server
        self.ids = {name: getattr(cast, name).id for name in ("ada", "bob", "eve")}

    def do(self, command: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the command; what is not allowed is refused, and changes nothing."""
        with suppress(RoseauError):
            return self.server.database.write_now(command, *args, **kwargs)
        return None

    @rule(target=known, who=people, visibility=visibilities, poll=st.booleans())
    def post(self, who: str, visibility: Any, poll: bool) -> Any:
        asked = PollDraft(["yes", "no", "so"], 600, multiple=True) if poll else None
        return self._post(who, Draft(text="Hello @ada @bob", visibility=visibility, poll=asked))

    @rule(target=known, who=people, visibility=visibilities, parent=known)
    def reply(self, who: str, visibility: Any, parent: int) -> Any:
        return self._post(who, Draft(text="Well", visibility=visibility, in_reply_to_id=parent))

    def _post(self, who: str, draft: Draft) -> Any:
        site = self.server.site
        posted = self.do(posting.post_status, site, self.ids[who], check_draft(site, draft))
        return multiple() if posted is None else posted

    @rule(target=known, who=people, status=known, visibility=st.none() | visibilities)
    def reblog(self, who: str, status: int, visibility: Any) -> Any:
        made = self.do(interactions.reblog_status, self.server.site, self.ids[who], status, visibility)
        return multiple() if made is None else made

    @rule(
        who=people,
        status=known,
        command=st.sampled_from(
            [
                interactions.favourite,
                interactions.unfavourite,
                interactions.unreblog,
                marks.bookmark,
                marks.unbookmark,
                marks.pin,
                marks.unpin,
                marks.mute_conversation,
                marks.unmute_conversation,
            ]
        ),
    )
    def act(self, who: str, status: int, command: Any) -> None:
        self.do(command, self.ids[who], status)

    @rule(who=people, status=known, choices=st.lists(st.integers(-1, 3), max_size=3))
    def vote(self, who: str, status: int, choices: list[int]) -> None:
        poll_id = self.server.database.read_now(lambda tx: tx.value(_poll_of, status=status))
        if poll_id is not None:
            self.do(polls.vote, self.ids[who], poll_id, choices)

    @rule(who=people, status=known, options=st.none() | st.sampled_from([["yes", "no"], ["yes", "no", "so"]]))
    def edit(self, who: str, status: int, options: Any) -> None:
        asked = None if options is None else PollDraft(list(options), 600, multiple=True)
        self.do(
            editing.edit_status, self.server.site, self.ids[who], status,
            editing.Edit(text="Hello @eve", poll=asked),
        )  # fmt: skip

    @rule(who=people, status=known)
    def delete(self, who: str, status: int) -> None:
        self.do(removal.delete_status, self.ids[who], status)

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert self.server.database.read_now(find_wrong) == {}


def test_counts_equal_the_rows(server: Server, cast: Any, database_kind: str) -> None:
    examples, steps = (50, 50) if database_kind == "sqlite" else (5, 25)
    run_state_machine_as_test(
        lambda: Doings(server, cast),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None, print_blob=True
        ),
    )


def test_what_is_wrong_is_found(server: Server, cast: Any) -> None:
    """The questions above do find what they look for."""
    author = cast.ada.id

    def post_and_spoil(tx: Any) -> dict[str, list[Any]]:
        draft = check_draft(server.site, Draft(text="Hello", poll=PollDraft(["a", "b"], 600)))
        posting.post_status(tx, server.site, author, draft)
        tx.script(
            "UPDATE statuses SET favourites_count = 1, reblogs_count = 1, replies_count = 1;"
            "UPDATE polls SET votes_count = 1, voters_count = 1;"
            "UPDATE poll_options SET votes_count = 1;"
            "UPDATE accounts SET statuses_count = 5"
        )
        return find_wrong(tx)

    found = server.database.write_now(post_and_spoil)
    assert set(found) == {"favourites", "reblogs", "replies", "posts", "votes", "voters", "options"}
