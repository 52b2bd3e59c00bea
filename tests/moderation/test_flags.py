"""Flags of other servers: lies about objects come to nothing, and nobody learns who sent one."""

from typing import Any

import pytest

from roseau.domain.moderation.cases.reading import load_case
from roseau.domain.moderation.notices.flags import LOOKED_AT, file_flag
from roseau.domain.moderation.servers import permissions
from roseau.domain.moderation.servers.permissions import DomainPermissionDraft
from tests.moderation.acting import decide_on, make_moderator, make_post, remove, rows, value
from tests.moderation.reasons import change
from tests.moderation.test_servers import make_stranger, write_rules

pytestmark = pytest.mark.anyio

FAR = "far.example"


@pytest.fixture
def actor(server: Any) -> int:
    return make_stranger(server, FAR, "nosyparker")


def flag(server: Any, actor: int, objects: Any, content: Any = "Look at this") -> Any:
    return server.database.write_now(file_flag, server.site, actor, objects, content)


def uri_of(server: Any, post: int) -> str:
    return str(value(server, "SELECT uri FROM statuses WHERE id = :id", id=post))


def test_an_account_with_its_posts_is_one_case_about_them(server: Any, cast: Any, actor: int) -> None:
    posts = [make_post(server, cast.ada, f"Post {n}") for n in range(2)]
    objects = ["https://roseau.test/users/ada", *(uri_of(server, post) for post in posts)]
    filed = flag(server, actor, objects)
    found = rows(server, "SELECT status_id, account_id FROM notice_items ORDER BY position")
    assert found == [(post, cast.ada.id) for post in posts] and len(filed.case_ids) == 1
    notice = rows(server, "SELECT channel, account_id, target_account_id, comment FROM notices")
    assert notice == [("ap_flag", actor, cast.ada.id, "Look at this")]
    assert value(server, "SELECT subject FROM cases") == f"account:{cast.ada.id}"
    # An object alone, and one that is written out.
    assert flag(server, actor, objects[0]) and flag(server, actor, {"id": objects[1]})


def test_what_is_not_of_this_site_is_left_out(server: Any, cast: Any, actor: int) -> None:
    stranger = make_stranger(server, "third.example", "victim")
    post = uri_of(server, make_post(server, cast.ada))
    lies = [
        "https://third.example/users/victim", f"https://{FAR}/users/nosyparker",
        "https://roseau.test.evil.example/users/ada", "https://roseau.test@evil.example/users/ada",
        "javascript:alert(1)", "", "https://[", "https://roseau.test/users/nobody-here", "x" * 5_000,
        None, 7, ["https://roseau.test/users/ada"], {"id": 7}, {"href": post}, b"bytes", "\ud800",
    ]  # fmt: skip
    assert flag(server, actor, lies) is None
    assert value(server, "SELECT count(*) FROM notices") == 0
    assert flag(server, actor, [*lies, post]) is not None
    assert rows(server, "SELECT uri, account_id FROM notice_items") == [(post, cast.ada.id)]
    assert stranger
    for nothing in (None, 7, {}, [], b"x", object()):
        assert flag(server, actor, nothing) is None


def test_ten_thousand_objects_are_bounded(server: Any, cast: Any, actor: int) -> None:
    post = uri_of(server, make_post(server, cast.ada))
    made_up = [f"https://roseau.test/@ada/{n}" for n in range(1, 10_001)]
    assert flag(server, actor, made_up) is None
    foreign = [f"https://third.example/{n}" for n in range(LOOKED_AT - 1)]
    assert flag(server, actor, [*foreign, post, post], "x" * 1_000_000) is not None
    assert value(server, "SELECT count(*) FROM notice_items") == 1
    assert value(server, "SELECT length(comment) FROM notices") == 5_000
    assert flag(server, actor, post, ["no", "text"]) is not None


def test_what_was_written_to_few_is_reported_by_those_it_reached(server: Any, cast: Any, actor: int) -> None:
    assert cast.bob
    secret = uri_of(server, make_post(server, cast.ada, "@bob just us", visibility="direct"))
    followers = uri_of(server, make_post(server, cast.ada, "friends", visibility="private"))
    assert flag(server, actor, [secret, followers]) is None
    change(
        server,
        "INSERT INTO mentions (status_id, account_id) SELECT id, :actor FROM statuses WHERE uri = :uri",
        actor=actor, uri=secret,
    )  # fmt: skip
    assert flag(server, actor, [secret, followers]) is not None
    assert rows(server, "SELECT uri FROM notice_items") == [(secret,)]


def test_servers_that_are_shut_out_report_nothing(server: Any, cast: Any, actor: int) -> None:
    write_rules(server)
    post = uri_of(server, make_post(server, cast.ada))
    draft = DomainPermissionDraft(domain=FAR, severity="noop", reject_reports=True)
    server.database.write_now(permissions.set_domain_permission, server.site, cast.olga.id, draft)
    assert flag(server, actor, post) is None
    # And nobody of this site comes in through this door.
    assert flag(server, cast.bob.id, post) is None
    other = make_stranger(server, "fourth.example", "sue")
    change(server, "UPDATE accounts SET suspended_at = 1 WHERE id = :id", id=other)
    assert flag(server, other, post) is None


def test_all_accounts_of_a_server_are_one_source(server: Any, cast: Any) -> None:
    post = uri_of(server, make_post(server, cast.ada))
    for number in range(5):
        flag(server, make_stranger(server, FAR, f"sock{number}"), post)
    assert rows(server, "SELECT notices_count, sources_count FROM cases") == [(5, 1)]
    assert len(set(rows(server, "SELECT source FROM notices"))) == 1


async def test_nobody_is_told_who_sent_it_and_no_letter_answers_it(
    client: Any, server: Any, cast: Any, actor: int, worker: Any, at: Any
) -> None:
    mona, post = make_moderator(cast), make_post(server, cast.ada)
    filed = flag(server, actor, uri_of(server, post), "He insults everybody")
    decide_on(server, mona, filed.case_ids[0], remove(post))
    at(60)
    await worker.settle()
    letters = rows(server, "SELECT account_id, text, subject FROM deliveries")
    assert [row[0] for row in letters] == [cast.ada.id]
    told = (await client.get("/api/v1/notifications", headers=cast.ada.auth)).text + repr(letters)
    logged = repr(rows(server, "SELECT body FROM moderation_log"))
    for secret in ("nosyparker", FAR, "He insults everybody"):
        assert secret not in told and secret not in logged
    assert rows(server, "SELECT outcome FROM notices") == [("upheld",)]
    # The team sees where it came from.
    number = value(server, "SELECT number FROM cases")
    view = server.database.read_now(load_case, server.site, mona.id, number)
    assert FAR in repr(view.notices)
