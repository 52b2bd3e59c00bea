"""`roseau check`: what it explains, and what it calls wrong."""

import socket
from pathlib import Path

import pytest

from roseau.cli.findings import is_public
from roseau.settings import describe_settings
from tests.cli.running import ok, run, serving


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a site that was initialised."""
    folder = tmp_path / "data"
    ok("init", "--domain", "roseau.test", "--data", folder)
    return folder


def test_every_setting_is_explained_with_its_origin(data: Path) -> None:
    (data / "roseau.toml").write_text("max_characters = 700\nsmtp_password = 'hush'\n")
    said = ok("check", "--data", data, port="0", log="quiet")
    for name in describe_settings():
        assert f"{name} = " in said
    assert f"max_characters = 700   ({data / 'roseau.toml'})" in said
    assert "log = quiet   (ROSEAU_LOG)" in said
    assert "max_media = 4   (default)" in said
    assert "hush" not in said
    assert "WRONG" not in said


def test_nothing_is_wrong_before_the_first_start(tmp_path: Path) -> None:
    assert "not there yet" in ok("check", "--data", tmp_path / "new", port="0")
    assert not (tmp_path / "new").exists()


def test_it_can_be_asked_while_the_server_runs(data: Path, database_url: str) -> None:
    with serving(data, database=database_url):
        said = ok("check", "--data", data, database=database_url)
        assert "a server runs" in said
        assert "up to date" in said


def closed_port() -> str:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "https://elsewhere.test"}, "base_url"),
        ({"synchronous": "OFF"}, "synchronous"),
        ({"smtp_host": "127.0.0.1", "smtp_port": closed_port()}, "smtp_host"),
        ({"database": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"}, "database"),
        ({"host": "192.0.2.1"}, "host and port"),
    ],
)
def test_what_is_wrong_is_said_and_counted(data: Path, settings: dict[str, str], said: str) -> None:
    result = run("check", "--data", data, **{"port": "0", **settings})
    assert result.status == 1
    assert result.err == "roseau: One thing is wrong.\n"
    assert f"WRONG {said}" in result.out


def test_a_key_that_others_can_read_is_wrong(data: Path) -> None:
    (data / "machine.key").chmod(0o644)
    result = run("check", "--data", data, port="0")
    assert result.status == 1 and "WRONG machine.key" in result.out


def test_a_key_that_is_gone_is_wrong(data: Path) -> None:
    (data / "machine.key").unlink()
    result = run("check", "--data", data, port="0")
    assert result.status == 1 and "roseau recovery open" in result.out


def test_the_recovery_key_is_missed_until_it_is_proven(data: Path) -> None:
    assert "LOOK  recovery key: none" in ok("check", "--data", data, port="0")
    words = ok("recovery", "make", "--data", data)
    assert "LOOK  recovery key: nobody has shown" in ok("check", "--data", data, port="0")
    ok("recovery", "prove", "--words-from", "-", "--data", data, stdin=words)
    assert "fine  recovery key: made" in ok("check", "--data", data, port="0")


def test_a_public_name_without_tls_is_wrong(tmp_path: Path) -> None:
    result = run("check", "--data", tmp_path / "new", port="0", base_url="http://example.org")
    assert result.status == 1 and "WRONG base_url" in result.out
    assert "WRONG" not in ok("check", "--data", tmp_path / "new", port="0", base_url="http://box.local:8000")


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("example.org", True),
        ("8.8.8.8", True),
        ("localhost", False),
        ("box.local", False),
        ("192.168.1.2", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("abcdef.onion", False),
    ],
)
def test_a_host_is_public_or_not(host: str, public: bool) -> None:
    assert is_public(host) is public
