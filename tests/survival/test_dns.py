"""Pointing names at another machine: by update, by a provider's command, by the operator's own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.rcode
import pytest

from bench.nameserver import KEY, SECRET, NameServer, running_name_server
from roseau.survival.addresses import dns as hooks
from roseau.survival.addresses.dns import Change, HookFailed, open_hook, read_addresses
from tests.cli.running import run

OLD, NEW = "192.0.2.1", "198.51.100.7"
OLD_6, NEW_6 = "2001:db8::1", "2001:db8::7"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait between two tries."""
    monkeypatch.setattr(hooks, "PAUSE_SECONDS", 0)


@pytest.fixture
def zone() -> Iterator[NameServer]:
    """example.org as it is when its host is lost."""
    with running_name_server() as server:
        server.add("example.org", 60, "A", OLD)
        server.add("example.org", 60, "AAAA", OLD_6)
        server.add("www.example.org", 60, "CNAME", "elsewhere.example.com.")
        yield server


# RFC 2136


def test_names_point_to_the_new_machine_and_to_nothing_else(zone: NameServer) -> None:
    hook = open_hook(f"{zone.hook}?ttl=30")
    changes = hook.point(["example.org", "www.example.org", "example.net"], NEW)
    assert changes == [
        Change("example.org", "A", (OLD,), (NEW,)),
        Change("example.org", "AAAA", (OLD_6,), ()),
        Change("www.example.org", "A", (), (NEW,)),
    ]
    assert zone.values("example.org", "A") == [NEW]
    assert zone.values("example.org", "AAAA") == []
    assert zone.values("www.example.org", "A") == [NEW]
    assert zone.values("www.example.org", "CNAME") == []
    assert {rrset.ttl for (_, kind), rrset in zone.records.items() if kind.name == "A"} == {30}
    assert zone.updates == 1
    assert hook.uncovered(["example.org", "example.net"]) == ["example.net"]


def test_doing_it_again_changes_nothing(zone: NameServer) -> None:
    hook = open_hook(zone.hook)
    assert hook.point(["example.org"], f"{NEW_6}, {NEW}")
    assert zone.values("example.org", "AAAA") == [NEW_6]
    assert hook.point(["example.org"], f"{NEW},{NEW_6}") == []
    assert zone.updates == 1


def test_a_dry_run_says_what_it_would_do(zone: NameServer) -> None:
    changes = open_hook(zone.hook).point(["example.org"], NEW, dry_run=True)
    assert [(change.before, change.after) for change in changes] == [((OLD,), (NEW,)), ((OLD_6,), ())]
    assert (zone.updates, zone.values("example.org", "A")) == (0, [OLD])


def test_only_names_that_are_listed_are_pointed(zone: NameServer) -> None:
    hook = open_hook(f"{zone.hook}?name=a.example.org,B.example.org.")
    assert [change.name for change in hook.point(["example.org", "b.example.org"], NEW)] == ["b.example.org"]


def test_a_server_that_fails_for_a_moment_is_asked_again_but_not_for_ever(zone: NameServer) -> None:
    zone.failing = 2
    assert open_hook(zone.hook).point(["example.org"], NEW)
    zone.failing = 100
    with pytest.raises(HookFailed, match="SERVFAIL"):
        open_hook(zone.hook).point(["example.org"], OLD)
    assert zone.failing == 100 - hooks.TRIES


def test_a_refusal_is_said_at_once(zone: NameServer) -> None:
    zone.refusing = dns.rcode.REFUSED
    with pytest.raises(HookFailed, match=r"127\.0\.0\.1 refuses the update: REFUSED"):
        open_hook(zone.hook).point(["example.org"], NEW)
    with pytest.raises(HookFailed, match="would refuse"):
        open_hook(zone.hook).check()


@pytest.mark.parametrize(("key", "secret"), [(KEY, "AAAA"), ("stranger", SECRET)])
def test_a_wrong_key_moves_nothing_and_no_secret_is_shown(zone: NameServer, key: str, secret: str) -> None:
    hook = open_hook(f"rfc2136://{key}:{secret}@127.0.0.1:{zone.port}/example.org")
    for attempt in (lambda: hook.point(["example.org"], NEW), hook.check):
        with pytest.raises(HookFailed) as failed:
            attempt()
        assert secret not in str(failed.value)
    assert zone.values("example.org", "A") == [OLD]


def test_an_update_that_was_taken_and_not_made_is_noticed(zone: NameServer) -> None:
    zone.forgetful = True
    with pytest.raises(HookFailed, match="does not point there"):
        open_hook(zone.hook).point(["example.org"], NEW)


def test_a_check_changes_nothing(zone: NameServer) -> None:
    assert open_hook(zone.hook).check() == ["127.0.0.1 takes updates of example.org with this key."]
    assert zone.updates == 0
    with pytest.raises(HookFailed, match="NOTZONE"):
        open_hook(zone.hook.replace("example.org", "example.net")).check()


def test_a_server_that_is_away_is_said() -> None:
    with running_name_server() as server:
        hook = server.hook
    with pytest.raises(HookFailed, match=r"127\.0\.0\.1 does not answer"):
        open_hook(hook).point(["example.org"], NEW)


def test_one_hook_that_fails_does_not_hold_up_the_other(zone: NameServer) -> None:
    with running_name_server("example.net") as other:
        zone.refusing = dns.rcode.REFUSED
        hook = open_hook(f"{zone.hook}  {other.hook}")
        with pytest.raises(HookFailed, match="REFUSED"):
            hook.point(["example.org", "example.net"], NEW)
        assert other.values("example.net", "A") == [NEW]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("", "empty"),
        ("http://example.org", "begins with"),
        ("rfc2136://example.org", "is written"),
        ("rfc2136://key:secret@server:53/example.org?algorithm=md5", "one of"),
        ("rfc2136://key:c2VjcmV0@server:53/example.org?ttl=soon", "seconds"),
        ("rfc2136://key:c2VjcmV0@server:53/example.org?colour=red", "colour"),
        ("rfc2136://key:not-base64!@server:53/example.org", "base64"),
        ("rfc2136://key:c2VjcmV0@server:53/a..b", "well written"),
        ("lexicon:cloudflare", "zone="),
        ("command:point", "whole path"),
    ],
)
def test_what_is_not_a_hook_is_explained(setting: str, sentence: str) -> None:
    with pytest.raises(HookFailed, match=sentence):
        open_hook(setting)


def test_addresses_are_of_two_kinds_and_nothing_else() -> None:
    assert read_addresses(f"{NEW} , {NEW_6}") == {"A": (NEW,), "AAAA": (NEW_6,)}
    with pytest.raises(HookFailed, match=r"example\.org"):
        read_addresses("example.org")


def test_names_that_no_hook_is_for_are_not_passed_over_in_silence(zone: NameServer) -> None:
    with pytest.raises(HookFailed, match=r"example\.net"):
        open_hook(zone.hook).point(["example.net"], NEW)


# A command


def program(path: Path, text: str) -> Path:
    """A program that this Python runs."""
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o700)
    return path


def test_a_command_is_run_for_each_name_and_address_and_knows_nothing_of_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROSEAU_SMTP_PASSWORD", "hush")
    told = tmp_path / "told"
    text = f"import os, sys\nopen({str(told)!r}, 'a').write(f'{{sys.argv[1:]}} {{sorted(os.environ)}}\\n')"
    hook = open_hook(f"command:{program(tmp_path / 'point it', text)}")
    changes = hook.point(["example.org", "example.net"], f"{NEW},{NEW_6}")
    assert changes[0] == Change("example.org", "A", None, (NEW,))
    lines = told.read_text().splitlines()
    assert [line.split("]")[0] for line in lines] == [
        f"['{name}', '{kind}', '{address}'"
        for name in ("example.org", "example.net")
        for kind, address in (("A", NEW), ("AAAA", NEW_6))
    ]
    assert "ROSEAU" not in told.read_text()
    assert "can be run" in hook.check()[0]


def test_what_a_command_complains_of_is_shown(tmp_path: Path) -> None:
    failing = program(tmp_path / "fail", "import sys\nsys.exit('the registrar sleeps')")
    with pytest.raises(HookFailed, match="fail failed with status 1: the registrar sleeps"):
        open_hook(f"command:{failing}").point(["example.org"], NEW)
    missing = open_hook(f"command:{tmp_path / 'missing'}")
    for attempt in (missing.check, lambda: missing.point(["example.org"], NEW)):
        with pytest.raises(HookFailed, match="missing"):
            attempt()


def test_a_command_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roseau.survival.addresses.dns.programs.PATIENCE_SECONDS", 0.3)
    hanging = program(tmp_path / "hang", "import time\ntime.sleep(60)")
    with pytest.raises(HookFailed, match="did not finish"):
        open_hook(f"command:{hanging}").point(["example.org"], NEW)


# A provider

#: Does what dns-lexicon's command does, on a file, for the arguments that we give it.
LEXICON = """
import argparse, json, os, pathlib, sys
parser = argparse.ArgumentParser()
parser.add_argument("--delegated", required=True)
for name in ("provider", "action", "zone", "kind"):
    parser.add_argument(name)
for name in ("--name", "--output", "--content", "--ttl"):
    parser.add_argument(name)
given = parser.parse_args()
if os.environ.get("LEXICON_CLOUDFLARE_AUTH_TOKEN") != "a+b/c=":
    sys.exit("AuthenticationError: wrong token")
path = pathlib.Path(__file__).with_name("records.json")
records = json.loads(path.read_text())
mine = lambda item: (item["type"], item["name"]) == (given.kind, given.name)
if given.action == "list":
    print(json.dumps([item for item in records if mine(item)]))
elif given.action == "create":
    item = {"type": given.kind, "name": given.name, "content": given.content, "ttl": given.ttl}
    path.write_text(json.dumps([*records, item]))
else:
    path.write_text(json.dumps([i for i in records if not (mine(i) and i["content"] == given.content)]))
"""


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A provider's records, and its command on the path."""
    program(tmp_path / "lexicon", LEXICON)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    path = tmp_path / "records.json"
    path.write_text('[{"type": "A", "name": "example.net", "content": "192.0.2.1", "ttl": "60"}]')
    return path


def test_a_provider_is_told_by_dns_lexicon(records: Path) -> None:
    hook = open_hook("lexicon:cloudflare?zone=example.net&auth_token=a+b/c=&ttl=120")
    assert hook.check() == ["cloudflare lets us list the records of example.net."]
    assert hook.point(["example.net"], NEW) == [Change("example.net", "A", (OLD,), (NEW,))]
    assert records.read_text() == (
        f'[{{"type": "A", "name": "example.net", "content": "{NEW}", "ttl": "120"}}]'
    )
    assert hook.point(["example.net"], NEW) == []


def test_what_the_provider_refuses_is_shown_without_the_token(records: Path) -> None:
    with pytest.raises(HookFailed, match="AuthenticationError") as failed:
        open_hook("lexicon:cloudflare?zone=example.net&auth_token=mine").check()
    assert "mine" not in str(failed.value)


def test_without_dns_lexicon_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(HookFailed, match="pip install dns-lexicon"):
        open_hook("lexicon:cloudflare?zone=example.net")


# The commands


def test_names_and_dns_from_the_command_line(tmp_path: Path, zone: NameServer) -> None:
    data = tmp_path / "data"
    assert run("init", "--domain", "example.org", "--data", data).status == 0
    assert run("names", "add", "example.net", "--data", data).out == "https://example.net\n"
    listed = run("names", "order", "example.net", "--data", data).out
    assert listed == "alias\texample.net\thttps://example.net\ndomain\texample.org\thttps://example.org\n"
    assert run("names", "list", "--data", data).out == listed
    assert "is signed by the key" in run("names", "rotate-key", "--data", data).out
    words = ("dns", "point", "--to", NEW, "--data", data)
    planned = run(*words, "--dry-run", dns_hook=zone.hook)
    assert planned.out.splitlines() == [
        f"example.org\tA\t{OLD} -> {NEW}",
        f"example.org\tAAAA\t{OLD_6} -> -",
        "example.net is in no zone of dns_hook: point it by hand.",
    ]
    assert zone.updates == 0
    assert run(*words, dns_hook=zone.hook).out == planned.out
    assert run(*words, dns_hook=zone.hook).out.startswith("Nothing to change.\n")
    assert zone.values("example.org", "A") == [NEW]
    assert run("names", "remove", "example.net", "--data", data).status == 0
    wrong = run("names", "remove", "example.org", "--data", data)
    assert (wrong.status, "cannot be removed" in wrong.err) == (1, True)
    unset = run(*words)
    assert (unset.status, "dns_hook is empty" in unset.err) == (1, True)


def test_the_check_says_what_names_resolve_to(
    tmp_path: Path, zone: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    run("init", "--domain", "example.org", "--data", data)
    monkeypatch.setattr("roseau.cli.dns._resolve", lambda host: OLD)
    checked = run("dns", "check", "--data", data, dns_hook=zone.hook)
    assert checked.out.splitlines() == [
        "127.0.0.1 takes updates of example.org with this key.",
        f"example.org\t{OLD}",
    ]
    zone.refusing = dns.rcode.REFUSED
    failed = run("dns", "check", "--data", data, dns_hook=zone.hook)
    assert (failed.status, "REFUSED" in failed.err) == (1, True)
