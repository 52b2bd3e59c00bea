"""The log cannot be rewritten unnoticed, and the database refuses to try."""

import hashlib
from collections.abc import Callable
from typing import Any

import apsw
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.domain.moderation import log
from roseau.domain.moderation.log import GENESIS, Entry, hash_entry
from roseau.domain.moderation.record.merkle import Tree, find_path, follow_path
from roseau.domain.moderation.record.verifying import Root, Verdict, verify_log
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Unavailable
from roseau.storage.schema.append_only import TABLES
from tests.moderation.acting import value
from tests.moderation.reasons import change

Entries = list[Entry]
DAY = clock.from_iso("2026-11-22")


def chained(fields: list[tuple[int, str, str]], previous: bytes = GENESIS, first: int = 1) -> Entries:
    """Entries of (at, kind, body), each with the hash that it has to have."""
    entries = []
    for seq, (at, kind, body) in enumerate(fields, first):
        previous = hash_entry(previous, seq, at, kind, body)
        entries.append(Entry(seq, at, kind, body, previous))
    return entries


def rooted(entries: Entries, *ends: int) -> list[Root]:
    """Roots over the entries up to each of these numbers."""
    roots, first = [], 1
    for day, last in enumerate(ends, 1):
        tree = Tree()
        for entry in entries[first - 1 : last]:
            tree.add(entry.hash)
        tip = entries[last - 1].hash.hex()
        roots.append(
            Root(day=f"2026-11-{day:02}", first_seq=first, last_seq=last, root=tree.root().hex(), tip=tip)
        )
        first = last + 1
    return roots


FIELDS = st.tuples(
    st.integers(DAY, DAY + clock.DAY),
    st.sampled_from(["notice", "decision", "appeal", "delivery"]),
    st.builds(
        '{{"case":{},"reason":"{}"}}'.format, st.integers(1, 99), st.sampled_from(["spam", "hate", "é"])
    ),
)
LOGS = st.lists(FIELDS, min_size=3, max_size=30).map(chained)


def renumbered(entries: Entries) -> Entries:
    """The same entries in a chain that was hashed anew, as whoever holds the database can do."""
    return chained([(entry.at, entry.kind, entry.body) for entry in entries])


def edit(entries: Entries, at: int, what: str) -> Entries:
    """The log with one field of one entry changed."""
    old = entries[at]
    new = {
        "body": Entry(old.seq, old.at, old.kind, old.body.replace("case", "cäse"), old.hash),
        "kind": Entry(old.seq, old.at, old.kind + "x", old.body, old.hash),
        "at": Entry(old.seq, old.at + 1, old.kind, old.body, old.hash),
        "hash": Entry(old.seq, old.at, old.kind, old.body, hashlib.sha256(old.hash).digest()),
    }[what]
    return [*entries[:at], new, *entries[at + 1 :]]


def troubles(verdict: Verdict) -> set[str]:
    return {finding.trouble for finding in verdict.findings}


@given(LOGS, st.data())
def test_a_log_that_was_not_touched_is_whole(entries: Entries, data: st.DataObject) -> None:
    half = data.draw(st.integers(1, len(entries) - 1))
    verdict = verify_log(entries, rooted(entries, half, len(entries)))
    assert verdict == Verdict(len(entries), 2, entries[-1].hash.hex(), [])


@given(LOGS, st.data(), st.sampled_from(["body", "kind", "at", "hash"]))
def test_an_edit_is_found_where_it_is(entries: Entries, data: st.DataObject, what: str) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    verdict = verify_log(edit(entries, at, what))
    assert verdict.findings[0].trouble == "edited"
    assert verdict.findings[0].seq == at + 1


@given(LOGS, st.data())
def test_an_entry_that_is_gone_is_found(entries: Entries, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 2))
    verdict = verify_log([*entries[:at], *entries[at + 1 :]], rooted(entries, len(entries)))
    assert ("missing", at + 1) in [(one.trouble, one.seq) for one in verdict.findings]
    assert "rewritten" in troubles(verdict)


@given(LOGS, st.data())
def test_entries_in_another_order_are_found(entries: Entries, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 2))
    swapped = [*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]
    assert "order" in troubles(verify_log(swapped))
    doubled = [*entries[: at + 1], *entries[at:]]
    assert "order" in troubles(verify_log(doubled))


REWRITINGS: dict[str, Callable[[Entries, int], Entries]] = {
    "edited": lambda entries, at: renumbered(edit(entries, at, "body")),
    "dropped": lambda entries, at: renumbered([*entries[:at], *entries[at + 1 :]]),
    "inserted": lambda entries, at: renumbered([*entries[:at], entries[0], *entries[at:]]),
    "cut": lambda entries, at: entries[:at],
}


@given(LOGS, st.data(), st.sampled_from(sorted(REWRITINGS)), st.sampled_from(["", "peer.example"]))
def test_a_chain_that_was_hashed_anew_does_not_fit_the_roots_that_others_have(
    entries: Entries, data: st.DataObject, how: str, source: str
) -> None:
    """Whoever may write to the database can make a chain without a flaw; the roots are elsewhere."""
    half = data.draw(st.integers(1, len(entries) - 1))
    roots = [
        Root(
            day=one.day,
            first_seq=one.first_seq,
            last_seq=one.last_seq,
            root=one.root,
            tip=one.tip,
            source=source,
        )
        for one in rooted(entries, half, len(entries))
    ]
    at = data.draw(st.integers(0, len(entries) - 1))
    rewritten = REWRITINGS[how](entries, at)
    # What was put in or taken out may be the same as what stood there.
    if [entry.hash for entry in rewritten][: len(entries)] == [entry.hash for entry in entries]:
        return
    assert verify_log(rewritten).findings == []
    found = verify_log(rewritten, roots).findings
    assert found
    assert {finding.trouble for finding in found} <= {"rewritten", "cut"}
    assert all(finding.source == source for finding in found)


def test_a_root_that_was_taken_away_leaves_a_gap() -> None:
    entries = chained([(DAY, "notice", "{}")] * 9)
    first, _, last = rooted(entries, 3, 6, 9)
    assert troubles(verify_log(entries, [first, last])) == {"unrooted"}
    assert verify_log(entries, [first]).findings == []


def test_an_endless_list_of_findings_has_an_end() -> None:
    entries = chained([(DAY, "notice", "{}")] * 2_000)
    broken = [Entry(entry.seq, entry.at + 1, entry.kind, entry.body, entry.hash) for entry in entries]
    assert len(verify_log(broken).findings) == 100


# Roots


def test_roots_are_those_of_the_rfc() -> None:
    """Values of the test vectors for RFC 6962 that certificate transparency uses."""
    leaves = [bytes.fromhex(one) for one in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )]  # fmt: skip
    tree = Tree()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    roots = []
    for leaf in leaves:
        tree.add(leaf)
        roots.append(tree.root().hex())
    assert roots[0] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[1] == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert roots[7] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_a_path_leads_from_its_entry_to_the_root_and_from_no_other(
    leaves: list[bytes], data: st.DataObject
) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = find_path(leaves, index)
    assert follow_path(leaves[index], index, len(leaves), path) == tree.root()
    assert follow_path(b"another", index, len(leaves), path) != tree.root()
    assert follow_path(leaves[index], index, len(leaves), [*path, bytes(32)]) is None


# The database


def test_what_is_appended_is_a_chain(server: Server) -> None:
    def write(tx: Any) -> None:
        log.append(tx, "notice", {"reason": "spam", "channel": "web"})
        log.append(tx, "decision", {"number": 1, "words": "é"})

    server.database.write_now(write)
    server.database.write_now(lambda tx: log.append(tx, "appeal", {"number": 1}))
    entries = server.database.read_now(log.list_entries, 0, 10)
    assert [(entry.seq, entry.kind) for entry in entries] == [(1, "notice"), (2, "decision"), (3, "appeal")]
    assert entries[0].body == '{"channel":"web","reason":"spam"}'
    assert verify_log(entries).findings == []


def test_a_transaction_that_fails_leaves_no_gap(server: Server) -> None:
    def fail(tx: Any) -> None:
        log.append(tx, "notice", {})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        server.database.write_now(fail)
    server.database.write_now(lambda tx: log.append(tx, "notice", {}))
    assert [entry.seq for entry in server.database.read_now(log.list_entries, 0, 10)] == [1]


@pytest.mark.parametrize("change_to", ["UPDATE moderation_log SET kind = 'x'", "DELETE FROM moderation_log"])
def test_the_database_refuses_to_change_the_log(server: Server, change_to: str) -> None:
    server.database.write_now(lambda tx: log.append(tx, "notice", {}))
    with pytest.raises((apsw.Error, psycopg.Error, Unavailable)) as refused:
        change(server, change_to)
    assert "never" in str(refused.value.__cause__ or refused.value)
    assert value(server, "SELECT kind FROM moderation_log") == "notice"


def test_every_table_that_is_never_changed_has_its_triggers(server: Server) -> None:
    if server.database.dialect == "sqlite":
        sql = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name"
    else:
        sql = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = CAST(:name AS regclass)"
    expected = 2 if server.database.dialect == "sqlite" else 1
    assert {name: value(server, sql, name=name) for name in TABLES} == dict.fromkeys(TABLES, expected)
