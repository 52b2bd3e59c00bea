"""Lists of servers that others keep: fetched each day, looked at or followed, and left again."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from roseau.domain.moderation.servers import drafts, permissions, subscriptions
from roseau.domain.moderation.servers.permissions import DomainPermissionDraft
from roseau.domain.moderation.servers.subscriptions import SubscriptionDraft
from roseau.domain.moderation.team.roles import set_role
from roseau.doors.server import Server
from roseau.doors.subscriptions import preview
from roseau.kernel.errors import Forbidden, Invalid
from roseau.storage.pages import Page
from roseau.worker import Worker
from tests.conftest import Cast
from tests.moderation.acting import make_moderator, rows, value
from tests.moderation.test_servers import account, make_stranger, write_rules
from tests.network.guarded import make_client

pytestmark = pytest.mark.anyio

URL = "https://lists.example/blocks.csv"
DAY = 86_400


class List:
    """What stands at the address of the list; it knows its version."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.status = 200
        self.asked: list[str | None] = []
        self.body: bytes | None = None

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        seen = request.headers.get("if-none-match")
        self.asked.append(seen)
        tag = f'"{"-".join(self.names)}"'
        if seen == tag:
            return httpx2.Response(304)
        body = self.body
        if body is None:
            lines = ["#domain,#severity,#public_comment", *(f"{name},suspend,Bad" for name in self.names)]
            body = "\n".join(lines).encode()
        return httpx2.Response(self.status, content=body, headers={"etag": tag, "content-type": "text/csv"})


@pytest.fixture
def theirs(server: Server) -> List:
    """A list of two servers."""
    found = List("a.example", "b.example")
    server.client = make_client(httpx2.MockTransport(found.answer))
    return found


@pytest.fixture
def mona(server: Server, cast: Cast) -> int:
    """A moderator, of a site with a rule."""
    write_rules(server)
    return make_moderator(cast).id


def subscribe(server: Server, by_id: int, uri: str = URL, **fields: Any) -> int:
    return server.database.write_now(subscriptions.subscribe, by_id, SubscriptionDraft(uri=uri, **fields))


def blocked(server: Server) -> set[str]:
    return {row[0] for row in rows(server, "SELECT domain FROM domain_permissions")}


def waiting(server: Server) -> set[tuple[str, str]]:
    found = server.database.read_now(drafts.list_drafts, Page(limit=40))
    return {(one.domain, one.kind) for one in found}


async def test_what_a_list_says_waits_until_somebody_has_looked(
    server: Server, mona: int, theirs: List, worker: Worker
) -> None:
    stranger = make_stranger(server, "a.example")
    subscribe(server, mona)
    await worker.settle()
    assert blocked(server) == set()
    assert waiting(server) == {("a.example", "block"), ("b.example", "block")}
    found = {one.domain: one.id for one in server.database.read_now(drafts.list_drafts, Page(limit=40))}
    server.database.write_now(drafts.accept_draft, server.site, mona, found["a.example"])
    assert account(server, stranger).suspended_at is not None
    server.database.write_now(lambda tx: drafts.discard_draft(tx, mona, found["b.example"], exclude=True))
    assert (blocked(server), waiting(server)) == ({"a.example"}, set())


async def test_a_list_is_followed_by_itself_where_that_was_chosen(
    server: Server, mona: int, theirs: List, worker: Worker, at: Callable[[float], None]
) -> None:
    subscribe(server, mona, as_draft=False)
    await worker.settle()
    assert blocked(server) == {"a.example", "b.example"}
    assert rows(
        server, "SELECT DISTINCT automated_decision, automated_detection, decider_id FROM decisions"
    ) in (
        [("partially", True, mona)],
        [("partially", 1, mona)],
    )
    theirs.names = ["b.example", "c.example"]
    at(DAY + 60)
    await worker.settle()
    assert blocked(server) == {"b.example", "c.example"}


async def test_a_list_that_did_not_change_is_not_read_again(
    server: Server, mona: int, theirs: List, worker: Worker, at: Callable[[float], None]
) -> None:
    subscribe(server, mona, as_draft=False)
    await worker.settle()
    decisions = value(server, "SELECT count(*) FROM decisions")
    at(DAY + 60)
    await worker.settle()
    assert theirs.asked == [None, '"a.example-b.example"']
    assert value(server, "SELECT count(*) FROM decisions") == decisions
    (one,) = server.database.read_now(subscriptions.list_subscriptions)
    assert one.error == "" and one.count == 2


@pytest.mark.parametrize("trouble", ["status", "rubbish", "empty"])
async def test_a_list_that_fails_changes_nothing(
    server: Server, mona: int, theirs: List, worker: Worker, at: Callable[[float], None], trouble: str
) -> None:
    subscribe(server, mona, as_draft=False)
    await worker.settle()
    theirs.names = ["z.example"]
    if trouble == "status":
        theirs.status = 500
    else:
        theirs.body = b"<html>Not here</html>" if trouble == "rubbish" else b""
    at(DAY + 60)
    await worker.settle()
    assert blocked(server) == {"a.example", "b.example"}
    (one,) = server.database.read_now(subscriptions.list_subscriptions)
    assert one.error
    assert value(server, "SELECT count(*) FROM jobs WHERE kind = 'fetch_domain_list'") == 1


async def test_a_list_that_loses_most_of_its_servers_is_taken_for_broken(
    server: Server, mona: int, theirs: List, worker: Worker, at: Callable[[float], None]
) -> None:
    theirs.names = [f"s{number}.example" for number in range(12)]
    subscribe(server, mona, as_draft=False)
    await worker.settle()
    theirs.names = ["s0.example"]
    at(DAY + 60)
    await worker.settle()
    assert len(blocked(server)) == 12
    assert {kind for _, kind in waiting(server)} == {"retract"} and len(waiting(server)) == 11


async def test_what_goes_from_a_list_may_stay_as_an_orphan(
    server: Server, mona: int, theirs: List, worker: Worker, at: Callable[[float], None]
) -> None:
    subscribe(server, mona, as_draft=False, remove_retracted=False)
    await worker.settle()
    theirs.names = ["b.example"]
    at(DAY + 60)
    await worker.settle()
    assert blocked(server) == {"a.example", "b.example"}
    assert rows(server, "SELECT subscription_id FROM domain_permissions WHERE domain = 'a.example'") == [
        (None,)
    ]


async def test_what_was_decided_here_stands_unless_orphans_are_adopted(
    server: Server, mona: int, theirs: List, worker: Worker
) -> None:
    mild = DomainPermissionDraft(domain="a.example", severity="silence")
    server.database.write_now(permissions.set_domain_permission, server.site, mona, mild)
    first = subscribe(server, mona, as_draft=False)
    await worker.settle()
    present = server.database.read_now(permissions.find_permission_of, "a.example")
    assert present is not None and present.severity == "silence" and present.subscription_id is None
    adopting = SubscriptionDraft(uri=URL, as_draft=False, adopt_orphans=True)
    server.database.write_now(subscriptions.change_subscription, mona, first, adopting)
    await worker.settle()
    present = server.database.read_now(permissions.find_permission_of, "a.example")
    assert present is not None and present.severity == "suspend" and present.subscription_id == first


async def test_of_two_lists_the_higher_counts(
    server: Server, mona: int, theirs: List, worker: Worker
) -> None:
    high = subscribe(server, mona, as_draft=False, priority=200)
    await worker.settle()
    low = subscribe(server, mona, uri="https://lists.example/other.csv", as_draft=False, priority=100)
    await worker.settle()
    assert {row[0] for row in rows(server, "SELECT subscription_id FROM domain_permissions")} == {high}
    higher = SubscriptionDraft(uri="https://lists.example/other.csv", as_draft=False, priority=255)
    server.database.write_now(subscriptions.change_subscription, mona, low, higher)
    await worker.settle()
    assert {row[0] for row in rows(server, "SELECT subscription_id FROM domain_permissions")} == {low}


async def test_excluded_servers_and_this_one_are_left_alone(
    server: Server, mona: int, theirs: List, worker: Worker
) -> None:
    server.database.write_now(subscriptions.exclude, mona, "A.example")
    theirs.names.append("roseau.test")
    subscribe(server, mona, as_draft=False)
    await worker.settle()
    assert blocked(server) == {"b.example"}


@pytest.mark.parametrize("lift", [True, False])
async def test_a_list_is_left(server: Server, mona: int, theirs: List, worker: Worker, lift: bool) -> None:
    one = subscribe(server, mona, as_draft=False)
    await worker.settle()
    server.database.write_now(lambda tx: subscriptions.unsubscribe(tx, server.site, mona, one, lift=lift))
    assert blocked(server) == (set() if lift else {"a.example", "b.example"})
    assert server.database.read_now(subscriptions.list_subscriptions) == []
    await worker.settle()


async def test_a_list_whose_chooser_has_left_the_team_only_asks(
    server: Server, cast: Cast, mona: int, theirs: List, worker: Worker
) -> None:
    subscribe(server, mona, as_draft=False)
    server.database.write_now(set_role, mona, "member")
    await worker.settle()
    assert blocked(server) == set() and len(waiting(server)) == 2


async def test_a_list_is_looked_at_before_it_is_followed(server: Server, mona: int, theirs: List) -> None:
    make_stranger(server, "a.example")
    mild = DomainPermissionDraft(domain="a.example", severity="silence")
    server.database.write_now(permissions.set_domain_permission, server.site, mona, mild)
    parsed, plan = await preview(server, SubscriptionDraft(uri=URL))
    assert len(parsed.entries) == 2
    assert ([one.domain for one in plan.add], plan.outranked) == (["b.example"], ["a.example"])
    assert blocked(server) == {"a.example"} and waiting(server) == set()


def test_what_is_no_list_is_refused(server: Server, cast: Cast, mona: int) -> None:
    for wrong in ({"uri": "ftp://a.example"}, {"uri": "x"}, {"uri": URL, "priority": 256}):
        with pytest.raises(Invalid):
            subscribe(server, mona, **wrong)
    subscribe(server, mona)
    with pytest.raises(Invalid, match="already"):
        subscribe(server, mona)
    with pytest.raises(Forbidden):
        subscribe(server, cast.ada.id, "https://lists.example/other")
