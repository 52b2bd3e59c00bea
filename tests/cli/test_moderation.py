"""`roseau moderation`: cases without the pages, and the record that anybody can verify."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from roseau.app import open_server
from roseau.domain.accounts.loading import find_account_id
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.record.peers import GivenRoot, keep_roots
from roseau.domain.moderation.record.reports import pack_program
from roseau.domain.moderation.record.roots import list_roots, make_root
from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.domain.statuses.drafts import Draft, check_draft
from roseau.domain.statuses.posting import post_status
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.settings import Settings
from roseau.storage.statements import statements
from tests.cli.running import ok, run, serving


class Site:
    """A site in a folder, with a moderator, a rule, a post of Ada's and a notice of Bob's."""

    def __init__(self, data: Path) -> None:
        self.data = data
        ok("init", "--domain", "roseau.test", "--data", data)
        for name in ("ada", "bob", "mona"):
            ok("account", "create", name, "--email", f"{name}@roseau.test", "--data", data)
        ok("account", "role", "mona", "moderator", "--data", data)
        self.rule_id, self.post_id = self.run(self._fill)

    def run(self, function: Any) -> Any:
        """Do something with the site's server, while no command runs."""
        server = open_server(Settings(data=str(self.data)))
        try:
            return server.database.write_now(function, server)
        finally:
            server.database.close()

    def _fill(self, tx: Any, server: Server) -> tuple[int, int]:
        set_rules(tx, [NewRule({"en": RuleText("Be kind")})])
        ada, bob = find_account_id(tx, "ada"), find_account_id(tx, "bob")
        assert ada and bob
        post_id = post_status(
            tx, server.site, ada, check_draft(server.site, Draft(text="Go away\tall of \x1b[2Jyou"))
        )
        file_notice(
            tx,
            server.site,
            NoticeDraft(channel="in_app", account_id=bob, status_ids=(post_id,), reason="hate"),
        )
        return list_rules(tx)[0].id, post_id

    def do(self, *words: str, **more: Any) -> str:
        """A command that succeeds."""
        return ok("moderation", *words, "--data", self.data, **more)

    def change(self, *sql: str) -> None:
        """Change rows behind the site's back."""
        self.run(lambda tx, server: [tx.run(statements(one, one)) for one in sql])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "data")


def test_a_case_is_listed_shown_decided_and_undone(site: Site) -> None:
    (line,) = site.do("queue").splitlines()
    number, lane, _, state, reason, about, who, title = line.split("\t")
    assert (number, lane, state, reason, about, who) == ("1", "S2", "open", "hate", "status", "ada")
    assert title == "Go away all of [2Jyou"
    assert site.do("show", "1").splitlines()[1:] == [
        "notice\tin_app\thate\t", "item\there\tstatus\t\tGo away all of [2Jyou",
    ]  # fmt: skip
    words = (
        "--measure",
        "remove",
        "--rule",
        str(site.rule_id),
        "--facts",
        "It insults people.",
        "--as",
        "mona",
    )
    decided = site.do("decide", "1", *words)
    assert decided == "1"
    assert site.do("queue") == ""
    site.do("undo", decided)
    assert len(site.do("queue").splitlines()) == 1
    assert site.do("show", "1").splitlines()[-1] == "decision\t1\trule\tremove\tundone"
    assert site.do("decide", "1") == "2"


def test_who_often_reports_for_nothing_is_warned_and_nobody_else(site: Site) -> None:
    def cry_wolf(tx: Any, server: Server) -> None:
        ada, bob, mona = (find_account_id(tx, name) or 0 for name in ("ada", "bob", "mona"))
        for number in range(3):
            post_id = post_status(tx, server.site, ada, check_draft(server.site, Draft(text=f"{number}")))
            draft = NoticeDraft(channel="in_app", account_id=bob, status_ids=(post_id,), reason="hate")
            [case_id] = file_notice(tx, server.site, draft).case_ids
            decide(tx, server.site, mona, case_id, DecisionDraft(ground="none", unfounded=True))

    site.run(cry_wolf)
    assert site.do("misuse", "bob", "--as", "mona") == "4"
    sql = "SELECT a.username FROM measures m JOIN accounts a ON a.id = m.account_id"
    assert site.run(lambda tx, server: tx.values(statements(sql, sql))) == ["bob"]


def test_something_is_hidden_at_once(site: Site) -> None:
    url = f"https://roseau.test/@ada/{site.post_id}"
    assert site.do("hold", url, "--facts", "It calls for an attack", "--reason", "incitement") == "1"
    shown = site.do("show", "1")
    assert "decision\t1\tlaw\thold\t" in shown.splitlines()[-1] + "\t"
    nowhere = run("moderation", "hold", "https://roseau.test/@ada/1", "--facts", "x", "--data", site.data)
    assert nowhere.status == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("decide", "1", "--measure", "burn"), "'burn' is none"),
        (("decide", "9"), "Record not found"),
        (("decide", "1", "--measure", "remove", "--as", "bob"), ""),
        (("decide", "1", "--as", "nobody"), "There is no account 'nobody'"),
        (("decide", "1", "--measure", "warn_misuse", "--facts", "x", "--law", "y"), "moderation misuse NAME"),
        (("misuse", "bob"), "suggests nothing"),
        (("misuse", "nobody"), "There is no account"),
        (("undo", "7"), "There is no decision 7"),
        (("show", "1", "--as", "ada"), ""),
        (("report", "--year", "1066", "--out", "x"), "1066"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(site: Site, words: tuple[str, ...], sentence: str) -> None:
    result = run("moderation", *words, "--data", site.data)
    assert result.status in (1, 2)
    assert sentence in result.err
    assert result.err.count("\n") == 1


def test_who_acts_has_to_be_said_where_there_are_several(site: Site) -> None:
    ok("account", "role", "bob", "moderator", "--data", site.data)
    assert "--as NAME" in run("moderation", "queue", "--data", site.data).err


def test_the_log_is_verified_exported_and_verified_again(site: Site, tmp_path: Path) -> None:
    site.do("decide", "1")
    said = site.do("verify").splitlines()
    assert said[0].endswith("0 roots: the log is what it was.")
    site.do("export-log", str(tmp_path / "log.jsonl"))
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert said[0].startswith(f"{len(lines)} entries")
    assert json.loads(lines[-1])["hash"] == said[1].removeprefix("It ends with ")
    assert site.do("verify", "--export", str(tmp_path / "log.jsonl")).splitlines() == said
    kinds = [json.loads(line)["kind"] for line in lines]
    assert {"notice", "case_joined", "decision"} <= set(kinds)
    at = kinds.index("decision")
    lines[at] = lines[at].replace(b"none", b"rule")
    (tmp_path / "log.jsonl").write_bytes(b"\n".join(lines))
    found = run("moderation", "verify", "--export", tmp_path / "log.jsonl", "--data", site.data)
    assert found.status == 1
    assert found.out == f"entry {at + 1} is not what was hashed\n"
    (tmp_path / "log.jsonl").write_bytes(b"{}\n")
    assert (
        "line 1 is no entry"
        in run("moderation", "verify", "--export", tmp_path / "log.jsonl", "--data", site.data).err
    )


def test_a_log_that_was_cut_behind_the_site_is_found(site: Site) -> None:
    site.do("decide", "1")
    tomorrow = clock.now() / 1000 + 86_400
    clock.set_clock(lambda: tomorrow)
    try:
        assert site.run(lambda tx, server: make_root(tx))
    finally:
        clock.set_clock(None)
    assert "1 roots: the log is what it was" in site.do("verify")
    last = site.run(lambda tx, server: tx.value(statements(*["SELECT max(seq) FROM moderation_log"] * 2)))
    site.change("DROP TRIGGER moderation_log_not_deleted", f"DELETE FROM moderation_log WHERE seq = {last}")
    found = run("moderation", "verify", "--data", site.data)
    assert found.status == 1
    assert found.out.startswith(f"entries from {last} on are gone: ")


def test_the_report_is_what_a_stranger_makes_of_the_exported_log(site: Site, tmp_path: Path) -> None:
    site.do("decide", "1")
    year = clock.to_date(clock.now())[:4]
    out = tmp_path / "report"
    (tmp_path / "texts.json").write_text(
        '{"texts":{"Qualitative description of the automated means":"None"}}'
    )
    with_texts = ("--texts", str(tmp_path / "texts.json"))
    said = site.do("report", "--year", year, "--out", str(out), "--publish", *with_texts)
    assert said.startswith("14 files over ")
    site.do("export-log", str(tmp_path / "log.jsonl"))
    (tmp_path / "rebuild.pyz").write_bytes(pack_program())
    command = [
        sys.executable,
        "-I",
        "-S",
        "rebuild.pyz",
        "log.jsonl",
        "again",
        "--about",
        "report/about.json",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in out.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == made
    assert b"automated means,None" in made["11_qualitative.csv"]
    again = run("moderation", "report", "--year", year, "--out", out, "--publish", "--data", site.data)
    assert "was published before" in again.err
    (tmp_path / "texts.json").write_text('{"last_seq":0}')
    wrong = run("moderation", "report", "--year", year, "--out", out, *with_texts, "--data", site.data)
    assert wrong.status == 1


def test_a_root_that_a_peer_has_kept_shows_what_the_sites_own_roots_hide(site: Site, tmp_path: Path) -> None:
    """Whoever holds the database hashes the chain anew and changes the root; the peer remembers."""
    site.do("decide", "1")
    tomorrow = clock.now() / 1000 + 86_400
    clock.set_clock(lambda: tomorrow)
    try:
        site.run(lambda tx, server: make_root(tx))
    finally:
        clock.set_clock(None)
    (root,) = site.run(lambda tx, server: list_roots(tx))
    peer = tmp_path / "peer"
    ok("init", "--domain", "peer.test", "--data", peer)
    kept = GivenRoot(root.day, root.first_seq, root.last_seq, "a" * 64, root.tip)
    opened = open_server(Settings(data=str(peer)))
    opened.database.write_now(keep_roots, opened.site, "roseau.test", [kept])
    opened.database.close()
    with serving(peer) as served:
        words = ("verify", "--against", served.address, "--data", site.data)
        found = run("moderation", *words, outgoing_networks="127.0.0.1/32")
        assert found.status == 1, found.err
        host = urlsplit(served.address).netloc
        expected = f"the entries of {root.day}, from 1 on, are not those of its root, as {host} has kept it\n"
        assert found.out == expected, found.err
        assert "does not connect to that" in run("moderation", *words).err
    assert run("moderation", *words, outgoing_networks="127.0.0.1/32").status == 1
