"""The letter desk: each item with its state, an answer for each, and nothing is said that is not so."""

from collections.abc import Callable
from typing import Any

import pytest

from roseau.domain.moderation.cases.sight import load_for_moderation
from roseau.domain.moderation.decisions.rows import CaseSettled
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.desk.disposing import Compliance, comply, contest, hold, note, note_plain
from roseau.domain.moderation.desk.reading import Desk, list_letters, load_letter
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.statuses.removal import delete_status
from roseau.doors.server import Server
from roseau.kernel.errors import Forbidden, Invalid
from roseau.worker import Worker
from tests.conftest import Cast, Member
from tests.moderation.acting import make_moderator, make_post, value
from tests.moderation.test_letters import letter

pytestmark = pytest.mark.anyio

LAW = Compliance(ground="law", law="Penal code, art. 24", facts="It calls for violence against a group.")


class Case:
    """A letter about two posts of Bob's, one of Ann's, one that Ann deleted, and one that never was."""

    def __init__(self, server: Server, cast: Cast) -> None:
        self.server, self.mona = server, make_moderator(cast)
        self.posts = [make_post(server, who) for who in (cast.bob, cast.bob, cast.ann, cast.ann)]
        self.act(delete_status_of, cast.ann.id, self.posts[3])
        names = ("bob", "bob", "ann", "ann")
        lines = [f"https://roseau.test/@{n}/{i}" for n, i in zip(names, self.posts, strict=True)]
        text = "\n".join(["Within 24 hours, please:", *lines, "https://roseau.test/@eve/12345"])
        self.received = server.database.write_now(receive_mail, server.site, letter(text))

    def act(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do something in a transaction."""
        return self.server.database.write_now(function, self.server.site, *args)

    def desk(self, viewer: Member | None = None) -> Desk:
        """The letter as it stands."""
        who, wanted = viewer or self.mona, self.received.letter_id
        return self.server.database.read_now(lambda tx: load_letter(tx, self.server.site, who.id, wanted))

    def ids(self, *numbers: int) -> list[int]:
        """The items with these numbers."""
        return [item.id for item in self.desk().items if item.number in numbers]

    def states(self) -> list[str]:
        """What each item is."""
        return [item.state for item in self.desk().items]


def delete_status_of(tx: Any, site: Any, account_id: int, status_id: int) -> None:
    delete_status(tx, account_id, status_id)


@pytest.fixture
def case(server: Server, cast: Cast) -> Case:
    return Case(server, cast)


async def test_the_desk_shows_each_item(case: Case) -> None:
    desk = case.desk()
    assert case.states() == ["up", "up", "up", "deleted", "not_here"]
    assert [item.suggestion for item in desk.items] == ["comply"] * 3 + ["already_done", "not_here"]
    assert [item.acct for item in desk.items] == ["bob", "bob", "ann", "ann", ""]
    assert desk.items[0].content_hash and desk.items[0].resolved.endswith(str(case.posts[0]))
    assert (desk.letter.items, desk.letter.open_items) == (5, 5)
    assert desk.letter.reference == "4711-22"


async def test_items_are_answered_each_in_its_way(case: Case, worker: Worker, at: Any) -> None:
    decided = case.act(comply, case.mona.id, case.ids(1, 3), LAW)
    assert len({one.number for one in decided.values()}) == 2
    case.act(contest, case.mona.id, case.ids(2), "It is a quotation, and says so.")
    assert case.act(note_plain, case.mona.id, case.received.notice_id) == 2
    desk = case.desk()
    assert case.states() == ["removed", "up", "removed", "deleted", "not_here"]
    kinds = [item.answer.kind for item in desk.items if item.answer]
    assert kinds == ["comply", "contest", "comply", "already_done", "not_here"]
    assert desk.items[0].verdict and desk.items[0].verdict.number == next(iter(decided.values())).number
    # Each author has a statement of their own.
    assert value(case.server, "SELECT COUNT(DISTINCT account_id) FROM statements") == 2
    assert value(case.server, "SELECT state FROM cases") == "decided"
    with pytest.raises(CaseSettled):
        case.act(contest, case.mona.id, case.ids(1), "again")


async def test_what_is_undone_is_open_again(case: Case) -> None:
    decided = case.act(comply, case.mona.id, case.ids(1), LAW)
    case.act(undo, case.mona.id, next(iter(decided.values())).decision_id)
    desk = case.desk()
    assert case.states()[0] == "up" and desk.items[0].answer is None
    case.act(comply, case.mona.id, case.ids(1), LAW)
    assert case.states()[0] == "removed"


async def test_nobody_tells_a_host_what_is_not_so(case: Case) -> None:
    for numbers, kind in (
        ((1,), "already_done"),
        ((1,), "not_here"),
        ((4,), "not_here"),
        ((5,), "already_done"),
    ):
        with pytest.raises(Invalid):
            case.act(note, case.mona.id, case.ids(*numbers), kind)
    with pytest.raises(Invalid):
        case.act(comply, case.mona.id, case.ids(5), LAW)
    for reason in ("  ", "We keep it: [say why]."):
        with pytest.raises(Invalid):
            case.act(contest, case.mona.id, case.ids(1), reason)
    assert case.desk().letter.open_items == 5


async def test_a_hold_takes_out_of_sight_and_answers_nothing(case: Case) -> None:
    case.act(hold, case.mona.id, case.ids(1, 2, 5), "A host says that it endangers somebody.", "DSA art. 9")
    assert case.states()[:2] == ["held", "held"]
    assert case.desk().letter.open_items == 5
    views = case.server.database.read_now(load_for_moderation, case.posts[:1])
    assert views
    case.act(comply, case.mona.id, case.ids(1), LAW)
    assert case.states()[0] == "removed"


async def test_only_those_who_answer_letters_see_them(case: Case, cast: Cast) -> None:
    for who in (cast.ann, cast.eve):
        with pytest.raises(Forbidden):
            case.desk(who)
        with pytest.raises(Forbidden):
            case.server.database.read_now(list_letters, who.id)
        with pytest.raises(Forbidden):
            case.act(contest, who.id, case.ids(1), "no")
    assert len(case.server.database.read_now(list_letters, case.mona.id)) == 1


async def test_a_moderator_named_in_a_letter_leaves_it_to_others(server: Server, cast: Cast) -> None:
    mona, mick = make_moderator(cast), make_moderator(cast, "mick")
    text = f"https://roseau.test/@mona/{make_post(server, mona)}"
    received = server.database.write_now(receive_mail, server.site, letter(text))
    read = server.database.read_now
    with pytest.raises(Forbidden):
        read(lambda tx: load_letter(tx, server.site, mona.id, received.letter_id or 0))
    assert read(lambda tx: load_letter(tx, server.site, mick.id, received.letter_id or 0)).items
