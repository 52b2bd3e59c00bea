"""The commands as scripts use them: what they print, how they fail, where they find their folder."""

import re
from pathlib import Path

import click
import pytest
from sqlalchemy import select

from roseau.app import open_server
from roseau.cli.main import roseau
from roseau.domain.site import load_choices
from roseau.kernel import keys
from roseau.settings import Settings, describe_settings
from roseau.storage.schema.accounts import users
from roseau.storage.schema.oauth import oauth_apps, oauth_tokens
from roseau.storage.statements import statement
from tests.cli.running import ok, run

PASSWORD = "correct horse battery"
MANUAL = Path(__file__).parents[2] / "docs/operate/commands.md"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a site that was initialised."""
    folder = tmp_path / "data"
    ok("init", "--domain", "roseau.test", "--data", folder)
    return folder


def rows(data: Path, *columns: object) -> list[tuple[object, ...]]:
    """What a table of the site holds."""
    server = open_server(Settings(data=str(data)))
    try:
        found = server.database.read_now(lambda tx: tx.all(statement(select(*columns))))  # type: ignore[call-overload]
        return [tuple(row) for row in found]
    finally:
        server.database.close()


def test_init_gives_the_site_its_address_and_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    owner = ["--owner", "olga", "--email", "olga@roseau.test", "--password-stdin"]
    ok("init", "--domain", "Roseau.test", *owner, "--data", data, stdin=f"{PASSWORD}\n")

    server = open_server(Settings(data=str(data)))
    choices = server.database.read_now(load_choices)
    server.database.close()
    assert server.site.base_url == choices.base_url == "https://roseau.test"
    assert set(choices.done) >= {"address", "owner"}
    ((role, hashed, confirmed),) = rows(data, users.c.role, users.c.password_hash, users.c.confirmed_at)
    assert role == "owner"
    assert keys.verify_password(str(hashed), PASSWORD)
    assert confirmed is not None
    assert data.stat().st_mode & 0o077 == 0


def test_an_address_that_accounts_carry_cannot_be_changed(data: Path) -> None:
    ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data)
    result = run("init", "--domain", "other.test", "--data", data)
    assert (result.status, result.out) == (1, "")
    assert "address cannot be changed" in result.err


def test_account_create_prints_the_id_and_token_create_only_the_token(data: Path) -> None:
    printed = ok("account", "create", "ada", "--email", "ada@roseau.test", "--locked", "--data", data)
    assert printed.isdigit()
    token = ok("token", "create", "ada", "--data", data)
    narrow = ok("token", "create", "@Ada", "--scopes", "read:statuses write", "--data", data)
    kept = rows(data, oauth_tokens.c.token_hash, oauth_tokens.c.scopes, oauth_tokens.c.account_id)
    assert sorted(kept) == sorted(
        [
            (keys.hash_token(token), "read write follow push", int(printed)),
            (keys.hash_token(narrow), "read:statuses write", int(printed)),
        ]
    )


def test_app_create_prints_what_was_given_or_made_up(data: Path) -> None:
    words = [
        "app",
        "create",
        "--name",
        "Tester",
        "--redirect-uri",
        "https://a.test/",
        "--redirect-uri",
        "myapp://back",
    ]
    given = ok(
        *words, "--client-id", "abc", "--client-secret", "def", "--scopes", "read write", "--data", data
    )
    assert given == "client_id: abc\nclient_secret: def"
    made = dict(line.split(": ") for line in ok(*words, "--data", data).splitlines())
    kept = rows(
        data,
        oauth_apps.c.client_id,
        oauth_apps.c.secret_hash,
        oauth_apps.c.redirect_uris,
        oauth_apps.c.scopes,
    )
    assert ("abc", keys.hash_token("def"), "https://a.test/\nmyapp://back", "read write") in kept
    assert (
        made["client_id"],
        keys.hash_token(made["client_secret"]),
        "https://a.test/\nmyapp://back",
        "read",
    ) in kept
    again = run(*words, "--client-id", "abc", "--data", data)
    assert again.status == 1 and "already" in again.err
    ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data)
    ok("token", "create", "ada", "--app", "abc", "--data", data)
    assert run("token", "create", "ada", "--app", "nobody", "--data", data).status == 1


def test_accounts_are_listed_shown_and_changed(data: Path) -> None:
    ok("account", "create", "olga", "--email", "olga@roseau.test", "--role", "owner", "--data", data)
    ok("account", "create", "bob", "--email", "bob@roseau.test", "--display-name", "Bob B.", "--data", data)
    names = [line.split("\t")[1:3] for line in ok("account", "list", "--data", data).splitlines()]
    assert names == [["bob", "member"], ["olga", "owner"]]
    ok("account", "role", "bob", "moderator", "--data", data)
    assert ok("account", "list", "--role", "moderator", "--data", data).split("\t")[1] == "bob"
    shown = ok("account", "show", "bob", "--data", data)
    assert "Bob B." in shown and "bob@roseau.test" in shown and "moderator" in shown

    made = ok("account", "password", "bob", "--data", data)
    ok("account", "password", "olga", "--password-stdin", "--data", data, stdin=f"{PASSWORD}\n")
    hashes = dict(rows(data, users.c.email, users.c.password_hash))
    assert keys.verify_password(str(hashes["bob@roseau.test"]), made)
    assert keys.verify_password(str(hashes["olga@roseau.test"]), PASSWORD)

    assert run("account", "delete", "bob", "--data", data).status == 2
    ok("account", "delete", "bob", "--yes", "--data", data)
    assert "bob" not in ok("account", "list", "--data", data)
    assert run("account", "show", "bob", "--data", data).status == 1


@pytest.mark.parametrize("words", [("role", "olga", "member"), ("delete", "olga", "--yes")])
def test_the_last_owner_stays(data: Path, words: tuple[str, ...]) -> None:
    ok("account", "create", "olga", "--email", "olga@roseau.test", "--role", "owner", "--data", data)
    refused = run("account", *words, "--data", data)
    assert refused.status == 1 and "only owner" in refused.err
    ok("account", "create", "omar", "--email", "omar@roseau.test", "--role", "owner", "--data", data)
    ok("account", *words, "--data", data)


def test_the_folder_may_be_named_anywhere(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ok("account", "create", "ada", "--email", "ada@roseau.test", "--data", data)
    monkeypatch.chdir(data.parent)
    listed = ok("account", "list")
    for words in (
        ("--data", data, "account", "list"),
        ("account", "--data", data, "list"),
        ("account", "list", "--data", data),
        ("--data", "nowhere", "account", "list", "--data", data),
    ):
        assert ok(*words) == listed
    assert ok("account", "list", data=str(data)) == listed


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("nonsense",), 2, "nonsense"),
        (("account", "nonsense"), 2, "nonsense"),
        (("account", "create", "ada"), 2, "--email"),
        (("account", "create", "ada", "--email", "a@b.c", "--role", "king"), 2, "king"),
        (("account", "create", "ada", "--email", "a@b.c", "--password-stdin"), 2, "too short"),
        (("account", "create", "no spaces", "--email", "a@b.c"), 1, "letters"),
        (("account", "create", "bob", "--email", "other@roseau.test"), 1, "taken"),
        (("account", "show", "nobody"), 1, "no account"),
        (("token", "create", "nobody"), 1, "no account"),
        (("token", "create", "bob", "--scopes", " "), 2, "--scopes"),
        (("token", "create", "bob", "--scopes", "read everything"), 1, "everything"),
        (("app", "create", "--name", "x", "--redirect-uri", "javascript:alert(1)"), 1, "Redirect"),
        (("init", "--domain", "a.test", "--base-url", "https://b.test"), 2, "b.test"),
        (("init", "--domain", "a.test", "--owner", "ada"), 2, "--email"),
        (("init", "--domain", "a b"), 2, "--domain"),
        (("init", "--domain", "https://a.test"), 2, "--domain"),
        (("serve", "--port", "x"), 2, "port"),
        (("serve", "--port", "70000"), 2, "port"),
        (("serve", "--trusted-proxies", "everyone"), 2, "trusted_proxies"),
        (("serve", "--log", "everything"), 2, "everything"),
        (("demo",), 1, "accounts already"),
        (("demo", "--accounts", "0"), 2, "0"),
        (("restore", "nothing.tar.gz"), 2, "nothing.tar.gz"),
        (("backup", "nowhere/x.tar.gz"), 1, "nowhere"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    data: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    ok("account", "create", "bob", "--email", "bob@roseau.test", "--data", data)
    result = run(*words, "--data", data, stdin="short\n")
    assert (result.status, result.out) == (status, "")
    assert result.err.startswith("roseau: ") and result.err.count("\n") == 1
    assert said in result.err


@pytest.mark.parametrize("words", [("account", "list"), ("token", "create", "ada"), ("backup", "x.tar.gz")])
def test_a_folder_without_a_site_is_not_made_by_accident(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(*words, "--data", tmp_path / "typo")
    assert result.status == 1 and "no site" in result.err
    assert not (tmp_path / "typo").exists()


def test_a_broken_settings_file_is_named(data: Path) -> None:
    (data / "roseau.toml").write_text("max_charakters = 500\n")
    result = run("account", "list", "--data", data)
    assert result.status == 2 and "max_charakters" in result.err and result.err.count("\n") == 1


def test_what_is_not_text_is_refused(data: Path) -> None:
    words = ("account", "create", "ada", "--email", "a@roseau.test", "--display-name", "\udcff")
    result = run(*words, "--data", data)
    assert result.status == 2 and "UTF-8" in result.err


def every_command() -> list[tuple[str, ...]]:
    """The words of each command and each group, from the table itself."""
    found: list[tuple[tuple[str, ...], click.Command]] = [((), roseau)]
    for words, command in found:
        if isinstance(command, click.Group):
            context = click.Context(command)
            inner = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
            found += [((*words, name), one) for name, one in inner if one is not None]
    return [words for words, _ in found]


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    help_text = ok(*words, "--help")
    assert "--data" in help_text and len(help_text) > 150


#: `roseau mirror DIR` is short for it, and that is how the page has it.
UNSPOKEN = {("mirror", "write")}


@pytest.mark.parametrize("words", sorted({*every_command()} - {()} - UNSPOKEN), ids=" ".join)
def test_every_command_has_its_line_in_the_manual(words: tuple[str, ...]) -> None:
    lines = [
        line for line in MANUAL.read_text("utf-8").splitlines() if line.startswith(f"| `roseau {words[0]}")
    ]
    assert any(re.search(rf"`(roseau )?([\w-]+ )?{words[-1]}\b", line) for line in lines)


def test_every_setting_is_a_flag_of_serve() -> None:
    help_text = ok("serve", "--help")
    for name in describe_settings():
        assert f"--{name.replace('_', '-')} " in help_text.replace("\n", " \n"), name
