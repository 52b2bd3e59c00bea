"""Other servers: limited by a decision, with reasons; what that cuts is tied again when it is lifted."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.domain.accounts.follows import Terms, add_follow
from roseau.domain.accounts.loading import load_account
from roseau.domain.moderation.servers import permissions
from roseau.domain.moderation.servers.formats import (
    MAX_BYTES,
    Entry,
    Parsed,
    obfuscate,
    parse_list,
    write_csv,
    write_json,
    write_plain,
)
from roseau.domain.moderation.servers.permissions import DomainPermissionDraft
from roseau.domain.policy import NewRule, RuleText, domain_rule, set_rules
from roseau.doors.server import Server
from roseau.kernel import ids
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.schema.accounts import accounts
from roseau.storage.statements import insertion
from roseau.worker import Worker
from tests.conftest import Cast
from tests.moderation.acting import make_moderator, rows, value

pytestmark = pytest.mark.anyio

_add_account = insertion(accounts, "id username username_key domain uri created_at updated_at")


def make_stranger(server: Server, domain: str, name: str = "rem") -> int:
    """An account of another server; its id."""
    account_id = ids.new_id()

    def make(tx: Any) -> None:
        tx.run(
            _add_account, id=account_id, username=name, username_key=name, domain=domain,
            uri=f"https://{domain}/users/{name}", created_at=tx.now, updated_at=tx.now,
        )  # fmt: skip

    server.database.write_now(make)
    return account_id


def write_rules(server: Server, *texts: str) -> None:
    """Put these rules in force."""
    server.database.write_now(set_rules, [NewRule({"en": RuleText(text)}) for text in texts or ("No harm.",)])


@pytest.fixture
def mona(server: Server, cast: Cast) -> int:
    """A moderator, of a site with a rule."""
    write_rules(server)
    return make_moderator(cast).id


def limit(server: Server, by_id: int, domain: str, **fields: Any) -> int:
    """Say what a server may do; the row's id."""
    draft = DomainPermissionDraft(domain=domain, **fields)
    return server.database.write_now(permissions.set_domain_permission, server.site, by_id, draft)


def lift(server: Server, by_id: int, domain: str) -> None:
    server.database.write_now(permissions.lift_domain_permission, server.site, by_id, domain)


def account(server: Server, account_id: int) -> Any:
    view = server.database.read_now(load_account, account_id)
    assert view is not None
    return view.account


def test_to_block_a_server_is_a_decision_with_reasons(server: Server, mona: int) -> None:
    stranger = make_stranger(server, "evil.example")
    limit(server, mona, "Evil.Example", public_comment="Spam farm", private_comment="seen it")
    assert account(server, stranger).suspended_at is not None
    facts, summary, measure, reasons = rows(
        server,
        "SELECT d.facts, d.summary, m.kind, s.text FROM decisions d JOIN measures m ON m.decision_id = d.id"
        " JOIN statements s ON s.decision_id = d.id",
    )[0]
    assert (facts, summary, measure) == ("Spam farm", "Spam farm", "domain_suspend")
    assert "Spam farm" in reasons
    rule = server.database.read_now(domain_rule, "evil.example")
    assert rule is not None and rule.severity == "suspend" and rule.public_comment == "Spam farm"


def test_names_under_the_name_are_meant_too_and_others_are_not(server: Server, mona: int) -> None:
    under, beside = make_stranger(server, "a.b.evil.example"), make_stranger(server, "notevil.example")
    limit(server, mona, "evil.example", severity="silence")
    assert account(server, under).limited_at is not None
    assert account(server, beside).limited_at is None
    assert server.database.read_now(domain_rule, "a.b.evil.example") is not None
    assert server.database.read_now(domain_rule, "notevil.example") is None
    lift(server, mona, "evil.example")
    assert account(server, under).limited_at is None


@pytest.mark.parametrize("late", [False, True])
async def test_what_a_block_cut_is_tied_again(
    server: Server, cast: Cast, mona: int, worker: Worker, at: Callable[[float], None], late: bool
) -> None:
    stranger = make_stranger(server, "evil.example")
    server.database.write_now(add_follow, cast.ada.id, stranger, Terms())
    server.database.write_now(add_follow, stranger, cast.bob.id, Terms())
    limit(server, mona, "evil.example")
    assert value(server, "SELECT count(*) FROM follows") == 0
    if late:
        at(60)
        await worker.settle()
    lift(server, mona, "evil.example")
    assert set(rows(server, "SELECT account_id, target_id FROM follows")) == {
        (cast.ada.id, stranger), (stranger, cast.bob.id),
    }  # fmt: skip
    assert account(server, stranger).suspended_at is None
    assert rows(server, "SELECT domain FROM domain_permissions") == []
    with pytest.raises(NotFound):
        lift(server, mona, "evil.example")


@pytest.mark.parametrize("late", [False, True])
async def test_another_measure_takes_the_place_of_the_first(
    server: Server, mona: int, worker: Worker, at: Callable[[float], None], late: bool
) -> None:
    stranger = make_stranger(server, "evil.example")
    first = limit(server, mona, "evil.example", severity="suspend")
    if late:
        at(60)
        await worker.settle()
    again = limit(server, mona, "evil.example", severity="silence", reject_media=True, reject_reports=True)
    assert first == again
    found = account(server, stranger)
    assert found.suspended_at is None and found.limited_at is not None
    kinds = rows(
        server,
        "SELECT m.kind FROM measures m LEFT JOIN measure_ends e ON e.measure_id = m.id"
        " WHERE e.measure_id IS NULL ORDER BY m.kind",
    )
    assert kinds == [("domain_limit",), ("domain_reject_media",)]
    permission = server.database.read_now(permissions.find_domain_permission, again)
    assert (permission.severity, permission.reject_media, permission.reject_reports) == (
        "silence",
        True,
        True,
    )


def test_other_words_for_the_same_measure_are_no_new_decision(server: Server, mona: int) -> None:
    limit(server, mona, "evil.example", public_comment="One")
    limit(server, mona, "evil.example", public_comment="Two", obfuscate=True)
    assert value(server, "SELECT count(*) FROM decisions") == 1
    assert rows(server, "SELECT public_comment FROM domain_permissions") == [("Two",)]


def test_not_to_take_reports_needs_no_measure(server: Server, mona: int) -> None:
    limit(server, mona, "loud.example", severity="noop", reject_reports=True)
    assert value(server, "SELECT count(*) FROM decisions") == 0
    rule = server.database.read_now(domain_rule, "loud.example")
    assert rule is not None and rule.severity == "noop" and rule.reject_reports
    lift(server, mona, "loud.example")
    assert server.database.read_now(domain_rule, "loud.example") is None


async def test_a_measure_for_a_time_ends_by_itself(
    server: Server, mona: int, worker: Worker, at: Callable[[float], None]
) -> None:
    stranger = make_stranger(server, "evil.example")
    until = server.database.read_now(lambda tx: int(tx.now)) + 3_600_000
    limit(server, mona, "evil.example", severity="silence", expires_at=until)
    at(3_700)
    await worker.settle()
    assert account(server, stranger).limited_at is None
    assert server.database.read_now(domain_rule, "evil.example") is None
    assert rows(server, "SELECT id FROM domain_permissions") == []


def test_without_words_the_rule_is_named(server: Server, mona: int) -> None:
    limit(server, mona, "evil.example")
    facts = value(server, "SELECT facts FROM decisions")
    assert "evil.example" in facts and "No harm." in facts


def test_without_any_rule_nothing_is_decided(server: Server, cast: Cast) -> None:
    with pytest.raises(Invalid, match="Write the rules"):
        limit(server, make_moderator(cast).id, "evil.example")
    assert rows(server, "SELECT id FROM domain_permissions") == []


@pytest.mark.parametrize("name", ["roseau.test", "https://ROSEAU.test/"])
def test_a_site_does_not_block_itself(server: Server, mona: int, name: str) -> None:
    with pytest.raises(Invalid):
        limit(server, mona, name)


def test_only_those_who_may_limit_servers(server: Server, cast: Cast, mona: int) -> None:
    with pytest.raises(Forbidden):
        limit(server, cast.ada.id, "evil.example")
    limit(server, mona, "evil.example")
    with pytest.raises(Forbidden):
        lift(server, cast.ada.id, "evil.example")


# Lists

MASTODON = b"""#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
evil.example,suspend,False,False,"Spam, and more",False
loud.example,silence,True,true,,True
"""


def test_mastodons_csv_is_read_and_written(server: Server) -> None:
    parsed = parse_list(MASTODON, "csv")
    assert parsed == Parsed(
        (
            Entry("evil.example", "suspend", public_comment="Spam, and more"),
            Entry("loud.example", "silence", True, True, True),
        ),
        0,
    )
    assert parse_list(write_csv(parsed.entries).encode(), "csv") == parsed


def test_other_lists_are_read() -> None:
    plain = b"# ours\nevil.example  # bad\n\nLOUD.example\nevil.example\n*.stars.example\n"
    assert parse_list(plain, "plain") == Parsed((Entry("evil.example"), Entry("loud.example")), 1)
    text = (
        b'[{"domain": "evil.example", "comment": "Spam"}, "loud.example", {"domain": "ev*l.example"}, 7, {}]'
    )
    assert parse_list(text, "json") == Parsed(
        (Entry("evil.example", public_comment="Spam"), Entry("loud.example")), 3
    )
    assert parse_list(b"domain\nevil.example\n", "csv").entries == (Entry("evil.example"),)
    assert parse_list(b"evil.example,anything\n", "csv").entries == (Entry("evil.example"),)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"{", "json"),
        (b'{"domain": "a.b"}', "json"),
        (b"\xff\xfe\x00", "plain"),
        (b"x" * (MAX_BYTES + 1), "plain"),
    ],
)
def test_what_is_no_list_is_refused(data: bytes, kind: Any) -> None:
    with pytest.raises(Invalid):
        parse_list(data, kind)


@given(st.binary(max_size=400), st.sampled_from(["csv", "json", "plain"]))
def test_nothing_that_is_sent_breaks_the_reading(data: bytes, kind: Any) -> None:
    try:
        parsed = parse_list(data, kind)
    except Invalid:
        return
    assert len({entry.domain for entry in parsed.entries}) == len(parsed.entries)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["domain", "severity", "comment", "obfuscate"]) | st.text(), inner
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_reading(value_: Any) -> None:
    data = msgspec.json.encode(value_)
    try:
        parse_list(data, "json")
    except Invalid:
        return


def test_what_a_table_program_would_run_is_written_as_text() -> None:
    line = write_csv([Entry("evil.example", "suspend", public_comment="=cmd()")]).splitlines()[1]
    assert "'=cmd()" in line


def test_lists_are_written_for_others() -> None:
    entries = [Entry("evil.example", "suspend", public_comment="Spam")]
    assert write_plain(entries) == "evil.example\n"
    assert msgspec.json.decode(write_json(entries)) == [
        {"domain": "evil.example", "severity": "suspend", "comment": "Spam"}
    ]
    assert obfuscate("evil.example") == "evi*.****ple"
